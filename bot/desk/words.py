"""The words of the staff desk in both languages, read from `strings.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml

from data.errors import AnlinError

LANGUAGES: Final = ("zh", "en")
_FILE = Path(__file__).parent / "strings.yml"


class DeskWordsInvalid(AnlinError):
    """A line of bot/desk/strings.yml is missing a language."""

    code = "desk_words_invalid"


class Words:
    """The words of one language: `words("alarm.raised")`, with `{placeholders}` filled by keyword."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    @property
    def keys(self) -> frozenset[str]:
        """The name of every text."""
        return frozenset(self._texts)

    def raw(self, key: str) -> str:
        """A text with its placeholders unfilled."""
        return self._texts[key]

    def __call__(self, key: str, /, **facts: object) -> str:
        """One text; raises KeyError for a key that does not exist (a test looks for every key in use)."""
        return self._texts[key].format(**facts)

    def of(self, group: str, name: str | None) -> str:
        """The word for a name of the data (a kind, a state); the name itself when nobody has given it a word."""
        return self._texts.get(f"{group}.{name}", name or "")

    def stamp(self, moment: datetime, local_now: datetime) -> str:
        """A moment in few characters: the time of day, with the date unless it is today."""
        here = moment.astimezone(local_now.tzinfo)
        if here.date() == local_now.date():
            return f"{here:%H:%M}"
        return self("stamp", month=here.month, day=here.day, time=f"{here:%H:%M}")


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Words:
    """The words of a language; Chinese for one we do not speak. Raises DeskWordsInvalid."""
    chosen = language if language in LANGUAGES else LANGUAGES[0]
    return Words(chosen, {key: pair[chosen] for key, pair in _pairs().items()})


@lru_cache(maxsize=1)
def _pairs() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for group, entries in yaml.safe_load(_FILE.read_text("utf-8")).items():
        flat = {group: entries} if set(entries) == set(LANGUAGES) else None
        for name, pair in (flat or {f"{group}.{name}": pair for name, pair in entries.items()}).items():
            if not isinstance(pair, dict) or set(pair) != set(LANGUAGES):
                raise DeskWordsInvalid(f"strings.yml: {name}: give {' and '.join(LANGUAGES)}")
            found[name] = pair
    return found
