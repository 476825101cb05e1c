"""Where it is: building, unit and room in every way people write them, shared places, and 我家 (U5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nlu.flats import (
    NOT_A_ROOM,
    ROOM_NUMBER,
    flat_like,
    floor_and_door,
    is_dwelling,
    labelled,
    respelled,
    room_digits,
    squeezed,
)
from nlu.numbers import fold, parse_number, pattern, to_digits, words
from nlu.understanding import Entity

SHARED_PLACES = ("东门", "西门", "中心花园", "地下车库", "活动中心", "社区食堂")
"""The shared places of the demo community; a community passes its own."""

_N = r"(?:\d{1,3}|[零〇一二三四五六七八九十幺百]{1,4}|两(?=号楼|单元))"
_NOT_COUNTED = r"(?!上|梯|道|下|房|房子|里面住)"
_BUILDING = pattern(
    rf"(?:第)?(?:({_N})\s?(?:号大?楼|号栋|号幢|号座|栋楼?|幢楼?|号院|座(?=[\d一二三四五六七八九十])|#楼?|井楼)|([a-h])\s?(?:座|栋|幢|号楼)"
    rf"|({_N})\s?[-–—](?={_N}\s?单元)|({_N})\s?号(?=\s?{_N}\s?(?:单元|门)|\s?{ROOM_NUMBER})|({_N})\s?楼(?=\s?{_N}\s?(?:单元|门(?!口|诊|前|外|禁))))"
)
_COMPOUND = pattern(rf"({_N}|[a-h])\s?(弄|号院|号大院|期|村|区)的?\s?")
_LANE_NUMBER = pattern(rf"({_N})\s?号(?:楼|院)?(?!线|公交|车)")
_ROOM_LETTER = pattern(
    rf"(?:({_N})\s?(?:楼|层)\s?|(\d{{1,2}}))([a-h])(?:\s?(?:室|座|户|单位|号))?(?![a-z0-9])"
)
"""12楼B室, 15A: a flat that is a letter on its floor."""
_UNIT = pattern(rf"(?:第)?({_N}|[a-h])\s?(?:单元(?!价)|号门(?!口|诊)|门洞|号单元|门(?=\s?{ROOM_NUMBER}))")
_FLOOR = pattern(rf"(?:第)?({_N})\s?(?:楼|层)(?!梯|道|房|上楼|盘|主|栋)")
_ROOM = pattern(rf"({ROOM_NUMBER})\s?(?:室|号房间?|房间?|户|号(?!楼|院|线|公交|电|码))?")
_ROOM_MARKED = pattern(rf"({ROOM_NUMBER})\s?(?:室|号房间?|房间?(?!子)|户(?!主|人))")
_DASHED = pattern(
    rf"(?:(\d{{1,2}}|[a-h])\s?(?:#\s?[-–—/]|[-–—_/.,#]|号)\s?(?:(\d{{1,2}})\s?[-–—_/.,#]\s?)?(\d{{3,4}})(?![\d.:年/-]|\s?[元块度])"
    rf"|([一二三四五六七八九十]{{1,3}}|\d{{1,2}})(?:杠|横|拐)(?:([一二三四五六七八九十]{{1,2}}|\d{{1,2}})(?:杠|横|拐))?({ROOM_NUMBER}))"
)
_ORDINALS = words("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
_SPOKEN_DIGITS = {
    w: str(i)
    for i, w in enumerate(words("zero one two three four five six seven eight nine ten eleven twelve"))
} | {
    "oh": "0",
    "o": "0",
}
_D = "(?:" + "|".join(sorted(_SPOKEN_DIGITS, key=len, reverse=True)) + ")"
_ENGLISH_WORDS = {
    w: i for i, w in enumerate(words("one two three four five six seven eight nine ten eleven twelve"), 1)
}
_E = r"(?:\d{1,3}|" + "|".join(sorted(_ENGLISH_WORDS, key=len, reverse=True)) + r")\b"
_ENGLISH = pattern(
    rf"(?:building|bldg\.?|block|blk\.?|tower)\s?(?:no\.?\s?|number\s?|#)?(?P<b>{_E}|[a-h]\b)"
    rf"|(?:unit|entrance|door)\s?(?:no\.?\s?|number\s?|#)?(?:(?P<ur>[1-9]\d{{2,3}})\b|(?P<u>{_E}))(?!\s?(?:price|yuan))"
    rf"|(?:room|apartment|apt\.?|flat|suite|rm\.?)\s?(?:no\.?\s?(?:is\s)?|number\s?(?:is\s)?|is\s|#)?(?:(?P<r>\d{{3,4}}|\d{{1,2}}[a-h])\b|(?P<rs>{_D}(?:[ -]{_D}){{1,3}})\b)"
    rf"|no\.?\s?(?P<b2>\d{{1,2}}) (?:building|block)|(?:the )?(?P<f>\d{{1,2}}(?:st|nd|rd|th)|{'|'.join(_ORDINALS)}) floor\b|(?:floor|level) (?P<f2>{_E})"
)
_SPELLED_ROOM = pattern(
    rf"{_D}(?:[ -]{_D}){{2,3}}(?![a-z])|(?:ten|eleven|twelve)[ -](?:oh|o)[ -]{_D}(?![a-z])"
)
_HOME = pattern(
    r"(?:我们?|咱们?|俺们?|阿拉|我哋|侬阿拉)(?:自己)?(?:的)?(?:家里?头?(?![长乡人属务具电庭教])|屋里?头?|屋企|屋头|住处|住的地方|房子里?)"
    r"|家里头?(?!蹲)|屋里头?|屋头|屋企|家中|自己家里?|\b(?:at )?(?:my|our) (?:home|place|(?:flat|house|apartment)(?!\s?(?:is |no\.?\s?|number\s?)(?:is )?\d))\b|\bat home\b"
)
_HOME_NOT = frozenset(
    "国大老人他她你您谁哪那儿子女婿媳孙户居隔壁戚友邻妈爸哥姐弟妹姨叔婶爷奶工师婆公伴阳办商专回住的王李张刘陈杨赵吴周徐孙朱"
)
_GATE = pattern(
    r"[东西南北正后前侧偏](?:[边面侧头]的?(?:那个|那道|那扇|那|这个)?|那个|那道)[大小侧]?门(?!诊|口诊|锁|铃|牌|窗|子|框)"
)
"""东边那个门, 西大门 by its side; which gates there are the community says."""
_HOUSE_GOES_ON = pattern(rf"的(?=[\d一二三四五六七八九十])|\s?(?:{_N}\s?单元|{ROOM_NUMBER})")
_AREA = pattern(
    r"的?(?:[a-z]\d?\s?(?:区|座|口|出口|入口|排|栋)|[负地]?[下b]?[一二三1-3]层|b[1-3](?:层)?|[一二三四五六七八九十\d]{1,3}(?:区|号口|号位|号车位|号出口|号入口|楼|层)"
    r"|[东南西北][区侧边角]|[东南西北]?(?:出口|入口)|[a-z]\d{1,4}(?:车位)?)"
)
_SPACED_DASH = pattern(rf"(\d{{1,2}})-(\d{{1,2}})\s+(\d{{3,4}})(?!\d|{NOT_A_ROOM})")
"""5-1 1203: building, unit, room."""
_CODE = pattern(r"(?:码|货号|单号)[是为:]?\s?$")
_INNER = pattern(r"[\s\-—–#的]{0,3}")
_NOT_A_ROOM = pattern(NOT_A_ROOM)
_BARE_ROOM = pattern(ROOM_NUMBER)
_TO_HOUSE = pattern(r"[\s,、的\-—/]{0,3}(?:然后是?|那个|就是|在|是|住)?\s?")
_HASH = pattern(r"#\s?(\d{3,4})(?!\d)")
_SPOT = pattern(
    r"的?(门口|门前|楼道里?|大厅|大堂|电梯口?里?|楼顶|顶楼|楼下|地下室|前面|后面|旁边|楼梯间?|单元门|走廊|过道|门厅|天台|架空层|外面|院子|楼前|楼后|墙边|边上)"
)
_SPOKEN = pattern(
    r"\s*(?:([1-9]|1[0-2])[ ,]+([1-9])[ ,]+(\d{3,4})|([1-9一二三四五六七八九])([1-9一二三四五六七八九])([\d零〇幺一二三四五六七八九]{3,4}))[。.!\s]*"
)
_ENTRANCE = pattern(r"([1-9]|[一二三四五六七八九])门(?!口|诊|前|外|禁|锁)")
_BARE_NUMBER = pattern(rf"[\s,。]*(?:我?是|就是|我?住|在|嗯|哦)*({_N})[号栋幢](?:的|吧|啊|呀|哈)?[\s,。.!]*")
_AT_HOME = pattern(
    r"[\s,。]*(?:就|我|是|人|嗯){0,3}(在?(?:家|屋)(?:里|头)?|here|home)(?:的|呢|啊|呀|吧)?[\s,。.!]*"
)
_FROM_HOME = pattern(r"(?:住|在|的|是)?")
_GAP_EN = pattern(r",?\s?(?:,|in|of|at|on|-)?\s?(?:the\s)?")
_GAP = pattern(r"[\s,、的\-—/#]{0,3}")
_REPAIR = pattern(
    r"(?:[\s,。.!?、…\-—]|哦|噢|啊|呃|哎呀|哎|唉|呀|嗯|哟|我|说|讲|记|搞|弄|写|住|来|吧|那|就|应该|而是|是|的|在|了|地址|家"
    r"|(?P<core>不对|不不|不是|不|错|改成|改到|改为|改|换成|换到|no|not|sorry|wait|actually|i mean)|it's|that's){1,12}"
)
_NEGATED = pattern(r"(?:不是|不在|不住|别去|not(?: at| in)?)\s*$")
_BUT = pattern(r"[\s,。]*(?:的)?(?:而?是|在|住|改?成|but|it's)[\s,]*")
_LEVELS = ("building", "unit", "room", "place")

Kind = Literal["building", "unit", "floor", "room", "place", "home"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """One place under construction."""

    start: int  # offset of its first character
    end: int  # offset after its last character
    value: dict[str, str] = field(default_factory=dict)  # as the entity's
    extra: dict[str, Any] = field(default_factory=dict)  # floor, area, spot, instead_of


class Places:
    """Finds places in a message.

    `places`: the names of the community's shared places, or each name with the other names people use for it.
    """

    def __init__(self, places: Iterable[str] | Mapping[str, Iterable[str]] = SHARED_PLACES) -> None:
        named = places if isinstance(places, Mapping) else dict.fromkeys(places, ())
        self._names: dict[str, list[tuple[str, str]]] = {}
        for name, others in named.items():
            for word in (name, *others):
                if word:
                    self._names.setdefault(fold(word)[:2], []).append((fold(word), name))
        gates = [
            name for name in named if len(name) == 2 and name[0] in "东西南北正后前侧偏" and name[1] == "门"
        ]
        self._gates = {name[0]: name for name in gates}
        for listed in self._names.values():
            listed.sort(key=lambda pair: -len(pair[0]))

    def find(self, text: str, *, asked: bool = False) -> list[Entity]:
        """The places of a message in its order. `asked`: the bot has just asked where, so a bare 501 is a room and
        a bare 五号 a building. Never raises."""
        folded, stood = squeezed(respelled(fold(text)))
        spots = [
            replace(spot, start=stood[spot.start], end=stood[len(folded[: spot.end].rstrip()) - 1] + 1)
            for spot in self._merged(folded, self._pieces(folded, asked))
        ]
        return [
            Entity(
                entity="place",
                value={level: spot.value[level] for level in _LEVELS if level in spot.value},
                text=text[spot.start : spot.end],
                start=spot.start,
                end=spot.end,
                extra=spot.extra,
            )
            for spot in spots
        ]

    def _pieces(self, text: str, asked: bool) -> list[_Spot]:
        if asked and (whole := _SPOKEN.fullmatch(text)):
            parts = [group for group in whole.groups() if group]
            value = {"building": _label(parts[0]), "unit": _label(parts[1]), "room": to_digits(parts[2])}
            return [
                _Spot(
                    start=whole.start() + len(text) - len(text.lstrip()),
                    end=len(text.rstrip(" 。.!\n\t")),
                    value=value,
                )
            ]
        if asked and (bare := _BARE_NUMBER.fullmatch(text)) and (label := _label(bare[1])) not in ("", "0"):
            return [_Spot(start=bare.start(1), end=bare.end(1) + 1, value={"building": label})]
        if asked and (at_home := _AT_HOME.fullmatch(text)):
            return [_Spot(start=at_home.start(1), end=at_home.end(1), value={"place": "home"})]
        found: list[_Spot] = []
        latin = any("a" <= c <= "z" for c in text)
        at, length = 0, len(text)
        while at < length:
            piece = self._piece(text, at, found, latin, asked)
            if piece is not None:
                found.append(piece)
                at = piece.end
            elif text[at] in _DIGITS:
                while at < length and text[at] in _DIGITS:  # never begin in the middle of a number
                    at += 1
            else:
                at += 1
        return found

    def _piece(self, text: str, at: int, found: list[_Spot], latin: bool, asked: bool) -> _Spot | None:
        first = text[at]
        if (shared := self._shared(text, at)) is not None:
            return shared
        if first in _LABELS and (known := labelled(text, at)) is not None:
            end, level, label = known
            return _Spot(start=at, end=end, value={level: label})
        if first in _HOME_STARTS and (home := _home(text, at)) is not None:
            return home
        letter = (
            latin
            and first.isascii()
            and first.isalpha()
            and not (at and text[at - 1].isascii() and text[at - 1].isalnum())
        )
        digit = latin and first.isascii() and first.isdecimal()
        if (letter or digit) and (english := _english(text, at, _after_unit(text, at, found))) is not None:
            return english
        if (
            first == "#"
            and found
            and found[-1].value.keys() & {"building", "unit"}
            and "room" not in found[-1].value
            and (match := _HASH.match(text, at))
        ):
            return _Spot(start=at, end=match.end(), value={"room": match[1]})
        if first in _DIGITS or first == "第" or letter:
            return _numbered(text, at, found, asked)
        return None

    def _shared(self, text: str, at: int) -> _Spot | None:
        if text[at] in self._gates and (gate := _GATE.match(text, at)):
            return _Spot(start=at, end=gate.end(), value={"place": self._gates[text[at]]})
        for word, name in self._names.get(text[at : at + 2], ()):
            end = at + len(word)
            if not text.startswith(word, at) or text.startswith("子", end):
                continue
            if (
                word[-1].isascii()
                and word[-1].isalpha()
                and text[end : end + 1].isalpha()
                and text[end : end + 1].isascii()
            ):
                continue
            extra: dict[str, Any] = {}
            if match := _AREA.match(text, end):
                extra["area"] = match[0].removeprefix("的").replace(" ", "").upper()
                end = match.end()
            return _Spot(start=at, end=end, value={"place": name}, extra=extra)
        return None

    def _merged(self, text: str, pieces: list[_Spot]) -> list[_Spot]:
        out: list[_Spot] = []
        waiting = list(reversed(pieces))
        while waiting:
            piece = waiting.pop()
            last = out[-1] if out else None
            if last is not None:
                if waiting and _rejected(text, last, piece, waiting[-1]):
                    out[-1] = _correction(last, waiting.pop())
                    continue
                if _only_denied(text, last, piece):
                    continue
                gap = text[last.end : piece.start] if piece.start - last.end <= 24 else "?" * 30
                if _corrects(text, last, piece, gap):
                    out[-1] = _correction(last, piece)
                    continue
                at_home = last.value.get("place") == "home"
                joined = (at_home and _FROM_HOME.fullmatch(gap)) or (
                    (piece.value or not at_home) and _GAP.fullmatch(gap)
                )
                if (
                    (joined and _continues(last, piece))
                    or (_TO_HOUSE.fullmatch(gap) and _gathers(last, piece, waiting[-1] if waiting else None))
                    or (_GAP_EN.fullmatch(gap) and _completes(text, last, piece))
                ):
                    out[-1] = _joined(last, piece)
                    continue
            out.append(piece)
        spots = [
            _with_spot(text, spot) for spot in _closed_up(text, out) if spot.value or spot.extra.get("floor")
        ]
        explicit = any("building" in spot.value for spot in spots)
        if explicit:  # 我家住3号楼: the address says more than the word
            spots = [spot for spot in spots if spot.value.get("place") != "home"]
        return spots


_DIGITS = frozenset("0123456789零〇幺一二两三四五六七八九十百千")
_LABELS = frozenset("楼栋幢单房室门户")
_HOME_STARTS = frozenset("我咱俺阿侬家屋自mao")


def _home(text: str, at: int) -> _Spot | None:
    match = _HOME.match(text, at)
    if match is None:
        return None
    if match[0][0] in "家屋自" and at and (text[at - 1] in _HOME_NOT or text[at - 1] in _DIGITS):
        return None
    return _Spot(start=at, end=match.end(), value={"place": "home"})


def _english(text: str, at: int, after_unit: bool) -> _Spot | None:
    match = _ENGLISH.match(text, at)
    if match is None:
        spelled = _SPELLED_ROOM.match(text, at) if after_unit else None
        room = "".join(_SPOKEN_DIGITS[word] for word in re.split(r"[ -]", spelled[0])) if spelled else ""
        return _Spot(start=at, end=at + len(spelled[0]), value={"room": room}) if spelled else None
    floor = match["f"] or match["f2"]
    if floor in _ORDINALS:
        floor = str(_ORDINALS.index(floor) + 1)
    extra = {"floor": _label(re.sub(r"[a-z]+$", "", floor) or floor)} if floor else {}
    room = match["r"] or match["ur"]
    if match["rs"]:
        room = "".join(_SPOKEN_DIGITS[word] for word in re.split(r"[ -]", match["rs"]))
        if not 3 <= len(room) <= 4:
            return None
    pairs = (("building", match["b"] or match["b2"]), ("unit", match["u"]), ("room", room))
    value = {level: _label(word) for level, word in pairs if word}
    return _Spot(start=at, end=match.end(), value=value, extra=extra)


def _label(word: str) -> str:
    if word in _ENGLISH_WORDS:
        return str(_ENGLISH_WORDS[word])
    if word.isascii():
        return str(int(word)) if word.isdecimal() else word.upper()
    number = parse_number(word)
    return "" if number is None else str(number)


def _numbered(text: str, at: int, found: list[_Spot], asked: bool) -> _Spot | None:
    if at and text[at] != "第" and text[at - 1] in "第":
        return None
    if (match := _DASHED.match(text, at)) and not _CODE.search(text, max(0, at - 3), at):
        return _dashed(text, at, match, found)
    if (match := _SPACED_DASH.match(text, at)) and flat_like(match[3]):
        value = {"building": _label(match[1]), "unit": _label(match[2]), "room": match[3]}
        return _Spot(start=at, end=match.end(), value=value)
    near = bool(found) and _GAP.fullmatch(text[found[-1].end : at][:5]) is not None
    housed = near and bool(found[-1].value.keys() & {"building", "unit"})
    if (door := floor_and_door(text, at, housed=housed)) is not None:
        end, room, floor = door
        return _Spot(start=at, end=end, value={"room": room}, extra={"floor": floor})
    if (compound := _in_compound(text, at)) is not None:
        return compound
    if found and found[-1].value.keys() & {"building", "unit"} and at - found[-1].end <= 1:
        match = _ROOM_LETTER.match(text, at)
        if match is not None and (floor := _label(match[1] or match[2])):
            extra = {"floor": floor}
            return _Spot(start=at, end=match.end(), value={"room": floor + match[3].upper()}, extra=extra)
    if match := _BUILDING.match(text, at):
        label = _label(next(group for group in match.groups() if group))
        counted = match[0] in ("一栋", "一幢", "一栋楼", "一幢楼") and not _HOUSE_GOES_ON.match(
            text, match.end()
        )
        in_street = at and text[at - 1] in "路街巷" and match[0].endswith("院")
        if label not in ("", "0") and not counted and not in_street:
            return _Spot(start=at, end=match.end(), value={"building": label})
    if match := _UNIT.match(text, at):
        label = _label(match[1])
        counted = match[1] == "两" and not housed and not _BARE_ROOM.match(text, match.end())
        if label not in ("", "0") and not counted:
            return _Spot(start=at, end=match.end(), value={"unit": label})
    in_building = bool(found) and "building" in found[-1].value and "unit" not in found[-1].value
    if in_building and at - found[-1].end <= 1 and (match := _ENTRANCE.match(text, at)):
        return _Spot(start=at, end=match.end(), value={"unit": _label(match[1])})
    home = near and ("floor" in found[-1].extra or (housed and "room" not in found[-1].value))
    wanted = _ROOM if home or _bare_room(text, at) else _ROOM_MARKED
    if asked or _after_repair(text, found, at):
        wanted = _ROOM
    if match := wanted.match(text, at):
        room = room_digits(match[1])
        if room and not _NOT_A_ROOM.match(text, match.end()):
            return _Spot(start=at, end=match.end(), value={"room": room})
    return _floor(text, at)


def _bare_room(text: str, at: int) -> bool:
    """Whether the number there is a room although no word says so: before its building (1203,5号楼) or by the sentence."""
    match = _BARE_ROOM.match(text, at)
    if match is None or not flat_like(room_digits(match[0])) or _NOT_A_ROOM.match(text, match.end()):
        return False
    if at and ((text[at - 1].isascii() and text[at - 1].isalnum()) or text[at - 1] in "第.:#-/"):
        return False
    if is_dwelling(text, at, match.end()):
        return True
    english = _GAP_EN.match(text, match.end())
    if english is not None and english[0] and _ENGLISH.match(text, english.end()):
        return True
    gap = _TO_HOUSE.match(text, match.end())
    return (
        gap is not None
        and bool(gap[0])
        and bool(_BUILDING.match(text, gap.end()) or _UNIT.match(text, gap.end()))
    )


def _after_unit(text: str, at: int, found: list[_Spot]) -> bool:
    """Whether a room may follow without its word: building six, unit three, eight oh one."""
    last = found[-1].value if found else {}
    near = bool(found) and _GAP_EN.fullmatch(text, found[-1].end, at) is not None
    return near and bool(last.keys() & {"building", "unit"}) and "room" not in last


def _in_compound(text: str, at: int) -> _Spot | None:
    """A building with the lane, court or phase before it: 5弄12号, 八号院3号楼, 二期5栋."""
    match = _COMPOUND.match(text, at)
    if match is None:
        return None
    wanted = _LANE_NUMBER if match[2] == "弄" else _BUILDING
    building = wanted.match(text, match.end())
    if building is None:
        return None
    label = _label(next(group for group in building.groups() if group))
    extra = {"compound": f"{_label(match[1])}{match[2]}"}
    return _Spot(start=at, end=building.end(), value={"building": label}, extra=extra) if label else None


def _after_repair(text: str, found: list[_Spot], at: int) -> bool:
    if not found or "room" not in found[-1].value or at - found[-1].end > 16:
        return False
    match = _REPAIR.fullmatch(text, found[-1].end, at)
    if match is not None and match["core"]:
        return True
    denied = "不是" in text[max(0, found[-1].start - 3) : found[-1].end]
    return denied and _BUT.fullmatch(text, found[-1].end, at) is not None


def _floor(text: str, at: int) -> _Spot | None:
    match = _FLOOR.match(text, at)
    if match is None:
        return None
    floor = _label(match[1])
    if not floor or not 1 <= int(floor) <= 60:
        return None
    return _Spot(start=at, end=match.end(), extra={"floor": floor})


def _dashed(text: str, at: int, match: re.Match[str], found: list[_Spot]) -> _Spot | None:
    inner = bool(found) and found[-1].value.keys() == {"building"}
    inner = inner and _INNER.fullmatch(text[found[-1].end : at][:4]) is not None
    if at and not inner and (text[at - 1] in "-.:/年" or text[at - 1] == "r"):
        return None
    building, unit, room = (match[1], match[2], match[3]) if match[3] else (match[4], match[5], match[6])
    if unit is None and match[3] and match[0][len(building)] in "./,":
        return None  # 3.501 is a quantity
    if match[3] and "/" in match[0] and len(room) == 4 and room[:2] in ("19", "20"):
        return None  # 3/12/2026
    value = {"building": _label(building), "room": room_digits(room)}
    if unit is None and inner:
        value = {"unit": _label(building), "room": room_digits(room)}  # 5栋3-201
    elif unit:
        value["unit"] = _label(unit)
    end = match.end() + (1 if text[match.end() : match.end() + 1] in ("室", "房") else 0)
    return _Spot(start=at, end=end, value=value)


def _continues(last: _Spot, piece: _Spot) -> bool:
    """Whether the piece says more of the same place: 3号楼 + 2单元 + 501, 501 + 3号楼 not."""
    if last.value.get("place") == "home" and not piece.value:
        return "floor" in piece.extra and "floor" not in last.extra
    if last.value.get("place") == "home":
        return "building" in piece.value or "unit" in piece.value or "room" in piece.value
    if piece.value.get("place") == "home" or last.value.keys() & piece.value.keys():
        return False
    if "floor" in piece.extra and "floor" in last.extra:
        return False
    order = {"building": 0, "unit": 1, "room": 3, "place": 4}
    deepest = max([order[key] for key in last.value] + ([2] if "floor" in last.extra else []), default=-1)
    first = min([order[key] for key in piece.value] + ([2] if "floor" in piece.extra else []), default=9)
    return first > deepest


def _gathers(last: _Spot, piece: _Spot, following: _Spot | None) -> bool:
    """Whether parts of one home stand in any order: 501室,3号楼2单元. What comes next may claim the first of them
    for another home: 2单元,3号楼5单元."""
    parts = {"building", "unit", "room"}
    if not (last.value.keys() <= parts and piece.value.keys() <= parts and last.value and piece.value):
        return False
    shared = last.value.keys() & piece.value.keys()
    if shared:
        return len(piece.value) == len(shared) == 1 and piece.value.items() <= last.value.items()
    if following is None or following.start - piece.end > 1:
        return True
    return not following.value.keys() & last.value.keys()


def _closed_up(text: str, spots: list[_Spot]) -> list[_Spot]:
    """The spots, with those joined that turned out to be parts of one home: 十号楼一单元,我家是一零零二."""
    out: list[_Spot] = []
    for spot in spots:
        if out and _TO_HOUSE.fullmatch(text[out[-1].end : spot.start][:12]) and _gathers(out[-1], spot, None):
            out[-1] = _joined(out[-1], spot)
        else:
            out.append(spot)
    return out


def _only_denied(text: str, last: _Spot, piece: _Spot) -> bool:
    """是1102不是1103: the second is only named to be denied."""
    denied = text[last.end : piece.start].strip(" ,") in ("不是", "而不是", "可不是")
    return (
        denied and "是" in text[max(0, last.start - 2) : last.end] and last.value.keys() == piece.value.keys()
    )


def _joined(last: _Spot, piece: _Spot) -> _Spot:
    """Both as one place; 我家 gives way to the address that follows it."""
    value = last.value | piece.value
    if last.value.get("place") == "home" and piece.value:
        del value["place"]
    return replace(last, end=piece.end, value=value, extra=last.extra | piece.extra)


def _completes(text: str, last: _Spot, piece: _Spot) -> bool:
    """English names the small first: room 501 in building 3."""
    latin = text[last.start : last.end].isascii() and text[piece.start : piece.end].isascii()
    both = {*last.value, *last.extra} & {*piece.value, *piece.extra}
    named = not {"place"} & (last.value.keys() | piece.value.keys())
    return latin and named and not both and any("a" <= c <= "z" for c in text[piece.start : piece.end])


def _rejected(text: str, last: _Spot, piece: _Spot, following: _Spot) -> bool:
    """1单元,不是2单元是1单元: the middle one is only named to be denied."""
    denied = _NEGATED.search(text, max(0, piece.start - 8), piece.start) is not None
    near = following.start - piece.end <= 8 and piece.start - last.end <= 8
    return (
        denied and near and bool(piece.value) and _BUT.fullmatch(text, piece.end, following.start) is not None
    )


def _corrects(text: str, last: _Spot, piece: _Spot, gap: str) -> bool:
    denied = (
        _NEGATED.search(text, max(0, last.start - 8), last.start) or "不是" in text[last.start : last.end]
    )
    if denied and _BUT.fullmatch(gap) and last.value.keys() & piece.value.keys():
        return True
    match = _REPAIR.fullmatch(gap)
    return match is not None and bool(match["core"])


def _correction(old: _Spot, new: _Spot) -> _Spot:
    """What is said instead, with what it leaves as it was: 3号楼2单元501,不对,502."""
    kept = {} if "place" in new.value or "place" in old.value else old.value
    extra = new.extra | {"instead_of": dict(old.value)}
    return replace(new, start=old.start, value=kept | new.value, extra=extra)


def _with_spot(text: str, spot: _Spot) -> _Spot:
    if spot.value.get("place") == "home":
        return spot
    match = _SPOT.match(text, spot.end)
    return spot if match is None else replace(spot, extra=spot.extra | {"spot": match[1].removesuffix("里")})
