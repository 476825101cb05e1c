"""What takes the alarm out of an alarming word: negation, past, television, figures of speech, drills …"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nlu.emergency_rules import Find, Message, Phrasebook
from nlu.emergency_text import load_yaml

Effect = Literal["drop", "doubt"]

_LOOK = 46
"""How far before and after a find masks are looked for at most, in characters."""
_FORBIDDEN = {"clause": re.compile(r"[,.]"), "sentence": re.compile(r"\."), "message": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """One row of a mask table; the fields are explained at the head of `emergency_masks.yml`."""

    name: str  # stands among the suppressors
    effect: Effect
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None
    over: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None
    both: bool  # `before` and `after` must both be there
    reach: int  # characters between mask and find
    border: re.Pattern[str] | None  # what must not lie between
    lifted_by: re.Pattern[str] | None
    softened_by: re.Pattern[str] | None
    only: frozenset[str]  # kinds or rules it is meant for; empty: all
    spares: frozenset[str]  # kinds or rules it leaves alone

    def concerns(self, find: Find) -> bool:
        """Whether the mask may say anything about this find at all."""
        names = {find.rule.name, find.rule.kind}
        if self.name in find.rule.immune or names & self.spares:
            return False
        return not self.only or bool(names & self.only)

    def weigh(self, find: Find, message: Message) -> Effect | None:
        """What the mask does to this find in this message; None when it does not apply."""
        if not self._applies(find, message):
            return None
        if self.effect == "drop" and self.softened_by is not None and message.has(self.softened_by):
            return "doubt"
        return self.effect

    def _applies(self, find: Find, message: Message) -> bool:
        if self.anywhere is not None:
            return message.has(self.anywhere) and not (self.lifted_by and message.has(self.lifted_by))
        if self.over is not None:
            return self._over(find, message.text)
        before = self.before is not None and self._before(find, message.text)
        if self.both:
            return before and self._after(find, message.text)
        return before or (self.after is not None and self._after(find, message.text))

    def _lifted(self, text: str) -> bool:
        return self.lifted_by is not None and self.lifted_by.search(text) is not None

    def _over(self, find: Find, text: str) -> bool:
        assert self.over is not None
        for match in self.over.finditer(text, max(0, find.start - _LOOK), find.end + _LOOK):
            touches = match.start() < find.end and match.end() > find.start
            if touches and not self._lifted(text[match.end() : find.end]):
                return True
        return False

    def _before(self, find: Find, text: str) -> bool:
        assert self.before is not None
        core = max(start for start, _ in find.spans)  # 我去年摔倒了: the mask may stand between the items
        for match in self.before.finditer(text, max(0, find.start - _LOOK)):
            if match.end() > core:
                return False
            target = find.start if match.end() <= find.start else core
            between = text[match.end() : target]
            near = len(between) <= self.reach and not (self.border and self.border.search(between))
            if near and not self._lifted(text[match.end() : find.end]):
                return True
        return False

    def _after(self, find: Find, text: str) -> bool:
        assert self.after is not None
        for match in self.after.finditer(text, find.end, find.end + _LOOK):
            between = text[find.end : match.start()]
            if len(between) > self.reach or (self.border and self.border.search(between)):
                return False
            if not self._lifted(text[find.end : match.end() + 8]):
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """The masks of one language, with its words of negation."""

    masks: tuple[Mask, ...]
    negation: re.Pattern[str]  # ends right before what it negates
    negation_not: re.Pattern[str]  # only looks like a negation

    def weigh(self, find: Find, message: Message) -> tuple[Effect | None, tuple[str, ...]]:
        """The strongest effect on the find, and the names of the masks that had one."""
        if "all" in find.rule.immune:
            return None, ()
        effect: Effect | None = None
        names: list[str] = []
        if "negation" not in find.rule.immune and self._negated(find, message.text):
            return "drop", ("negation",)
        for mask in self.masks:
            if not mask.concerns(find):
                continue
            its_effect = mask.weigh(find, message)
            if its_effect is None:
                continue
            names.append(mask.name)
            effect = its_effect
            if effect == "drop":
                return "drop", tuple(names)
        return effect, tuple(names)

    def _negated(self, find: Find, text: str) -> bool:
        for start, _ in find.spans:
            head = text[max(0, start - 16) : start]
            if self.negation.search(head) and not self.negation_not.search(head):
                return True
        return False


def _mask(row: Mapping[str, Any], book: Phrasebook) -> Mask:
    known = {
        *("name", "effect", "before", "after", "over", "anywhere", "both", "reach", "within"),
        *("lifted_by", "softened_by", "only", "spares"),
    }
    if set(row) - known or row["effect"] not in ("drop", "doubt"):
        raise ValueError(f"mask {row['name']}: unknown field or effect")
    return Mask(
        name=row["name"],
        effect=row["effect"],
        before=book.optional(row.get("before")),
        after=book.optional(row.get("after")),
        over=book.optional(row.get("over")),
        anywhere=book.optional(row.get("anywhere")),
        both=row.get("both", False),
        reach=row.get("reach", 30),
        border=_FORBIDDEN[row.get("within", "sentence")],
        lifted_by=book.optional(row.get("lifted_by")),
        softened_by=book.optional(row.get("softened_by")),
        only=frozenset(row.get("only", ())),
        spares=frozenset(row.get("spares", ())),
    )


def load_masks(table: str) -> Masks:
    """The masks of one table, e.g. `emergency_masks.yml`."""
    content = load_yaml(table)
    book = Phrasebook(content.get("words", {}))
    return Masks(
        masks=tuple(_mask(row, book) for row in content["masks"]),
        negation=re.compile(content["negation"]),
        negation_not=re.compile(content["negation_not"]),
    )
