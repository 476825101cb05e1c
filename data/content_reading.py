"""Reads the files a community edits, and when something is wrong says in which file and line, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import yaml

from data.errors import AnlinError

T = TypeVar("T")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_LOADER = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # ten times as fast where PyYAML was built with libyaml
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\Z")
_HOURS = re.compile(r"(\S+?)\s*[-–]\s*(\S+)\Z")


class ContentError(AnlinError):
    """A file that the community edits (services, faults, places, clocks, questions, demo) holds something that cannot be used."""

    code = "content_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The same words in both languages."""

    zh: str  # Chinese, never empty
    en: str  # English, never empty

    def of(self, language: str) -> str:
        """The words in that language; Chinese for any language that is not English."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the twelve kinds of services, or one of the groups of faults."""

    key: str  # e.g. meals
    name: Text  # 助餐 / meals


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """One stretch of opening hours on a day, in minutes after local midnight."""

    opens: int  # 0–1439
    closes: int  # up to 1440 (24:00), always after `opens`


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """On which days, and when on these days, something is open."""

    days: (
        Literal["daily", "workdays"] | tuple[Weekday, ...]
    )  # working days follow the official calendar of China
    hours: tuple[Hours, ...]  # in order, not overlapping
    holidays: Literal["open", "closed"] = "open"  # with named weekdays: what happens on a public holiday


def folded(name: str) -> str:
    """A name as it is compared: without case, spaces and hyphens."""
    return re.sub(r"[\s\-·]+", "", name).casefold()


