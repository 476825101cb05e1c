"""Tidies a message before the emergency net listens to it: one script, one width, dialect words made common."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_LONGEST = 12_000
"""Characters listened to. Channels cap a message below this; beyond it nothing is judged."""

_APOSTROPHE = re.compile(r"(?<=[a-z])['’`´](?=[a-z])")
_FULL_STOP = re.compile(r"[。!?！？;；\n\r…~～]+|\.{1,}(?!\d)|(?<!\d)\.")
_LIGHT_STOP = re.compile(r"[，、,:：\-—|/“”\"‘’()（）\[\]【】《》<>*#]+")
_OTHER = re.compile(r"[^\w,. 😂🤣]+")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with libyaml; the service waits for these tables when it starts."""

_SPACES = re.compile(r"\s+")
_CJK = r"[\u3400-\u9fff\U00020000-\U0003ffff]"
_BETWEEN_CJK = re.compile(rf"(?<={_CJK}) (?={_CJK})")
_AFTER_CJK = re.compile(rf"(?<={_CJK}) | (?={_CJK})")
_STOPS = re.compile(r"[,. ]*\.[,. ]*|[, ]*,[, ]*")
_RUN = re.compile(r"([^\d,.\s])\1{3,}")


def load_yaml(name: str) -> dict[str, Any]:
    """The content of one of the net's tables beside this module."""
    with (_HERE / name).open(encoding="utf-8") as stream:
        table: dict[str, Any] = yaml.load(stream, Loader=_LOADER)  # noqa: S506  a safe loader, see there
    return table


def _load_characters(rows: str) -> dict[int, str]:
    pairs = "".join(rows.split())
    return {ord(pairs[i]): pairs[i + 1] for i in range(0, len(pairs) - 1, 2) if pairs[i] != pairs[i + 1]}


_TABLE = load_yaml("emergency_text.yml")
_CHARACTERS = _load_characters(_TABLE["characters"])
_WORDS: dict[str, str] = _TABLE["words"]
_WORD = re.compile("|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True)))


def _spaces(text: str) -> str:
    """Spaces between Chinese words: gone where every word stands apart (a recogniser), else a light stop."""
    chunks = text.split(" ")
    if len(chunks) > 1 and len(text) - len(chunks) + 1 <= 2.2 * len(chunks):
        return _AFTER_CJK.sub("", text)
    return _AFTER_CJK.sub("", _BETWEEN_CJK.sub(",", text))


def tidy(text: str) -> str:
    """The message as the rules expect it.

    Full-width forms, traditional characters and the dialect words of `emergency_text.yml` are replaced, English
    is in lower case without apostrophes, a full stop is `.`, a light one `,`; other signs are gone. Offsets do
    not carry over to the original.
    """
    tidied = unicodedata.normalize("NFKC", text[:_LONGEST]).lower().replace("🆘", "sos")
    tidied = _APOSTROPHE.sub("", tidied)
    tidied = _FULL_STOP.sub(".", tidied)
    tidied = _LIGHT_STOP.sub(",", tidied)
    tidied = _OTHER.sub(" ", tidied)
    tidied = _SPACES.sub(" ", tidied).strip(" ,.")
    if not tidied.isascii():
        tidied = _spaces(tidied).translate(_CHARACTERS)
        tidied = _WORD.sub(lambda found: _WORDS[found.group()], tidied)
    tidied = _RUN.sub(r"\1\1\1", tidied)
    return _STOPS.sub(lambda found: "." if "." in found.group() else ",", tidied)
