"""The staff desk as staff see it: a real browser at the running product (H1–H7, H11, H14, E6, E7, P5)."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select, update

from data import alarms, conversations, handoffs, requests, staff
from data.models import Alarm, Audit, Handoff, HandoffNote, Request, RequestEvent, StaffSession
from flows import alarm_ladder
from tests.browser.conftest import PASSWORD, PHONE, Site

SENDER = "demo:resident-1"
HOME = {"building": "5", "unit": "1", "room": "1203", "name": None}


async def raise_alarm(
    site: Site, *, kind: str = "fall", level: int = 2, text: str = "我摔倒了起不来"
) -> Alarm:
    """As the emergency flow does it: the alarm and its ladder, committed."""
    async with site.house.work("resident") as work:
        alarm, _ = await alarms.raise_alarm(
            work,
            kind=kind,
            level=level,
            source="rest",
            text=text,
            resident_id=site.small.resident.id,
            conversation_id=site.small.conversation_id,
            place=HOME,
            facts={"awake": "yes", "breathing": "no"},
        )
        await alarm_ladder.begin(work, alarm_ladder.telling(site.house.world), alarm)
    return alarm


async def queue_up(site: Site, *, summary: str = "想开居住证明") -> Handoff:
    """The resident waits for a person."""
    async with site.house.work("resident") as work:
        conversation = await conversations.lock(work, site.small.conversation_id)
        made, _ = await handoffs.open_handoff(work, conversation, reason="asked", summary=summary)
    return made


async def open_repair(site: Site, *, kind: str = "repair") -> Request:
    """A case of the resident."""
    async with site.house.work("resident") as work:
        return await requests.open_case(
            work,
            kind=kind,
            resident_id=site.small.resident.id,
            conversation_id=site.small.conversation_id,
            place=HOME,
            text="厨房水龙头一直滴水",
            fault="tap" if kind == "repair" else None,
            urgency="ordinary" if kind == "repair" else None,
        )


async def posted(site: Site, text: str) -> list[dict[str, Any]]:
    """The resident writes over REST; what came straight back."""
    found: list[dict[str, Any]] = await _json(
        site, "/webhooks/rest/webhook", {"sender": SENDER, "message": text}
    )
    return found


async def caught(site: Site) -> list[dict[str, Any]]:
    """What the resident's front end catches up on."""
    found = await _json(site, f"/webhooks/rest/messages?sender={SENDER}&after=0", None)
    messages: list[dict[str, Any]] = found["messages"]
    return messages


async def _json(site: Site, path: str, body: dict[str, Any] | None) -> Any:
    def ask() -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            site.address + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    return await asyncio.to_thread(ask)


async def sign_in(page: Page, site: Site, name: str, password: str) -> None:
    await page.goto(f"{site.address}/desk/sign-in")
    await page.fill("#name", name)
    await page.fill("#password", password)
    await page.click("button[type=submit]")


