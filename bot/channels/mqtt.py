"""Listens to the devices' MQTT broker: every report is taken once, and the broker hears so only after the commit (E9, P2, P7).

One process of the installation listens at a time, the one that holds the lease of `data.listeners`; any other takes
over when it dies. All of them connect under the same name, so the broker keeps one session: what came while nobody
listened, or was not acknowledged by a process that died, is sent again to the next. (A shared subscription was
weighed: Mosquitto hands messages also to members that are away, where a call for help would wait for a dead process.)
docs/devices.md says what devices send; docs/decisions/013 why it is done this way.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from select import POLLIN, poll

import aiomqtt
import structlog
from aiomqtt.types import PahoSocket
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import signals
from bot.allowance import Allowance
from bot.channels.mqtt_reading import TOPICS, Address, Heard, Refused, read
from bot.communities import Communities, CommunityUnknown
from bot.house import House
from bot.intake import Lines
from data import devices, listeners
from data.database import run
from data.models import Community
from data.work import Work
from flows.alarm_signals import KINDS
from flows.devices import alarm_without_words

log = structlog.get_logger(__name__)

STATUS = "anlin/status"
"""Retained: whether anybody listens; the last will says that nobody does any more."""
BURST, PER_SECOND = 60, 2.0
"""How much one device may report (P7)."""

_RENEW = listeners.LEASE.total_seconds() / 3
_KEEPALIVE = 15  # seconds; a broker that does not answer for as long is away
_UNACKNOWLEDGED = (
    65_535  # messages the broker may have under way: calls for help are found among them, and go first
)
_CROWD = 5_000  # of those it does not wait for (QoS 0), so many are kept
_LARGEST_PACKET = 64 * 1024  # bytes; the broker keeps larger ones to itself
_KEPT = 30 * 86400  # seconds the broker keeps our session while nobody listens
_AT_A_TIME = 100  # packets that are read before others have their turn
_AT_ONCE = 8  # reports taken side by side; calls for help have as many places of their own
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0  # seconds between two attempts to connect
_SAME_CALL = 5.0  # seconds in which a device that sends too much is not heard with the same call again
_QUIET = 60.0  # seconds between two log lines about the same kind of refusal


@dataclass(slots=True, eq=False)
class _Parcel:
    """A message the broker waits to hear about."""

    mid: int
    qos: int
    digest: bytes  # by which it is recognised when it is sent again after the connection broke
    settled: bool = False


@dataclass(slots=True)
class _Connection:
    """One connection to the broker, from its beginning to its end."""

    client: aiomqtt.Client = field(init=False)
    parcels: deque[_Parcel] = field(default_factory=deque)  # in the order in which they came
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    over: bool = False
    reading: bool = False

    def read_on(self) -> None:
        """Read what else has come. paho reads one packet each time the loop comes round, and a call may be far behind."""
        self.reading = False
        paho = self.client._client
        for _ in range(_AT_A_TIME):
            line = paho.socket()
            if line is None or not _has_come(line) or paho.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def acknowledge(self) -> None:
        """Tell the broker of what is settled, in the order in which it came: MQTT asks for that [MQTT-4.6.0-2]."""
        while self.parcels and self.parcels[0].settled and not self.over:
            parcel = self.parcels.popleft()
            # aiomqtt has no word for it; paho, which it wraps, has.
            self.client._client.ack(parcel.mid, parcel.qos)


class _Straight(asyncio.Queue[aiomqtt.Message]):
    """Hands every message on as it comes, in the place of aiomqtt's queue, which costs a task for each."""

    receive: Callable[[aiomqtt.Message], None]

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """A message has come."""
        self.receive(item)


