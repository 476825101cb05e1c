"""The Rasa client against a real HTTP server on loopback: answers, slowness, faults, and the way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nlu.features import LONGEST
from nlu.rasa import BUSY, COOL_DOWN, FAILURES_TO_OPEN, RasaAnswerError, RasaEngine, read_ranking
from nlu.understanding import Intent

PARSED = {
    "text": "水管漏了",
    "intent": {"name": "report_repair", "confidence": 0.9},
    "entities": [],
    "intent_ranking": [
        {"name": "report_repair", "confidence": 0.9},
        {"name": "complain", "confidence": 0.07},
    ],
}


class Fallback:
    """An engine that always says out_of_scope: what it answered can be told from the server's answers."""

    name = "builtin"

    async def classify(self, text: str) -> Sequence[Intent]:
        return (Intent(name="out_of_scope", confidence=0.5),)


@dataclass
class Server:
    """A small HTTP server that answers as it is told."""

    status: int = 200
    body: bytes = json.dumps(PARSED).encode()
    hang: asyncio.Event | None = None  # when set, an answer waits for it
    keep: bool = False  # the connection stays open after an answer
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            while await self.answer(reader, writer) and self.keep:
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up waiting, which is what some tests are about
        finally:
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().splitlines() if "content-length" in line
        )
        self.asked.append((head.split()[1], json.loads(await reader.readexactly(length))))
        if self.hang is not None:
            await self.hang.wait()
        connection = "keep-alive" if self.keep else "close"
        answer = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\nConnection: {connection}\r\n\r\n"
        writer.write(answer.encode() + self.body)
        await writer.drain()
        return True


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served.handle, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield served
        if served.hang is not None:
            served.hang.set()


Build = Callable[..., RasaEngine]
Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    made: list[RasaEngine] = []

    def make(url: str, **options: Any) -> RasaEngine:
        made.append(RasaEngine(url, Fallback(), **options))
        return made[-1]

    yield make
    for engine in made:
        await engine.close()


async def test_the_servers_ranking_is_given(server: Server, build: Build) -> None:
    engine = build(server.url + "/", timeout=5)
    ranking = await engine.classify("水管漏了")
    assert ranking == (
        Intent(name="report_repair", confidence=0.9),
        Intent(name="complain", confidence=0.07),
    )
    assert server.asked == [("/model/parse", {"text": "水管漏了"})]
    assert (engine.answered_by, engine.healthy) == ("rasa", True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (200, b"not json"),
        (200, b"\xff\xfe"),
        (200, b"[]"),
        (200, b'{"intent": {"name": null, "confidence": 0.0}}'),
        (200, b'{"intent": {"name": "nlu_fallback", "confidence": 0.7}}'),
    ],
)
async def test_a_useless_answer_goes_to_the_fallback(
    server: Server, build: Build, status: int, body: bytes
) -> None:
    server.status, server.body = status, body
    engine = build(server.url, timeout=5)
    assert [intent.name for intent in await engine.classify("喂")] == ["out_of_scope"]
    assert (engine.answered_by, engine.healthy) == ("builtin", False)


async def test_a_slow_server_goes_to_the_fallback(server: Server, build: Build) -> None:
    server.hang = asyncio.Event()
    engine = build(server.url, timeout=0.05)
    assert [intent.name for intent in await engine.classify("水管漏了")] == ["out_of_scope"]


async def test_a_fault_is_reported_once_and_its_end_too(server: Server, build: Build) -> None:
    heard: list[str | None] = []
    engine = build(server.url, timeout=5, on_fault=heard.append)
    server.status = 503
    await engine.classify("一")
    await engine.classify("二")
    assert len(heard) == 1
    assert heard[0] is not None
    assert "503" in heard[0]
    server.status = 200
    await engine.classify("三")
    assert heard[1:] == [None]


async def test_the_breaker_opens_and_one_message_tries_again(server: Server, build: Build) -> None:
    clock = Clock()
    engine = build(server.url, timeout=5, clock=clock)
    server.status = 500
    for _ in range(FAILURES_TO_OPEN + 4):
        await engine.classify("水管漏了")
    assert len(server.asked) == FAILURES_TO_OPEN
    clock.seconds = COOL_DOWN + 1
    await engine.classify("水管漏了")
    await engine.classify("水管漏了")
    assert len(server.asked) == FAILURES_TO_OPEN + 1
    server.status = 200
    clock.seconds = 3 * COOL_DOWN
    assert (await engine.classify("水管漏了"))[0].name == "report_repair"
    assert (await engine.classify("水管漏了"))[0].name == "report_repair"


