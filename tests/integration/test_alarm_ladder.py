"""Who is told of an alarm and when, what staff do, and what devices raise (E5–E9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete, select

from data import alarms, conversations
from data.alarms import ClosingCodeMissing
from data.database import Database
from data.models import Alarm, Audit, Home, Resident, Shift, Timer
from data.states import IllegalMove
from flows import alarm_signals, alarm_staff
from flows.alarm_ladder import fallback_alarm
from nlu.understanding import Emergency
from tests.emergency_house import ME, House, house


@pytest_asyncio.fixture
async def here(database: Database) -> House:
    return await house(database)


async def act(here: House, move: str, **given: str) -> Alarm:
    """A move of officer-1 on the only alarm."""
    number = (await here.alarm()).number
    async with here.work("staff:officer-1") as work:
        do = getattr(alarm_staff, move)
        made: Alarm = await do(work, here.turns.world, here.turns.engine, number, "officer-1", **given)
        return made


async def signal(here: House, kind: str, resident: Resident | None) -> Alarm:
    async with here.work(f"device:{kind}-1") as work:
        return await alarm_signals.raise_from_signal(
            work,
            here.turns.world,
            here.turns.engine,
            resident=resident,
            device_key="button-7",
            type=kind,
            at=here.clock.now(),
        )


async def timers_left(here: House) -> list[str]:
    async with here.work() as work:
        return sorted((await work.session.scalars(select(Timer.kind))).all())


# Told at once, by level


async def test_level_one_tells_desk_everyone_on_duty_the_lead_and_who_consented(here: House) -> None:
    await here.say(ME, "救命")
    told = await here.told()
    assert told[:4] == ["desk", "officer-1", "repairer-1", "lead-1"]
    assert len(told) == 5
    assert len(await here.told("not_reachable")) == 1
    targets = [target for target, _ in await here.sent()]
    assert targets == ["json://officer-1", "json://repairer-1", "json://lead-1", "json://daughter"]
    texts = dict(await here.sent())
    assert "5号楼1单元1203" in texts["json://officer-1"]
    assert "王阿姨" in texts["json://daughter"]


async def test_level_two_tells_everyone_on_duty_and_the_first_contact(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    assert (await here.told())[:3] == ["desk", "officer-1", "repairer-1"]
    assert len(await here.told()) == 4


async def test_level_three_tells_the_officer_and_the_first_contact(here: House) -> None:
    await signal(here, "no_motion", here.small.resident)
    assert (await here.told())[:2] == ["desk", "officer-1"]
    assert len(await here.told()) == 3


async def test_nobody_on_duty_the_lead_is_told(here: House) -> None:
    async with here.work() as work:
        await work.session.execute(delete(Shift))
    await here.say(ME, "我摔倒了起不来了")
    assert (await here.told())[:2] == ["desk", "lead-1"]


async def test_a_level_that_rises_tells_whom_the_new_level_names(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    before = len(await here.told())
    await here.pass_time(seconds=45)
    assert (await here.told())[before:] == ["desk", "officer-1", "repairer-1", "lead-1"]


# The clocks


async def test_after_sixty_seconds_everyone_on_duty_and_the_lead_after_180_everybody_and_breach(
    here: House,
) -> None:
    await signal(here, "fall", None)
    assert await here.told() == ["desk", "officer-1", "repairer-1"]
    await here.pass_time(seconds=59)
    assert len(await here.told()) == 3
    await here.pass_time(seconds=1)
    assert (await here.told())[3:] == ["desk", "officer-1", "repairer-1", "lead-1"]
    assert not (await here.alarm()).breach
    await here.pass_time(seconds=120)
    assert sorted((await here.told())[7:]) == [
        *("admin", "desk", "lead-1", "officer-1", "officer-2", "repairer-1"),
    ]
    assert (await here.alarm()).breach
    assert await timers_left(here) == []


async def test_a_contact_is_told_once_and_the_second_one_after_sixty_seconds(here: House) -> None:
    await here.say(ME, "我摔倒了起不来了")
    await here.say(ME, "没有流血")
    await here.pass_time(seconds=200)
    assert [target for target, _ in await here.sent()].count("json://daughter") == 1
    assert "json://son" not in [target for target, _ in await here.sent()]


async def test_the_person_hears_the_truth_when_nobody_answers(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "我也说不上来")
    await here.unasked(ME)
    await here.pass_time(seconds=180)
    assert any("暂时没人应" in text for text in await here.unasked(ME))


async def test_handled_late_after_an_outage_it_still_tells(here: House) -> None:
    await signal(here, "fall", None)
    here.clock.move(hours=2)
    await here.pass_time(seconds=0)
    assert "lead-1" in await here.told()
    assert (await here.alarm()).breach


async def test_only_an_acknowledgement_stops_it(here: House) -> None:
    await here.say(ME, "救命")
    await act(here, "acknowledge")
    before = await here.told()
    await here.say(ME, "我也说不上来")
    await here.pass_time(seconds=300)
    assert await here.told() == before
    assert not (await here.alarm()).breach


async def test_a_clock_that_was_already_running_reads_the_state_again(here: House) -> None:
    await signal(here, "fall", None)
    async with here.work("staff:officer-1") as work:
        alarm = await alarms.get(work, (await here.alarm()).number, lock=True)
        assert alarm is not None
        await alarms.move(work, alarm, "acknowledge", staff_id="officer-1")
    before = await here.told()
    await here.pass_time(seconds=200)
    assert await here.told() == before


async def test_taking_back_does_not_stop_it(here: House) -> None:
    await here.say(ME, "救命")
    await here.say(ME, "没事了，按错了")
    await here.pass_time(seconds=180)
    assert (await here.alarm()).breach
    assert (await here.alarm()).level == 5


# Staff


async def test_each_move_is_told_to_the_resident_and_written_with_name_and_time(here: House) -> None:
    await here.say(ME, "救命")
    await here.unasked(ME)
    for move, words in (("acknowledge", "接到"), ("on_way", "出发"), ("on_site", "到了")):
        await act(here, move)
        (said,) = await here.unasked(ME)
        assert words in said
        assert "名officer-1" in said
    alarm = await here.alarm()
    assert (alarm.state, alarm.staff_id) == ("on_site", "officer-1")
    assert alarm.acknowledged_at == here.clock.now()
    assert [step.by for step in await here.steps("acknowledged")] == ["officer-1"]


async def test_resolving_sends_the_all_clear_to_everybody_and_offers_the_booking_back(here: House) -> None:
    await here.say(ME, "我想约理发")
    await here.say(ME, "救命")
    await act(here, "acknowledge")
    told = set(await here.told())
    before = len(await here.sent())
    await here.unasked(ME)
    await act(here, "resolve", code="helped", note="扶起来了，无碍")
    assert set(await here.told("all_clear")) == told
    assert {target for target, _ in (await here.sent())[before:]} == {
        *("json://officer-1", "json://repairer-1", "json://lead-1", "json://daughter"),
    }
    said = await here.unasked(ME)
    assert "处理完" in said[0]
    assert "约理发" in said[1]
    assert await timers_left(here) == []
    assert [frame.flow for frame in (await here.dialogue(ME)).stack] == ["change_time", "resume"]


async def test_resolving_needs_a_code_a_note_and_an_acknowledgement(here: House) -> None:
    await here.say(ME, "救命")
    with pytest.raises(IllegalMove):
        await act(here, "resolve", code="helped", note="好了")
    await act(here, "acknowledge")
    with pytest.raises(ClosingCodeMissing):
        await act(here, "resolve", code="helped", note=" ")
    with pytest.raises(IllegalMove):
        await act(here, "acknowledge")


async def test_a_move_that_is_refused_stops_no_clock(here: House) -> None:
    await here.say(ME, "救命")
    with pytest.raises(IllegalMove):
        await act(here, "on_site")
    assert "alarm.breach" in await timers_left(here)


async def test_an_unknown_alarm_is_not_found(here: House) -> None:
    async with here.work() as work:
        with pytest.raises(alarm_staff.AlarmNotFound):
            await alarm_staff.acknowledge(work, here.turns.world, here.turns.engine, "A1", "officer-1")


async def test_after_it_is_closed_new_danger_is_a_new_alarm(here: House) -> None:
    await here.say(ME, "救命")
    await act(here, "acknowledge")
    await act(here, "resolve", code="false_alarm", note="试一下")
    await here.say(ME, "救命")
    assert len(await here.alarms()) == 2


async def test_the_dossier_holds_what_helpers_need_and_the_look_is_audited(here: House) -> None:
    await here.say(ME, "救命")
    async with here.work("staff:officer-1") as work:
        resident, home = await conversations.with_home(work, here.small.resident.id)
        resident.health = {"conditions": ["高血压"], "medicines": ["氨氯地平"]}
        assert isinstance(home, Home)
        home.access_note = "钥匙在物业"
    async with here.work("staff:officer-1") as work:
        found = await alarm_staff.dossier(work, await here.alarm())
    assert found is not None
    assert (found.access_note, found.conditions, found.medicines) == (
        "钥匙在物业",
        ("高血压",),
        ("氨氯地平",),
    )
    assert (found.home or {})["room"] == "1203"
    assert [contact.name for contact in found.contacts] == ["女儿", "邻居"]
    async with here.work() as work:
        looks = (await work.session.scalars(select(Audit).where(Audit.action == "alarm.dossier"))).all()
    assert [look.actor for look in looks] == ["staff:officer-1"]


# Devices


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("sos", ("unknown", 1)), ("smoke", ("fire", 1)), ("gas", ("gas", 1)), ("fall", ("fall", 2))],
)
async def test_a_signal_raises_its_kind_and_speaks_to_the_resident(
    here: House, kind: str, expected: tuple[str, int]
) -> None:
    alarm = await signal(here, kind, here.small.resident)
    assert (alarm.kind, alarm.level, alarm.source) == (*expected, "device:button-7")
    assert (alarm.place or {})["room"] == "1203"
    said = await here.unasked(ME)
    assert any(number in said[0] for number in ("120", "119"))
    assert "？" in said[-1]
    await here.say(ME, "我摔倒了起不来了")
    assert len(await here.alarms()) == 1


async def test_no_motion_asks_whether_they_are_well_and_a_yes_takes_it_back(here: House) -> None:
    await signal(here, "no_motion", here.small.resident)
    assert "您还好吗" in (await here.unasked(ME))[0]
    await here.say(ME, "我挺好的")
    assert (await here.alarm()).taken_back_at is not None


async def test_no_motion_and_no_answer_gets_worse(here: House) -> None:
    await signal(here, "no_motion", here.small.resident)
    await here.pass_time(seconds=45)
    assert (await here.alarm()).level == 2


async def test_a_device_that_fell_silent_climbs_among_staff_only_and_leaves_the_resident_in_peace(
    here: House,
) -> None:
    await signal(here, "silent", here.small.resident)
    assert await here.told() == ["desk", "officer-1"]
    await here.pass_time(seconds=180)
    assert "admin" in await here.told()
    assert not any(to.startswith("contact:") for to in await here.told())
    assert not any("您还好吗" in text for text in await here.unasked(ME))


async def test_a_repeated_signal_joins_also_when_it_is_nobodys(here: House) -> None:
    await signal(here, "gas", None)
    await signal(here, "gas", None)
    assert (await here.alarm()).resident_id is None


async def test_a_second_signal_of_the_person_joins_and_raises_the_level(here: House) -> None:
    await signal(here, "fall", here.small.resident)
    await signal(here, "sos", here.small.resident)
    alarm = await here.alarm()
    assert (alarm.kind, alarm.level) == ("fall", 1)


async def test_a_signal_in_the_middle_of_a_booking_is_offered_back_later(here: House) -> None:
    await here.say(ME, "我想约理发")
    await signal(here, "sos", here.small.resident)
    assert "约理发" in await here.ask(ME, "没事了，按错了")


# When everything else has failed


async def test_the_fallback_writes_alarm_clocks_and_notifications(here: House) -> None:
    async with here.work("resident") as work:
        conversation = await conversations.lock(work, here.small.conversation_id)
        judged = Emergency(kind="fall", level=2, confidence=0.9)
        await fallback_alarm(work, conversation=conversation, text="摔了", judgement=judged)
    alarm = await here.alarm()
    assert (alarm.kind, alarm.level) == ("fall", 2)
    assert (alarm.place or {})["room"] == "1203"
    assert await timers_left(here) == ["alarm.acknowledge", "alarm.breach"]
    assert {"desk", "officer-1", "repairer-1"} <= set(await here.told())
    async with here.work() as work:
        due = (await work.session.scalars(select(Timer.due_at).order_by(Timer.due_at))).all()
    assert due == [alarm.raised_at + timedelta(seconds=60), alarm.raised_at + timedelta(seconds=180)]


async def test_a_place_refines_the_same_building_and_replaces_another(here: House) -> None:
    async with here.work() as work:
        alarm, _ = await alarms.raise_alarm(
            work, kind="fall", level=2, source="rest", text="", conversation_id=here.small.conversation_id
        )
        for said, expected in (
            ({"building": "3"}, {"building": "3"}),
            ({"unit": "2", "room": "501"}, {"building": "3", "unit": "2", "room": "501"}),
            ({"building": "5"}, {"building": "5"}),
            ({"name": "东门"}, {"name": "东门"}),
        ):
            await alarms.join(work, alarm, place=said)
            assert {key: value for key, value in (alarm.place or {}).items() if value} == expected