class Mqtt:
    """This process's part in listening to the broker. `run` for ever; cancel it to stop."""

    def __init__(self, house: House, address: Address) -> None:
        self._house, self._address = house, address
        self._holder = secrets.token_hex(8)
        self._communities = Communities()
        self._allowance = Allowance(burst=BURST, per_second=PER_SECOND)
        self._called: dict[tuple[str, str, str], float] = {}  # device's call → when it was taken
        self._lines = Lines()
        self._routine, self._urgent = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_AT_ONCE)
        self._counted: Counter[str] = Counter()
        self._told: dict[str, float] = {}  # kind of refusal → when it was logged
        self._settled: dict[int, bytes] = {}  # taken, but the connection broke before we could say so
        self._connected, self._fault = False, "not connected yet"
        self.listening = asyncio.Event()  # set while this process listens

    async def run(self) -> None:
        """Listen whenever no other process does."""
        pause = _FIRST_PAUSE
        try:
            while True:
                name = await self._claim()
                if name is None:
                    await asyncio.sleep(_RENEW)
                    continue
                try:
                    await self._hold(name)
                except (aiomqtt.MqttError, OSError) as error:
                    pause = _FIRST_PAUSE if self._connected else min(pause * 2, _LONGEST_PAUSE)
                    await self._stands(False, fault=str(error) or type(error).__name__)
                    log.warning("mqtt.away", fault=self._fault, again_in=round(pause, 1))
                    await self._wait(pause)
        finally:
            self.listening.clear()
            with contextlib.suppress(Exception):  # the lease runs out by itself
                await self._flush()
                async with self._house.database.transaction() as session:
                    await listeners.release(session, listeners.MQTT, self._holder, at=self._house.clock.now())

    async def _claim(self) -> str | None:
        """Take or keep the lease; None: another process has it, or the database does not answer."""
        try:
            async with self._house.database.transaction() as session:
                return await listeners.claim(session, listeners.MQTT, self._holder)
        except Exception:
            log.exception("mqtt.lease_failed")
            return None

    async def _hold(self, name: str) -> None:
        """Listen until the connection breaks (raises MqttError) or another process has the lease (returns)."""
        listen = asyncio.create_task(self._listen(name), name="mqtt")
        renew = asyncio.create_task(self._renew(), name="mqtt lease")
        try:
            await asyncio.wait({listen, renew}, return_when=asyncio.FIRST_COMPLETED)
            if not listen.done():
                log.warning("mqtt.lease_lost")
        finally:
            for task in (listen, renew):
                task.cancel()
            results = await asyncio.gather(listen, renew, return_exceptions=True)
            self.listening.clear()
        if isinstance(results[0], Exception):
            raise results[0]

    async def _renew(self) -> None:
        """Keep the lease and write down how we stand; returns when the lease is another's."""
        while True:
            await asyncio.sleep(_RENEW)
            if await self._claim() is None:
                return
            await self._flush()

    async def _wait(self, seconds: float) -> None:
        """A pause between two attempts, in which the lease is kept."""
        while seconds > 0:
            await asyncio.sleep(min(seconds, _RENEW))
            seconds -= _RENEW
            await self._claim()

    # One connection

    def _client(self, name: str, connection: _Connection) -> aiomqtt.Client:
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
        wishes.SessionExpiryInterval = _KEPT
        wishes.ReceiveMaximum = _UNACKNOWLEDGED
        wishes.MaximumPacketSize = _LARGEST_PACKET
        straight = type(
            "Straight", (_Straight,), {"receive": staticmethod(partial(self._receive, connection))}
        )
        client = aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.user,
            password=self._address.password,
            tls_context=self._address.tls,
            identifier=name,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,  # the session goes on, whichever process had it
            properties=wishes,
            keepalive=_KEEPALIVE,
            queue_type=straight,
            will=aiomqtt.Will(STATUS, _status(False), qos=1, retain=True),
        )
        client._client.manual_ack_set(True)
        connection.client = client
        return client

    async def _listen(self, name: str) -> None:
        connection = _Connection()
        async with self._client(name, connection) as client:
            try:
                options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
                for granted in await client.subscribe(TOPICS, options=options):
                    if (granted if isinstance(granted, int) else granted.value) >= 0x80:
                        raise aiomqtt.MqttError(f"the broker refuses the subscription to {TOPICS}")
                await client.publish(STATUS, _status(True), qos=1, retain=True)
                await self._stands(True)
                log.info("mqtt.listening", host=self._address.host)
                self.listening.set()
                async for (
                    _
                ) in client.messages:  # they have gone straight to `_receive`: this only ends with the line
                    pass
            except asyncio.CancelledError:
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.publish(STATUS, _status(False), qos=1, retain=True, timeout=2)
                raise
            finally:
                await self._finish(connection)

    async def _finish(self, connection: _Connection) -> None:
        """Let what has begun come to its end; what has not will be sent again."""
        self.listening.clear()
        if connection.tasks:
            await asyncio.wait(connection.tasks, timeout=5)
            for task in connection.tasks:
                task.cancel()
        connection.acknowledge()
        connection.over = True
        self._called.clear()
        self._settled = {parcel.mid: parcel.digest for parcel in connection.parcels if parcel.settled}

    def _receive(self, connection: _Connection, message: aiomqtt.Message) -> None:
        """Sort one message: refuse it at once, or have it taken in its device's line."""
        if not connection.reading:
            connection.reading = True
            asyncio.get_running_loop().call_soon(connection.read_on)
        topic, payload = message.topic.value, bytes(message.payload)
        digest = hashlib.blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()
        parcel = _Parcel(message.mid, message.qos, digest)
        if message.qos:
            connection.parcels.append(parcel)
            if self._settled.pop(message.mid, None) == digest:
                self._settle(connection, parcel, "repeated")
                return
        try:
            heard = read(topic, payload)
        except Refused as refusal:
            self._settle(connection, parcel, refusal.reason, size=len(payload))
            return
        except Exception:  # it would break the line, and come again, for ever
            log.exception("mqtt.unreadable", size=len(payload))
            self._settle(connection, parcel, "failed", size=len(payload))
            return
        crowded = not message.qos and len(connection.tasks) >= _CROWD
        if not self._allowed(heard) or (crowded and heard.report.type not in KINDS):
            self._settle(connection, parcel, "limited", size=len(payload))
            return
        now = self._house.clock.now()
        task = asyncio.create_task(self._in_line(connection, parcel, heard, now), name="report")
        connection.tasks.add(task)
        task.add_done_callback(connection.tasks.discard)

    def _allowed(self, heard: Heard) -> bool:
        """P7: a device that sends too much is not heard, unless it calls for help and has not done so just now.

        The same call is left out while an earlier one is being taken: it is acknowledged after that one, or sent again
        with it.
        """
        now, report = asyncio.get_running_loop().time(), heard.report
        allowed = self._allowance.take((heard.community, report.device), now)
        if report.type not in KINDS:
            return allowed
        call = (heard.community, report.device, report.type)
        if not allowed and now - self._called.get(call, -_SAME_CALL) < _SAME_CALL:
            return False
        if len(self._called) > 10_000:
            self._called = {call: at for call, at in self._called.items() if now - at < _SAME_CALL}
        self._called[call] = now
        return True

    def _settle(self, connection: _Connection, parcel: _Parcel, outcome: str, *, size: int = 0) -> None:
        """It is decided: count it, and let the broker know."""
        self._counted[outcome] += 1
        parcel.settled = True
        connection.acknowledge()
        if outcome not in ("taken", "repeated"):
            now = asyncio.get_running_loop().time()
            if now - self._told.get(outcome, -_QUIET) >= _QUIET:
                self._told[outcome] = now
                # Neither topic nor payload: a device's name may be an address.
                log.warning("mqtt.refused", reason=outcome, size=size, since_start=self._counted[outcome])

    # One report

    async def _in_line(
        self, connection: _Connection, parcel: _Parcel, heard: Heard, received: datetime
    ) -> None:
        urgent = heard.report.type in KINDS
        places = self._urgent if urgent else self._routine
        async with self._lines.of(heard.community, heard.report.device), places:
            outcome = await self._take(heard, received)
        self._settle(connection, parcel, outcome)

    async def _take(self, heard: Heard, received: datetime) -> str:
        """Take a report; gives what became of it. While the database is away it is tried again and again."""
        report, pause, done = heard.report, _FIRST_PAUSE, self._whole
        while True:
            try:
                outcome = await run(self._house.database, partial(done, heard, received))
                break
            except CommunityUnknown:
                return "unknown_community"
            except devices.TooManyDevices as refusal:
                return refusal.code
            except (DBAPIError, OSError) as error:
                log.error("mqtt.database_failed", kind=type(error).__name__, again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:
                log.exception("mqtt.report_failed", type=report.type)
                if report.type not in KINDS or done == self._bare:
                    return "failed"
                done = self._bare
        if report.type in KINDS:
            self._house.outbox.wake()
        return outcome

    async def _whole(self, heard: Heard, received: datetime, session: AsyncSession) -> str:
        house, work = self._house, await self._work(session, heard, received)
        new = await signals.take_one_of_many(work, house.world, house.turns.engine, heard.report, via="mqtt")
        return "taken" if new else "repeated"

    async def _bare(self, heard: Heard, received: datetime, session: AsyncSession) -> str:
        """After an error of ours: a call for help is an alarm all the same, with nothing but its kind (C14)."""
        work = await self._work(session, heard, received)
        await alarm_without_words(work, self._house.world, key=heard.report.device, what=heard.report.type)
        return "failed"

    async def _work(self, session: AsyncSession, heard: Heard, received: datetime) -> Work:
        try:
            community = await self._communities.get(session, key=heard.community)
        except CommunityUnknown:
            if await session.scalar(select(func.count()).select_from(Community)) != 1:
                raise
            # Nobody else can be meant: a device whose topic was mistyped is heard all the same.
            community = await self._communities.get(session)
        return Work(session=session, now=received, community=community, actor="bot")

    # How we stand

    async def _stands(self, connected: bool, *, fault: str = "") -> None:
        self._connected, self._fault = connected, fault
        await self._flush()

    async def _flush(self) -> None:
        """Write down how we stand and what was counted; the desk, /readyz and /metrics of any process read it."""
        counted, self._counted = self._counted, Counter()
        try:
            async with self._house.database.transaction() as session:
                await listeners.tell(
                    session,
                    listeners.MQTT,
                    self._holder,
                    connected=self._connected,
                    at=self._house.clock.now(),
                    fault=self._fault,
                    counted=counted,
                )
        except Exception:
            self._counted.update(counted)
            log.exception("mqtt.standing_failed")


def _has_come(line: PahoSocket) -> bool:
    """Whether something is there to be read, without waiting."""
    look = poll()
    look.register(line.fileno(), POLLIN)
    return bool(look.poll(0))


def _status(listening: bool) -> str:
    return json.dumps({"listening": listening})
