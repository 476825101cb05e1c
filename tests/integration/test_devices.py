"""Devices: wrong clocks, repetitions, batteries, silence, strangers, and a broker that is away (E9, K5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text

from bot.signals import Report, take, take_one_of_many
from data import crypto, devices, embedded, listeners, timers
from data.models import Alarm, AlarmStep, Device, Outgoing, Request, Signal, Timer
from data.work import Work
from flows.devices import Reported
from tests.harness import MONDAY, Talk
from tests.mqtt_house import SWEEP, community


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing_community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Talk]:
    """The demo, understanding nothing: no device speaks in sentences."""
    async with community(postgres, template, keyring, "test_devices") as desk:
        yield Talk(database=desk.house.database, clock=desk.clock, turns=desk.house.turns)


@pytest_asyncio.fixture
async def house(standing_community: Talk) -> Talk:
    standing_community.clock.set(MONDAY)
    async with standing_community.database.transaction() as session:
        await session.execute(text(SWEEP))
    return standing_community


async def send(house: Talk, device: str, what: str, via: str = "http", **more: object) -> Reported:
    report = Report.model_validate({"device": device, "type": what, **more})
    async with house.work() as work:
        return await take(work, house.turns.world, house.turns.engine, report, via=via)  # type: ignore[arg-type]


async def register(
    house: Talk, key: str, *, heartbeat: int | None = 600, owner: str | None = "elder-1"
) -> None:
    from data import residents

    async with house.work("staff:officer-1") as work:
        device = await devices.add(work, key)
        person = await residents.by_reference(work, owner) if owner else None
        await devices.register(work, device, resident=person, heartbeat_seconds=heartbeat)


async def count(house: Talk, model: type[object], *where: object) -> int:
    async with house.work() as work:
        found = await work.session.scalar(select(func.count()).select_from(model).where(*where))  # type: ignore[arg-type]
        return int(found or 0)


async def alarms_of(house: Talk) -> list[Alarm]:
    async with house.work() as work:
        return list(await work.session.scalars(select(Alarm).order_by(Alarm.id)))


async def silent_timer(house: Talk, key: str) -> Timer:
    async with house.work() as work:
        device = await devices.get(work, key)
        assert device is not None
        found = await work.session.scalars(select(Timer).where(Timer.key == f"device:{device.id}:silent"))
        return found.one()


# Many


async def noted(house: Talk, device: str, what: str, **more: object) -> bool:
    """As one of many, over MQTT."""
    report = Report.model_validate({"device": device, "type": what, **more})
    async with house.work() as work:
        return await take_one_of_many(work, house.turns.world, house.turns.engine, report, via="mqtt")


async def test_one_of_many_is_stored_as_any_other(house: Talk) -> None:
    await register(house, "pir", owner=None)
    house.clock.move(minutes=3)
    assert await noted(house, "pir", "motion", at="2026-11-23T10:01:00", battery=77)
    async with house.work() as work:
        device = await devices.get(work, "pir")
        signal = (await work.session.scalars(select(Signal))).one()
    assert device is not None
    assert (device.seen_at, device.via, device.battery) == (house.clock.now(), "mqtt", 77)
    assert (signal.type, signal.at) == ("motion", datetime(2026, 11, 23, 2, 1, tzinfo=UTC))
    assert signal.received_at == house.clock.now()
    assert (await silent_timer(house, "pir")).due_at == house.clock.now() + timedelta(seconds=600)


async def test_either_way_knows_what_the_other_has_heard(house: Talk) -> None:
    await register(house, "pir")
    first, second = "2026-11-23T09:58:00+08:00", "2026-11-23T09:59:00+08:00"
    assert await noted(house, "pir", "motion", at=first)
    assert not (await send(house, "pir", "motion", at=first)).new
    assert (await send(house, "pir", "motion", at=second)).new
    before = await silent_timer(house, "pir")
    house.clock.move(seconds=30)
    assert not await noted(house, "pir", "motion", at=second)
    assert (await silent_timer(house, "pir")).due_at == before.due_at


async def test_one_of_many_that_is_not_ordinary_goes_the_long_way(house: Talk) -> None:
    assert await noted(house, "stranger", "motion")
    assert await noted(house, "stranger", "sos")
    house.clock.move(seconds=1)
    assert await noted(house, "stranger", "motion", at="1970-01-01T00:00:09Z")
    assert not await noted(house, "stranger", "motion", at="1970-01-01T00:00:09Z")
    await register(house, "stranger")
    house.clock.move(seconds=1)
    assert await noted(house, "stranger", "motion", battery=10)
    assert len(await alarms_of(house)) == 1
    assert await count(house, Request) == 1


async def test_one_of_many_that_was_silent_is_watched_again(house: Talk) -> None:
    await register(house, "pulse", owner=None)
    await house.pass_time(minutes=11)
    assert await noted(house, "pulse", "heartbeat")
    await house.pass_time(minutes=11)
    (alarm,) = await alarms_of(house)
    assert alarm.text.count("silent") == 2


# Both times


async def test_a_device_that_counts_from_its_start_is_recognised_when_it_repeats_itself(house: Talk) -> None:
    press = {"at": "1970-01-01T00:03:07Z"}
    first = await send(house, "button", "sos", **press)
    house.clock.move(seconds=40)
    again = await send(house, "button", "sos", **press)
    assert (again.new, again.signal.id) == (False, first.signal.id)
    assert (first.signal.at, first.signal.claimed_at) == (MONDAY, datetime(1970, 1, 1, 0, 3, 7, tzinfo=UTC))
    assert len(await alarms_of(house)) == 1


async def test_the_same_seconds_after_another_start_are_another_press(house: Talk) -> None:
    """A battery was changed: what looks like a repetition is a new call for help."""
    await send(house, "button", "sos", at="1970-01-01T00:00:09Z")
    house.clock.move(minutes=11)
    assert (await send(house, "button", "sos", at="1970-01-01T00:00:09Z")).new


async def test_a_clock_that_is_years_ahead_is_recognised_at_any_time(house: Talk) -> None:
    await send(house, "button", "sos", at="2031-05-01T00:00:00Z")
    house.clock.move(hours=9)
    assert not (await send(house, "button", "sos", at="2031-05-01T00:00:00Z")).new


async def test_a_late_call_tells_both_times(house: Talk) -> None:
    found = await send(house, "button", "sos", at="2026-11-23T08:10:00+08:00")
    assert found.alarm is not None
    assert found.alarm.text == "sos 2026-11-23 08:10:00 (received 2026-11-23 10:00:00)"
    assert found.signal.at == datetime(2026, 11, 23, 0, 10, tzinfo=UTC)
    assert found.signal.received_at == MONDAY


async def test_reports_out_of_order_are_all_kept(house: Talk) -> None:
    for minute in (5, 3, 4):
        assert (await send(house, "pir", "motion", at=f"2026-11-23T09:0{minute}:00+08:00")).new
    async with house.work() as work:
        found = list(await work.session.scalars(select(Signal.at).order_by(Signal.id)))
    assert [moment.minute for moment in found] == [5, 3, 4]


async def test_a_repetition_is_no_heartbeat(house: Talk) -> None:
    """Somebody who plays back what a device once said does not keep it alive."""
    await register(house, "pulse")
    await send(house, "pulse", "heartbeat", at="2026-11-23T09:59:00+08:00")
    before = (await silent_timer(house, "pulse")).due_at
    house.clock.move(minutes=5)
    await send(house, "pulse", "heartbeat", at="2026-11-23T09:59:00+08:00")
    assert (await silent_timer(house, "pulse")).due_at == before
    await send(house, "pulse", "heartbeat", at="2026-11-23T10:04:00+08:00")
    assert (await silent_timer(house, "pulse")).due_at > before


async def test_motion_that_comes_from_a_fast_clock_is_no_younger_than_its_arrival(house: Talk) -> None:
    from data import checkins, residents

    await register(house, "pir", heartbeat=None)
    await send(house, "pir", "motion", at="2026-11-23T10:04:00+08:00")
    async with house.work() as work:
        elder = await residents.by_reference(work, "elder-1")
        assert elder is not None
        assert not await checkins.sign_of_life(work, elder.id, since=MONDAY + timedelta(minutes=3))
        assert await checkins.sign_of_life(work, elder.id, since=MONDAY)


# Batteries


async def test_a_low_battery_is_one_task_for_staff_until_it_was_changed(house: Talk) -> None:
    await register(house, "fall-1")
    for battery in (40, 15, 12, 12):
        house.clock.move(seconds=30)
        await send(house, "fall-1", "heartbeat", battery=battery)
    async with house.work() as work:
        task = (await work.session.scalars(select(Request))).one()
        device = await devices.get(work, "fall-1")
        assert device is not None
        assert device.battery == 12
    assert (task.kind, task.urgency, task.state) == ("visit", "planned", "open")
    assert task.place is not None
    assert task.place["room"] == "501"
    assert "fall-1" in (task.text or "")
    for battery in (100, 9):
        house.clock.move(seconds=30)
        await send(house, "fall-1", "heartbeat", battery=battery)
    assert await count(house, Request) == 2


@pytest.mark.parametrize("battery", ["leer", None, -1, 250, True, [], 3.5])
async def test_an_unreadable_battery_refuses_nothing(house: Talk, battery: object) -> None:
    await register(house, "sos-1")
    assert (await send(house, "sos-1", "sos", battery=battery)).alarm is not None
    assert await count(house, Request) == (1 if battery == 3.5 else 0)


# Silence


async def _somebody_waits(house: Talk) -> None:
    """Until a transaction stands before a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while True:
            async with house.database.transaction() as session:
                if (await session.execute(waiting)).scalar_one():
                    return
            await asyncio.sleep(0.01)


