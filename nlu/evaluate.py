"""How well messages are understood: the figures behind `anlin nlu eval FILE` (U8), the same for either engine.

The file is a table with tabs between its columns and a first line of names: `text`, `intent`, and if there are
several ways of speaking, `style`.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from nlu.engine import Parser
from nlu.understanding import INTENTS, Context, Understanding

OUT_OF_SCOPE = "out_of_scope"
EMERGENCY = "emergency"
BINS = 10
"""Bins of the calibration error, of equal width, as is usual (Guo et al. 2017)."""

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""The moment the sentences are read at: it matters for times only, not for these figures, but must be the same."""


class EvaluationError(ValueError):
    """The file cannot be used; the message says which line and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One sentence of the file."""

    text: str  # the message
    intent: str  # what it means, one of INTENTS
    style: str  # how it is spoken; "" when the file has no such column


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was made of one sentence."""

    row: Row  # the sentence
    understood: Understanding  # what it was taken for
    seconds: float  # how long the parse took

    @property
    def right(self) -> bool:
        """Whether the first intent is the true one."""
        return self.understood.intent.name == self.row.intent


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many."""

    hits: int  # how many
    of: int  # of how many

    @property
    def rate(self) -> float:
        """0–1; 0 of none."""
        return self.hits / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.rate:6.1%} ({self.hits}/{self.of})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of one evaluation."""

    engine: str  # which engine was measured
    accuracy: Share  # first intent right
    macro_f1: float  # mean F1 of the intents in the file, 0–1
    calibration_error: float  # expected calibration error, 0–1
    per_intent: Mapping[str, tuple[float, float, float, int]]  # precision, recall, F1, sentences
    per_style: Mapping[str, Share]  # accuracy a style; empty without the column
    confusions: tuple[tuple[str, str, int], ...]  # (true, taken for, times), the most frequent first
    scope_found: Share  # out-of-scope sentences taken for such
    scope_wrongly: Share  # other sentences taken for out of scope
    scope_auroc: float | None  # how well the confidence in out_of_scope parts the two; None without both
    emergencies_raised: Share  # emergencies for which the net raises an alarm (level 1–3)
    emergencies_heard: Share  # … or asks (level 4), or the engine's intent is emergency
    others_raised: Share  # other sentences for which the net raises an alarm
    others_heard: Share  # … or asks
    milliseconds: float  # median time of a parse
    mistakes: tuple[Outcome, ...]  # every wrong one, in the order of the file

    def render(self, mistakes: int = 20) -> str:
        """The report for people, with at most so many confusion pairs and mistakes."""
        lines = [
            f"engine            {self.engine}",
            f"accuracy          {self.accuracy}",
            f"macro F1          {self.macro_f1:6.1%}",
            f"calibration (ECE) {self.calibration_error:6.1%}",
            f"median parse      {self.milliseconds:6.1f} ms",
            f"out of scope      found {self.scope_found}, wrongly {self.scope_wrongly}"
            + ("" if self.scope_auroc is None else f", AUROC {self.scope_auroc:.3f}"),
            f"emergencies       raised {self.emergencies_raised}, heard or asked {self.emergencies_heard}",
            f"other sentences   raised {self.others_raised}, raised or asked {self.others_heard}",
        ]
        if self.per_style:
            lines += ["", "style"] + [f"  {name:<16}{share}" for name, share in self.per_style.items()]
        lines += ["", f"{'intent':<20}{'precision':>9}{'recall':>8}{'F1':>7}{'n':>6}"]
        for name, (precision, recall, f1, count) in self.per_intent.items():
            lines.append(f"  {name:<18}{precision:>9.1%}{recall:>8.1%}{f1:>7.1%}{count:>6}")
        if self.confusions:
            lines += ["", "taken for another (true → taken for)"]
            lines += [f"  {n:>3}  {true} → {taken}" for true, taken, n in self.confusions[:mistakes]]
        if self.mistakes:
            lines += ["", "mistakes"]
            for outcome in self.mistakes[:mistakes]:
                intent = outcome.understood.intent
                lines.append(
                    f"  {outcome.row.intent} → {intent.name} ({intent.confidence:.2f})  {outcome.row.text}"
                )
        return "\n".join(lines)


def read_rows(path: Path) -> tuple[Row, ...]:
    """The sentences of a file. Raises EvaluationError for a missing column, an unknown intent, no sentence."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        if missing := {"text", "intent"} - set(table.fieldnames or ()):
            raise EvaluationError(f"{path}: no column {', '.join(sorted(missing))} in the first line")
        rows = []
        for record in table:
            intent = (record["intent"] or "").strip()
            if intent not in INTENTS:
                raise EvaluationError(f"{path}, line {table.line_num}: unknown intent {intent!r}")
            rows.append(
                Row(text=record["text"] or "", intent=intent, style=(record.get("style") or "").strip())
            )
    if not rows:
        raise EvaluationError(f"{path}: no sentence")
    return tuple(rows)


