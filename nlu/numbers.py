"""Numbers as people say and type them: Chinese numerals, digits spelled one by one, full-width forms."""

from __future__ import annotations

import re

DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "幺": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_SCORES = {"廿": 20, "卅": 30}

NUMERALS = frozenset("0123456789" + "".join(DIGITS) + "".join(_UNITS) + "".join(_SCORES))
"""Every character a number may be written with."""

NUMBER = r"(?:\d{1,4}|[零〇一二两三四五六七八九十百千廿卅]{1,7})"
"""A number as a pattern without groups; `parse_number` reads what it matched."""

_TRADITIONAL = str.maketrans(
    "點鐘後個號禮週兩裡裏過聽農曆歷陰陽節國慶臘時間樓單電話來東門師傅醫護張陳劉楊趙吳孫馬羅鄭謝許鄧馮蕭葉蘇"
    "區車庫層陸萬尋噚琴聖誕勞動婦現幾這該說錯從約開飯訂個晝還換幢棟",
    "点钟后个号礼周两里里过听农历历阴阳节国庆腊时间楼单电话来东门师傅医护张陈刘杨赵吴孙马罗郑谢许邓冯萧叶苏"
    "区车库层陆万寻寻琴圣诞劳动妇现几这该说错从约开饭订个昼还换幢栋",
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20, 0x2019: 0x27}
_LOWER = {code: code + 32 for code in range(65, 91)}
_FOLD = _TRADITIONAL | _WIDE | _LOWER | {code - 32 + 0xFEE0: code for code in range(97, 123)}


def fold(text: str) -> str:
    """The text with full-width signs, capitals and common traditional characters made plain; same length."""
    return text.translate(_FOLD)


def parse_number(text: str) -> int | None:
    """The number a numeral stands for: 12, 十二, 一百零三, 两千三, 廿三, and digit by digit 五零一.

    None when it is no number. Colloquial 一百二 is 120.
    """
    if not text:
        return None
    if text.isascii():
        return int(text) if text.isdigit() else None
    if all(c in DIGITS or (c.isascii() and c.isdigit()) for c in text):
        return int(to_digits(text))
    return _with_units(text)


def _with_units(text: str) -> int | None:
    total, pending, last_unit, zero = 0, None, 0, False
    for character in text:
        if character in _UNITS:
            unit = _UNITS[character]
            if last_unit and unit >= last_unit:
                return None
            total += (1 if pending is None else pending) * unit
            pending, last_unit, zero = None, unit, False
        elif character in _SCORES:
            if total % 100 or pending is not None:
                return None
            total, last_unit, zero = total + _SCORES[character], 10, False
        else:
            digit = DIGITS.get(character)
            if digit is None and character.isascii() and character.isdigit():
                digit = int(character)
            if digit is None or (pending is not None and pending != 0):
                return None
            zero = zero or digit == 0
            pending = digit
    if pending is None:
        return total
    if last_unit >= 100 and not zero:
        return total + pending * last_unit // 10
    return total + pending


def to_digits(text: str) -> str:
    """A label in ASCII digits: 五零一, 5零1, 五百零一 → "501"; 幺二零三 → "1203". "" when it is none."""
    if any(c in _UNITS or c in _SCORES for c in text):
        number = _with_units(text)
        return "" if number is None else str(number)
    out = []
    for character in text:
        if character in DIGITS:
            out.append(str(DIGITS[character]))
        elif character.isascii() and character.isdigit():
            out.append(character)
        else:
            return ""
    return "".join(out)


def words(text: str) -> tuple[str, ...]:
    """The words of a list written with spaces: how this package keeps its vocabularies readable."""
    return tuple(text.split())


def pattern(source: str) -> re.Pattern[str]:
    """The compiled pattern: only ASCII digits are digits, and a Latin word ends where Chinese begins."""
    return re.compile(source, re.ASCII)