async def test_the_conversation_is_locked_before_the_timer(house: Talk) -> None:
    """Who holds the conversation may still move the timer: a report that comes at that very moment does."""
    await house.say("demo:elder-1", "你好")
    await register(house, "pulse")
    async with house.work() as work:  # as older versions set it: without its conversation
        timer = await silent_timer(house, "pulse")
        await timers.schedule(
            work, key=timer.key, kind=timer.kind, subject=timer.subject, due_at=timer.due_at, payload={}
        )
    house.clock.move(minutes=11)
    assert await house.turns.handle_timer(await silent_timer(house, "pulse"))
    assert await alarms_of(house) == [], "first it finds out which conversation to lock"
    timer = await silent_timer(house, "pulse")
    async with house.database.transaction() as other:
        await other.execute(
            text("SELECT id FROM conversation WHERE id = :id FOR UPDATE"),
            {"id": timer.payload["conversation"]},
        )
        handled = asyncio.create_task(house.turns.handle_timer(timer))
        await _somebody_waits(house)
        await other.execute(text("SELECT id FROM timer WHERE id = :id FOR UPDATE NOWAIT"), {"id": timer.id})
    assert await handled
    assert [alarm.level for alarm in await alarms_of(house)] == [4]


async def test_a_resident_who_moved_to_another_channel_is_locked_where_they_are_now(house: Talk) -> None:
    await house.say("demo:elder-1", "你好")
    await register(house, "pulse")
    await send(house, "pulse", "heartbeat")
    house.clock.move(minutes=2)
    await house.say("demo:elder-1", "你好", channel="terminal")
    assert await house.pass_time(minutes=12)
    async with house.work() as work:
        newest = await work.session.scalar(text("SELECT max(id) FROM conversation"))
    (alarm,) = await alarms_of(house)
    assert (alarm.level, alarm.conversation_id) == (4, newest)


