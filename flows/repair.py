"""Reporting a repair: what is broken, where, how bad; safety advice at once; one ticket for one fault (F2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from data import requests
from data.content import Fault
from data.models import Request
from flows.asking import Asking
from flows.declared import Ask, Filled, Flow, Given, Slot, Verdict
from flows.messages import Button
from flows.promises import promised
from flows.repair_place import in_own_words, in_words, judge_where, open_there, usual, where_exactly
from flows.repair_words import alarm_in, call_alarm, fault_of_spot, faults_in, says_whole, says_worse
from flows.replies import payload
from flows.state import CONFIRM, Done, Frame
from flows.turn import Turn
from nlu.timevalues import TimeValueError, parse_value

_OTHER = "other"  # a fault that the catalogue does not know; its words are kept
_FREQUENT = ("pipe_leak", "toilet", "light")  # what is reported most
_LONGEST = 500  # characters of the resident's words that are kept
_SHOWN = 20  # of a fault in the resident's own words
_NOT_AN_ANSWER = (
    "deny",
    "stop",
    "skip",
    "affirm",
    "greet",
    "thank",
    "goodbye",
    "help",
    "repeat",
    "slower",
    "louder",
)


class Repair(Flow):
    """F2."""

    name = "repair"
    intents = ("report_repair",)
    confirms = True
    open_to_strangers = False
    pictures = True

    def __init__(self) -> None:
        self.slots = (
            Slot(name="fault", ask="repair_ask_fault", entity="fault", judge=_judge_fault, choices=_frequent),
            Slot(
                name="place",
                ask="repair_ask_place",
                entity="place",
                judge=_judge_place,
                choices=_places,
                resets=("same",),
            ),
            Slot(
                name="same", ask="repair_ask_same", judge=_judge_same, choices=_yes_no, when=_reported_before
            ),
            Slot(
                name="time",
                ask="repair_ask_time",
                entity="time",
                judge=_judge_time,
                optional=True,
                when=_by_date,
            ),
        )

    async def begin(self, turn: Turn, frame: Frame) -> None:
        dangerous = alarm_in(turn)
        if dangerous is not None:
            turn.dialogue.drop(frame)
            call_alarm(turn, dangerous)
            return
        _note(turn, frame, begins=True)
        if not faults_in(turn) and turn.command is None and (spot := fault_of_spot(turn)) is not None:
            await _judge_fault(turn, frame, Given(value=spot))

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        """Danger first; pictures are kept; worse news raises the urgency, whatever is being asked."""
        dangerous = alarm_in(turn)
        if dangerous is not None:
            turn.dialogue.drop(frame)
            call_alarm(turn, dangerous)
            return True
        news = _note(turn, frame)
        if turn.incoming is not None and turn.incoming.kind in ("image", "location") and not turn.text:
            turn.say("repair_picture" if turn.incoming.kind == "image" else "repair_location")
            await Asking().ask_again(turn, frame, self, short=True)
            return True
        if frame.asked == "fault" and turn.command is None and turn.intent("deny") and not faults_in(turn):
            turn.dialogue.drop(frame)
            await self.cancelled(turn, frame)
            return True
        if news and frame.asked == CONFIRM and not turn.intent("affirm"):
            if not await Asking().take_answer(turn, frame, self):
                frame.asked = None  # read back anew, as urgent
            return True
        # A place alone looks like anything to the intent engine.
        if frame.asked in ("place", CONFIRM) and _names_a_place_only(turn):
            return await Asking().take_answer(turn, frame, self)
        return False

    def ask_key(self, turn: Turn, frame: Frame, slot: Slot) -> str:
        if slot.name == "place" and (fault := _fault(turn, frame)) is not None and fault.where != "either":
            return f"repair_ask_place_{fault.where}"
        return "repair_ask_same_mine" if slot.name == "same" and frame.memory.get("mine") else slot.ask

    async def facts(self, turn: Turn, frame: Frame) -> dict[str, Any]:
        return _facts(turn, frame, spoken=False)

    async def spoken_facts(self, turn: Turn, frame: Frame) -> dict[str, Any] | None:
        return _facts(turn, frame, spoken=True)

    def echo(self, turn: Turn, frame: Frame, slot: str) -> str:
        if slot == "fault":
            return _what(turn, frame)
        if slot == "place" and frame.slots.get("place"):
            return in_words(turn, frame.slots["place"], spoken=turn.spoken)
        return ""

    def title(self, turn: Turn, frame: Frame) -> str:
        if not frame.slots.get("fault"):
            return turn.world.replies.render("repair_title", turn.language).text
        return turn.world.replies.render("repair_title_of", turn.language, fault=_what(turn, frame)).text

    async def run(self, turn: Turn, frame: Frame) -> bool:
        if frame.slots.get("same") == "yes":
            await self._join(turn, frame)
            return True
        fault, urgency = _fault(turn, frame), _urgency(turn, frame)
        made = await requests.open_case(
            turn.work,
            kind="repair",
            resident_id=turn.resident.id if turn.resident else None,
            conversation_id=turn.conversation.id,
            place=frame.slots["place"],
            text=_words(frame),
            details=_details(turn, frame),
            fault=fault.key if fault else None,
            urgency=urgency,
            starts_at=_appointment(turn, frame),
        )
        self._tell(turn, frame, made, urgency)
        turn.dialogue.done = Done(
            flow=self.name,
            subject=f"request:{made.id}",
            title=self.title(turn, frame),
            at=turn.work.now.isoformat(),
        )
        return True

    def _tell(self, turn: Turn, frame: Frame, made: Request, urgency: str) -> None:
        """Number, who comes next, by when (C13); and what else they spoke of."""
        turn.say(
            f"repair_done_{urgency}",
            accept=promised(turn, urgency, "accept"),
            on_site=promised(turn, urgency, "on_site"),
            spoken={**_facts(turn, frame, spoken=True), "number": turn.wording.number_spoken(made.number)},
            **{**_facts(turn, frame, spoken=False), "number": made.number},
        )
        also = [key for key in frame.memory.get("also", []) if key != made.fault and key in turn.world.faults]
        if also:
            name = turn.world.faults[also[0]].name.of(turn.language)
            turn.say("repair_also", other=name, buttons=[_fault_button(turn, also[0], "report_repair")])

    async def _join(self, turn: Turn, frame: Frame) -> None:
        """The same fault was reported before: no second ticket, one more who waits for it."""
        found = await requests.get(turn.work, str(frame.memory["open"]), lock=True)
        assert found is not None  # cases are never deleted
        key = "repair_same_mine"
        if not frame.memory.get("mine"):
            key = "repair_same"
            resident_id = turn.resident.id if turn.resident else None
            await requests.me_too(turn.work, found, resident_id=resident_id, text=_words(frame))
        spoken = {"number": turn.wording.number_spoken(found.number)}
        turn.say(key, number=found.number, spoken=spoken)


# Slots


async def _judge_fault(turn: Turn, frame: Frame, given: Given) -> Verdict:
    entities = faults_in(turn) if given.value is None else ()
    key = str(given.value) if given.value is not None else str(entities[0].value) if entities else None
    if key is None and given.asked:
        key = fault_of_spot(turn)
    fault = turn.world.faults.get(key or "")
    if fault is None:
        if given.asked and given.value is None and _says_something(turn):
            frame.memory["own_words"] = given.text.strip()
            await _settle_place(turn, frame, None, None)
            return Filled(value=_OTHER)
        return None
    if entities and "part" in entities[0].extra:
        frame.memory["part"] = entities[0].extra["part"]
    others = [str(entity.value) for entity in entities[1:] if entity.value != fault.key]
    frame.memory["also"] = [*frame.memory.get("also", []), *others][:3]
    _advise(turn, frame, fault)
    if frame.slots.get("fault") != fault.key:
        frame.slots["fault"] = fault.key
        await _settle_place(turn, frame, fault, frame.memory.get("part"))
    return Filled(value=fault.key)


async def _settle_place(turn: Turn, frame: Frame, fault: Fault | None, part: str | None) -> None:
    """Where it must be, unless the person says; anew when it turns out to be something else that is broken."""
    said = turn.understanding is not None and any(
        any(entity.value.values()) for entity in turn.understanding.all("place")
    )
    if not said and ("place" not in frame.slots or frame.memory.get("assumed")):
        place = usual(turn, fault, part=part, whole=bool(frame.memory.get("whole")))
        frame.slots.pop("place", None)
        frame.memory["assumed"] = place is not None
        if place is not None:
            frame.slots["place"] = place
    if "place" in frame.slots:
        await _look(turn, frame)


def _advise(turn: Turn, frame: Frame, fault: Fault) -> None:
    """What to do now for what may be dangerous, once."""
    advised: list[str] = frame.memory.setdefault("advised", [])
    if fault.danger is not None and fault.danger not in advised:
        advised.append(fault.danger)
        turn.say(f"repair_danger_{fault.danger}")


async def _judge_place(turn: Turn, frame: Frame, given: Given) -> Verdict:
    verdict = await judge_where(turn, frame, given, fault=_fault(turn, frame), reply="repair_which_part")
    if verdict is None and given.asked and given.value is None and frame.tries and _says_something(turn):
        verdict = in_own_words(given)
    if isinstance(verdict, Filled):
        frame.memory.update(where_exactly(turn.understanding))
        frame.memory["assumed"] = False
        frame.slots["place"] = verdict.value
        await _look(turn, frame)
    return verdict


async def _look(turn: Turn, frame: Frame) -> None:
    """Whether this fault is reported there already (F2)."""
    fault = frame.slots.get("fault")
    found = await open_there(turn, frame.slots["place"], fault) if fault and fault != _OTHER else None
    before = frame.memory.get("open")
    frame.memory["open"] = found.id if found else None
    if frame.memory["open"] != before:
        frame.slots.pop("same", None)
        if frame.asked == "same":
            frame.asked = None
    if found is not None:
        frame.memory["number"] = found.number
        frame.memory["mine"] = turn.resident is not None and found.resident_id == turn.resident.id


async def _judge_same(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if not given.asked:
        return None
    if turn.intent("affirm"):
        frame.memory["confirmed"] = True  # it was read back with the question
        return Filled(value="yes")
    return Filled(value="no") if turn.intent("deny") else None


async def _judge_time(turn: Turn, frame: Frame, given: Given) -> Verdict:
    if given.entity is None:
        free = given.asked and turn.intent("affirm")
        return Filled(value="any") if free else None
    try:
        value = parse_value(str(given.entity.value))
    except TimeValueError:
        return None
    if value.day is None or value.repeat is not None:
        return None
    late = datetime.combine(value.day, value.clock or time.max, turn.work.zone)
    if late <= turn.now:
        return Ask(reply="repair_time_past")
    return Filled(value=str(given.entity.value))


def _by_date(turn: Turn, frame: Frame) -> bool:
    return _urgency(turn, frame) == "planned" and frame.slots.get("same") != "yes"


def _reported_before(turn: Turn, frame: Frame) -> bool:
    return bool(frame.memory.get("open"))


async def _frequent(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [_fault_button(turn, key) for key in _FREQUENT if key in turn.world.faults]


def _fault_button(turn: Turn, key: str, command: str = "choose") -> Button:
    return Button(title=turn.world.faults[key].name.of(turn.language), payload=payload(command, fault=key))


async def _places(turn: Turn, frame: Frame) -> Sequence[Button]:
    """Their flat or their landing, where it may be either."""
    fault = _fault(turn, frame)
    if fault is not None and fault.where != "either":
        return []
    landing = turn.world.places.get("landing")
    shared = [] if landing is None else [(landing.name.of(turn.language), landing.key)]
    home = turn.world.replies.render("repair_button_home", turn.language).text
    return [
        Button(title=title, payload=payload("choose", place=key)) for title, key in [(home, "home"), *shared]
    ]


async def _yes_no(turn: Turn, frame: Frame) -> Sequence[Button]:
    return [turn.button("repair_button_same", "affirm"), turn.button("repair_button_other", "deny")]


# What is known


def _note(turn: Turn, frame: Frame, begins: bool = False) -> bool:
    """Keep words, pictures and what makes it worse; True when it has just become worse."""
    incoming, memory = turn.incoming, frame.memory
    if incoming is not None and incoming.kind in ("image", "location") and incoming.data:
        kept = "picture" if incoming.kind == "image" else "location"
        memory[kept] = dict(incoming.data)
    text = turn.text if turn.command is None else ""
    if text and (begins or frame.asked == "fault" or says_worse(text) or faults_in(turn)):
        memory["words"] = [*memory.get("words", []), text]
    memory["whole"] = memory.get("whole") or says_whole(text)
    worse = not memory.get("worse") and says_worse(text)
    memory["worse"] = bool(memory.get("worse")) or worse
    return worse


def _says_something(turn: Turn) -> bool:
    """Words that may be an answer, and are no yes, no or thanks."""
    words = [character for character in turn.text if character.isalpha()]
    return len(words) > 1 and turn.command is None and not turn.intent(*_NOT_AN_ANSWER)


def _names_a_place_only(turn: Turn) -> bool:
    if turn.command is not None or turn.understanding is None:
        return False
    return turn.understanding.first("place") is not None and not any(
        turn.understanding.first(other) for other in ("fault", "service", "request_no")
    )


def _fault(turn: Turn, frame: Frame) -> Fault | None:
    return turn.world.faults.get(str(frame.slots.get("fault")))


def _urgency(turn: Turn, frame: Frame) -> str:
    fault = _fault(turn, frame)
    return "urgent" if frame.memory.get("worse") else fault.urgency if fault is not None else "ordinary"


def _what(turn: Turn, frame: Frame) -> str:
    fault = _fault(turn, frame)
    if fault is not None:
        return fault.name.of(turn.language)
    words = str(frame.memory.get("own_words") or "")
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def _words(frame: Frame) -> str:
    return "\n".join(frame.memory.get("words", []))[:_LONGEST]


def _details(turn: Turn, frame: Frame) -> dict[str, Any]:
    kept = ("picture", "location", "part", "floor", "area", "also")
    details = {name: frame.memory[name] for name in kept if frame.memory.get(name)}
    if frame.slots.get("time"):
        details["when"] = frame.slots["time"]
    return details


def _appointment(turn: Turn, frame: Frame) -> datetime | None:
    """The moment that suits them, where they named one; a day or a part of it is in the details."""
    written = frame.slots.get("time")
    if not written or written == "any":
        return None
    value = parse_value(written)
    if value.day is None or value.clock is None:
        return None
    return datetime.combine(value.day, value.clock, turn.work.zone)


def _when(turn: Turn, frame: Frame) -> str:
    written = frame.slots.get("time")
    if not written or written == "any":
        return ""
    value = parse_value(written)
    assert value.day is not None  # `_judge_time` took only such
    if value.clock is not None:
        moment = datetime.combine(value.day, value.clock, turn.work.zone)
        return turn.wording.moment(moment, turn.now)
    day = turn.wording.day(_noon(value.day, turn), turn.now)
    return day + (turn.wording.part(value.part) if value.part else "")


def _noon(day: date, turn: Turn) -> datetime:
    return datetime.combine(day, time(12), turn.work.zone)


def _facts(turn: Turn, frame: Frame, *, spoken: bool) -> dict[str, Any]:
    render = turn.world.replies.render
    when = _when(turn, frame)
    urgency = _urgency(turn, frame)
    number = str(frame.memory.get("number") or "")
    return {
        "fault": _what(turn, frame),
        "place": in_words(turn, frame.slots["place"], spoken=spoken) if frame.slots.get("place") else "",
        "urgency": render(f"repair_urgency_{urgency}", turn.language).text,
        "when": render("repair_when", turn.language, when=when).text if when else "",
        "number": turn.wording.number_spoken(number) if spoken and number else number,
    }


FLOWS: tuple[Flow, ...] = (Repair(),)
