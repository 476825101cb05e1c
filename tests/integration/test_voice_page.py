"""The kiosk page in a real browser, against a small service that speaks voice/events.py (V4, V6)."""

from __future__ import annotations

import asyncio
import io
import socket
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice.events import (
    Alarm,
    Audio,
    AudioEnded,
    Button,
    Caption,
    FromTerminal,
    Hello,
    Listen,
    Listening,
    Message,
    Press,
    Say,
    Sos,
    SosTakenBack,
    StopAudio,
    Taken,
    ToTerminal,
    Welcome,
    decode_from_terminal,
    encode,
)

PAGES = Path(__file__).parents[2] / "bot" / "pages"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
CHROMIUM += ["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"]
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


Kind = TypeVar("Kind")


class Service:
    """The other end: keeps what the terminal says, says what the test wants."""

    def __init__(self) -> None:
        self.address = ""
        self.welcome = Welcome(hearing="ready", name="王奶奶")
        self.said: asyncio.Queue[FromTerminal] = asyncio.Queue()
        self.sound: asyncio.Queue[bytes] = asyncio.Queue()
        self.sockets: list[WebSocket] = []
        self.devices: list[str] = []
        self.take = True

    async def serve(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.devices.append(websocket.query_params["device"])
        try:
            while True:
                frame = await websocket.receive()
                if frame["type"] == "websocket.disconnect":
                    return
                if frame.get("bytes") is not None:
                    self.sound.put_nowait(frame["bytes"])
                    continue
                event = decode_from_terminal(frame["text"])
                if isinstance(event, Hello):
                    self.sockets.append(websocket)
                    await websocket.send_text(encode(self.welcome))
                if self.take and isinstance(event, Say | Press | Sos | SosTakenBack):
                    await websocket.send_text(encode(Taken(id=event.id)))
                self.said.put_nowait(event)
        except WebSocketDisconnect:
            return

    async def say(self, *events: ToTerminal) -> None:
        for event in events:
            await self.sockets[-1].send_text(encode(event))

    async def heard(self, kind: type[Kind]) -> Kind:
        while True:
            event = await asyncio.wait_for(self.said.get(), 10)
            if isinstance(event, kind):
                return event


def message(number: int, text: str, **more: object) -> Message:
    return Message(
        id=f"m{number}", cursor=str(number), speaker="bot", text=text, at="2026-11-22T10:00:00+08:00", **more
    )  # type: ignore[arg-type]


def tone(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(22050)
        sound.writeframes(bytes(int(22050 * seconds) * 2))
    return file.getvalue()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = Starlette(
        routes=[
            Route("/terminal", lambda _: FileResponse(PAGES / "terminal.html")),
            Mount("/pages", StaticFiles(directory=PAGES)),
            WebSocketRoute("/terminal/ws", service.serve),
        ]
    )
    listener = socket.create_server(("127.0.0.1", 0))
    service.address = f"http://127.0.0.1:{listener.getsockname()[1]}/terminal?device=hall-1"
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", timeout_graceful_shutdown=1, ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    yield service
    server.should_exit = True
    await running


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM + MICROPHONE
        )
        yield chromium
        await chromium.close()


@pytest.fixture
async def page(browser: Browser, service: Service) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1024, "height": 768}, permissions=["microphone"])
    page = await context.new_page()
    await page.goto(service.address)
    await service.heard(Hello)
    yield page
    await context.close()


async def test_the_service_speaks_first_and_is_shown_and_heard(page: Page, service: Service) -> None:
    await service.say(message(1, "该吃药了,吃了吗?", buttons=(Button(title="吃了", payload="/affirm"),)))
    await service.say(Audio(id="a1", message="m1", interruptible=True))
    await service.sockets[-1].send_bytes(tone(0.1))
    assert await service.heard(AudioEnded) == AudioEnded(id="a1", whole=True)
    await page.get_by_role("button", name="吃了").click()
    pressed = await service.heard(Press)
    assert (pressed.title, pressed.payload) == ("吃了", "/affirm")
    await expect(page.locator(".choices")).to_have_count(0)
    assert service.devices == ["hall-1"]


async def test_the_talk_button_opens_the_ear_and_silences_the_terminal(page: Page, service: Service) -> None:
    await service.say(Audio(id="a1", message="m1", interruptible=True))
    await service.sockets[-1].send_bytes(tone(30))
    await expect(page.locator("body")).to_have_attribute("data-mode", "ready")
    await page.locator("#talk").click()
    assert await service.heard(AudioEnded) == AudioEnded(id="a1", whole=False)
    assert await service.heard(Listen) == Listen(on=True)
    assert len(await asyncio.wait_for(service.sound.get(), 10)) == 3200, "100 ms of 16 kHz, 16-bit"
    await service.say(Caption(text="我想约理发"))
    await expect(page.locator("#caption-text")).to_have_text("我想约理发")
    await service.say(Listening(on=False, reason="silence"))
    await expect(page.locator("#caption")).to_be_hidden()
    await expect(page.locator("body")).to_have_attribute("data-mode", "ready")


