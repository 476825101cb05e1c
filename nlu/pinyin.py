"""How a Chinese word sounds, written so that words a recogniser confuses look alike (U7).

A recogniser, or a person typing by sound, writes 就命 for 救命 and 帅倒 for 摔倒. Here every character is
reduced to a *folded* syllable: tone dropped, zh/ch/sh as z/c/s, initial n as l, final ng as n; the
confusions that southern accents and Mandarin recognisers make most. Readings come from pypinyin's character
table; for a character with several readings the commonest one is taken, apart from the few listed below.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from pypinyin.pinyin_dict import pinyin_dict

_FIRST, _LAST = 0x3400, 0x9FFF
_PRIVATE = 0xE000
"""Start of Unicode's private use area: one code point stands for one folded syllable in a sound key."""

_PREFERRED = {
    "着": "zhao",
    "长": "chang",
    "还": "hai",
    "都": "dou",
    "了": "le",
    "重": "zhong",
    "得": "de",
    "地": "di",
}
"""Readings to take where the table's first one is not what people say in the words we listen for (着火, 严重)."""


def _plain(syllable: str) -> str:
    """A syllable without its tone mark: `jiù` → `jiu`, `lǜ` → `lv`."""
    letters = unicodedata.normalize("NFD", syllable.replace("ü", "v"))
    letters = letters.replace("u\u0308", "v")
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())


@cache
def syllable(character: str) -> str:
    """The toneless pinyin of one character (`命` → `ming`), or an empty string when it has none."""
    if character in _PREFERRED:
        return _PREFERRED[character]
    if len(character) != 1 or not _FIRST <= ord(character) <= _LAST:
        return ""
    readings = pinyin_dict.get(ord(character), "")
    return _plain(readings.split(",")[0])


@cache
def fold(plain: str) -> str:
    """A toneless syllable with the confusable sounds made one: `zhang` → `zan`, `ning` → `lin`."""
    if plain[:2] in ("zh", "ch", "sh"):
        plain = plain[0] + plain[2:]
    elif plain.startswith("n") and len(plain) > 1 and plain != "ng":
        plain = "l" + plain[1:]
    return plain[:-1] if plain.endswith("ng") and len(plain) > 2 else plain


def folded(text: str) -> tuple[str, ...]:
    """The folded syllables of a text, one a character; other characters stand for themselves, in lower case.

    `folded("就命 ok")` → `("jiu", "min", " ", "o", "k")`.
    """
    return tuple(fold(syllable(character)) or character.lower() for character in text)


def _build_table() -> dict[int, str]:
    codes: dict[str, str] = {}
    table: dict[int, str] = {}
    for code in range(_FIRST, _LAST + 1):
        sound = fold(syllable(chr(code)))
        if sound:
            table[code] = codes.setdefault(sound, chr(_PRIVATE + len(codes)))
    return table


_TABLE = _build_table()


def sound_key(text: str) -> str:
    """The text with every Chinese character replaced by one code point for its folded syllable.

    As long as the text, so offsets carry over, and the same translation may be applied to the source of a
    regular expression: `re.search(sound_key("救命|来人"), sound_key("就命"))` finds the homophone. The code
    points are private to one process; never store them.
    """
    return text.translate(_TABLE)


def same_sound(one: str, other: str) -> bool:
    """Whether two texts sound alike after folding: `same_sound("抱警", "报警")`."""
    return sound_key(one) == sound_key(other)


def sound_distance(one: str, other: str) -> int:
    """The edit distance between two texts, counted in folded syllables: 0 for homophones."""
    left, right = sound_key(one), sound_key(other)
    row = list(range(len(right) + 1))
    for i, mine in enumerate(left, 1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(right, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (mine != theirs))
    return row[-1]
