"""The residents' chat page in a real browser against the real service (N2, F1, E9)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from sqlalchemy import select

from bot.app import build_app
from data import conversations, crypto
from data.embedded import EmbeddedServer
from data.models import Alarm, Message, Request
from tests.serving import Service, served, service

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest_asyncio.fixture(scope="module")
async def running(
    postgres: EmbeddedServer,
    template: str,
    keyring: crypto.Keyring,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    async with service(postgres, template, keyring, tmp_path_factory.mktemp("chat"), name="chat") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def visit(
    running: Service,
    chromium: Browser,
    query: str = "",
    size: ViewportSize = PHONE,
    *,
    offline: bool = False,
) -> AsyncIterator[Page]:
    """The page, connected. The browser must have nothing to complain of and ask nobody else, unless it is cut off."""
    context = await chromium.new_context(viewport=size, locale="zh-CN")
    context.set_default_timeout(15_000)
    page = await context.new_page()
    complaints: list[str] = []
    outside: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda r: None if r.url.startswith((running.address, "data:")) else outside.append(r.url)
    )
    await page.goto(f"{running.address}/chat?{query}")
    await page.wait_for_selector("body[data-connection=online]")
    yield page
    await context.close()
    assert outside == []
    assert offline or complaints == []


async def say(page: Page, text: str) -> None:
    await page.fill("#words", text)
    await page.press("#words", "Enter")


async def answered(page: Page, text: str) -> None:
    """Until the bot has said something with these words."""
    await expect(page.locator("#log li:not(.resident)").filter(has_text=text).last).to_be_visible()


async def kept(running: Service, sender: str) -> list[Message]:
    async with running.house.work("test") as work:
        found = await conversations.find(work, channel="web", sender=sender)
        assert found is not None
        return list(await conversations.recent(work, found.id))


async def picture(page: Page, name: str) -> None:
    """A picture to look at, when somebody wants them (ANLIN_PICTURES=folder)."""
    if folder := os.environ.get("ANLIN_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def test_a_service_is_booked_by_typing_and_by_buttons(running: Service, chromium: Browser) -> None:
    async with visit(running, chromium, "as=demo:resident-1") as page:
        await page.get_by_role("button", name="约服务").click()
        await answered(page, "？")
        await picture(page, "chat-phone")
        await say(page, "明天上午十点理发")
        confirm = page.locator("#choices button").first
        await answered(page, "理发")
        await expect(confirm).to_be_visible()
        await picture(page, "chat-confirm")
        await confirm.click()
        await answered(page, "B2026")
        async with running.house.work("test") as work:
            found = await conversations.find(work, channel="web", sender="demo:resident-1")
            assert found is not None
            mine = select(Request).where(Request.kind == "booking", Request.resident_id == found.resident_id)
            booked = await work.session.scalar(mine.order_by(Request.id.desc()).limit(1))
        assert booked is not None
        assert (booked.state, booked.service) == ("booked", "haircut")


async def test_everything_is_reached_by_the_keyboard_alone(running: Service, chromium: Browser) -> None:
    async with visit(running, chromium, "as=keyboard-person", WIDE) as page:
        await page.evaluate("document.activeElement?.blur()")
        reached = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate("document.activeElement.id || document.activeElement.textContent")
            )
        assert {"smaller", "bigger", "language", "sos", "log", "约服务", "words", "send"} <= set(reached)
        await page.focus("#words")
        await page.keyboard.type("你好")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("在吗")
        await page.keyboard.press("Enter")
        await expect(page.locator("#log .resident").last).to_contain_text("你好\n在吗")
        await expect(page.locator("#log li:not(.resident)")).not_to_have_count(1)
        await page.focus("#sos")
        await page.keyboard.press("Enter")
        await expect(page.locator("#sos-dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#sos-dialog")).to_be_hidden()
        await picture(page, "chat-wide")
    async with running.house.work("test") as work:
        assert (await work.session.scalars(select(Alarm).where(Alarm.source == "web"))).all() == []


async def test_a_page_loaded_anew_shows_the_last_messages_once(running: Service, chromium: Browser) -> None:
    async with visit(running, chromium) as page:
        await say(page, "你好")
        await expect(page.locator("#log li:not(.resident)")).not_to_have_count(1)
        before = await page.locator("#log li").all_inner_texts()
        await page.reload()
        await expect(page.locator("#log li")).to_have_count(len(before))
        assert await page.locator("#log li").all_inner_texts() == before


async def test_what_staff_write_appears_unasked(running: Service, chromium: Browser) -> None:
    async with visit(running, chromium, "as=staff-person") as page:
        async with running.house.work("resident") as work:
            found = await conversations.find(work, channel="web", sender="staff-person")
            assert found is not None
            await conversations.say(
                work,
                await conversations.lock(work, found.id),
                text="您好，我是小王。",
                author="staff:officer-1",
            )
        await expect(page.locator("#log .staff")).to_contain_text("您好，我是小王。")


async def test_a_lost_connection_is_caught_up_and_what_was_written_meanwhile_arrives_once(
    running: Service, chromium: Browser
) -> None:
    # A second front of the same house, so that it can go away and come back without disturbing the others.
    async with served(build_app(running.house)) as address:
        other = Service(house=running.house, clock=running.clock, address=address)
        port = int(address.rpartition(":")[2])
        leaving = contextlib.AsyncExitStack()
        page = await leaving.enter_async_context(visit(other, chromium, "as=lost-person", offline=True))
        await say(page, "你好")
        await expect(page.locator("#log li:not(.resident)")).not_to_have_count(1)
    try:
        await page.wait_for_selector("body[data-connection=offline]")
        await say(page, "谢谢")
        await expect(page.locator("#log .unsent")).to_have_count(1)
        await picture(page, "chat-offline")
        async with running.house.work("resident") as work:
            found = await conversations.find(work, channel="web", sender="lost-person")
            assert found is not None
            await conversations.say(
                work, await conversations.lock(work, found.id), text="断线时说的。", author="staff:officer-1"
            )
        async with served(build_app(running.house), port):
            await page.wait_for_selector("body[data-connection=online]")
            await expect(page.locator("#log .unsent")).to_have_count(0)
            await expect(page.locator("#log .staff")).to_have_count(1)
            await expect(page.locator("#log .resident").filter(has_text="谢谢")).to_have_count(1)
            own = [m.text for m in await kept(running, "lost-person") if m.author == "resident"]
            assert own == ["你好", "谢谢"]
    finally:
        await leaving.aclose()


async def test_the_emergency_button_asks_once_and_raises_an_alarm(
    running: Service, chromium: Browser
) -> None:
    async with visit(running, chromium, "as=demo:resident-2") as page:
        await page.click("#sos")
        await picture(page, "chat-sos")
        await page.click("#sos-no")
        await page.click("#sos")
        await page.click("#sos-yes")
        await expect(page.locator("#log .emergency").first).to_be_visible()
        await picture(page, "chat-alarm")
    async with running.house.work("test") as work:
        raised = (await work.session.scalars(select(Alarm).where(Alarm.source == "web"))).all()
    assert [one.state for one in raised] == ["raised"]


async def test_type_size_and_language_are_kept_and_nothing_scrolls_sideways(
    running: Service, chromium: Browser
) -> None:
    async with visit(running, chromium, "lang=en&as=english-person") as page:
        await expect(page).to_have_title("Anlin · Community services")
        await say(page, "Good morning")
        await expect(page.locator("#log li:not(.resident)")).not_to_have_count(1)
        last = await page.locator("#log li:not(.resident)").last.inner_text()
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in last), last
        await picture(page, "chat-english")
        for _ in range(9):
            await page.click("#bigger")
        await page.reload()
        await page.wait_for_selector("body[data-connection=online]")
        assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        assert await page.evaluate(_WIDER) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        assert await page.evaluate("document.getElementById('log').clientHeight") > 150, (
            "there is room to read"
        )
        await picture(page, "chat-largest")


_WIDER = "() => [...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 90))"
_SMALL = """() => [...document.querySelectorAll('button, a, textarea')].filter(e => e.checkVisibility()).filter(e => {
  const box = e.getBoundingClientRect(); return box.width < 44 || box.height < 44 || box.right > innerWidth + 1 }).map(e => e.id || e.textContent)"""
_PALE = """() => {
  const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).filter(e => {
    const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e)); return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5 }).map(e => e.outerHTML) }"""


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_targets_are_large_and_words_stand_out(
    running: Service, chromium: Browser, size: ViewportSize
) -> None:
    async with visit(running, chromium, "as=demo:resident-3", size) as page:
        await say(page, "我要报修")
        await expect(page.locator("#log li:not(.resident)")).not_to_have_count(1)
        assert await page.evaluate(_SMALL) == []
        assert await page.evaluate(_PALE) == []
        await page.click("#sos")
        assert await page.evaluate(_SMALL) == []
        assert await page.evaluate(_PALE) == []


async def test_the_widget_opens_the_chat_on_another_site(running: Service, chromium: Browser) -> None:
    async def site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        page = (
            "<!doctype html><title>x</title><link rel=icon href='data:,'><p>A site</p>"
            f"<script src='{running.address}/pages/widget.js' data-lang='en' data-sender='site-person' async></script>"
        )
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        writer.write((head + page).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(site, "127.0.0.1", 0) as server:
        context = await chromium.new_context(viewport=PHONE)
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert [frame.url for frame in page.frames[1:]] in ([], ["about:blank"]), "nothing is loaded unwanted"
        await page.get_by_role("button", name="Community services").click()
        frame = page.frame_locator("iframe")
        await frame.locator("#words").fill("Good morning")
        await frame.locator("#send").click()
        await expect(frame.locator("#log .resident")).to_contain_text("Good morning")
        await expect(frame.locator("#log li:not(.resident)")).not_to_have_count(1)
        await picture(page, "widget")
        await page.get_by_role("button", name="Close").click()
        await expect(page.locator("iframe")).to_be_hidden()
        await context.close()
    assert (await kept(running, "site-person"))[0].text == "Good morning"
