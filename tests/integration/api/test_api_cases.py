"""Cases, alarms, hand-overs, reminders and check-ins over the API."""

from __future__ import annotations

from datetime import datetime, timedelta

from data import alarms, conversations, handoffs, reminders
from data.models import Alarm
from flows.turn import Turn
from tests.api_desk import Desk

REQUEST = [
    "number",
    "kind",
    "state",
    "resident",
    "place",
    "fault",
    "urgency",
    "service",
    "starts_at",
    "ends_at",
    "count",
    "text",
    "clocks",
    "rating",
    "created_at",
]
ALARM = [
    "number",
    "kind",
    "level",
    "state",
    "resident",
    "place",
    "text",
    "raised_at",
    "acknowledged_at",
    "on_site_at",
    "resolved_at",
    "steps",
]
PLACE = {"building": "5", "unit": "1", "room": "1203", "name": None}


async def raised(desk: Desk, key: str) -> Alarm:
    talk = await desk.talk(key)
    async with desk.work() as work:
        made, _ = await alarms.raise_alarm(
            work,
            kind="fall",
            level=2,
            source="rest",
            text="摔倒了",
            resident_id=talk.resident_id,
            conversation_id=talk.id,
            place=PLACE,
        )
        return made


async def test_a_repair_from_the_list_to_its_end(desk: Desk) -> None:
    case = await desk.case(fault="pipe_leak", urgency="ordinary", place=PLACE, text="水管漏水")
    found = await desk.get("/requests", kind="repair", state="open", resident="demo:resident-1")
    assert found["items"][0]["number"] == case.number  # newest first
    item = found["items"][0]
    assert set(REQUEST) <= set(item)
    assert item["place"] == PLACE
    assert item["created_at"].endswith("+08:00")
    assert [clock["name"] for clock in item["clocks"]] == ["accept", "on_site", "close"]
    assert {clock["colour"] for clock in item["clocks"]} == {"blue"}
    for path, state in [
        ("accept", "accepted"),
        ("on-site", "on_site"),
        ("done", "done"),
        ("close", "closed"),
    ]:
        moved = await desk.post(f"/requests/{case.number}/{path}", {"as": "repairer-1"})
        assert moved["state"] == state
    assert [line["move"] for line in moved["history"]] == ["created", "accept", "on_site", "done", "close"]
    problem = await desk.post(f"/requests/{case.number}/accept", {}, 409)
    assert (problem["code"], problem["state"], problem["move"]) == ("illegal_move", "closed", "accept")
    again = await desk.post(f"/requests/{case.id}/reopen", {"note": "又漏了"})
    assert (again["state"], again["reopened"], again["clocks"][0]["met_at"]) == ("reopened", 1, None)
    said = await desk.said((await desk.talk()).id)
    assert sum(case.number in text for text in said) == 5


async def test_moves_need_no_body(desk: Desk) -> None:
    case = await desk.case()
    moved = await desk.call("POST", f"/requests/{case.number}/accept")
    assert moved["staff"] == "admin"


async def test_clocks_turn_red_while_nobody_moves(desk: Desk) -> None:
    case = await desk.case(fault="no_power", urgency="urgent", place=PLACE)
    before = desk.clock.now()
    desk.clock.move(minutes=11)
    found = await desk.get(f"/requests/{case.number}")
    desk.clock.set(before)
    assert found["clocks"][0]["colour"] == "red"


async def test_an_alarm_from_acknowledgement_to_its_end(desk: Desk) -> None:
    alarm = await raised(desk, "elder-2")
    item = (await desk.get("/alarms", state="raised", resident="elder-2"))["items"][0]
    assert set(ALARM) <= set(item)
    assert item["steps"][0]["what"] == "raised"
    assert (await desk.post(f"/alarms/{alarm.number}/on-site", {}, 409))["code"] == "illegal_move"
    taken = await desk.post(f"/alarms/{alarm.number}/acknowledge", {"as": "officer-1"})
    assert (taken["state"], taken["staff"]) == ("acknowledged", "officer-1")
    assert taken["acknowledged_at"]
    assert taken["dossier"]["contacts"]
    await desk.post(f"/alarms/{alarm.number}/on-way", {"as": "officer-1"})
    assert (await desk.post(f"/alarms/{alarm.id}/on-site", {"as": "officer-1"}))["on_site_at"]
    for bad in ({}, {"code": "helped"}, {"code": "magic", "note": "好了"}, {"note": "好了"}):
        problem = await desk.post(f"/alarms/{alarm.number}/resolve", bad, 422)
        assert problem["code"] == "closing_code_missing"
    over = await desk.post(f"/alarms/{alarm.number}/resolve", {"code": "helped", "note": "扶起来了"})
    assert (over["state"], over["code"], over["note"]) == ("resolved", "helped", "扶起来了")
    looks = await desk.get("/audit", action="alarm.dossier", subject=f"alarm:{alarm.id}")
    assert looks["items"][0]["actor"] == "staff:officer-1"


