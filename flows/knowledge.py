"""Answers from the community's own knowledge, with source and date; small talk and other things answered in place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from data.content_faq import FaqEntry
from flows.declared import Aside
from flows.turn import Turn
from flows.world import Found

_NEAR = 0.36
"""From this likeness an entry counts as an answer; below it the answer is "unknown" (F8)."""
_HOW_MUCH_QUESTION = 0.7  # weight of the entry's questions against the words of its answer


class FaqKnowledge:
    """Finds entries by the characters that question and entry share, rare ones counting more."""

    def __init__(self, entries: Mapping[str, FaqEntry]) -> None:
        self._entries = entries
        grams = {key: [_grams(question) for question in entry.questions] for key, entry in entries.items()}
        answers = {key: _grams(entry.answer.zh + " " + entry.answer.en) for key, entry in entries.items()}
        seen = Counter(
            gram for key in entries for gram in {*answers[key], *(g for q in grams[key] for g in q)}
        )
        self._weight = {gram: math.log(1 + len(entries) / count) for gram, count in seen.items()}
        self._unknown = math.log(1 + len(entries))
        self._questions = {key: [(q, self._norm(q)) for q in questions] for key, questions in grams.items()}
        self._answers = answers

    def find(self, question: str, language: str, limit: int = 3) -> Sequence[Found]:
        """The entries near enough to be an answer, best first."""
        asked = _grams(question)
        if not asked:
            return ()
        norm = self._norm(asked)
        scored = sorted(((self._score(asked, norm, key), key) for key in self._entries), reverse=True)
        return [
            Found(
                id=key,
                score=score,
                answer=self._entries[key].answer.of(language),
                source=self._entries[key].source.of(language),
                date=self._entries[key].date.isoformat(),
            )
            for score, key in scored[:limit]
            if score >= _NEAR
        ]

    def _score(self, asked: Counter[str], norm: float, key: str) -> float:
        alike = max(self._dot(asked, other) / (norm * length) for other, length in self._questions[key])
        total = sum(self._weight.get(gram, self._unknown) for gram in asked)
        covered = (
            sum(self._weight.get(gram, self._unknown) for gram in asked if gram in self._answers[key]) / total
        )
        return _HOW_MUCH_QUESTION * alike + (1 - _HOW_MUCH_QUESTION) * covered

    def _dot(self, one: Counter[str], other: Counter[str]) -> float:
        shared = one.keys() & other.keys()
        return sum(one[gram] * other[gram] * self._weight.get(gram, self._unknown) ** 2 for gram in shared)

    def _norm(self, grams: Counter[str]) -> float:
        return math.sqrt(self._dot(grams, grams)) or 1.0


def _grams(text: str) -> Counter[str]:
    """Single Chinese characters and pairs of them; whole words of Latin letters."""
    found: Counter[str] = Counter()
    word = ""
    before = ""
    for character in text.lower() + " ":
        if character.isascii() and character.isalnum():
            word += character
            before = ""
            continue
        if word:
            found[word] += 1
            word = ""
        if "\u3400" <= character <= "\u9fff":
            found[character] += 1
            if before:
                found[before + character] += 1
            before = character
        else:
            before = ""
    return found


class Ask(Aside):
    """F8: a question of knowledge."""

    intents = ("ask_info",)

    async def answer(self, turn: Turn) -> None:
        if turn.command is not None:
            turn.say("knowledge_what")
            return
        found = turn.world.knowledge.find(turn.text, turn.language, limit=1)
        if not found:
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
            await turn.work.emit(
                "knowledge", f"message:{turn.message.id if turn.message else 0}", unknown=True
            )
            turn.say("knowledge_unknown")
            turn.offer("ask_human")
            return
        best = found[0]
        turn.say("knowledge_answer", answer=best.answer, source=best.source, date=best.date)


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
        turn.say(f"smalltalk_{name}")
        if name == "out_of_scope":
            turn.offer("ask_human")


ASIDES = (Ask(), SmallTalk())
