"""Answers from the community's own knowledge, with source and date; small talk and other things answered in place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.content_faq import FaqEntry
from flows.declared import Aside, Flow
from flows.faq_search import Search
from flows.messages import Button
from flows.replies import payload
from flows.state import Frame
from flows.turn import Turn, question_of
from flows.world import Found, Weighed
from nlu.encoder import Encoder

_CHOICES = 3
_PLAINLY = 0.1  # how far ahead of the others a choice must be that is made in the person's own words
_FURTHER = 0.35  # from this score half a question is taken for one about what was answered just now
_OF_THE_SAME_AREA = 0.15  # and what an entry of the same area gets on top
_SHORT = 14  # characters of half a question; English ones up to three times as long
_HALF = re.compile(
    r"^(?:那|那么|哦|嗯|好|还有)*[,，]?(?:要|得|是|去|在)?(?:"
    r".{1,8}呢|(?:多少|几块?)钱.{0,3}|怎么收费|要钱[吗么不]|贵[吗不]贵?.{0,2}|几点.{0,4}|什么时候.{0,3}|啥时候.{0,3}|在哪.{0,3}|"
    r"(?:要)?带(?:什么|啥).{0,4}|电话.{0,6}|怎么办理?|怎么去|要多久|多久|.{0,4}(?:周末|节假日|晚上|中午|早上).{0,5})[呢啊呀吗么嘛?？。]*$|"
    r"^(?:and |so |ok,? )*(?:what about|how about|how much|how long|where|when|on (?:sundays?|weekends?)|at night|"
    r"is it free|what does it cost|what do i (?:need|bring))\b.*$",
    re.IGNORECASE,
)
_ORDINALS = (
    re.compile(r"第一|头一|前[面一]|上面|\b(?:first|former|1)\b|^[1一]$", re.IGNORECASE),
    re.compile(r"第二|中间|\bsecond\b|^[2二]$", re.IGNORECASE),
    re.compile(r"第三|\bthird\b|^[3三]$", re.IGNORECASE),
)
_LAST = re.compile(r"后[面一]|末|最后|下面|\b(?:last|latter)\b", re.IGNORECASE)
_NEITHER = re.compile(r"都不(?:是|对)|不是这|^不是|\b(?:neither|none|no)\b", re.IGNORECASE)


class FaqKnowledge:
    """The entries of `data/faq`, found by meaning once `learn` is through and by their characters until then."""

    def __init__(self, entries: Mapping[str, FaqEntry]) -> None:
        self._entries = entries
        self._search = Search(entries)

    def learn(self, encoder: Encoder, cache: Path) -> None:
        """See Knowledge and `flows.faq_search`."""
        self._search.learn(encoder, cache)

    def find(self, question: str, language: str, limit: int = 3) -> Sequence[Found]:
        """The entries that fit, best first; empty when none is near enough to be an answer."""
        weighed = self.weigh(question, language)
        if weighed.answer is None:
            return ()
        return [weighed.answer, *(one for one in weighed.choices if one.id != weighed.answer.id)][:limit]

    def weigh(self, question: str, language: str) -> Weighed:
        """Whether to answer, to ask what is meant, or to say that it is not known."""
        limits = self._search.limits
        ranked = self._ranked(question)
        (best, top), (_, second) = ranked[0], ranked[1]
        if top < limits.doubt:
            return Weighed()
        near = [
            (key, score) for key, score in ranked[:_CHOICES] if score >= max(limits.least, top - limits.near)
        ]
        answer = (
            self._found(best, top, language) if top >= limits.sure and top - second >= limits.ahead else None
        )
        return Weighed(answer=answer, choices=tuple(self._found(key, score, language) for key, score in near))

    def further(self, question: str, last: str, language: str) -> Found | None:
        """What half a question asks after `last` was told: looked for together with what that was about."""
        told = self._entries.get(last)
        words = question.strip()
        if told is None or len(words) > (_SHORT * 3 if words.isascii() else _SHORT) or not _HALF.match(words):
            return None
        # Beside its title, which holds what was asked of it, also whose it is: "canteen, how much".
        by_title = dict(self._ranked(f"{told.title.of(language)} {words}"))
        by_source = dict(self._ranked(f"{told.source.of(language)} {words}"))
        scores = {
            key: (by_title[key] + by_source[key]) / 2
            + (_OF_THE_SAME_AREA if self._entries[key].area == told.area else 0.0)
            for key in self._entries
        }
        best = max(scores, key=lambda key: scores[key])
        return self._found(best, scores[best], language) if scores[best] >= _FURTHER else None

    def among(self, words: str, ids: Sequence[str]) -> str | None:
        """Which of a few entries these words choose: by number, by its title, or in words plainly nearer to it."""
        text = words.strip(" 。，,.!！?？")
        if not text or _NEITHER.search(text):
            return None
        for place, form in enumerate(_ORDINALS[: len(ids)]):
            if form.search(text):
                return ids[place]
        if _LAST.search(text):
            return ids[-1]
        entries = {key: self._entries[key] for key in ids if key in self._entries}
        named = [key for key, entry in entries.items() if text in (entry.title.zh, entry.title.en)]
        if named:
            return named[0]
        ranked = [(key, score) for key, score in self._ranked(text) if key in entries]
        if not ranked or ranked[0][1] < self._search.limits.doubt / 2:
            return None
        ahead = ranked[0][1] - ranked[1][1] if len(ranked) > 1 else 1.0
        return ranked[0][0] if ahead >= _PLAINLY else None

    def entry(self, key: str, language: str) -> Found | None:
        """An entry by its name."""
        return self._found(key, 1.0, language) if key in self._entries else None

    def told(self, texts: Sequence[str], language: str) -> str | None:
        """The entry whose answer is among the texts that were said."""
        said = "\n".join(texts)
        return next((key for key, one in self._entries.items() if one.answer.of(language) in said), None)

    def _ranked(self, question: str) -> list[tuple[str, float]]:
        scores = self._search.scores(question).tolist()
        return sorted(zip(self._search.keys, scores, strict=True), key=lambda pair: -pair[1])

    def _found(self, key: str, score: float, language: str) -> Found:
        entry = self._entries[key]
        return Found(
            id=key,
            score=score,
            title=entry.title.of(language),
            answer=entry.answer.of(language),
            source=entry.source.of(language),
            date=entry.date.isoformat(),
        )


def _tell(turn: Turn, found: Found) -> None:
    turn.say("knowledge_answer", answer=found.answer, source=found.source, date=found.date)


def _last_told(turn: Turn) -> str | None:
    return turn.world.knowledge.told([said["text"] for said in turn.dialogue.last], turn.language)


def _further(turn: Turn) -> Found | None:
    """What half a question asks right after an answer, when alone it finds nothing."""
    last = _last_told(turn)
    if last is None or turn.world.knowledge.weigh(turn.text, turn.language).answer is not None:
        return None
    return turn.world.knowledge.further(turn.text, last, turn.language)


async def _not_known(turn: Turn, message: int) -> None:
    """Say so, list the question for staff, offer a person (F8)."""
    await turn.work.emit("knowledge", f"message:{message}", unknown=True)
    turn.say("knowledge_unknown")
    turn.offer("ask_human")


class Ask(Aside):
    """F8: a question of knowledge."""

    intents = ("ask_info",)

    async def answer(self, turn: Turn) -> None:
        knowledge = turn.world.knowledge
        if turn.command is not None:
            chosen = knowledge.entry(str(turn.command.values.get("entry")), turn.language)
            if chosen is None:
                turn.say("knowledge_what")
            else:
                _tell(turn, chosen)
            return
        weighed = knowledge.weigh(turn.text, turn.language)
        best = weighed.answer or _further(turn)
        if best is not None:
            _tell(turn, best)
            return
        service = turn.understanding.first("service") if turn.understanding else None
        known = turn.world.services.get(str(service.value)) if service else None
        if known is not None:
            turn.say(
                "knowledge_service",
                service=known.name.of(turn.language),
                about=known.description.of(turn.language),
                price=known.price.text.of(turn.language),
            )
            return
        if weighed.choices:
            _ask_which(turn, weighed.choices)
            return
        await _not_known(turn, turn.message.id if turn.message else 0)


def _ask_which(turn: Turn, choices: Sequence[Found]) -> None:
    """ "Do you mean: when the canteen opens, or who can have meals delivered?" (C8, U6)"""
    facts: dict[str, Any] = {f"choice{place}": found.title for place, found in enumerate(choices, 1)}
    buttons = [
        *(Button(title=found.title, payload=payload("ask_info", entry=found.id)) for found in choices),
        turn.button("button_none_of_these", "deny"),
    ]
    said = turn.say(f"knowledge_which_{len(choices)}", buttons=buttons, **facts)
    frame = turn.open(Which.name)
    frame.asked = "which"
    frame.memory.update(
        begun=True,
        ids=[found.id for found in choices],
        message=turn.message.id if turn.message else 0,
        question=question_of(said),
    )


class Which(Flow):
    """ "Which of these did you mean?": it makes way for whatever the person says instead."""

    name = "knowledge_which"
    parks = False
    light = True

    async def hear(self, turn: Turn, frame: Frame) -> bool:
        if turn.intent("repeat", "slower", "louder"):
            return False
        ids: list[str] = frame.memory["ids"]
        if turn.command is not None:
            pressed = turn.command.values.get("entry") if turn.command.name == "ask_info" else None
            chosen = str(pressed) if pressed is not None else None
        elif turn.intent("affirm") and len(ids) == 1:
            chosen = ids[0]
        else:
            chosen = turn.world.knowledge.among(turn.text, ids)
        found = turn.world.knowledge.entry(chosen, turn.language) if chosen else None
        frame.asked = None  # the engine drops it, and puts again what was open before
        if found is not None:
            _tell(turn, found)
            return True
        if turn.intent("deny", "stop") or (turn.command is None and _NEITHER.search(turn.text)):
            turn.dialogue.drop(frame)
            await _not_known(turn, frame.memory["message"])
            return True
        turn.dialogue.drop(frame)
        return False


class Further(Flow):
    """ "And how much is it?" right after an answer: about the same thing, whatever it looks like alone."""

    name = "knowledge_further"
    parks = False
    light = True

    async def claims(self, turn: Turn) -> bool:
        return bool(turn.dialogue.last) and _HALF.match(turn.text) is not None and _further(turn) is not None

    async def begin(self, turn: Turn, frame: Frame) -> None:
        turn.dialogue.drop(frame)
        found = _further(turn)
        if found is not None:
            _tell(turn, found)


class SmallTalk(Aside):
    """Greetings, thanks, company, what the bot can do, what it cannot."""

    intents = (
        "greet",
        "goodbye",
        "thank",
        "chitchat",
        "help",
        "out_of_scope",
        "affirm",
        "deny",
        "stop",
        "skip",
        "feel_fine",
        "emergency_cancel",
    )

    async def answer(self, turn: Turn) -> None:
        name = (
            turn.command.name
            if turn.command
            else turn.understanding.intent.name
            if turn.understanding
            else "help"
        )
        if name == "out_of_scope" and turn.command is None:
            found = turn.world.knowledge.weigh(turn.text, turn.language).answer
            if (
                found is not None
            ):  # the intent engine took a question of knowledge for something nobody can do
                _tell(turn, found)
                return
            await turn.work.emit(
                "knowledge", f"message:{turn.message.id if turn.message else 0}", unknown=True
            )
        turn.say(f"smalltalk_{name}")
        if name == "out_of_scope":
            turn.offer("ask_human")


ASIDES = (Ask(), SmallTalk())
FLOWS = (Which(), Further())