async def test_nobody_listening(build: Build) -> None:
    closed = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    engine = build(f"http://127.0.0.1:{port}", timeout=5)
    assert (await engine.classify("水管漏了"))[0].name == "out_of_scope"


async def test_an_empty_message_is_not_asked_and_a_broken_one_is_mended(server: Server, build: Build) -> None:
    engine = build(server.url, timeout=5)
    await engine.classify("  ")
    assert server.asked == []
    assert (await engine.classify("漏水\ud800"))[0].name == "report_repair"
    assert server.asked[-1][1] == {"text": "漏水"}


async def test_what_has_no_words_is_not_asked(server: Server, build: Build) -> None:
    engine = build(server.url, timeout=5)
    for text in ("😀👍", "……?", "\u200b"):
        await engine.classify(text)
    assert server.asked == []


async def test_of_a_long_story_the_beginning_and_the_end_are_asked(server: Server, build: Build) -> None:
    engine = build(server.url, timeout=5)
    await engine.classify("开头" + "啰" * 10_000 + "结尾")
    [(_, document)] = server.asked
    assert len(document["text"]) == LONGEST
    assert (document["text"][:2], document["text"][-2:]) == ("开头", "结尾")


@pytest.mark.parametrize("text", ["/restart", " / /restart"])
async def test_nobody_gives_rasa_commands(server: Server, build: Build, text: str) -> None:
    await build(server.url, timeout=5).classify(text)
    assert server.asked == [("/model/parse", {"text": "restart"})]


async def test_a_connection_is_kept(server: Server, build: Build) -> None:
    server.keep = True
    engine = build(server.url, timeout=5)
    for _ in range(5):
        await engine.classify("水管漏了")
    assert (len(server.asked), len(server.connections)) == (5, 1)


async def test_a_kept_connection_that_is_hung_up_on_is_no_fault(
    server: Server, build: Build, until: Until
) -> None:
    """As when the server was started anew between two messages."""
    heard: list[str | None] = []
    server.keep = True
    engine = build(server.url, timeout=5, on_fault=heard.append)
    await engine.classify("水管漏了")
    server.hang = asyncio.Event()
    asked = asyncio.create_task(engine.classify("水管漏了"))
    await until(lambda: len(server.asked) == 2)
    server.connections[0].transport.abort()
    server.hang.set()
    assert (await asked)[0].name == "report_repair"
    assert (engine.answered_by, heard) == ("rasa", [])


async def test_more_at_once_than_it_can_answer_in_time_go_to_the_fallback(
    server: Server, build: Build, until: Until
) -> None:
    heard: list[str | None] = []
    server.hang = asyncio.Event()
    engine = build(server.url, timeout=5, on_fault=heard.append)
    asked = [asyncio.create_task(engine.classify(f"水管漏了{i}")) for i in range(BUSY)]
    await until(lambda: len(server.asked) == BUSY)
    assert (await engine.classify("还有我"))[0].name == "out_of_scope"
    server.hang.set()
    assert {(await each)[0].name for each in asked} == {"report_repair"}
    assert (await engine.classify("水管漏了"))[0].name == "report_repair"
    assert heard == []


def test_ranking_is_sorted_clipped_and_cleaned() -> None:
    rows = [
        {"name": "greet", "confidence": 0.2},
        {"name": "thank", "confidence": 1.5},
        {"name": "nonsense", "confidence": 0.9},
        {"name": "help", "confidence": float("nan")},
        {"name": "stop", "confidence": "0.9"},
        "rubbish",
    ]
    assert read_ranking({"intent_ranking": rows}) == (
        Intent(name="thank", confidence=1.0),
        Intent(name="greet", confidence=0.2),
    )


@pytest.mark.parametrize("document", [None, [], "x", {}, {"intent_ranking": {"name": "greet"}}])
def test_what_is_no_parse_result_is_refused(document: Any) -> None:
    with pytest.raises(RasaAnswerError):
        read_ranking(document)