async def test_an_emergency_is_spoken_to_its_end(page: Page, service: Service) -> None:
    for name in ("a1", "a2"):
        await service.say(Audio(id=name, message="m1", interruptible=name == "a2"))
        await service.sockets[-1].send_bytes(tone(0.6 if name == "a1" else 30))
    await page.locator("#talk").click()
    ended = [await service.heard(AudioEnded), await service.heard(AudioEnded)]
    assert ended == [AudioEnded(id="a2", whole=False), AudioEnded(id="a1", whole=True)]
    await service.say(Audio(id="a3", message="m1", interruptible=False))
    await service.sockets[-1].send_bytes(tone(30))
    await service.say(StopAudio(ids=("a3",)))
    assert await service.heard(AudioEnded) == AudioEnded(id="a3", whole=False), (
        "the service itself may stop it"
    )


async def test_sos_is_sent_at_once_and_can_be_taken_back(page: Page, service: Service) -> None:
    await page.locator("#sos").click()
    sos = await service.heard(Sos)
    await service.say(Alarm(state="raised", number="A20261122-0001", sos=sos.id))
    await service.say(message(1, "不要动,帮助马上到。", emergency=True))
    await expect(page.locator("#alarm-said")).to_have_text("不要动,帮助马上到。")
    await page.get_by_role("button", name="按错了").click()
    assert (await service.heard(SosTakenBack)).sos == sos.id
    await service.say(Alarm(state="taken_back", sos=sos.id))
    await page.get_by_role("button", name="知道了").click()
    await expect(page.locator("#alarm")).to_be_hidden()
    await page.locator("#sos").click()
    assert (await service.heard(Sos)).id != sos.id, "a second press is a second alarm"


async def test_a_lost_connection_comes_back_with_what_was_missed_and_unsent(
    page: Page, service: Service
) -> None:
    await service.say(message(7, "您好"))
    await expect(page.get_by_text("您好", exact=True)).to_be_visible()
    service.take = False
    await page.get_by_role("button", name="报修").click()
    first = await service.heard(Say)
    service.take = True
    await service.sockets[-1].close()
    assert (await service.heard(Hello)).after == "7"
    assert await service.heard(Say) == first, "the same id, so that nothing is done twice"
    await service.say(message(7, "您好"), message(8, "什么坏了?"))
    await expect(page.get_by_text("什么坏了?")).to_be_visible()
    await expect(page.get_by_text("您好", exact=True)).to_have_count(1)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_works_by_touch_and_says_why_when_nothing_can_be_heard(
    browser: Browser, service: Service, language: str
) -> None:
    service.welcome = Welcome(hearing="unavailable", reason="no_model")
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{service.address}&lang={language}")
    assert (await service.heard(Hello)).language == language
    await expect(page.locator("body")).to_have_attribute("data-mode", "touch")
    words = {"zh": "语音识别还没有装好", "en": "Speech recognition is not set up"}
    await expect(page.locator("#status-text")).to_contain_text(words[language])
    await page.get_by_role("button", name={"zh": "订餐", "en": "Order a meal"}[language]).click()
    assert (await service.heard(Say)).text == {"zh": "订餐", "en": "Order a meal"}[language]
    await context.close()


@pytest.mark.parametrize("size", [(1024, 768), (390, 844)])
async def test_targets_type_and_contrast_suit_old_eyes_and_hands(
    browser: Browser, service: Service, size: tuple[int, int]
) -> None:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, permissions=["microphone"]
    )
    page = await context.new_page()
    await page.goto(service.address)
    await service.heard(Hello)
    await service.say(
        message(
            1,
            "请问您哪里不舒服?" * 6,
            buttons=(Button(title="头晕", payload="a"), Button(title="胸口疼", payload="b")),
        )
    )
    await expect(page.get_by_role("button", name="头晕")).to_be_visible()
    for large in (False, True):
        while large and await page.locator("#bigger").is_enabled():
            await page.locator("#bigger").click()
        faults = await page.evaluate(MEASURE)
        assert faults == []
    assert float(await page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")) >= 30
    await context.close()


MEASURE = """() => {
  const faults = [];
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const behind = node => { for (; node; node = node.parentElement) { const c = colour(getComputedStyle(node).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  document.getElementById("alarm").hidden = true;
  for (const node of document.querySelectorAll("button, a, p, span, b")) {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!box.width || !box.height) continue;
    const name = (node.id || node.className || node.tagName) + ": " + node.textContent.trim().slice(0, 12);
    if (node.matches("button, a")) {
      if (box.width < 60 || box.height < 60) faults.push("small " + name + " " + box.width + "x" + box.height);
      if (box.left < 0 || box.right > innerWidth + 1) faults.push("outside " + name);
      if (!node.closest("#log") && box.bottom > innerHeight + 1) faults.push("below " + name);
      if (node.scrollWidth > node.clientWidth + 1) faults.push("cut " + name);
    }
    if (!node.textContent.trim() || node.closest("[disabled]")) continue;
    const [a, b] = [light(colour(style.color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push("contrast " + name);
    if (parseFloat(style.fontSize) < 20) faults.push("type " + name);
    if (node.closest(".message p") && parseFloat(style.fontSize) < 24) faults.push("type " + name);
  }
  return faults;
}"""
