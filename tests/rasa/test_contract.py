"""The Rasa client against a Rasa server that really runs: `make test-rasa` (U3).

The server has the product's pipeline, trained on a few sentences of each intent: enough for the shape of its answers,
for faults and for the way back; how well it understands is measured by `bench/intents.py`. Apart from `make test`,
because Rasa's own environment takes 2.7 GB.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from nlu import rasa_server
from nlu.builtin import BuiltinEngine
from nlu.rasa import BUSY, COOL_DOWN, FAILURES_TO_OPEN, RasaEngine
from nlu.understanding import INTENTS
from tests.product import Product, free_port, wait_until

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds the client waits where speed is not what is tested: the machine may be busy."""

LOADING = 600.0
"""Seconds until the wait for the started product is given up."""

HAIRCUT = "我想约明天上午十点理发"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="session")
def server() -> Iterator[rasa_server.Server]:
    cache, port = rasa_server.cache_folder(), free_port()
    project = rasa_server.Project.small(sentences=10, epochs=20)
    with rasa_server.running(cache, project, port) as running:
        yield running


@pytest.fixture(scope="session")
def builtin() -> BuiltinEngine:
    return BuiltinEngine.load(ROOT / "var" / "nlu")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> list[str | None]:
    return []


@pytest.fixture
async def engine(
    server: rasa_server.Server, builtin: BuiltinEngine, clock: Clock, faults: list[str | None]
) -> AsyncIterator[RasaEngine]:
    """The client, on a server that is well."""
    made = RasaEngine(server.url, builtin, timeout=PATIENCE, on_fault=faults.append, clock=clock)
    yield made
    await made.close()


def understands(product: Product) -> bool:
    """Whether the product has loaded its engines, and trained them first if `make setup` did not."""
    with contextlib.suppress(httpx.TransportError):
        return "understanding" not in product.http.get("/readyz").json()["reasons"]
    return False


async def parse(server: rasa_server.Server, text: str) -> Any:
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        answer = await client.post(f"{server.url}/model/parse", json={"text": text})
    assert answer.status_code == 200
    return answer.json()


