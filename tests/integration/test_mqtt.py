"""Devices over a real MQTT broker: once, in any order, through restarts, floods and rubbish (E9, P2, P7, O3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import aiomqtt
import pytest
import pytest_asyncio
from sqlalchemy import func, select, text

from bot.channels import mqtt
from data import crypto, embedded
from data.models import Device
from tests.api_desk import Desk
from tests.broker import Broker, broker
from tests.mqtt_house import (
    alarms,
    at,
    community,
    counted,
    counts,
    heard,
    is_away,
    is_back,
    listening,
    signals,
    standing,
    swept,
    until,
)

_GIVE_UP = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is renewed and looked for more often than in production."""
    monkeypatch.setattr(mqtt, "_RENEW", 0.2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing_community(
    postgres: embedded.EmbeddedServer, template: str, keyring: crypto.Keyring
) -> AsyncIterator[Desk]:
    async with community(postgres, template, keyring, "test_mqtt") as made:
        yield made


@pytest_asyncio.fixture
async def desk(standing_community: Desk) -> Desk:
    return await swept(standing_community)


@pytest_asyncio.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Broker]:
    async with broker(tmp_path) as made:
        yield made


async def test_a_press_is_an_alarm_with_its_resident(desk: Desk, mosquitto: Broker) -> None:
    async with listening(desk, mosquitto):
        await mosquitto.say("sos-3-2-501", {"type": "sos", "resident": "demo:elder-1", "at": at(0)})
        await heard(desk, 1)
    (alarm,) = await alarms(desk)
    assert (alarm.level, alarm.source) == (1, "device:sos-3-2-501")
    assert alarm.resident_id == (await desk.resident("elder-1")).id
    async with desk.work() as work:
        device = (await work.session.scalars(select(Device))).one()
    assert device.via == "mqtt"


async def test_every_kind_of_report_is_taken(desk: Desk, mosquitto: Broker) -> None:
    kinds = ("sos", "fall", "motion", "no_motion", "gas", "smoke", "heartbeat", "ok")
    async with listening(desk, mosquitto) as made:
        for kind in kinds:
            await mosquitto.say(f"d-{kind}", {"type": kind, "device": "what it says itself"})
        found = await heard(desk, len(kinds))
        await counted(made, desk, taken=len(kinds))
    assert {signal.type for signal in found} == set(kinds)
    assert len(await alarms(desk)) == 5
    async with desk.work() as work:
        assert "what it says itself" not in set(await work.session.scalars(select(Device.key)))


async def test_the_same_report_over_both_ways_is_one(desk: Desk, mosquitto: Broker) -> None:
    press = {"device": "both", "type": "sos", "at": at(0)}
    first = await desk.post("/signals", press, 201)
    async with listening(desk, mosquitto) as made:
        await mosquitto.say("both", press)
        await mosquitto.say("both", press)
        await counted(made, desk, repeated=2)
    assert [alarm.number for alarm in await alarms(desk)] == [first["alarm"]]


async def test_what_came_while_nobody_listened_is_taken_afterwards(desk: Desk, mosquitto: Broker) -> None:
    async with listening(desk, mosquitto):
        pass
    for second in range(3):
        await mosquitto.say("fall-1", {"type": "fall", "at": at(second)})
    assert await signals(desk) == []
    async with listening(desk, mosquitto):
        await heard(desk, 3)
    assert len(await alarms(desk)) == 1


