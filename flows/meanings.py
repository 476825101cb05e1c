"""What a message means to a conversation: which wish it carries, whether a yes is a clean yes, what is called off.

The intent engine judges words alone; here they are judged beside what was asked and what was done a moment ago.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flows.asking import Asking
from flows.declared import Aside, Flow
from flows.state import Frame
from flows.turn import Command, Turn
from nlu.understanding import INTENTS, Intent

_EDGES = " \t,.!?;:，。！？；：、~～"
_COMMAND = re.compile(r"/([a-z][a-z0-9_]*)\s*(\{.*\})?", re.DOTALL)
_ALARMS = ("emergency", "emergency_doubt")  # there confusion is a sign, and is judged by the flow itself (E4)
_NEVER_ELSE = ("change_request", "affirm", "deny", "skip", "rate_service")
"""Said in the middle of a form these belong to the form: a correction (C2), an answer, a number that is no mark."""
_COMPANY = ("chitchat", "out_of_scope", "greet", "goodbye", "feel_fine")
"""With a question open, half-heard words resemble these; only a sure one is one."""
_SURE_OF_COMPANY = 0.8
_CLARIFIED = {"time": ("book_service", "set_reminder"), "place": ("report_repair", "book_service")}
"""Words that are only a time, or only a place: what they may be about."""
_LEAST_OFFERED = 0.25  # confidence from which an intent is worth being offered as one of two

_NOTHING_ELSE = re.compile(r"没(?:有)?(?:什么|啥)|没问题|不错|no problem|why not", re.IGNORECASE)
_DOUBTS = re.compile(
    r"什么|啥|怎么|咋|哪|谁|多少|几[点个号时天]|为何|[吗么？?]|等等|等一?[下会]|慢着|先别|别急|不过|但|可是|只是|要不|"
    r"不是|不对|不行|不要|算了|再想|考虑|听不|没听|没懂|不懂|不清楚|不知道|"
    r"\b(?:what|which|how|why|when|where|who|but|wait|hold on|not|don'?t|hmm+|maybe|unsure)\b",
    re.IGNORECASE,
)

_SHORT = 40  # characters of words that only call something off
_OFF = re.compile(
    r"(?:先|都|就|还是|这个|那个|^)(?:不要|不办|不弄|不约|不报|不用办)了|取消(?:掉|了)?(?:吧|算了)?$|^算了|"
    r"\b(?:cancel (?:it|that|this)|never ?mind|forget (?:it|that|about it)|drop it|leave it|call it off|not that after all)\b",
    re.IGNORECASE,
)
_KEEP = re.compile(r"(?:别|不要|不用|不能|没)取消|\b(?:don't|do not|not) (?:cancel|forget)", re.IGNORECASE)


def command_in(text: str) -> Command | None:
    """A button's payload, or None when the words are words."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return None
    try:
        values = json.loads(match[2]) if match[2] else {}
    except ValueError:
        return None
    return Command(name=match[1], values=values) if isinstance(values, dict) else None


def hear_plainly(turn: Turn) -> None:
    """Put right what can be known before anybody looks at the intent: words that are a button, a yes with thanks,
    a yes that is none."""
    _press_by_words(turn)
    _yes_with_thanks(turn)
    _yes_in_doubt(turn)


def _press_by_words(turn: Turn) -> None:
    """Saying or writing what a button says is pressing it, as long as it is on the screen."""
    if turn.command is not None or turn.incoming is None:
        return
    words = turn.text.strip(_EDGES).casefold()
    shown = [
        button for said in turn.dialogue.last for button in (said.get("payload") or {}).get("buttons", ())
    ]
    pressed = next((button for button in shown if words and button["title"].casefold() == words), None)
    if pressed is not None:
        turn.command = command_in(pressed["payload"])


def _yes_with_thanks(turn: Turn) -> None:
    """ "Good, thank you" is a yes while a question is open, and thanks when none is."""
    frame, understood = turn.dialogue.active, turn.understanding
    if frame is None or frame.asked is None or understood is None or understood.intent.name != "thank":
        return
    if understood.text.strip().lower().startswith(turn.wording.yes_words):
        turn.understanding = replace(understood, intent=replace(understood.intent, name="affirm"))