async def test_a_device_that_was_registered_and_never_reports_is_missed_too(house: Talk) -> None:
    await register(house, "pulse", owner=None)
    await house.pass_time(minutes=11)
    assert [alarm.source for alarm in await alarms_of(house)] == ["device:pulse"]


async def test_a_device_that_comes_back_and_falls_silent_again_joins_its_open_alarm(house: Talk) -> None:
    await register(house, "pulse", owner=None)
    await send(house, "pulse", "heartbeat")
    await house.pass_time(minutes=11)
    await send(house, "pulse", "heartbeat")
    await house.pass_time(minutes=11)
    (alarm,) = await alarms_of(house)
    assert alarm.text.count("silent") == 2


async def _listener(house: Talk, *, connected: bool) -> None:
    async with house.work() as work:
        await listeners.claim(work.session, listeners.MQTT, "this-process")
        await listeners.tell(
            work.session, listeners.MQTT, "this-process", connected=connected, at=work.now, counted={}
        )


async def test_a_broker_that_is_away_is_one_alarm_and_not_one_for_each_device(house: Talk) -> None:
    await _listener(house, connected=True)
    for number in range(3):
        await register(house, f"pulse-{number}", owner=None)
        await send(house, f"pulse-{number}", "heartbeat", via="mqtt")
    await send(house, "over-http", "heartbeat")
    await _listener(house, connected=False)
    await house.pass_time(minutes=13)
    (alarm,) = await alarms_of(house)
    assert (alarm.source, alarm.level, alarm.resident_id) == ("mqtt", 4, None)
    assert await count(house, AlarmStep, AlarmStep.alarm_id == alarm.id, AlarmStep.what == "notified") > 0
    await _listener(house, connected=True)
    await house.pass_time(minutes=9)
    assert len(await alarms_of(house)) == 1, "they have a heartbeat's time to be heard again"
    await send(house, "pulse-0", "heartbeat", via="mqtt")
    await house.pass_time(minutes=3)
    assert [each.source for each in await alarms_of(house)] == ["mqtt", "device:pulse-1", "device:pulse-2"]


