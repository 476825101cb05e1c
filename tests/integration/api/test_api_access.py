"""Tokens, roles, problem documents, lists: what every resource of the API has in common (H14, H16)."""

from __future__ import annotations

import json

import pytest

from data import tokens
from tests.api_desk import ADMIN, Desk

LISTS = [
    "residents",
    "requests",
    "alarms",
    "handoffs",
    "reminders",
    "checkins",
    "services",
    "staff",
    "conversations",
    "audit",
    "roster",
    "devices",
]


@pytest.mark.parametrize("token", [None, "wrong", "", "é"])
async def test_without_a_valid_token_nothing_is_told(desk: Desk, token: str | None) -> None:
    for name in (*LISTS, "reports"):
        answer = await desk.client.get(
            f"/{name}", headers={} if token is None else {"Authorization": f"Bearer {token}".encode()}
        )
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_answers_with_items_and_a_cursor(desk: Desk, name: str) -> None:
    found = await desk.get(f"/{name}", limit=2)
    assert set(found) == {"items", "next"}
    assert len(found["items"]) <= 2
    seen = [json.dumps(item, sort_keys=True) for item in found["items"]]
    if found["next"] is not None:
        following = await desk.get(f"/{name}", limit=2, after=found["next"])
        more = [json.dumps(item, sort_keys=True) for item in following["items"]]
        assert more
        assert not set(seen) & set(more)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("officer", ["requests", "residents", "handoffs", "alarms"], ["audit", "reports"]),
        ("repairer", ["requests", "alarms", "staff"], ["residents", "conversations", "handoffs", "audit"]),
        ("lead", ["audit", "reports", "residents"], []),
        ("device", ["services"], ["requests", "residents", "alarms", "staff"]),
    ],
)
async def test_roles_open_and_close_doors(desk: Desk, role: str, may: list[str], may_not: list[str]) -> None:
    token = await desk.token(role)
    for name in may:
        await desk.get(f"/{name}", token=token)
    for name in may_not:
        assert (await desk.get(f"/{name}", 403, token))["code"] == "forbidden"


async def test_a_token_that_was_taken_back_opens_nothing(desk: Desk) -> None:
    async with desk.work("test") as work:
        secret = await tokens.create(work, name="short-lived", role="officer")
    await desk.get("/requests", token=secret)
    async with desk.work("test") as work:
        assert await tokens.revoke(work, "short-lived") == 1
    await desk.get("/requests", 401, secret)


async def test_a_repairer_sees_repairs_and_visits_only(desk: Desk) -> None:
    token = await desk.token("repairer", "repairer-1")
    complaint = await desk.case("complaint", text="太吵")
    found = await desk.get("/requests", token=token, limit=200)
    assert {item["kind"] for item in found["items"]} <= {"repair", "visit"}
    await desk.get(f"/requests/{complaint.number}", 404, token)
    await desk.post(f"/requests/{complaint.number}/done", {}, 404, token)


async def test_only_an_administrator_acts_for_others(desk: Desk) -> None:
    own = await desk.token("officer", "officer-1")
    case = await desk.case()
    problem = await desk.post(f"/requests/{case.number}/accept", {"as": "officer-2"}, 403, own)
    assert problem["code"] == "forbidden"
    taken = await desk.post(f"/requests/{case.number}/accept", {}, token=own)
    assert taken["staff"] == "officer-1"
    nobody = await desk.token("officer")
    other = await desk.case()
    assert (await desk.post(f"/requests/{other.number}/accept", {}, 422, nobody))["code"] == "staff_needed"
    await desk.post(f"/requests/{other.number}/accept", {"as": "lead-1"}, 403, nobody)
    assert (await desk.post(f"/requests/{other.number}/accept", {"as": "x"}, 422))["code"] == "staff_unknown"


async def test_another_community_is_another_world(desk: Desk) -> None:
    token = await desk.token("lead")
    key = (await desk.community()).key
    await desk.call("GET", "/requests", 200, token, headers={"Anlin-Community": key})
    await desk.call("GET", "/requests", 403, token, headers={"Anlin-Community": "elsewhere"})
    problem = await desk.call("GET", "/requests", 404, headers={"Anlin-Community": "elsewhere"})
    assert problem["code"] == "community_unknown"


@pytest.mark.parametrize(
    "path", ["requests", "alarms", "handoffs", "reminders", "checkins", "residents", "conversations"]
)
@pytest.mark.parametrize(
    "reference", ["999999999", "9" * 30, "R20200101-0001", "%00", "nobody", "%F0%9F%98%80", "٣"]
)
async def test_an_unknown_id_is_a_404(desk: Desk, path: str, reference: str) -> None:
    problem = await desk.get(f"/{path}/{reference}", 404)
    assert problem["code"] in ("not_found", "alarm_not_found")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "requests"),
        ("limit=201", "requests"),
        ("limit=99999999999999999999999", "requests"),
        ("after=x", "requests"),
        ("after=-1", "alarms"),
        ("kind=haircut", "requests"),
        ("state=lost", "alarms"),
        ("resident=%00", "requests"),
        ("since=yesterday", "checkins"),
        ("since=0001-01-01T00:00:00%2B14:00", "roster"),
        ("since=9999-12-31T23:59:59-12:00", "roster"),
        ("day=9999-12-31", "reports"),
        ("period=eon", "reports"),
        ("phone=13800000000", "residents"),
        ("level=6", "alarms"),
        ("key=%ED%A0%80", "residents"),
    ],
)
async def test_a_filter_that_cannot_be_is_a_422(desk: Desk, query: str, name: str) -> None:
    problem = await desk.get(f"/{name}?{query}", 422)
    assert problem["code"] == "invalid"
    assert problem["errors"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"text": "\\u0000"}',
        b'{"text": "\\ud800"}',
        b'{"\\ud800": 1, "text": "x"}',
        b'{"text": ' + b"9" * 5000 + b"}",
        b'{"text": NaN}',
        b"[" * 5000,
        b'{"text": "   "}',
        b'{"text": null}',
        b'{"text": "x", "to": "y"}',
    ],
)
async def test_no_body_however_bad_is_a_fault_of_ours(desk: Desk, body: bytes) -> None:
    handoff = await desk.handoff("bad-bodies")
    for content_type in ("application/json", "text/plain", "application/xml", ""):
        answer = await desk.client.post(
            f"/handoffs/{handoff.id}/messages",
            content=body,
            headers={"Authorization": f"Bearer {ADMIN}", "Content-Type": content_type},
        )
        assert answer.status_code in (400, 415, 422), (answer.status_code, body[:40])
        assert answer.json()["code"]


async def test_a_method_that_is_not_there_says_which_are(desk: Desk) -> None:
    answer = await desk.client.put("/requests", headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert answer.json()["code"] == "method_not_allowed"
    assert (await desk.get("/nowhere", 404))["code"] == "not_found"
