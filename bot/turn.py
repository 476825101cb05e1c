"""One message in, one transaction, answers out: the heart of the house.

The order of steps, and nothing else. What each step does lives in its room: `nlu` understands, `flows` decides what is
said and done, `data` remembers, `bot.outbox` delivers.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock
from bot.communities import Communities, CommunityUnknown
from bot.intake import Lines, clean
from data import conversations, timers
from data.database import Database, run
from data.errors import NotFound
from data.models import Conversation, Message, Timer
from data.work import Work
from flows import safety
from flows.due import Due, Handler
from flows.engine import Engine, command_in
from flows.messages import Incoming
from flows.state import Dialogue
from flows.turn import Turn
from flows.world import World
from nlu.engine import Parser, Reading
from nlu.understanding import Context, Intent

log = structlog.get_logger(__name__)
_UNKNOWN = Reading(ranking=(Intent(name="out_of_scope", confidence=0.0),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a message was answered with."""

    conversation_id: int
    messages: Sequence[Message]  # in order; empty when a person has the conversation
    repeated: bool = False  # the message had been heard before; these are the same answers again


class Turns:
    """Every message of a resident and every timer takes this way; nothing else writes."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        parser: Parser,
        world: World,
        engine: Engine,
        timers: Mapping[str, Handler],
        communities: Communities,
    ) -> None:
        self.engine = engine
        self.world = world
        self.parser = parser
        self._database, self._clock = database, clock
        self._handlers, self._communities = timers, communities
        self._lines = Lines()

    async def handle(self, incoming: Incoming) -> Answered:
        """Answer one message; returns after the commit. The same message id again gives the same answers."""
        reference = secrets.token_hex(8)
        incoming = _named(clean(incoming), reference)
        understood = asyncio.create_task(
            self._read(incoming)
        )  # while earlier ones of the sender are answered
        try:
            async with self._lines.of(incoming.channel, incoming.sender):
                return await self._in_line(incoming, await understood, reference)
        finally:
            understood.cancel()

    async def _in_line(self, incoming: Incoming, reading: Reading, reference: str) -> Answered:
        async def turn(session: AsyncSession) -> Answered:
            return await self._turn(session, incoming, reading, reference)

        async def failed(session: AsyncSession) -> Answered:
            return await self._failed(session, incoming, reference)

        try:
            return await run(self._database, turn)
        except CommunityUnknown:
            raise  # nobody is there who could be told
        except Exception:
            log.exception("turn.failed", turn=reference, channel=incoming.channel)
            return await run(self._database, failed)

    async def _turn(
        self, session: AsyncSession, incoming: Incoming, reading: Reading, reference: str
    ) -> Answered:
        work = await self._work(session, "resident", reference, incoming.community)
        conversation = await conversations.enter(work, channel=incoming.channel, sender=incoming.sender)
        message = await self._hear(work, conversation, incoming)
        if message is None:
            return await self._again(work, conversation, incoming)
        turn = Turn.outside(work, self.world, conversation)
        turn.incoming, turn.message, turn.command = incoming, message, command_in(incoming.text)
        if turn.command is None and incoming.text.strip():
            context = _context(work, turn.dialogue)
            turn.understanding = self.parser.understand(incoming.text, context, reading)
        await self.engine.step(turn)
        return Answered(conversation_id=conversation.id, messages=await turn.deliver())

    async def handle_timer(self, timer: Timer) -> bool:
        """Do what fell due, once: in one transaction with the timer's removal. False when it was done already."""

        async def due(session: AsyncSession) -> bool:
            work = await self._work(session, "bot", secrets.token_hex(8), None, timer.community_id)
            turn = None
            if timer.payload.get("conversation") is not None:
                try:
                    conversation = await conversations.lock(work, timer.payload["conversation"])
                except NotFound:  # erased (P4): there is nobody to say it to
                    await timers.done(work, timer)
                    return False
                turn = Turn.outside(work, self.world, conversation)
            held = await timers.hold(work, timer)
            if held is None:
                return False
            await self._handlers[held.kind](
                Due(work=work, world=self.world, engine=self.engine, timer=held, turn=turn)
            )
            if turn is not None:
                await turn.deliver()
            await timers.done(work, timer)
            return True

        return await run(self._database, due)

    async def _read(self, incoming: Incoming) -> Reading:
        """What the words say by themselves. A fault of the engine costs understanding, never the message (E1, U3)."""
        if not incoming.text.strip() or command_in(incoming.text) is not None:
            return _UNKNOWN
        try:
            judged = self.parser.judge(incoming.text, Context(now=self._clock.now()))
            if judged is not None and judged.level <= 3 and not getattr(self.parser.engine, "ready", True):
                # Help does not wait for the engine.
                return Reading(ranking=(Intent(name="emergency", confidence=judged.confidence),))
            return await self.parser.read(incoming.text)
        except Exception:
            log.exception("nlu.failed", engine=self.parser.engine.name)
            return replace(_UNKNOWN, suspicion=await self.parser.suspicion(incoming.text))

    async def _failed(self, session: AsyncSession, incoming: Incoming, reference: str) -> Answered:
        """An error in the turn: nothing of it was kept, so say so and bring a person in (C14)."""
        work = await self._work(session, "resident", reference, incoming.community)
        conversation = await conversations.enter(work, channel=incoming.channel, sender=incoming.sender)
        message = await self._hear(work, conversation, incoming)
        if message is None:
            return await self._again(work, conversation, incoming)
        turn = Turn.outside(work, self.world, conversation)
        turn.incoming, turn.message = incoming, message
        try:
            judged = self.parser.judge(incoming.text, _context(work, turn.dialogue))
        except Exception:  # it may be what failed
            log.exception("net.failed", turn=reference)
            judged = None
        await safety.internal_error(turn, judged, reference=reference)
        return Answered(conversation_id=conversation.id, messages=await turn.deliver())

    async def _hear(self, work: Work, conversation: Conversation, incoming: Incoming) -> Message | None:
        payload = {"kind": incoming.kind, **incoming.data} if incoming.kind != "text" else None
        return await conversations.hear(
            work,
            conversation,
            external_id=incoming.message_id,
            text=incoming.text,
            payload=payload,
            via=incoming.channel,
        )

    async def _again(self, work: Work, conversation: Conversation, incoming: Incoming) -> Answered:
        assert incoming.message_id is not None
        said = await conversations.answers_to(work, conversation, incoming.message_id)
        return Answered(conversation_id=conversation.id, messages=said, repeated=True)

    async def _work(
        self,
        session: AsyncSession,
        actor: str,
        reference: str,
        key: str | None,
        community_id: int | None = None,
    ) -> Work:
        community = await self._communities.get(session, key=key, community_id=community_id)
        return Work(session=session, now=self._clock.now(), community=community, actor=actor, turn=reference)


def _named(incoming: Incoming, reference: str) -> Incoming:
    """With an id in any case: a commit whose answer was lost is repeated, and must not be heard twice (P2)."""
    return incoming if incoming.message_id else replace(incoming, message_id=f"turn:{reference}")


def _context(work: Work, dialogue: Dialogue) -> Context:
    """What was asked just now, as far as it changes what an utterance means."""
    frame = dialogue.active
    if frame is None or frame.asked is None or frame.asked == "standing_by":
        return Context(now=work.local)  # an alarm may stand by for hours with no question open
    if frame.flow in ("emergency", "emergency_doubt"):
        return Context(now=work.local, expecting="emergency")
    if frame.flow == "checkin":
        return Context(now=work.local, expecting="checkin")
    if frame.asked == "confirm":
        return Context(now=work.local, expecting="confirm")
    return Context(now=work.local, expecting="slot", slot=frame.asked)