async def test_a_device_over_http_is_missed_whatever_the_broker_does(house: Talk) -> None:
    await _listener(house, connected=False)
    await register(house, "pulse", owner=None)
    await send(house, "pulse", "heartbeat")
    await house.pass_time(minutes=11)
    assert [alarm.source for alarm in await alarms_of(house)] == ["device:pulse"]


# Strangers


async def test_staff_hear_once_of_devices_nobody_registered(house: Talk) -> None:
    from dataclasses import replace

    ordinary = house.turns.world
    house.turns.world = replace(ordinary, staff_urls=("json://desk.example",))
    try:
        for key in ("new-1", "new-2", "new-1"):
            await send(house, key, "motion")
        await house.pass_time(minutes=2)
        await send(house, "new-2", "motion")
        await house.pass_time(minutes=2)
    finally:
        house.turns.world = ordinary
    async with house.work() as work:
        (notice,) = await work.session.scalars(select(Outgoing).where(Outgoing.channel == "notify"))
    assert "2台" in notice.body["text"]


async def test_invented_devices_come_to_an_end_and_help_does_not(
    house: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_STRANGERS", 2)
    for key in ("one", "two"):
        await send(house, key, "motion")
    with pytest.raises(devices.TooManyDevices):
        await send(house, "three", "motion")
    assert (await send(house, "one", "motion", at="2026-11-23T09:59:00+08:00")).new
    assert (await send(house, "four", "sos")).alarm is not None
    assert await count(house, Device) == 3


# Who listens


async def test_one_process_listens_and_another_when_it_has_died(house: Talk) -> None:
    async def claim(holder: str) -> str | None:
        async with house.work() as work:
            return await listeners.claim(work.session, listeners.MQTT, holder)

    name = await claim("a")
    assert name
    assert await claim("b") is None
    assert await claim("a") == name
    async with house.work() as work:
        await work.session.execute(text("UPDATE listener SET lease_until = now() - interval '1 second'"))
        standing = await listeners.standing(work.session, listeners.MQTT)
        assert standing is not None
        assert not standing.connected
    assert await claim("b") == name, "the same name, so that the broker gives it what the dead one left"
    assert await claim("a") is None


async def test_what_two_processes_counted_is_added_up(house: Talk) -> None:
    async def tell(work: Work, holder: str, **counted: int) -> None:
        await listeners.claim(work.session, listeners.MQTT, holder)
        await listeners.tell(
            work.session, listeners.MQTT, holder, connected=True, at=work.now, counted=counted
        )

    async with house.work() as work:
        await tell(work, "a", taken=3)
        await listeners.release(work.session, listeners.MQTT, "a", at=work.now)
        await tell(work, "b", taken=2, malformed=1)
        await tell(work, "a", taken=100)
        standing = await listeners.standing(work.session, listeners.MQTT)
    assert standing is not None
    assert standing.counts == {"taken": 5, "malformed": 1}
    assert standing.connected