async def test_a_hand_over_from_the_queue_to_its_end(desk: Desk) -> None:
    handoff = await desk.handoff("handoff-1")
    item = (await desk.get("/handoffs", state="queued"))["items"][0]
    assert (item["id"], item["owner"], item["reason"]) == (handoff.id, "queue", "asked")
    taken = await desk.post(f"/handoffs/{handoff.id}/take", {"as": "officer-1"})
    assert (taken["state"], taken["owner"]) == ("active", "officer-1")
    refused = await desk.post(f"/handoffs/{handoff.id}/take", {"as": "officer-2"}, 409)
    assert (refused["code"], refused["owner"]) == ("handoff_taken", "officer-1")
    began = desk.clock.now()
    desk.clock.move(seconds=30)
    said = await desk.post(f"/handoffs/{handoff.id}/messages", {"text": "您好"}, 201)
    assert said["author"] == "staff:officer-1"  # the administrator's token writes for whoever has it
    note = await desk.post(f"/handoffs/{handoff.id}/notes", {"text": "说慢点", "as": "lead-1"}, 201)
    assert note["staff"] == "lead-1"
    passed = await desk.post(f"/handoffs/{handoff.id}/transfer", {"to": "officer-2", "note": "请接"})
    assert passed["owner"] == "officer-2"
    assert (await desk.post(f"/handoffs/{handoff.id}/transfer", {"to": "x"}, 422))["code"] == "staff_unknown"
    closed = await desk.post(f"/handoffs/{handoff.id}/close", {})
    desk.clock.set(began)
    assert (closed["state"], closed["owner"]) == ("closed", "bot")
    assert closed["first_answer_at"]
    assert closed["clocks"][0]["colour"] == "blue"
    assert [one["text"] for one in closed["notes"]] == ["说慢点", "请接"]
    assert "说慢点" not in "".join(await desk.said(handoff.conversation_id))
    assert (await desk.post(f"/handoffs/{handoff.id}/messages", {"text": "还在吗"}, 409))[
        "code"
    ] == "illegal_move"


async def test_who_takes_it_sees_what_was_begun_and_what_is_open(desk: Desk) -> None:
    case = await desk.case(key="resident-6", text="灯不亮")
    talk = await desk.talk("resident-6")
    async with desk.work() as work:
        locked = await conversations.lock(work, talk.id)
        turn = Turn.outside(work, desk.house.world, locked)
        turn.open("book_service", service="haircut")
        await turn.deliver()
        made, _ = await handoffs.open_handoff(work, locked, reason="asked", summary="s")
    found = await desk.get(f"/handoffs/{made.id}")
    assert found["doing"] == [{"flow": "book_service", "slots": {"service": "haircut"}}]
    assert found["open_cases"] == [case.number]


async def test_an_officer_cannot_write_in_a_colleagues_conversation(desk: Desk) -> None:
    handoff = await desk.handoff("handoff-2")
    await desk.post(f"/handoffs/{handoff.id}/take", {"as": "officer-1"})
    other = await desk.token("officer", "officer-2")
    for path, body in (("messages", {"text": "嗨"}), ("close", {}), ("transfer", {"to": "officer-2"})):
        problem = await desk.post(f"/handoffs/{handoff.id}/{path}", body, 409, other)
        assert problem["code"] == "handoff_taken"


async def test_reminders_are_dropped_and_the_resident_hears_it(desk: Desk) -> None:
    talk = await desk.talk("resident-2")
    async with desk.work() as work:
        made = [
            await reminders.create(work, talk, text=f"吃药{n}", at=work.now + timedelta(hours=1))
            for n in (1, 2)
        ]
    found = await desk.get("/reminders", resident="demo:resident-2", state="active")
    assert {item["text"] for item in found["items"]} >= {"吃药1", "吃药2"}
    assert datetime.fromisoformat(found["items"][0]["next_at"]).utcoffset() == timedelta(hours=8)
    assert (await desk.call("DELETE", f"/reminders/{made[0].id}"))["state"] == "cancelled"
    assert (await desk.post(f"/reminders/{made[1].id}/cancel"))["state"] == "cancelled"
    assert (await desk.post(f"/reminders/{made[1].id}/cancel"))["next_at"] is None
    said = await desk.said(talk.id)
    assert sum("吃药2" in text for text in said) == 1


async def test_checkins_of_the_demo(desk: Desk) -> None:
    from data import checkins

    elder = await desk.resident("elder-1")
    async with desk.work("bot") as work:
        plan = await checkins.plan_of(work, elder.id)
        assert plan is not None
        made = await checkins.begin(work, plan, work.now)
        await checkins.move(work, made, "ask")
    found = (await desk.get("/checkins", resident="demo:elder-1", state="asked"))["items"][0]
    assert (found["resident"], found["state"]) == (elder.id, "asked")
    assert [step["what"] for step in found["steps"]] == ["due", "asked"]
    assert (await desk.get(f"/checkins/{made.id}"))["due_at"] == "2026-11-23T10:00:00+08:00"