class TestSignIn:
    async def test_right_password_opens_the_board(self, site: Site) -> None:
        page = await site.visitor()
        await sign_in(page, site, "officer-1", PASSWORD)
        await expect(page.locator(".top .who")).to_contain_text("名officer-1")
        cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
        assert cookies["anlin_desk"]["httpOnly"]
        assert cookies["anlin_desk"]["sameSite"] == "Lax"

    async def test_wrong_password_says_so_and_keeps_the_name(self, site: Site) -> None:
        page = await site.visitor()
        await sign_in(page, site, "officer-1", "wrong")
        await expect(page.get_by_role("alert")).to_contain_text("账号或密码不对")
        await expect(page.locator("#name")).to_have_value("officer-1")
        site.complaints.clear()  # the browser notes the 401 itself

    async def test_too_many_tries_lock_even_the_right_password(self, site: Site) -> None:
        page = await site.visitor()
        for _ in range(staff.TRIES):
            await sign_in(page, site, "officer-2", "wrong")
        await sign_in(page, site, "officer-2", PASSWORD)
        await expect(page.get_by_role("alert")).to_contain_text("暂停登录")
        site.complaints.clear()

    async def test_a_form_of_another_browser_is_refused(self, site: Site) -> None:
        page = await site.visitor()
        await page.goto(f"{site.address}/desk/sign-in")
        await page.evaluate("document.querySelector('[name=csrf]').value = 'a'.repeat(64)")
        await page.fill("#name", "officer-1")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]")
        await expect(page.get_by_role("alert")).to_contain_text("再登录一次")
        assert "anlin_desk" not in {cookie["name"] for cookie in await page.context.cookies()}
        site.complaints.clear()

    @pytest.mark.parametrize(
        "then", ["//evil.example/", "https://evil.example/", "/desk//evil.example", "/chat"]
    )
    async def test_it_leads_only_into_the_desk(self, site: Site, then: str) -> None:
        page = await site.visitor()
        await page.goto(f"{site.address}/desk/sign-in?then={then}")
        await page.fill("#name", "officer-1")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]")
        await page.wait_for_selector("main.page")
        assert page.url == f"{site.address}/desk/"

    async def test_every_page_asks_who_is_there(self, site: Site) -> None:
        page = await site.visitor()
        for path in ("", "alarms", "handoffs", "requests"):
            await page.goto(f"{site.address}/desk/{path}")
            assert "/desk/sign-in" in page.url

    async def test_signing_out_ends_the_session_everywhere(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/alarms")
        other = await page.context.new_page()
        await other.goto(f"{site.address}/desk/alarms")
        alarm = await raise_alarm(site)
        await other.wait_for_selector(f"#alarm-{alarm.id} .do-acknowledge")
        await page.click("text=退出")
        await expect(page.get_by_role("status")).to_contain_text("您已退出")
        await other.click(".do-acknowledge")
        await other.wait_for_url("**/desk/sign-in**")
        async with site.house.work("test") as work:
            assert (await work.session.scalars(select(StaffSession))).all() == []
            assert (await work.session.scalars(select(Alarm))).one().state == "raised"

    async def test_a_repairer_sees_repairs_and_nothing_else(self, site: Site) -> None:
        await open_repair(site)
        complaint = await open_repair(site, kind="complaint")
        page = await site.at_desk("repairer-1", "/desk/alarms")
        assert page.url.endswith("/desk/requests")
        await expect(page.locator("nav a")).to_have_text(["工单"])
        await expect(page.locator(".entry")).to_have_count(1)
        await page.goto(f"{site.address}/desk/requests?id={complaint.number}")
        await expect(page.locator(".detail")).to_contain_text("从左边选一张工单")


class TestAlarms:
    async def test_from_raised_to_closed_without_a_reload(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/alarms")
        await expect(page.locator(".calm")).to_contain_text("现在没有警报")
        alarm = await raise_alarm(site)
        card = page.locator(f"#alarm-{alarm.id}")
        await expect(card.locator("h2")).to_have_text("5号楼1单元1203")
        await expect(card).to_contain_text("2 级 · 严重")
        await expect(card).to_contain_text("我摔倒了起不来")
        await expect(card.locator(".fact")).to_have_text(["清醒：是", "⚠ 呼吸：否"])
        await expect(card.locator("time.big")).to_have_text("0:00", timeout=900)
        await expect(page.locator(".calm")).to_have_count(0)
        await page.wait_for_function("document.title.includes('1 个警报')")
        for button, state in (("acknowledge", "已接警"), ("on_way", "在路上"), ("on_site", "已到场")):
            await card.locator(f".act.main.do-{button}").click()
            await expect(card.locator(".state")).to_have_text(state)
        await card.locator(".do-resolve").click()
        dialog = page.locator(".dialog")
        await dialog.get_by_role("button", name="结案").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("请选结果")
        await dialog.get_by_text("已得到帮助").click()
        await dialog.locator("textarea").fill("已扶起，没有受伤")
        await dialog.get_by_role("button", name="结案").click()
        await expect(card).to_have_count(0)
        await expect(page.locator(".over")).to_contain_text("已扶起，没有受伤")
        await expect(page.locator(".calm")).to_be_visible()
        async with site.house.work("test") as work:
            stored = (await work.session.scalars(select(Alarm))).one()
            assert (stored.state, stored.code, stored.staff_id) == ("resolved", "helped", "officer-1")
        told = [message["text"] for message in await caught(site)]
        assert any("名officer-1" in text for text in told)

    async def test_two_desks_see_the_same_at_once(self, site: Site) -> None:
        one = await site.at_desk("officer-1", "/desk/alarms")
        two = await site.at_desk("lead-1", "/desk/")
        await raise_alarm(site)
        await two.wait_for_selector(".do-acknowledge")
        await one.click(".do-acknowledge")
        await expect(two.locator(".alarm .owner")).to_have_text("接警人 名officer-1")

    async def test_worst_first_and_a_breach_is_marked(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/alarms")
        async with site.house.work("resident") as work:
            mild, _ = await alarms.raise_alarm(
                work, kind="fall", level=3, source="rest", text="腿麻", place=HOME, conversation_id=None
            )
        await page.wait_for_selector(f"#alarm-{mild.id}")
        worse = await raise_alarm(site, kind="fire", level=1)
        await page.wait_for_selector(f"#alarm-{worse.id}")
        order = page.locator(".alarm")
        await expect(order.nth(0)).to_have_attribute("data-number", worse.number)
        await expect(order.nth(1)).to_have_attribute("data-number", mild.number)
        async with site.house.work("bot") as work:
            found = await alarms.get(work, worse.number, lock=True)
            assert found is not None
            await alarms.breach(work, found)
        await expect(order.nth(0).locator(".breach")).to_contain_text("180 秒无人接警")

    async def test_the_bar_tells_of_it_on_every_page(self, site: Site) -> None:
        officer = await site.at_desk("officer-1", "/desk/requests")
        repairer = await site.at_desk("repairer-1", "/desk/requests")
        await raise_alarm(site)
        await expect(officer.locator(".bar[role=alert]")).to_contain_text("5号楼1单元1203 · 跌倒")
        await expect(repairer.locator(".bar[role=alert]")).to_contain_text("请立即告诉值班员")
        await officer.click(".bar[role=alert] a")
        await officer.click(".do-acknowledge")
        await expect(repairer.locator(".bar p")).to_have_count(0)

    async def test_a_look_at_the_dossier_is_recorded(self, site: Site) -> None:
        await raise_alarm(site)
        page = await site.at_desk("officer-1", "/desk/alarms")
        assert "+8613800000001" not in await page.content()
        await page.click(".do-dossier")
        await expect(page.locator(".dossier a")).to_have_text("+8613800000001")
        async with site.house.work("test") as work:
            looks = await work.session.scalars(select(Audit).where(Audit.action == "alarm.dossier"))
            assert [look.actor for look in looks.all()] == ["staff:officer-1"]

    async def test_sound_after_one_click_and_again_for_a_new_alarm(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/alarms")
        button = page.locator(".sound")
        await expect(button).to_have_text("打开警报声")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        before = await page.evaluate("anlin.beeps")
        await raise_alarm(site)
        await page.wait_for_function("before => anlin.beeps > before", arg=before)

    async def test_news_during_an_outage_of_the_network_are_caught_up(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/alarms")
        await page.context.set_offline(True)
        await raise_alarm(site)
        await page.context.set_offline(False)
        await page.wait_for_selector(".do-acknowledge", timeout=20_000)
        site.complaints.clear()


class TestConversations:
    async def test_two_way_chat_between_a_rest_sender_and_the_desk(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/handoffs")
        await expect(page.get_by_text("没有人在等")).to_be_visible()
        await queue_up(site)
        await page.locator(".list .entry").click()
        await page.click(".do-take")
        await expect(page.locator(".do-close")).to_be_visible()
        box = page.locator(".compose .write textarea").first
        await box.fill("您好，我是社区小李")
        await box.press("Enter")
        await expect(page.locator(".lines .staff .text")).to_have_text("您好，我是社区小李")
        await expect(box).to_have_value("")
        assert await posted(site, "要带户口本吗") == []  # the bot is silent while staff have it
        await expect(page.locator(".lines .resident .text").last).to_have_text("要带户口本吗")
        heard = [message for message in await caught(site) if message["from"] == "staff"]
        assert [message["text"] for message in heard] == ["您好，我是社区小李"]
        await page.click(".do-close")
        await page.locator(".dialog .act.main").click()
        await expect(page.locator(".compose")).to_contain_text("这次会话已结束")
        await expect(page.get_by_text("没有人在等")).to_be_visible()

    async def test_writing_takes_what_waits(self, site: Site) -> None:
        made = await queue_up(site)
        page = await site.at_desk("officer-1", f"/desk/handoffs?id={made.id}")
        await page.locator(".compose .write textarea").first.fill("我来帮您")
        await page.click(".do-send")
        await expect(page.locator(".talk .title .tag")).to_have_text("我的")
        async with site.house.work("test") as work:
            stored = (await work.session.scalars(select(Handoff))).one()
            assert (stored.state, stored.staff_id) == ("active", "officer-1")
            assert stored.first_answer_at is not None

    async def test_a_note_never_reaches_the_resident(self, site: Site) -> None:
        made = await queue_up(site)
        page = await site.at_desk("officer-1", f"/desk/handoffs?id={made.id}")
        await page.click(".note-box summary")
        await page.locator(".note-box textarea").fill("这位居民耳背，慢慢说")
        await page.click(".do-note")
        note = page.locator(".lines .note")
        await expect(note).to_contain_text("这位居民耳背，慢慢说")
        await expect(note).to_contain_text("内部备注")
        async with site.house.work("test") as work:
            assert len((await work.session.scalars(select(HandoffNote))).all()) == 1
        said = [message.text for message in await site.small.said()]
        assert not any("耳背" in text for text in said)
        assert not any("耳背" in message["text"] for message in await caught(site))

    async def test_what_a_colleague_took_is_not_taken_twice(self, site: Site) -> None:
        made = await queue_up(site)
        page = await site.at_desk("officer-1", f"/desk/handoffs?id={made.id}")
        async with site.house.work("test") as work:
            conversation = await conversations.lock(work, site.small.conversation_id)
            found = await handoffs.get(work, str(made.id), lock=True)
            assert found is not None
            await handoffs.take(work, found, conversation, staff_id="officer-2")
        await expect(page.locator(".talk .title")).to_contain_text("名officer-2 在处理")
        await expect(page.locator(".do-take")).to_have_count(0)
        await expect(page.locator(".do-send")).to_have_count(0)

    async def test_passing_on_and_back_to_the_queue(self, site: Site) -> None:
        made = await queue_up(site)
        page = await site.at_desk("officer-1", f"/desk/handoffs?id={made.id}")
        await page.click(".do-take")
        await page.click(".do-return")
        await page.click(".do-take")
        await page.click(".do-transfer")
        await page.locator(".dialog .people .act", has_text="名officer-2").click()
        await expect(page.locator(".talk .title")).to_contain_text("名officer-2 在处理")

    async def test_a_draft_outlives_the_news(self, site: Site) -> None:
        made = await queue_up(site)
        page = await site.at_desk("officer-1", f"/desk/handoffs?id={made.id}")
        await page.click(".do-take")
        await page.wait_for_selector(".do-close")
        box = page.locator(".compose .write textarea").first
        await box.press_sequentially("正在写")
        await posted(site, "还在吗")
        await expect(page.locator(".lines .resident .text").last).to_have_text("还在吗")
        await expect(box).to_have_value("正在写")
        await expect(box).to_be_focused()


class TestCases:
    async def test_a_repair_through_all_its_states(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/requests")
        await expect(page.get_by_text("这里没有工单")).to_be_visible()
        repair = await open_repair(site)
        await page.locator(f"#case-{repair.id}").click()
        state = page.locator(".case .title .tag").last
        await expect(page.locator(".promises .clock")).to_have_count(3)
        await expect(page.locator(".promises .clock").first).to_contain_text("按时")
        for move, name in (("accept", "已接单"), ("on_site", "已到场")):
            await page.click(f".do-{move}")
            await expect(state).to_have_text(name)
        await page.click(".do-done")
        await page.locator(".dialog .act.main").click()
        await expect(page.locator(".dialog").get_by_role("alert")).to_contain_text("请写一句")
        await page.locator(".dialog textarea").fill("换了垫圈，不滴了")
        await page.locator(".dialog .act.main").click()
        await expect(state).to_have_text("已完成")
        await page.click(".do-close")
        await expect(state).to_have_text("已办结")
        await expect(page.locator(".case .steps li")).to_have_count(5)
        told = [message["text"] for message in await caught(site)]
        assert any("换了垫圈，不滴了" in text for text in told)

    async def test_a_late_case_says_so_in_a_word_and_a_shape(self, site: Site) -> None:
        page = await site.at_desk("officer-1", "/desk/requests")
        repair = await open_repair(site)
        async with site.house.work("test") as work:
            await work.session.execute(update(Request).values(urgency="urgent"))
            await work.session.execute(
                update(RequestEvent).values(at=site.house.clock.now().replace(year=2026, month=1))
            )
            found = await requests.get(work, repair.number, lock=True)
            assert found is not None
            await requests.me_too(work, found, resident_id=None, text=None)
        row = page.locator(f"#case-{repair.id}")
        await expect(row.locator(".clock.red")).to_have_text("■已超时")

    async def test_the_filters(self, site: Site) -> None:
        repair = await open_repair(site)
        complaint = await open_repair(site, kind="complaint")
        page = await site.at_desk("officer-1", "/desk/requests")
        await page.get_by_role("button", name="投诉", exact=True).click()
        await expect(page.locator(".entry")).to_have_count(1)
        await expect(page.locator(f"#case-{complaint.id}")).to_be_visible()
        await page.get_by_role("button", name="全部").click()
        await page.get_by_role("button", name="已办结").click()
        await expect(page.locator(".entry")).to_have_count(0)
        await page.get_by_role("button", name="未办结").click()
        await expect(page.locator(f"#case-{repair.id}")).to_be_visible()
        await expect(page.locator(".entry")).to_have_count(2)


class TestEverybody:
    async def test_by_keyboard_alone(self, site: Site) -> None:
        page = await site.visitor()
        alarm = await raise_alarm(site)
        await page.goto(f"{site.address}/desk/sign-in?then=/desk/alarms")
        await page.keyboard.type("officer-1")
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".do-acknowledge")
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        for _ in range(20):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.matches('.do-acknowledge')"):
                break
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        await page.keyboard.press("Enter")
        await expect(page.locator(f"#alarm-{alarm.id} .do-on_way")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator(f"#alarm-{alarm.id} .act.main.do-on_site")).to_be_focused()

    @pytest.mark.parametrize("path", ["", "alarms", "handoffs", "requests"])
    async def test_nothing_to_scroll_sideways_on_a_phone(self, site: Site, path: str) -> None:
        await raise_alarm(site, text="我" * 400)
        made = await queue_up(site, summary="很长的事情" * 40)
        await posted(site, "https://example.invalid/" + "a" * 300)
        repair = await open_repair(site)
        page = await site.at_desk("lead-1", f"/desk/{path}", PHONE)
        assert await _overflow(page) <= 0
        chosen = {"handoffs": f"?id={made.id}", "requests": f"?id={repair.number}"}.get(path)
        if chosen:
            await page.goto(f"{site.address}/desk/{path}{chosen}")
            await page.wait_for_selector(".detail h2")
            await expect(page.locator(".list")).to_be_hidden()
            assert await _overflow(page) <= 0
            await page.get_by_role("button", name="返回列表").click()
            await expect(page.locator(".list")).to_be_visible()

    async def test_in_english(self, site: Site) -> None:
        await raise_alarm(site)
        page = await site.at_desk("officer-1", "/desk/alarms")
        await page.click("text=English")
        await expect(page.locator(".do-acknowledge")).to_have_text("Acknowledge")
        assert await page.get_attribute("html", "lang") == "en-US"
        await page.click("text=中文")
        await expect(page.locator(".do-acknowledge")).to_have_text("确认接警")
        assert await page.get_attribute("html", "lang") == "zh-CN"


async def _overflow(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))