async def test_it_is_acknowledged_after_the_commit_and_not_before(
    desk: Desk, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process dies between hearing and storing: the next one hears it from the broker again."""
    begun = asyncio.Event()

    async def dies(*_: object) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    async with listening(desk, mosquitto) as first:
        monkeypatch.setattr(first, "_take", dies)
        monkeypatch.setattr(asyncio, "wait", _impatient(asyncio.wait))
        await mosquitto.say("sos-1", {"type": "sos"})
        async with asyncio.timeout(30):
            await begun.wait()
    assert await signals(desk) == []
    async with listening(desk, mosquitto):
        await heard(desk, 1)
    assert len(await alarms(desk)) == 1


def _impatient(wait: object) -> object:
    """`asyncio.wait` that gives tasks no time: a process that dies waits for nothing."""

    async def at_once(tasks: object, **given: object) -> object:
        return await wait(tasks, **{**given, **({"timeout": 0} if given.get("timeout") else {})})  # type: ignore[operator]

    return at_once


async def test_stored_but_not_acknowledged_is_not_taken_twice(desk: Desk, mosquitto: Broker) -> None:
    """The line broke between the commit and the acknowledgement; the report has no time by which it is recognised."""
    async with listening(desk, mosquitto) as made:
        real = mqtt._Connection.acknowledge
        mqtt._Connection.acknowledge = lambda connection: None  # type: ignore[method-assign]
        try:
            await mosquitto.say("pir", {"type": "motion"})
            await heard(desk, 1)
            await counted(made, desk, taken=1)
            made.listening.clear()
            await mosquitto.stop()
            await mosquitto.start()
            desk.clock.move(seconds=1)
        finally:
            mqtt._Connection.acknowledge = real  # type: ignore[method-assign]
        async with asyncio.timeout(30):
            await made.listening.wait()
        await counted(made, desk, taken=1, repeated=1)
    desk.clock.move(seconds=-1)
    assert len(await signals(desk)) == 1


async def test_two_processes_take_a_report_once_and_one_follows_the_other(
    desk: Desk, mosquitto: Broker
) -> None:
    async with (
        listening(desk, mosquitto) as first,
        listening(desk, mosquitto, ready=False) as second,
    ):
        for second_of in range(20):
            await mosquitto.say("sos-1", {"type": "sos", "at": at(second_of)})
        await heard(desk, 20)
        assert not second.listening.is_set()
        async with desk.work() as work:  # the first hung, its lease ran out, the second took it
            await work.session.execute(text("UPDATE listener SET holder = :to"), {"to": second._holder})
        async with asyncio.timeout(30):
            await second.listening.wait()
        await mosquitto.say("sos-1", {"type": "sos", "at": at(30)})
        await heard(desk, 21)

        async def first_has_stopped() -> bool:
            return not first.listening.is_set()

        await until(first_has_stopped)
        assert second.listening.is_set()
    assert len(await alarms(desk)) == 1


async def test_a_broker_that_restarts_loses_nothing(desk: Desk, mosquitto: Broker) -> None:
    async with listening(desk, mosquitto):
        await mosquitto.say("pir", {"type": "motion", "at": at(0)})
        await heard(desk, 1)
        await mosquitto.stop()
        await until(lambda: is_away(desk))
        assert (await standing(desk)).fault
        await mosquitto.start()
        await mosquitto.say("pir", {"type": "motion", "at": at(1)})
        await heard(desk, 2)  # what waited comes first; that the line stands again is written right after
        await until(lambda: is_back(desk))
        assert (await standing(desk)).fault is None


async def test_rubbish_is_counted_and_stops_nothing(
    desk: Desk, mosquitto: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    rubbish = [
        b"",
        b"sos",
        b"\xff\xfe\x00",
        b"[" * 10_000,
        b'"sos"',
        b"[]",
        b"{}",
        b'{"type": "song"}',
        b'{"type": ["sos"]}',
        b'{"type": "sos", "at": ' + b"9" * 6_000 + b"}",
    ]
    async with listening(desk, mosquitto) as made:
        for payload in rubbish:
            await mosquitto.say("陈奶奶-13800000001", payload)
        await mosquitto.say("n" * 65, {"type": "sos"})
        await mosquitto.say("pir", b" " * 20_000)
        await mosquitto.say("huge", b"x" * 10_000_000)
        await mosquitto.say("pir", {"type": "motion"})
        await heard(desk, 1)
        await counted(made, desk, malformed=len(rubbish) + 1, too_large=1, taken=1)
        assert made.listening.is_set()
    assert await alarms(desk) == []
    said = capsys.readouterr()
    assert "陈奶奶" not in said.err + said.out
    assert "13800000001" not in said.err + said.out
    assert "mqtt.refused" in said.err + said.out


@pytest.mark.parametrize(
    "odd",
    [{"at": "soon"}, {"at": 1e300}, {"resident": 7}, {"resident": "谁" * 900}, {"battery": {}}, {"at": []}],
)
async def test_a_call_for_help_is_not_refused_for_its_details(
    desk: Desk, mosquitto: Broker, odd: dict[str, object]
) -> None:
    async with listening(desk, mosquitto):
        await mosquitto.say("sos-1", json.dumps({"type": "sos", **odd}).encode())
        await heard(desk, 1)
    assert [alarm.level for alarm in await alarms(desk)] == [1]


async def test_a_flood_of_one_device_is_limited_and_its_call_for_help_passes(
    desk: Desk, mosquitto: Broker
) -> None:
    many = 400
    async with listening(desk, mosquitto) as made:
        async with mosquitto.client(max_inflight_messages=0) as flood:
            topic = "anlin/anlin_garden/mad/signal"
            for second in range(many):
                await flood.publish(topic, json.dumps({"type": "motion", "at": at(second)}), qos=0)
            await flood.publish(topic, json.dumps({"type": "sos", "at": at(0)}), qos=1)
            for second in range(20):
                await flood.publish(topic, json.dumps({"type": "sos", "at": at(second + 1)}), qos=1)
        await mosquitto.say("sos-2", {"type": "sos", "resident": "demo:elder-2", "at": at(0)})

        async def both() -> bool:
            return len(await alarms(desk)) == 2

        await until(both)
        found = await counts(made, desk)
    assert found["limited"] >= many - mqtt.BURST - 100
    taken = [signal.type for signal in await signals(desk)]
    assert taken.count("motion") < many / 2
    assert 2 <= taken.count("sos") < 10


async def test_a_retained_report_is_heard_when_it_is_sent_and_never_again(
    desk: Desk, mosquitto: Broker
) -> None:
    async with listening(desk, mosquitto):
        await mosquitto.say("sos-1", {"type": "sos"}, retain=True)
        await heard(desk, 1)
    async with desk.work() as work:
        await work.session.execute(text("DELETE FROM listener"))  # another installation: a session of its own
    desk.clock.move(hours=1)
    async with listening(desk, mosquitto):
        await mosquitto.say("sos-2", {"type": "sos"})
        await heard(desk, 2)
    desk.clock.move(hours=-1)
    assert len(await signals(desk)) == 2


async def test_others_see_whether_anybody_listens(desk: Desk, mosquitto: Broker) -> None:
    async with mosquitto.client() as other:
        await other.subscribe(mqtt.STATUS, qos=1)
        async with listening(desk, mosquitto):
            assert await _next(other) == {"listening": True}
        assert await _next(other) == {"listening": False}


async def _next(client: aiomqtt.Client) -> object:
    async with asyncio.timeout(30):
        return json.loads((await anext(client.messages)).payload)


async def test_an_error_of_ours_costs_no_alarm(
    desk: Desk, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of the program")

    async with listening(desk, mosquitto) as made:
        monkeypatch.setattr("bot.signals.take_one_of_many", fails)
        monkeypatch.setattr(mqtt, "log", Mock())  # tracebacks are drawn slowly
        await mosquitto.say("pir", {"type": "motion"})
        await mosquitto.say("gas-1", {"type": "gas"})
        await counted(made, desk, failed=2)
        monkeypatch.undo()
        await mosquitto.say("pir", {"type": "motion"})
        await heard(desk, 1)
    assert [(alarm.kind, alarm.source) for alarm in await alarms(desk)] == [("gas", "device:gas-1")]


async def test_a_fault_in_reading_does_not_break_the_line(
    desk: Desk, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault of the program")

    async with listening(desk, mosquitto) as made:
        monkeypatch.setattr(mqtt, "read", fails)
        monkeypatch.setattr(mqtt, "log", Mock())
        await mosquitto.say("pir", {"type": "motion"})
        await counted(made, desk, failed=1)
        monkeypatch.undo()
        await mosquitto.say("pir", {"type": "motion"})
        await heard(desk, 1)
        assert made.listening.is_set()


async def test_a_database_that_is_away_for_a_moment_costs_nothing(
    desk: Desk, mosquitto: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock is held on the table until the server has given the first tries up."""
    async with listening(desk, mosquitto):
        async with desk.house.database.transaction() as other:
            await other.execute(text("LOCK TABLE device IN ACCESS EXCLUSIVE MODE"))
            await mosquitto.say("sos-1", {"type": "sos", "at": at(0)})

            async def given_up() -> bool:
                return bool((await other.execute(_GIVE_UP)).scalar_one())

            await until(given_up)
        await heard(desk, 1)
    assert len(await alarms(desk)) == 1


async def test_a_broker_that_refuses_us_is_told_with_its_reason(desk: Desk, tmp_path: Path) -> None:
    settings = "listener {port} 127.0.0.1\nallow_anonymous false\nlog_dest file {folder}/log\n"
    async with broker(tmp_path, settings) as closed, listening(desk, closed, ready=False) as made:

        async def told() -> bool:
            return "authori" in ((await standing(desk)).fault or "").lower()

        await until(told)
        assert not made.listening.is_set()


async def test_several_communities_are_walled_off(desk: Desk, mosquitto: Broker) -> None:
    from tests.small_community import build

    async with listening(desk, mosquitto) as made:
        async with mosquitto.client() as client:
            await client.publish("anlin/mistyped/pir/signal", json.dumps({"type": "motion"}), qos=1)
        await heard(desk, 1)
        await build(desk.house.database, desk.clock.now(), key="other")
        async with mosquitto.client() as client:
            await client.publish("anlin/other/pir/signal", json.dumps({"type": "motion"}), qos=1)
            await client.publish("anlin/mistyped/pir/signal", json.dumps({"type": "motion"}), qos=1)
        await counted(made, desk, taken=2, unknown_community=1)
    async with desk.work() as work:
        each = await work.session.scalar(select(func.count(func.distinct(Device.community_id))))
        assert each == 2
