"""Several at once, and several communities: what must hold when nobody waits for anybody (P2, P10, E9, H1)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from data import devices, tokens
from data.models import Alarm, Device, Timer
from flows.registry import TIMERS as ENTERED
from tests.api_desk import ADMIN, Desk
from tests.small_community import build


async def test_the_same_press_sent_by_many_is_one_alarm(desk: Desk) -> None:
    press = {
        "device": "many",
        "type": "sos",
        "at": "2026-11-23T09:59:00+08:00",
        "resident": "demo:resident-4",
    }
    answers = await asyncio.gather(
        *(
            desk.client.post("/signals", json=press, headers={"Authorization": f"Bearer {ADMIN}"})
            for _ in range(6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    async with desk.work() as work:
        raised = await work.session.scalar(
            select(func.count()).select_from(Alarm).where(Alarm.source == "device:many")
        )
    assert raised == 1
    assert {answer.json()["alarm"] for answer in answers} == {answers[0].json()["alarm"]}


async def test_two_officers_take_and_one_has_it(desk: Desk) -> None:
    handoff = await desk.handoff("wanted-by-two")
    one, two = await asyncio.gather(
        *(
            desk.client.post(
                f"/handoffs/{handoff.id}/take",
                json={"as": staff},
                headers={"Authorization": f"Bearer {ADMIN}"},
            )
            for staff in ("officer-1", "officer-2")
        )
    )
    assert sorted([one.status_code, two.status_code]) == [200, 409]
    winner = (one if one.status_code == 200 else two).json()["owner"]
    assert (await desk.get(f"/handoffs/{handoff.id}"))["owner"] == winner


async def test_a_move_wanted_twice_at_once_happens_once(desk: Desk) -> None:
    case = await desk.case(fault="pipe_leak", urgency="ordinary")
    answers = await asyncio.gather(
        *(
            desk.client.post(
                f"/requests/{case.number}/accept", json={}, headers={"Authorization": f"Bearer {ADMIN}"}
            )
            for _ in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert [line["move"] for line in (await desk.get(f"/requests/{case.id}"))["history"]] == [
        "created",
        "accept",
    ]


async def test_one_community_never_sees_the_other(desk: Desk) -> None:
    other = await build(desk.house.database, desk.clock.now(), key="other")
    async with other.work() as work:
        secret = await tokens.create(work, name="theirs", role="lead")
    mine = await desk.case(text="我们的事")
    handoff = await desk.handoff("ours")
    for path in (
        f"/requests/{mine.number}",
        f"/requests/{mine.id}",
        f"/handoffs/{handoff.id}",
        f"/conversations/{handoff.conversation_id}",
        "/residents/elder-1",
        "/residents/demo:elder-1",
    ):
        await desk.get(path, 404, secret)
    await desk.post(f"/requests/{mine.number}/accept", {}, 404, secret)
    for name in ("requests", "handoffs", "alarms", "roster", "devices", "reminders", "checkins"):
        assert (await desk.get(f"/{name}", token=secret, limit=200))["items"] == [] or name == "roster"
    assert [one["key"] for one in (await desk.get("/residents", token=secret))["items"]] == [
        "other-resident-1"
    ]
    assert all(one["id"].startswith("other-") for one in (await desk.get("/staff", token=secret))["items"])
    assert all(
        one["staff"].startswith("other-") for one in (await desk.get("/roster", token=secret))["items"]
    )
    listed = await desk.call("GET", "/residents", headers={"Anlin-Community": "other"})
    assert len(listed["items"]) == 1
    await desk.post(f"/requests/{mine.number}/accept", {"as": "other-officer-1"}, 422)


async def test_a_device_that_falls_silent_is_an_alarm_of_its_own(desk: Desk) -> None:
    await desk.post("/signals", {"device": "pulse", "type": "heartbeat"}, 201)
    await desk.call("PUT", "/devices/pulse", json={"resident": "resident-5", "heartbeat_seconds": 600})
    assert devices.SILENT in ENTERED

    async def alarms_of_pulse() -> list[Alarm]:
        async with desk.work() as work:
            return list(await work.session.scalars(select(Alarm).where(Alarm.source == "device:pulse")))

    async def timer() -> Timer:
        async with desk.work() as work:
            device = (await work.session.scalars(select(Device).where(Device.key == "pulse"))).one()
            found = await work.session.scalars(
                select(Timer).where(Timer.subject == f"device:{device.id}", Timer.kind == devices.SILENT)
            )
            return found.one()

    first = await timer()
    assert first.due_at == desk.clock.now() + timedelta(seconds=600)
    began = desk.clock.now()
    desk.clock.move(seconds=500)
    await desk.post("/signals", {"device": "pulse", "type": "heartbeat"}, 201)
    second = await timer()
    assert second.due_at == desk.clock.now() + timedelta(seconds=600)
    desk.clock.move(seconds=601)
    assert await desk.house.turns.handle_timer(second)
    desk.clock.set(began)
    raised = await alarms_of_pulse()
    assert [(alarm.level, alarm.kind) for alarm in raised] == [(4, "unknown")]
    assert not await desk.house.turns.handle_timer(second)
