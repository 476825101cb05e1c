"""What the emergency net listens for: reads the rule tables and finds each rule in a tidied message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nlu.emergency_text import load_yaml
from nlu.pinyin import sound_key
from nlu.understanding import EMERGENCY_KINDS

_WORD = re.compile(r"\{([a-z_]+)\}")
_FILLER = r"[啊阿呀呢吧了哎哦嗯呜唉噢,. ]*"
_MANY = 40
"""Finds of one pattern looked at in one message; a longer message repeats itself."""
_ASIDE = 12
"""How far around a find its `unless` and `needs` are looked for, in characters."""
_SHORT = 24
"""A bare cry is never longer than this, in characters."""

Span = tuple[int, int]


class Phrasebook:
    """Expands `{word}` in patterns and compiles each pattern once."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = {name: "|".join(v) if isinstance(v, list) else str(v) for name, v in words.items()}
        self._compiled: dict[str, re.Pattern[str]] = {}

    def source(self, pattern: str) -> str:
        """The pattern with every `{word}` put in. An unknown word is a KeyError at start-up."""
        while _WORD.search(pattern):
            pattern = _WORD.sub(lambda found: f"(?:{self._words[found.group(1)]})", pattern)
        return pattern

    def compile(self, pattern: str, *, by_sound: bool = False) -> re.Pattern[str]:
        """The compiled pattern; `by_sound` matches a `sound_key` instead of the text."""
        source = self.source(pattern)
        if by_sound:
            source = sound_key(source)
        if source not in self._compiled:
            self._compiled[source] = re.compile(source)
        return self._compiled[source]

    def optional(self, pattern: str | None) -> re.Pattern[str] | None:
        """As `compile`, for a field that may be missing."""
        return None if pattern is None else self.compile(pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of a rule table."""

    name: str  # unique; stands in the evidence
    kind: str  # one of EMERGENCY_KINDS
    level: int  # 1–4
    items: tuple[re.Pattern[str], ...]  # each must be found
    by_sound: tuple[re.Pattern[str], ...]  # the items as they sound, in a rule that takes homophones only
    alone: bool  # the one item must be the whole message
    near: int  # characters that may lie between two items
    ordered: bool  # the items come in this order
    unless: re.Pattern[str] | None  # said close by, it is another matter
    needs: re.Pattern[str] | None  # must be said close by
    when: str | None  # only when the bot has just asked this
    asks_by_sound: bool  # a homophone is only asked about
    sure_up_to: int  # a homophone in a longer message is only asked about
    but: re.Pattern[str] | None  # innocent words of the same sound
    immune: frozenset[str]  # masks that cannot silence the rule; "all"

    @property
    def explicit(self) -> bool:
        """Whether it hears somebody call for help in so many words, or answer an alarm's question: nothing learned
        may weaken that."""
        return self.alone or self.when is not None or (self.kind == "unknown" and self.level <= 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A rule found in the message, before anything was weighed against it."""

    rule: Rule
    start: int  # offset of its first character in the tidied message
    end: int  # offset after its last
    spans: tuple[Span, ...]  # of each item
    heard: bool  # by its sound only


class Message:
    """A tidied message with everything that was already looked up in it."""

    def __init__(self, text: str, expecting: str | None = None) -> None:
        self.text = text
        self.expecting = expecting
        self._sound: str | None = None
        self._spans: dict[tuple[int, bool], list[Span]] = {}
        self._anywhere: dict[int, bool] = {}

    @property
    def sound(self) -> str:
        """The sound key of the text, worked out when first asked for."""
        if self._sound is None:
            self._sound = sound_key(self.text)
        return self._sound

    def spans(self, pattern: re.Pattern[str], *, by_sound: bool = False) -> list[Span]:
        """Where the pattern is found, in order, `_MANY` at most."""
        key = (id(pattern), by_sound)
        found = self._spans.get(key)
        if found is None:
            found = []
            for match in pattern.finditer(self.sound if by_sound else self.text):
                if match.end() > match.start():
                    found.append(match.span())
                if len(found) >= _MANY:
                    break
            self._spans[key] = found
        return found

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether the pattern is anywhere in the message."""
        key = id(pattern)
        if key not in self._anywhere:
            self._anywhere[key] = pattern.search(self.text) is not None
        return self._anywhere[key]


def _rule(row: Mapping[str, Any], book: Phrasebook) -> Rule:
    alone = row.get("alone")
    sources: Sequence[str] = row["all"] if alone is None else [f"(?:(?:{alone}){_FILLER})" + "{1,4}"]
    heard = row.get("heard", "no")
    immune = row.get("immune", ())
    if row["kind"] not in EMERGENCY_KINDS or row["level"] not in (1, 2, 3, 4):
        raise ValueError(f"rule {row['name']}: unknown kind or level")
    return Rule(
        name=row["name"],
        kind=row["kind"],
        level=row["level"],
        items=tuple(book.compile(source) for source in sources),
        by_sound=tuple(book.compile(s, by_sound=True) for s in sources) if heard in ("raise", "ask") else (),
        alone=alone is not None,
        near=row.get("near", 14),
        ordered=row.get("ordered", False),
        unless=book.optional(row.get("unless")),
        needs=book.optional(row.get("needs")),
        when=row.get("when"),
        asks_by_sound=heard == "ask",
        sure_up_to=row.get("sure_up_to", 10_000),
        but=book.optional(row.get("but")),
        immune=frozenset({immune} if isinstance(immune, str) else immune),
    )


def load_rules(table: str) -> tuple[Rule, ...]:
    """The rules of one table, e.g. `emergency_patterns.yml`. A mistake in it is an error here, not at night."""
    content = load_yaml(table)
    book = Phrasebook(content.get("words", {}))
    rules = tuple(_rule(row, book) for row in content["rules"])
    if len({rule.name for rule in rules}) != len(rules):
        raise ValueError(f"{table}: two rules of one name")
    return rules


def _chains(hits: Sequence[Sequence[Span]], near: int, ordered: bool) -> Iterator[tuple[Span, ...]]:
    """For each span of the first item, the nearest spans of the others, if they lie close enough together."""
    for first in hits[0]:
        chain = [first]
        start, end = first
        for spans in hits[1:]:
            best: Span | None = None
            best_gap = near + 1
            for span in spans:
                if ordered and span[0] < chain[-1][1]:
                    continue
                gap = max(span[0] - end, start - span[1], 0)
                if gap < best_gap:
                    best, best_gap = span, gap
            if best is None:
                break
            chain.append(best)
            start, end = min(start, best[0]), max(end, best[1])
        else:
            yield tuple(chain)


def _innocent(rule: Rule, message: Message, start: int, end: int, heard: bool) -> bool:
    text = message.text
    around = text[max(0, start - _ASIDE) : end + _ASIDE]
    if rule.unless is not None and rule.unless.search(around):
        return True
    if rule.needs is not None and not rule.needs.search(around):
        return True
    return heard and rule.but is not None and rule.but.search(text[max(0, start - 3) : end + 3]) is not None


def _hits(rule: Rule, message: Message, *, by_sound: bool) -> list[list[Span]]:
    hits = []
    for pattern in rule.by_sound if by_sound else rule.items:
        spans = message.spans(pattern, by_sound=by_sound)
        if not spans:
            return []
        hits.append(spans)
    return hits


def _alone(rule: Rule, message: Message) -> Iterator[Find]:
    text = message.text
    if text and len(text) <= _SHORT and re.fullmatch(_FILLER + rule.items[0].pattern, text):
        span = (0, len(text))
        yield Find(rule=rule, start=0, end=len(text), spans=(span,), heard=False)


def find(rule: Rule, message: Message) -> Iterator[Find]:
    """Every place where the message says, or by its sound seems to say, what the rule listens for."""
    if rule.when is not None and rule.when != message.expecting:
        return
    if rule.alone:
        yield from _alone(rule, message)
        return
    by_sound = bool(rule.by_sound)
    hits = _hits(rule, message, by_sound=by_sound)
    for spans in _chains(hits, rule.near, rule.ordered) if hits else ():
        start, end = min(s for s, _ in spans), max(e for _, e in spans)
        if by_sound and all(
            p.fullmatch(message.text, *span) for p, span in zip(rule.items, spans, strict=True)
        ):
            continue  # said outright: the literal rules judge that
        if not _innocent(rule, message, start, end, by_sound):
            yield Find(rule=rule, start=start, end=end, spans=spans, heard=by_sound)
