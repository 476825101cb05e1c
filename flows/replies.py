"""What is said, read from `flows/replies`: Rasa's `responses:` form, with a `channel: voice` variant where spoken words differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from data.content_reading import plain_yaml
from data.errors import AnlinError
from flows.messages import Button, Said

FOLDER = Path(__file__).parent / "replies"
_PREFIX = "utter_"
_TWO_STOPS = re.compile(r"(?<!\.)([.。])\1(?!\1)")
_BRACKETS = re.compile(r"\s*([（(])([^（）()]*)[）)]\s*(?=([，。！？；：、的,.!?;:]|$)?)")


class RepliesInvalid(AnlinError):
    """A file under flows/replies cannot be used."""

    code = "replies_invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One wording."""

    text: str  # with {placeholders}
    speech: str | None  # as it is spoken, where that differs
    buttons: tuple[Button, ...]
    emergency: bool  # its speech may not be interrupted


class Replies:
    """Every reply in every language."""

    def __init__(
        self, texts: Mapping[str, Mapping[str, tuple[Variant, ...]]], words: Mapping[str, Any]
    ) -> None:
        self._texts = texts
        self._words = words

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Replies:
        """Read every language's folder; raises RepliesInvalid naming file and entry."""
        texts: dict[str, dict[str, tuple[Variant, ...]]] = {}
        words: dict[str, Any] = {}
        for language in sorted(path for path in folder.iterdir() if path.is_dir()):
            here = texts.setdefault(language.name, {})
            for path in sorted(language.glob("*.yml")):
                content = plain_yaml(path) or {}
                if path.stem == "words":
                    words[language.name] = content
                    continue
                for key, variants in (content.get("responses") or {}).items():
                    if not key.startswith(_PREFIX) or key in here:
                        raise RepliesInvalid(
                            f"{path}: {key}: give each reply once, its name starting with utter_"
                        )
                    here[key] = _variants(path, key, variants)
        return cls(texts, words)

    def words(self, language: str) -> Mapping[str, Any]:
        """The small words of a language: weekdays, parts of the day, forms of dates and places."""
        words: Mapping[str, Any] = self._words[language]
        return words

    def keys(self, language: str) -> frozenset[str]:
        """The names of the replies in a language, without `utter_`."""
        return frozenset(key.removeprefix(_PREFIX) for key in self._texts[language])

    def has(self, key: str, language: str) -> bool:
        """Whether there is such a reply."""
        return _PREFIX + key in self._texts.get(language, {})

    def variants(self, key: str, language: str) -> tuple[Variant, ...]:
        """Every wording of a reply, in the order of the file."""
        return self._texts[language][_PREFIX + key]

    def render(
        self, key: str, language: str, *, turn: int = 0, spoken: Mapping[str, Any] | None = None, **facts: Any
    ) -> Said:
        """One reply. `turn` chooses the wording: 0 the first, 1 the next, and so on around.

        `spoken` replaces facts in the spoken form (digits one by one, times as people say them).
        Raises KeyError for a reply or a placeholder that does not exist: a test proves that none is missing.
        """
        variants = self._texts[language][_PREFIX + key]
        variant = variants[turn % len(variants)]
        text = _one_stop(variant.text.format(**facts))
        aloud = _without_brackets(
            _one_stop((variant.speech or variant.text).format(**{**facts, **(spoken or {})}))
        )
        return Said(
            text=text,
            speech=aloud if aloud != text else None,
            buttons=tuple(
                Button(title=_fill(button.title, facts), payload=_fill(button.payload, facts))
                for button in variant.buttons
            ),
            emergency=variant.emergency,
        )


def _one_stop(text: str) -> str:
    """A sentence that ends in "a.m." or in words quoted with their full stop has one stop, not two."""
    return _TWO_STOPS.sub(r"\1", text)


def _without_brackets(text: str) -> str:
    """What stands in brackets for the eye stands between commas for the ear."""

    def between_commas(match: re.Match[str]) -> str:
        comma = "，" if match[1] == "（" else ", "
        return comma + match[2] + (comma if match[3] is None else "")

    return _BRACKETS.sub(between_commas, text)


def placeholders(text: str) -> frozenset[str]:
    """The names in braces of a reply's text."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def payload(command: str, **values: Any) -> str:
    """What a button sends back: /command or /command{"name": value}."""
    return f"/{command}" + (json.dumps(values, ensure_ascii=False) if values else "")


def _fill(template: str, facts: Mapping[str, Any]) -> str:
    # Payloads hold JSON braces, so only known names in braces are replaced.
    return re.sub(r"\{(\w+)\}", lambda match: str(facts.get(match[1], match[0])), template)


def _variants(path: Path, key: str, variants: Any) -> tuple[Variant, ...]:
    if not isinstance(variants, list) or not variants:
        raise RepliesInvalid(f"{path}: {key}: a list of wordings, each with `text:`")
    written: list[dict[str, Any]] = []
    for variant in variants:
        if not isinstance(variant, dict) or not isinstance(variant.get("text"), str):
            raise RepliesInvalid(f"{path}: {key}: each wording needs `text:`")
        if variant.get("channel") == "voice":
            if not written:
                raise RepliesInvalid(f"{path}: {key}: a voice wording follows the written one it speaks for")
            written[-1]["speech"] = variant["text"].strip()
        else:
            written.append(dict(variant))
    return tuple(
        Variant(
            text=variant["text"].strip(),
            speech=variant.get("speech"),
            buttons=tuple(
                Button(title=button["title"], payload=button["payload"])
                for button in variant.get("buttons", ())
            ),
            emergency=bool((variant.get("metadata") or {}).get("emergency")),
        )
        for variant in written
    )