class Entry:
    """One mapping in a content file: hands out its values checked, and refuses keys nobody asked for."""

    def __init__(self, path: Path, node: yaml.Node, label: str, line_offset: int = 0) -> None:
        self.path, self.label, self._offset, self._line = path, label, line_offset, node.start_mark.line
        self._nodes: dict[str, yaml.Node] = {}
        self._asked: set[str] = set()
        if not isinstance(node, yaml.MappingNode):
            raise self.error("must be a list of `name: value` lines", node)
        for key, value in node.value:
            if key.value in self._nodes:
                raise self.error(f"`{key.value}` stands here twice; keep one of them", key)
            self._nodes[key.value] = value

    def error(self, what: str, node: yaml.Node | None = None) -> ContentError:
        """The error that names file, line, entry and what to do."""
        line = (node.start_mark.line if node is not None else self._line) + 1 + self._offset
        return ContentError(f"{self.path}:{line}: {self.label}: {what}", file=str(self.path), line=line)

    def wrong(self, key: str, what: str) -> ContentError:
        """The error about one value of this entry."""
        return self.error(f"`{key}` {what}", self._nodes.get(key))

    def has(self, key: str) -> bool:
        """Whether the entry carries that key with a value."""
        node = self._nodes.get(key)
        return node is not None and not (
            isinstance(node, yaml.ScalarNode) and node.value in {"", "~", "null"}
        )

    def members(self) -> tuple[str, ...]:
        """Every key of this entry, as written; they then count as asked for."""
        self._asked.update(self._nodes)
        return tuple(self._nodes)

    def finish(self) -> None:
        """Refuses keys that nothing reads: most often a slip of the keyboard."""
        for key in self._nodes.keys() - self._asked:
            known = ", ".join(sorted(self._asked))
            raise self.wrong(
                key, "is not known here; remove it" + (f", or write one of: {known}" if known else "")
            )

    def _node(self, key: str) -> yaml.Node:
        self._asked.add(key)
        if not self.has(key):
            raise self.error(f"`{key}` is missing; add a line `{key}: …`")
        return self._nodes[key]

    def _scalar(self, key: str) -> str:
        node = self._node(key)
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(key, "must be one value on one line")
        return str(node.value).strip()

    def string(self, key: str) -> str:
        """Words, never empty."""
        return self._scalar(key)

    def optional(self, key: str, read: Callable[[str], T], default: T) -> T:
        """`read(key)` when the key is there, else the default."""
        self._asked.add(key)
        return read(key) if self.has(key) else default

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """`read(key)` when the key is there, else None."""
        self._asked.add(key)
        return read(key) if self.has(key) else None

    def key(self, key: str = "key") -> str:
        """A name for machines: small ASCII letters, digits and underscores."""
        value = self._scalar(key)
        if not _KEY.match(value):
            raise self.wrong(key, f"must be small letters, digits and _ (like `home_bath`), not {value!r}")
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """One of the choices, as written there."""
        value = self._scalar(key)
        if value not in choices:
            raise self.wrong(key, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def integer(self, key: str, least: int = 0) -> int:
        """A whole number, at least `least`."""
        value = self._scalar(key)
        if not re.fullmatch(r"[+-]?\d+", value) or int(value) < least:
            raise self.wrong(key, f"must be a whole number from {least}, not {value!r}")
        return int(value)

    def decimal(self, key: str) -> Decimal:
        """A number from 0, exact."""
        value = self._scalar(key)
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise self.wrong(key, f"must be a number like 1.5, not {value!r}") from None
        if not number.is_finite() or number < 0:
            raise self.wrong(key, f"must be a number from 0, not {value!r}")
        return number

    def flag(self, key: str) -> bool:
        """true or false; false when the key is absent."""
        self._asked.add(key)
        return self.has(key) and self.one_of(key, ("true", "false")) == "true"

    def day(self, key: str) -> date:
        """A date, as 2026-03-01."""
        value = self._scalar(key)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.wrong(key, f"must be a date like 2026-03-01, not {value!r}") from None

    def clock(self, key: str) -> time:
        """A wall-clock time, as 09:30."""
        minutes = self._minutes(key, self._scalar(key))
        if minutes == 24 * 60:
            raise self.wrong(key, "must be a time before midnight, like 09:30")
        return time(minutes // 60, minutes % 60)

    def _minutes(self, key: str, value: str) -> int:
        found = _CLOCK.match(value)
        if found is None or (minutes := int(found[1]) * 60 + int(found[2])) > 24 * 60:
            raise self.wrong(key, f"must be a time like 09:30, not {value!r}")
        return minutes

    def strings(self, key: str, least: int = 0) -> tuple[str, ...]:
        """A list of words; an absent list is empty."""
        self._asked.add(key)
        values = tuple(
            str(node.value).strip() for node in self._items(key) if isinstance(node, yaml.ScalarNode)
        )
        if len(values) < max(least, len(self._items(key))) or not all(values):
            raise self.wrong(key, f"must be a list of at least {least} words, one a line, each after `- `")
        return values

    def _items(self, key: str) -> list[yaml.Node]:
        if not self.has(key):
            return []
        node = self._nodes[key]
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(key, "must be a list: one entry a line, each after `- `")
        return list(node.value)

    def entries(self, key: str, label: str) -> Iterator[Entry]:
        """The mappings of a list; each is checked for leftovers after the caller has read it."""
        self._asked.add(key)
        for node in self._items(key):
            entry = Entry(self.path, node, label, self._offset)
            name = next((entry._scalar(k) for k in ("key", "id") if entry.has(k)), None)
            entry.label = f"{label} {name!r}" if name else label
            yield entry
            entry.finish()

    def entry(self, key: str) -> Entry:
        """The mapping under a key."""
        return Entry(self.path, self._node(key), f"{self.label}, {key}", self._offset)

    def text(self, key: str) -> Text:
        """Words in both languages, as {zh: …, en: …}."""
        entry = self.entry(key)
        words = Text(zh=entry.string("zh"), en=entry.string("en"))
        entry.finish()
        return words

    def opening(self, key: str) -> Opening:
        """Days and hours, as {days: workdays, hours: ["09:00-17:00"]}."""
        entry = self.entry(key)
        opening = Opening(
            days=entry._days(),
            hours=entry._hours(),
            holidays="closed" if entry.optional("holidays", entry._holidays, "open") == "closed" else "open",
        )
        entry.finish()
        return opening

    def _holidays(self, key: str) -> str:
        return self.one_of(key, ("open", "closed"))

    def _days(self) -> Literal["daily", "workdays"] | tuple[Weekday, ...]:
        if isinstance(self._node("days"), yaml.SequenceNode):
            return self.weekdays("days")
        return "daily" if self.one_of("days", ("daily", "workdays")) == "daily" else "workdays"

    def weekdays(self, key: str) -> tuple[Weekday, ...]:
        """A list of weekdays, in the order of the week."""
        named = self.strings(key, least=1)
        if unknown := set(named) - set(WEEKDAYS):
            raise self.wrong(key, f"knows no weekday {unknown.pop()!r}; write {', '.join(WEEKDAYS)}")
        return tuple(day for day in WEEKDAYS if day in named)

    def _hours(self) -> tuple[Hours, ...]:
        hours: list[Hours] = []
        for value in self.strings("hours", least=1):
            found = _HOURS.match(value)
            if found is None:
                raise self.wrong("hours", f'must be written like "09:00-17:00", not {value!r}')
            opens, closes = (self._minutes("hours", part) for part in found.groups())
            if closes <= opens or (hours and opens < hours[-1].closes):
                raise self.wrong("hours", f"must run forward and not overlap, see {value!r}")
            hours.append(Hours(opens=opens, closes=closes))
        return tuple(hours)


def plain_yaml(path: Path) -> Any:
    """The content of a YAML file in plain lists, mappings and scalars. Raises yaml.YAMLError and OSError."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506  a safe loader, see there


def read_yaml(path: Path, *, text: str | None = None, line_offset: int = 0) -> Entry:
    """The top mapping of a YAML file (or of `text`, which begins `line_offset` lines down in that file).

    Raises:
        ContentError: the file is missing, is not YAML, or is no mapping.
    """
    try:
        content = path.read_text(encoding="utf-8") if text is None else text
        node = yaml.compose(content, Loader=_LOADER)
    except FileNotFoundError:
        raise ContentError(
            f"{path}: this file is missing; restore it from the original", file=str(path)
        ) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 + line_offset if mark is not None else 1
        problem = getattr(error, "problem", None) or "is not UTF-8 text"
        raise ContentError(
            f"{path}:{line}: cannot be read ({problem}); check the indent and quotes around this line",
            file=str(path),
            line=line,
        ) from None
    if node is None:
        raise ContentError(
            f"{path}:1: this file is empty; restore it from the original", file=str(path), line=1
        )
    return Entry(path, node, path.stem, line_offset)


def read_kinds(top: Entry, key: str) -> Mapping[str, Kind]:
    """The kinds, groups or areas under a key, by their keys, as lines `meals: {zh: …, en: …}`."""
    kinds = top.entry(key)
    return MappingProxyType({name: Kind(key=name, name=kinds.text(name)) for name in kinds.members()})