def _yes_in_doubt(turn: Turn) -> None:
    """ "Mm mm what" is no yes, however sure the intent engine is of its mm: what costs something needs a clean one."""
    frame, understood = turn.dialogue.active, turn.understanding
    if frame is None or frame.asked is None or frame.flow in _ALARMS:
        return
    if turn.command is not None or understood is None or understood.intent.name != "affirm":
        return
    if _DOUBTS.search(_NOTHING_ELSE.sub("", understood.text)):
        unsure = replace(understood.intent, confidence=0.0)
        ranking = tuple(
            replace(one, confidence=0.0) if one.name == "affirm" else one for one in understood.ranking
        )
        turn.understanding = replace(understood, intent=unsure, ranking=ranking)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What can be wished for, and by which intent."""

    flows: Mapping[str, Flow]  # by name
    by_intent: Mapping[str, Flow]
    asides: Mapping[str, Aside]  # by intent

    def known(self, intent: str) -> bool:
        """Whether anything answers it."""
        return intent in self.by_intent or intent in self.asides

    def new(self, turn: Turn) -> tuple[str | None, list[str]]:
        """The intent to act on with nothing open, or the two to ask about where they are close (U6)."""
        if turn.command is not None:
            return (turn.command.name if self.known(turn.command.name) else None), []
        if turn.understanding is None:
            return None, []
        if bare := self._bare(turn):
            return None, bare
        first, *others = turn.understanding.ranking
        figures = turn.world.figures
        rival = next((other for other in others if self._differs(first, other)), None)
        near = rival is not None and first.confidence - rival.confidence < figures.close
        if first.confidence >= figures.sure and not near:
            return ("cancel_request" if first.name == "stop" and just_done(turn) else first.name), []
        both = first.confidence + rival.confidence if rival is not None else 0.0
        if rival is not None and both >= figures.sure and first.confidence >= _LEAST_OFFERED:
            options = [intent.name for intent in (first, rival) if _can_offer(intent.name, turn)]
            if len(options) == 2:
                return None, options
        return (first.name if first.confidence >= figures.sure else None), []

    def other(self, turn: Turn, frame: Frame, sure: float) -> str | None:
        """A wish of another kind than the open flow's, at least that sure."""
        if turn.command is not None:
            name = turn.command.name
        elif turn.understanding is not None and turn.understanding.intent.confidence >= sure:
            name = turn.understanding.intent.name
            if name in _COMPANY and turn.understanding.intent.confidence < _SURE_OF_COMPANY:
                return None
        else:
            return None
        if name in self.flows[frame.flow].intents or name in _NEVER_ELSE:
            return None
        if turn.command is not None and name not in INTENTS:
            return None
        return name if self.known(name) else None

    def of_its_own(self, pressed: str, frame: Frame) -> bool:
        """Whether a button belongs to no open question, e.g. a mark for what was closed (C15). An alarm is not left for it."""
        if pressed in INTENTS:
            return False
        flow = self.by_intent.get(pressed)
        opens = flow is not None and flow.name != frame.flow and frame.flow not in _ALARMS
        return pressed in self.asides or opens

    def _bare(self, turn: Turn) -> list[str]:
        """What a message may be about that is a time or a place and nothing else: 明天上午 is no greeting."""
        understood = turn.understanding
        if understood is None or len(understood.entities) != 1 or understood.emergency is not None:
            return []
        (only,) = understood.entities
        rest = (understood.text[: only.start] + understood.text[only.end :]).strip(_EDGES + "吧呢啊呀的")
        options = [] if rest else list(_CLARIFIED.get(only.entity, ()))
        if understood.intent.name in options:
            return []
        return options if all(self.known(one) for one in options) else []

    def _differs(self, one: Intent, other: Intent) -> bool:
        mine = self.by_intent.get(one.name) or self.asides.get(one.name)
        return mine is not (self.by_intent.get(other.name) or self.asides.get(other.name))


def just_done(turn: Turn) -> bool:
    """Whether something was finished a moment ago: "leave it" with nothing open then means that (C12)."""
    done = turn.dialogue.done
    return done is not None and turn.work.now - datetime.fromisoformat(done.at) <= turn.world.figures.undo


def refused(turn: Turn, frame: Frame, flow: Flow, asking: Asking) -> bool:
    """A plain no to a question that is not a yes/no question is a wish to leave."""
    slot = asking.open_slot(flow, frame)
    if slot is None or slot.optional or slot.choices is not None or frame.memory.get("offer"):
        return False
    return turn.intent("deny") and not (turn.understanding and turn.understanding.entities)


def called_off(turn: Turn, frame: Frame, flow: Flow) -> bool:
    """ "Then I won't book", "not that after all, cancel it": of what is being filled in, unless it names something
    else that was asked for before."""
    if not flow.parks or turn.command is not None or turn.understanding is None:
        return False
    if "cancel_request" in flow.intents:
        return False
    if not turn.intent("cancel_request") and not _plainly_off(turn):
        return False
    mine = {slot.entity: frame.slots.get(slot.name) for slot in flow.slots}
    return all(mine.get(entity.entity) == entity.value for entity in turn.understanding.entities)


def _plainly_off(turn: Turn) -> bool:
    """Short words that call off whatever is being done, whatever the intent engine makes of them."""
    words = turn.understanding.text.strip(_EDGES) if turn.understanding else ""
    return len(words) <= _SHORT and _OFF.search(words) is not None and _KEEP.search(words) is None


def _can_offer(intent: str, turn: Turn) -> bool:
    return turn.world.replies.has(f"wish_{intent}", turn.language)
