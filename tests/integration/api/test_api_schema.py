"""The OpenAPI document, and calls made up from it: no answer may be a fault of ours, or one it does not promise (H16)."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from data import alarms, devices, reminders
from tests.api_desk import ADMIN, Desk

EXAMPLES = 2  # of each operation and mode; enough to meet every kind of field, few enough to be quick
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def made_up(operation: Any, mode: schemathesis.GenerationMode) -> list[schemathesis.Case]:
    """A few calls of an operation, always the same."""
    found: list[schemathesis.Case] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: schemathesis.Case) -> None:
        found.append(case)

    collect()
    return found


async def real_ids(desk: Desk) -> dict[str, str]:
    """Something real for each kind of path, made for this."""
    handoff = await desk.handoff("made-up")
    async with desk.work("bot") as work:
        talk = await desk.talk("resident-7")
        alarm, _ = await alarms.raise_alarm(
            work, kind="gas", level=2, source="rest", text="煤气", conversation_id=talk.id
        )
        reminder = await reminders.create(work, talk, text="关窗", at=work.now.replace(year=2027))
        await devices.record(work, key="made-up", what="heartbeat", at=None)
    return {
        "residents": "neighbour-7",
        "requests": (await desk.case(key="resident-7")).number,
        "alarms": alarm.number,
        "handoffs": str(handoff.id),
        "conversations": str(handoff.conversation_id),
        "reminders": str(reminder.id),
        "devices": "made-up",
    }


async def send(desk: Desk, case: schemathesis.Case) -> None:
    """Send it and check the answer against the document."""
    kwargs = case.as_transport_kwargs(base_url="http://desk")
    kwargs.pop("cookies", None)
    prepared = requests.Request(**kwargs).prepare()
    prepared.headers["Authorization"] = f"Bearer {ADMIN}"
    answer = await desk.client.request(
        case.method,
        str(prepared.url),
        headers={name: value for name, value in prepared.headers.items() if name.lower() != "content-length"},
        content=prepared.body if isinstance(prepared.body, bytes) else (prepared.body or "").encode(),
    )
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
async def test_calls_made_up_from_the_document(desk: Desk, mode: schemathesis.GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(desk.app.openapi())
    ids = await real_ids(desk)
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for number, case in enumerate(made_up(operation, mode)):
            room = case.path.split("/")[1]
            if number % 2 == 0 and "id" in case.path_parameters and room in ids:
                case.path_parameters["id"] = ids[room]
            await send(desk, case)
            count += 1
    assert count >= 40 * EXAMPLES


async def test_every_operation_is_described(desk: Desk) -> None:
    document = (await desk.client.get("/openapi.json")).json()
    tags = {tag["name"] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert set(operation["tags"]) <= tags, where
            assert operation["security"], where
            assert {"401", "403", "404", "422"} <= set(operation["responses"]), where
    assert "Problem" in document["components"]["schemas"]
