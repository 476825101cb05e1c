"""What it is about: the services and faults of the catalogue, by every name people have for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from nlu import pinyin
from nlu.numbers import fold
from nlu.understanding import Entity

Records = Mapping[str, Iterable[str]] | Iterable[tuple[str, Iterable[str]]]
"""Key of the catalogue → the names people use for it, in any order."""

_FILLERS = frozenset("又还老总了的都也就在再啊呢吧这那个给把来着被一直点是好像有突忽然今天昨晚全")
"""Words that slip between the parts of a name: 灯又不亮了, 水管一直在漏水."""

_COMMON = frozenset("里你与于来中有是的在要我他给和不人这上个到说们为去得也子时出会下可过学对那小多没家样以")

_FLAT = {
    "厨房": "厨房 灶间 灶披间 灶房 灶屋 kitchen",
    "卫生间": "卫生间 厕所 洗手间 浴室 洗澡间 淋浴间 茅房 茅厕 卫生房 bathroom toilet",
    "客厅": "客厅 厅里 堂屋 起居室 living_room",
    "卧室": "卧室 卧房 睡房 主卧 次卧 里屋 房间里 bedroom",
    "阳台": "阳台 露台 balcony",
    "楼道": "楼道 走廊 过道 楼梯间 楼梯 走道 corridor stairwell",
    "电梯": "电梯 elevator lift",
    "门厅": "大厅 门厅 大堂 lobby",
    "楼顶": "楼顶 屋顶 天台 顶楼 天花板 roof",
    "地下室": "地下室 地库 车库 basement garage",
    "大门": "大门 单元门 防盗门 入户门 door",
    "窗": "窗户 窗子 飘窗 window",
    "院子": "院子 小区里 花园 路边 garden",
}
_PART_OF = {fold(word.replace("_", " ")): part for part, words in _FLAT.items() for word in words.split()}
_PARTS = sorted(_PART_OF, key=len, reverse=True)


@lru_cache(maxsize=8192)
def sound(character: str) -> str:
    """How a character sounds to a recogniser and to southern ears: no tone, zh=z, l=n, ang=an; itself if no hanzi."""
    return pinyin.fold(pinyin.syllable(character)) or character


class Lookup:
    """Finds the names of one catalogue in a message, the longest first; a name may be broken by small words, and
    heard wrong as long as one of its characters is right (理法 for 理发)."""

    def __init__(self, entity: str, records: Records) -> None:
        self.entity = entity
        pairs = records.items() if isinstance(records, Mapping) else records
        self._key_of: dict[str, str] = {}
        for key, names in pairs:
            for name in names:
                plain = fold(name).strip()
                if plain:
                    self._key_of.setdefault(plain, key)
        self._by_start: dict[str, list[str]] = {}  # by the first two characters; a name of one by itself
        self._by_sound: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name in sorted(self._key_of, key=lambda word: (-len(word), word)):
            self._by_start.setdefault(name[:2], []).append(name)
            if len(name) >= 2 and not name.isascii():
                sounds = tuple(sound(character) for character in name)
                self._by_sound.setdefault(sounds[0], []).append((sounds, name))

    def find(self, text: str) -> list[Entity]:
        """The entries named in a message, in its order, none overlapping. Never raises."""
        folded = fold(text)
        plain = [
            i for i, character in enumerate(folded) if character not in _FILLERS and character not in " ,，、"
        ]
        squeezed = "".join(folded[i] for i in plain)
        hits = [(start, start + len(name), name, False) for start, name in self._named(folded)]
        if len(plain) != len(folded):
            hits += [(plain[s], plain[s + len(n) - 1] + 1, n, False) for s, n in self._named(squeezed)]
        if not hits:
            heard = ((plain[s], plain[s + len(n) - 1] + 1, n, True) for s, n in self._heard(squeezed))
            # two syllables with a word between are no name
            hits = [hit for hit in heard if len(hit[2]) > 2 or hit[1] - hit[0] == 2]
        hits.sort(key=lambda hit: (-len(hit[2]), hit[1] - hit[0], hit[0]))
        kept: list[tuple[int, int, str, bool]] = []
        taken = bytearray(len(folded))
        for hit in hits:
            if hit[1] - hit[0] <= len(hit[2]) + 8 and not any(taken[hit[0] : hit[1]]):
                taken[hit[0] : hit[1]] = b"\x01" * (hit[1] - hit[0])
                kept.append(hit)
        return [self._as_entity(text, folded, *hit) for hit in sorted(kept)]

    def _named(self, text: str) -> Iterable[tuple[int, str]]:
        at = 0
        while at < len(text):
            listed = self._by_start.get(text[at : at + 2]) or ()
            alone = self._by_start.get(text[at]) if at + 1 < len(text) else None
            for name in (*listed, *alone) if alone else listed:
                if text.startswith(name, at) and _whole_word(text, at, at + len(name)):
                    yield at, name
                    at += len(name) - 1
                    break
            at += 1

    def _heard(self, text: str) -> Iterable[tuple[int, str]]:
        sounds = [sound(character) if "\u3400" <= character <= "\u9fff" else character for character in text]
        for at, first in enumerate(sounds):
            for wanted, name in self._by_sound.get(first, ()):
                heard = text[at : at + len(wanted)]
                if tuple(sounds[at : at + len(wanted)]) == wanted and _plausible(heard, name):
                    yield at, name
                    break

    def _as_entity(self, text: str, folded: str, start: int, end: int, name: str, heard: bool) -> Entity:
        extra: dict[str, object] = {"heard_as": name} if heard else {}
        if self.entity == "fault" and (part := part_of_flat(folded, start, end)):
            extra["part"] = part
        return Entity(
            entity=self.entity,
            value=self._key_of[name],
            text=text[start:end],
            start=start,
            end=end,
            extra=extra,
        )


def _plausible(heard: str, name: str) -> bool:
    """Whether what sounds like a name may be one: a character is right, and a short name is not made of small words
    (哪里发货 is no 理发) nor only nearly alike."""
    other = [(a, b) for a, b in zip(heard, name, strict=True) if a != b]
    if len(other) == len(name):
        return False
    return len(name) > 2 or all(
        a not in _COMMON and pinyin.syllable(a) == pinyin.syllable(b) for a, b in other
    )


def _whole_word(text: str, start: int, end: int) -> bool:
    """Latin names only as whole words: "lift" not in "facelift"."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if text[start].isascii() and text[start].isalpha() and before.isascii() and before.isalpha():
        return False
    last = text[end - 1]
    plural = after == "s" and not (text[end + 1 : end + 2].isascii() and text[end + 1 : end + 2].isalpha())
    return not (last.isascii() and last.isalpha() and after.isascii() and after.isalpha()) or plural


def part_of_flat(folded: str, start: int, end: int) -> str | None:
    """The part of the home nearest to a fault, in the 20 characters before it, in it, or in the 10 after."""
    low = max(0, start - 20)
    window = folded[low : end + 10]
    best: tuple[int, str] | None = None
    for word in _PARTS:
        at = window.find(word)
        while at >= 0:
            distance = max(0, start - (low + at + len(word)), (low + at) - end)
            if best is None or distance < best[0]:
                best = (distance, _PART_OF[word])
            at = window.find(word, at + 1)
    return best[1] if best else None