async def test_it_is_the_version_we_pinned_and_only_this_machine_reaches_it(
    server: rasa_server.Server,
) -> None:
    pinned = rasa_server.REQUIREMENTS.read_text("utf-8").split("\nrasa==")[1].split()[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{server.url}/version", headers={"Origin": "http://elsewhere.example"})
        assert answer.json()["version"] == pinned
        assert "access-control-allow-origin" not in answer.headers
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(server.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


async def test_a_parse_has_the_shape_that_ours_has_too(server: rasa_server.Server) -> None:
    parsed = await parse(server, HAIRCUT)
    assert parsed["text"] == HAIRCUT
    assert set(parsed["intent"]) == {"name", "confidence"}
    assert parsed["intent"] == parsed["intent_ranking"][0]
    for entity in parsed["entities"]:
        assert HAIRCUT[entity["start"] : entity["end"]] == "理发"
    assert [(each["entity"], each["value"]) for each in parsed["entities"]] == [("service", "haircut")]


async def test_it_ranks_all_our_intents_and_no_other(server: rasa_server.Server) -> None:
    ranking = (await parse(server, "家里水管漏了"))["intent_ranking"]
    assert sorted(row["name"] for row in ranking) == sorted(INTENTS)
    confidences = [row["confidence"] for row in ranking]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1, abs=0.01)


async def test_the_client_gives_what_the_server_says(
    server: rasa_server.Server, engine: RasaEngine, faults: list[str | None]
) -> None:
    said = (await parse(server, HAIRCUT))["intent_ranking"]
    ranking = await engine.classify(HAIRCUT)
    assert [intent.name for intent in ranking] == [row["name"] for row in said]
    assert ranking[0].confidence == pytest.approx(said[0]["confidence"], abs=1e-4)
    assert (engine.answered_by, faults) == ("rasa", [])


@pytest.mark.parametrize(
    ("text", "answered_by"),
    [
        ("", "builtin"),
        (" \n", "builtin"),
        ("😀👍", "builtin"),
        ("。。。?!", "builtin"),
        ("1", "rasa"),
        ("谢谢😀", "rasa"),
        ("漏水\ud800了", "rasa"),
        ("\x00水管漏了\u200b", "rasa"),
        ("/restart", "rasa"),
        ('/inform{"a": "b"}', "rasa"),
        ("水管漏了" * 2500, "rasa"),
        ("a" * 10_000, "rasa"),
        ("{}[](理发)[x](y)", "rasa"),
        ("<script>alert(1)</script>", "rasa"),
    ],
    ids=lambda value: value[:12].encode("ascii", "backslashreplace").decode(),
)
async def test_whatever_is_written_is_answered_without_a_fault(
    engine: RasaEngine, faults: list[str | None], text: str, answered_by: str
) -> None:
    ranking = await engine.classify(text)
    assert ranking[0].name in INTENTS
    assert (engine.answered_by, faults) == (answered_by, [])


async def test_eight_at_once_are_all_answered_by_the_server(
    server: rasa_server.Server, engine: RasaEngine, faults: list[str | None]
) -> None:
    texts = [f"{HAIRCUT}{number}" for number in range(8)]
    said = [(await parse(server, text))["intent"]["confidence"] for text in texts]
    together = await asyncio.gather(*(engine.classify(text) for text in texts))
    assert [ranking[0].confidence for ranking in together] == pytest.approx(said, abs=1e-4)
    assert faults == []


async def test_a_crowd_is_answered_too_and_is_no_fault(engine: RasaEngine, faults: list[str | None]) -> None:
    rankings = await asyncio.gather(*(engine.classify(HAIRCUT) for _ in range(4 * BUSY)))
    assert {ranking[0].name for ranking in rankings} <= set(INTENTS)
    assert (len(rankings), faults) == (4 * BUSY, [])


async def test_a_server_that_hangs_costs_three_waits_and_is_used_again(
    server: rasa_server.Server, builtin: BuiltinEngine, clock: Clock, faults: list[str | None]
) -> None:
    engine = RasaEngine(server.url, builtin, timeout=0.3, on_fault=faults.append, clock=clock)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(FAILURES_TO_OPEN + 3):
            assert (await engine.classify(HAIRCUT))[0].name == "book_service"
            assert engine.answered_by == "builtin"
        assert len(faults) == 1
        assert "TimeoutError" in str(faults[0])
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await engine.close()
    await parse(server, HAIRCUT)  # it has dealt with what had piled up
    patient = RasaEngine(server.url, builtin, timeout=PATIENCE, on_fault=faults.append, clock=clock)
    await patient.classify(HAIRCUT)
    assert (patient.answered_by, len(faults)) == ("rasa", 1)
    await patient.close()


async def test_killed_in_mid_flight_nothing_is_lost_and_back_it_is_used_again(
    server: rasa_server.Server, engine: RasaEngine, clock: Clock, faults: list[str | None]
) -> None:
    await asyncio.gather(*(engine.classify(HAIRCUT) for _ in range(4)))  # connections that are kept
    os.kill(server.pid, signal.SIGSTOP)  # so that the questions are under way and stay so
    asked = [asyncio.create_task(engine.classify(HAIRCUT)) for _ in range(8)]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=1)
    server.kill()
    rankings = await asyncio.gather(*asked)
    assert [ranking[0].name for ranking in rankings] == ["book_service"] * 8
    assert engine.answered_by == "builtin"
    assert len(faults) == 1
    assert faults[0] is not None
    await engine.classify(HAIRCUT)
    assert (engine.answered_by, len(faults)) == ("builtin", 1)

    await asyncio.to_thread(server.start)
    await engine.classify(HAIRCUT)
    assert engine.answered_by == "builtin"  # left alone until the cool-down is over
    clock.seconds += COOL_DOWN + 1
    await engine.classify(HAIRCUT)
    assert (engine.answered_by, faults[1:], engine.healthy) == ("rasa", [None], True)


async def test_a_restart_between_two_messages_is_not_noticed(
    server: rasa_server.Server, engine: RasaEngine, faults: list[str | None]
) -> None:
    await engine.classify(HAIRCUT)
    server.kill()
    await asyncio.to_thread(server.start)
    await engine.classify(HAIRCUT)
    assert (engine.answered_by, faults) == ("rasa", [])


async def test_the_product_started_with_it_understands_by_it(
    server: rasa_server.Server,
    builtin: BuiltinEngine,  # so that the product finds it trained
) -> None:
    said = (await parse(server, "喂"))["intent_ranking"]
    product = Product("--demo", env={"ANLIN_NLU": "rasa", "ANLIN_RASA_URL": server.url})
    try:
        await asyncio.to_thread(product.start, ready=False)
        await asyncio.to_thread(wait_until, lambda: understands(product), within=LOADING, why=product.tail)
        answer = await asyncio.to_thread(product.http.post, "/model/parse", json={"text": "喂"})
        ranking = answer.json()["intent_ranking"]
        assert len(ranking) >= 3
        assert [row["name"] for row in ranking] == [row["name"] for row in said[: len(ranking)]]
        assert ranking[0]["confidence"] == pytest.approx(said[0]["confidence"], abs=1e-3)
        server.kill()
        answer = await asyncio.to_thread(product.http.post, "/model/parse", json={"text": HAIRCUT})
        assert answer.json()["intent"]["name"] == "book_service"
    finally:
        await asyncio.to_thread(product.close)
