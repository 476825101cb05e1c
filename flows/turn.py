"""One turn of a conversation, as a flow sees it: who speaks, what was understood, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from data import conversations
from data.models import Conversation, Message, Resident
from data.residents import place_of
from data.work import Work
from flows.messages import Button, Incoming, Said
from flows.replies import payload
from flows.state import Dialogue, Frame
from flows.wording import Wording
from flows.world import World
from nlu.understanding import Entity, Intent, Understanding


def question_of(said: Said) -> dict[str, Any]:
    """A question as a frame remembers it (`frame.memory["question"]`), to be put again."""
    return {
        "text": said.text,
        "speech": said.speech,
        "buttons": [{"title": button.title, "payload": button.payload} for button in said.buttons],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A pressed button: `/name{"value": …}`. Rasa's form, so that its front ends work."""

    name: str
    values: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Turn:
    """Handed to every flow. Everything it says is collected here and committed with what it does."""

    work: Work
    world: World
    conversation: Conversation
    dialogue: Dialogue
    incoming: Incoming | None = None  # None: a timer or a member of staff speaks first
    understanding: Understanding | None = None  # None with a command, a timer, or a message without words
    command: Command | None = None
    message: Message | None = None  # the stored incoming message
    said: list[Said] = field(default_factory=list)

    @property
    def resident(self) -> Resident | None:
        """Who this is, if known; with `.home` loaded."""
        return self.conversation.resident

    @property
    def home(self) -> dict[str, Any] | None:
        """The person's home as a place, if known."""
        return place_of(self.resident.home) if self.resident else None

    @property
    def language(self) -> str:
        return self.conversation.language

    @property
    def now(self) -> datetime:
        """The community's clock."""
        return self.work.local

    @property
    def text(self) -> str:
        """What was written or said."""
        return self.incoming.text.strip() if self.incoming else ""

    @property
    def wording(self) -> Wording:
        return self.world.wording(self.language)

    @property
    def spoken(self) -> bool:
        """Whether this is a conversation by voice."""
        return self.incoming is not None and self.incoming.channel == "terminal"

    def intent(self, *names: str) -> bool:
        """Whether the message means one of these, surely enough to act on it; a button says so itself."""
        if self.command is not None:
            return self.command.name in names
        if self.understanding is None:
            return False
        top = self.understanding.intent
        return top.name in names and top.confidence >= self.world.figures.sure

    def say(
        self,
        key: str,
        *,
        buttons: Sequence[Button] = (),
        spoken: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Said:
        """Say a reply by its key, in a wording that was not used last time; `buttons` replace its own."""
        before = self.dialogue.said.get(key, 0)
        said = self.world.replies.render(key, self.language, turn=before, spoken=spoken, **facts)
        if buttons:
            said = replace(said, buttons=tuple(buttons))
        self.dialogue.said[key] = before + 1
        self.said.append(said)
        return said

    def button(self, key: str, command: str, /, **values: Any) -> Button:
        """A button whose title is a reply and whose payload is a command."""
        return Button(
            title=self.world.replies.render(key, self.language).text,
            payload=payload(command, **values),
        )

    def open(self, flow: str, **slots: Any) -> Frame:
        """Begin a flow on top of whatever is open; the engine goes on with it."""
        stamp = self.work.now.isoformat()
        frame = Frame(flow=flow, slots=slots, since=stamp, touched=stamp)
        self.dialogue.stack.append(frame)
        return frame

    def keep_words(self) -> dict[str, Any]:
        """What was said just now, as a frame remembers it, for `take_up`."""
        entities = self.understanding.entities if self.understanding else ()
        return {"text": self.text, "entities": [asdict(entity) for entity in entities]}

    def take_up(self, kept: Mapping[str, Any], intent: str) -> None:
        """Hear words kept earlier instead of what was just said: it was only a choice among their meanings."""
        meant = Intent(name=intent, confidence=1.0)
        self.command = None
        if self.incoming is not None:
            self.incoming = replace(self.incoming, text=kept["text"])
        self.understanding = Understanding(
            text=kept["text"],
            intent=meant,
            ranking=(meant,),
            entities=tuple(Entity(**entity) for entity in kept["entities"]),
        )

    def offer(self, wish: str) -> None:
        """What was said last asks "shall I …?": a yes to it is that wish, a no leaves everything as it is."""
        asked = self.said[-1]
        frame = self.open("offer")
        frame.asked = "wish"
        frame.memory.update(begun=True, wish=wish, question=question_of(asked))

    @classmethod
    def outside(cls, work: Work, world: World, conversation: Conversation) -> Turn:
        """A turn nobody's message began: a timer, a member of staff, a device. The conversation must be locked."""
        return cls(
            work=work,
            world=world,
            conversation=conversation,
            dialogue=Dialogue.from_json(conversation.state),
        )

    async def deliver(self, *, about: str | None = None) -> list[Message]:
        """Write what was said into the conversation and queue its delivery; returns the messages."""
        if self.said:
            self.dialogue.last = [{"text": said.text, "payload": said.payload()} for said in self.said]
        messages = [
            await conversations.say(
                self.work,
                self.conversation,
                text=said.text,
                payload=said.payload(),
                answers=self.message,
                about=about,
            )
            for said in self.said
        ]
        self.conversation.state = self.dialogue.to_json()
        return messages
