"""The emergency net: hears whether a message is, or may be, a cry for help, before anything else looks at it.

Rules say what danger sounds like (`emergency_patterns.yml`, `emergency_english.yml`), masks what makes the same
words harmless (`emergency_masks.yml`). Each find of each rule is weighed by itself: a mask can silence one
find, never a message, so an explicit cry beside a television story is still heard. What masks leave in doubt
is level 4, "do you need help now?". A second listener that has learned from sentences (`nlu.listener`) hears the cries
that no rule describes, and may turn an alarm the rules put together from parts into a question; it never silences
anything, and it has no say over an explicit call. Kinds and levels are those of the product's intent table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nlu.emergency_masks import Masks, load_masks
from nlu.emergency_rules import Find, Message, Rule, find, load_rules
from nlu.emergency_text import load_yaml, tidy
from nlu.understanding import EMERGENCY_KINDS, Context, Emergency

_HEARD = {False: 0.96, True: 0.85}
"""Confidence of an alarm by literal words, and by their sound only."""
_ASKED = 0.5
_EVIDENCE = 6
"""Finds named in a judgement; the log needs no more."""


RAISE_FROM = 0.6
"""What the second listener is this sure of is an alarm, whatever the rules heard; chosen with `bench/emergency.py`."""
ASK_FROM = 0.46
"""From here on it asks."""
DOUBT_BELOW = 0.35
"""Where it finds a cry less likely than this, what rules put together from parts is asked about first."""
_BY_EAR = 2
"""Level of an alarm that only the second listener heard: how grave it is it cannot tell, so rather more people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """What the second listener makes of a message, from its words alone."""

    kind: str  # the likeliest of EMERGENCY_KINDS, should it be a cry
    likelihood: float  # that it is one, 0–1; compare with RAISE_FROM, ASK_FROM, DOUBT_BELOW


class EmergencyNet:
    """Keeps the `Net` protocol of `nlu.engine`. Immutable after construction; share one between threads."""

    def __init__(self) -> None:
        self._chinese = (load_rules("emergency_patterns.yml"), load_masks("emergency_masks.yml"))
        self._english = (load_rules("emergency_english.yml"), load_masks("emergency_english.yml"))

    @property
    def tables(self) -> Sequence[tuple[Sequence[Rule], Masks]]:
        """The rules and masks of every language."""
        return (self._chinese, self._english)

    def judge(self, text: str, context: Context, suspicion: Suspicion | None = None) -> Emergency | None:
        """The judgement on one message, or None when nothing in it sounds like danger. Never raises."""
        tidied = tidy(text)
        message = Message(tidied, context.expecting)
        raised: list[Find] = []
        doubted: list[Find] = []
        suppressors: list[str] = []
        for rules, masks in self.tables_for(tidied):
            self._listen(rules, masks, message, raised, doubted, suppressors)
        back_at = _taken_back_at(tidied, context)
        finds = (*raised, *doubted)
        despair = any(one.rule.kind == "self_harm" for one in finds)  # 「不用救我」 takes nothing back
        if back_at is not None and not despair and all(one.start < back_at for one in finds):
            return None
        judgement = _judgement(message, raised, doubted, suppressors)
        if suspicion is None:
            return judgement
        return _joined(judgement, suspicion, explicit=any(one.rule.explicit for one in raised))

    def tables_for(self, tidied: str) -> Sequence[tuple[Sequence[Rule], Masks]]:
        """The rules and masks that may apply to a tidied message."""
        if not any("a" <= letter <= "z" for letter in tidied):
            return (self._chinese,)
        return (self._english,) if tidied.isascii() and " " in tidied else (self._english, self._chinese)

    @staticmethod
    def _listen(
        rules: Sequence[Rule],
        masks: Masks,
        message: Message,
        raised: list[Find],
        doubted: list[Find],
        suppressors: list[str],
    ) -> None:
        for rule in rules:
            for one in find(rule, message):
                effect, names = masks.weigh(one, message)
                suppressors.extend(f"{name}: {rule.name}" for name in names)
                if effect == "drop":
                    continue
                by_sound_only = one.heard and (rule.asks_by_sound or len(message.text) > rule.sure_up_to)
                sure = effect is None and rule.level < 4 and not by_sound_only
                (raised if sure else doubted).append(one)
                break


def _judgement(
    message: Message, raised: Sequence[Find], doubted: Sequence[Find], suppressors: Sequence[str]
) -> Emergency | None:
    """The gravest find decides level and kind; a named kind goes before `unknown`."""
    finds = raised or doubted
    if not finds:
        return None
    ranked = sorted(
        finds,
        key=lambda one: (
            one.rule.kind == "unknown",
            one.rule.when is not None,  # what only an open question makes a cry says little about its kind
            one.rule.level,
            -len(one.spans),  # the rule that heard more of it
            EMERGENCY_KINDS.index(one.rule.kind),
        ),
    )
    best = ranked[0]
    level = min(one.rule.level for one in raised) if raised else 4
    evidence = tuple(
        f"{one.rule.name}{' (by sound)' if one.heard else ''}: {message.text[one.start : one.end]}"
        for one in ranked[:_EVIDENCE]
    )
    return Emergency(
        kind=best.rule.kind,
        level=level,
        confidence=_HEARD[all(one.heard for one in raised)] if raised else _ASKED,
        evidence=evidence,
        suppressors=tuple(dict.fromkeys(suppressors))[:_EVIDENCE],
    )


def _joined(judgement: Emergency | None, suspicion: Suspicion, *, explicit: bool) -> Emergency | None:
    """What rules and listener make of it together."""
    likelihood = suspicion.likelihood
    heard = f"listener: {likelihood:.2f}"
    if judgement is None:
        if likelihood < ASK_FROM:
            return None
        level = _BY_EAR if likelihood >= RAISE_FROM else 4
        return Emergency(kind=suspicion.kind, level=level, confidence=likelihood, evidence=(heard,))
    evidence = (*judgement.evidence, heard)
    if judgement.level == 4 and likelihood >= RAISE_FROM:
        kind = suspicion.kind if judgement.kind == "unknown" else judgement.kind
        return replace(judgement, kind=kind, level=_BY_EAR, confidence=likelihood, evidence=evidence)
    if judgement.level < 4 and not explicit and likelihood < DOUBT_BELOW:
        suppressors = (*judgement.suppressors, heard)
        return replace(judgement, level=4, confidence=_ASKED, suppressors=suppressors)
    return replace(judgement, evidence=evidence)


def _either(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_BACK = load_yaml("emergency_back.yml")
_SAYS, _IN_ALARM, _NEVER = _either(_BACK["says"]), _either(_BACK["in_alarm"]), _either(_BACK["never"])


def _taken_back_at(tidied: str, context: Context) -> int | None:
    """Where the last words that take an alarm back begin, or None."""
    if _NEVER.search(tidied):
        return None
    if context.expecting == "emergency" and _IN_ALARM.search(tidied):
        return 0
    starts = [match.start() for match in _SAYS.finditer(tidied)]
    return max(starts) if starts else None


def takes_back(text: str, context: Context) -> bool:
    """Whether the person takes an alarm back: false, pressed by mistake, all right again (E8).

    Says nothing about a new cry in the same message: ask `EmergencyNet.judge` first, it wins.
    With `context.expecting == "emergency"` a bare 「不用」 or 「没有」 counts too.
    """
    return _taken_back_at(tidy(text), context) is not None