async def run(parser: Parser, rows: Sequence[Row], now: datetime = NOW) -> tuple[Outcome, ...]:
    """Parses every sentence, one after the other."""
    outcomes = []
    for row in rows:
        began = perf_counter()
        understood = await parser.parse(row.text, Context(now=now))
        outcomes.append(Outcome(row=row, understood=understood, seconds=perf_counter() - began))
    return tuple(outcomes)


def evaluate(parser: Parser, path: Path, now: datetime = NOW) -> Report:
    """The figures of a parser on a file of sentences. Starts its own event loop: not for use inside one."""
    return report(asyncio.run(run(parser, read_rows(path), now)))


def report(outcomes: Sequence[Outcome]) -> Report:
    """The figures of what was made of some sentences (at least one)."""
    distress = [o for o in outcomes if o.row.intent == EMERGENCY]
    calm = [o for o in outcomes if o.row.intent != EMERGENCY]
    inside = [o for o in outcomes if o.row.intent != OUT_OF_SCOPE]
    outside = [o for o in outcomes if o.row.intent == OUT_OF_SCOPE]
    per_intent = _per_intent(outcomes)
    wrong = Counter((o.row.intent, o.understood.intent.name) for o in outcomes if not o.right)
    return Report(
        engine=outcomes[0].understood.engine,
        accuracy=_share([o.right for o in outcomes]),
        macro_f1=sum(f1 for _, _, f1, _ in per_intent.values()) / len(per_intent),
        calibration_error=calibration_error([(o.understood.intent.confidence, o.right) for o in outcomes]),
        per_intent=per_intent,
        per_style=_per_style(outcomes),
        confusions=tuple((a, b, n) for (a, b), n in sorted(wrong.items(), key=lambda p: (-p[1], p[0]))),
        scope_found=_share([o.right for o in outside]),
        scope_wrongly=_share([o.understood.intent.name == OUT_OF_SCOPE for o in inside]),
        scope_auroc=auroc(
            [o.understood.confidence_in(OUT_OF_SCOPE) for o in outside],
            [o.understood.confidence_in(OUT_OF_SCOPE) for o in inside],
        ),
        emergencies_raised=_share([_raised(o) for o in distress]),
        emergencies_heard=_share([_asked(o) or o.right for o in distress]),
        others_raised=_share([_raised(o) for o in calm]),
        others_heard=_share([_asked(o) for o in calm]),
        milliseconds=1000 * median(o.seconds for o in outcomes),
        mistakes=tuple(o for o in outcomes if not o.right),
    )


def calibration_error(answers: Sequence[tuple[float, bool]], bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and share of right answers are apart, 0–1."""
    groups: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in answers:
        groups[min(int(confidence * bins), bins - 1)].append((confidence, right))
    gaps = (abs(sum(c for c, _ in g) - sum(r for _, r in g)) for g in groups.values())
    return sum(gaps) / len(answers) if answers else 0.0


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The chance that a positive one scores higher than a negative one (ties count half); None without both."""
    if not positive or not negative:
        return None
    above = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return above / (len(positive) * len(negative))


def _share(hits: Sequence[bool]) -> Share:
    return Share(hits=sum(hits), of=len(hits))


def _raised(outcome: Outcome) -> bool:
    emergency = outcome.understood.emergency
    return emergency is not None and emergency.level <= 3


def _asked(outcome: Outcome) -> bool:
    return outcome.understood.emergency is not None


def _per_intent(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float, float, int]]:
    truth = Counter(o.row.intent for o in outcomes)
    taken = Counter(o.understood.intent.name for o in outcomes)
    right = Counter(o.row.intent for o in outcomes if o.right)
    figures = {}
    for name in (intent for intent in INTENTS if truth[intent]):
        precision = right[name] / taken[name] if taken[name] else 0.0
        recall = right[name] / truth[name]
        f1 = 2 * precision * recall / (precision + recall) if right[name] else 0.0
        figures[name] = (precision, recall, f1, truth[name])
    return figures


def _per_style(outcomes: Sequence[Outcome]) -> dict[str, Share]:
    styles: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.row.style:
            styles[outcome.row.style].append(outcome.right)
    return {style: _share(hits) for style, hits in sorted(styles.items())}
