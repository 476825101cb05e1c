"""Numbers that name something: telephone numbers, written or spoken, and the numbers of cases (U1)."""

from __future__ import annotations

import re

from nlu.numbers import fold, parse_number, pattern, to_digits, words
from nlu.understanding import Entity

_DIGIT = r"[0-9零〇幺一二三四五六七八九]"
_PAUSE = r"(?:[\s\-—–,、.…]|呃|嗯|啊|那个){0,4}"
_PHONE = pattern(rf"(?:\+\s?|00)?(?:86[\s-]?)?{_DIGIT}(?:{_PAUSE}{_DIGIT}){{6,14}}")
_AREA_IN_BRACKETS = pattern(rf"[(](0\d{{2,3}})[)]\s?({_DIGIT}{{3,4}}[\s-]?{_DIGIT}{{4}})(?!{_DIGIT})")
_AS_ONE = pattern(rf"(?<=[是号话机码])么(?={_DIGIT}{{2}})|^么(?=[358三五八][0-9零〇幺一二三四五六七八九])")
"""幺 as a recogniser writes it: 么三八…"""
_SPELLED = dict(
    zip(words("zero oh o one two three four five six seven eight nine"), "000123456789", strict=True)
)
_WORD = "(?:" + "|".join(sorted(_SPELLED, key=len, reverse=True)) + ")"
_IN_WORDS = pattern(
    rf"(?<![a-z])(?:(?:double |triple )?{_WORD}[\s,.\-]+){{6,14}}(?:double )?{_WORD}(?![a-z])"
)
_RUN = pattern(rf"{_DIGIT}+")
_MOBILE = pattern(r"1[3-9]\d{9}")
_DATE_LIKE = pattern(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")

_CASE = pattern(
    rf"(?<![a-z])([rbcsvath])\s?-?\s?((?:20|二零|二〇){_DIGIT}{{6}})\s?(?:[-–—_ ]|杠|横杠|横|减)?\s?({_DIGIT}{{4}})(?!{_DIGIT})"
)
_LAST = rf"({_DIGIT}{{1,4}}(?![十百])|[一二三四五六七八九]?十[一二三四五六七八九]?)(?!{_DIGIT}|\s?[点月日楼栋幢座单室个位份块元])"
_IS = r"\s?(?:号码|数字?)?\s?(?:是|为|就是|:|#)?\s?"
_TAIL = pattern(
    rf"(?:(?:尾号|末尾|结尾|末[一二两三四1-4]?位|最?后面?的?[一二两三四1-4]位){_IS}{_LAST}"
    rf"|(?:单号|工单号?|编号|报修号|订单号?|预约号|受理号){_IS}({_DIGIT}{{4}}(?!{_DIGIT}))"
    rf"|(?<![a-z])(?:ending(?: in| with)?|ends (?:in|with)|last (?:four|three|two|4|3|2)(?: digits)?(?: are| is)?)\s?:?\s?({_DIGIT}{{1,4}}(?!{_DIGIT}))"
    rf"|(?<![a-z])(?:number|ticket|case|request|no\.?)(?: (?:no\.?|number))?(?: is)?\s?[:#]?\s?(\d{{4}}(?!\d)))"
)
_NAMED = pattern(
    rf"(?:第)?({_DIGIT}{{1,4}}|十[一二三四五六七八九]?|[二三四五六七八九]十[一二三四五六七八九]?)号的?(?:工单|单子|报修单|预约单|订单|投诉单|派工单|那个?单子?)"
)
_ZEROS = pattern(
    rf"(?<!{_DIGIT})(?:第|#)?([0零〇]{{2}}{_DIGIT}{{2}})(?!{_DIGIT})号?(?=$|那|这|的|[\s,。!?、]|怎|咋|到|啥|是)"
)
_NOT_OURS = pattern(
    r"(?:手机|电话|身份证|银行卡|卡|车牌|车|座机|医保|社保)(?:号码?|号)?的?$|(?:phone|room|flat|house|apartment|mobile|card|building|unit) $"
)


def _entity(text: str, kind: str, value: object, start: int, end: int, /, **extra: object) -> Entity:
    return Entity(entity=kind, value=value, text=text[start:end], start=start, end=end, extra=extra)


def find_phones(text: str, area_code: str = "010") -> list[Entity]:
    """The telephone numbers of a message as E.164, spoken digits (幺三八…, one three eight …) as well. A landline
    without an area code is taken to be in `area_code`. Never raises."""
    folded = _AS_ONE.sub("幺", fold(text))
    found = []
    for match in _AREA_IN_BRACKETS.finditer(folded):
        found.append(
            _entity(text, "phone", f"+86{match[1][1:]}{_digits(match[2])}", match.start(), match.end())
        )
    for match in _PHONE.finditer(folded):
        if found and match.start() < found[-1].end:
            continue
        before = folded[match.start() - 1] if match.start() else ""
        if before and (
            before.isdecimal() or before in "rbcsva" or folded[match.end() : match.end() + 1].isdecimal()
        ):
            continue
        if number := _e164(match[0], area_code):
            found.append(_entity(text, "phone", number, match.start(), match.end()))
        elif part := _mobile_in(match):
            start, end = part
            found.append(_entity(text, "phone", f"+86{_digits(folded[start:end])}", start, end))
    for match in _IN_WORDS.finditer(folded):
        number = _e164(_spelled(match[0]), area_code)
        if number:
            found.append(_entity(text, "phone", number, match.start(), match.end()))
    return sorted(found, key=lambda entity: entity.start)


def _mobile_in(match: re.Match[str]) -> tuple[int, int] | None:
    """Where a mobile number lies among other numbers said in one breath: 501 13812345678."""
    runs = [(run.start() + match.start(), run.end() + match.start()) for run in _RUN.finditer(match[0])]
    for first, (start, _) in enumerate(runs):
        for _, end in runs[first:]:
            if _MOBILE.fullmatch(_digits(match.string[start:end])):
                return start, end
    return None


def _digits(said: str) -> str:
    return "".join(to_digits(character) for character in said)


def _spelled(said: str) -> str:
    """The digits of "one three eight double two …"."""
    digits, times = [], 1
    for word in re.findall(r"[a-z]+", said):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
            continue
        digits.append(_SPELLED[word] * times)
        times = 1
    return "".join(digits)


def _e164(said: str, area_code: str) -> str | None:
    international = said.startswith("+")
    digits = _digits(said)
    if digits.startswith("0086"):
        digits, international = digits[4:], True
    elif digits.startswith("86") and (international or len(digits) == 13):
        digits, international = digits[2:], True
    elif international:
        return f"+{digits}" if 8 <= len(digits) <= 15 else None
    if _MOBILE.fullmatch(digits):
        return f"+86{digits}"
    if digits.startswith("0") and len(digits) in (10, 11, 12) and digits[1] != "0":
        return f"+86{digits[1:]}"
    if international and digits[0] != "0" and 9 <= len(digits) <= 11:
        return f"+86{digits}"
    if len(digits) == 10 and digits.startswith(("400", "800")):
        return f"+86{digits}"
    if len(digits) == 8 and digits[0] in "2345678" and not _DATE_LIKE.fullmatch(digits):
        return f"+86{area_code.removeprefix('0')}{digits}"
    return None


def find_request_numbers(text: str) -> list[Entity]:
    """Case numbers: R20261122-0007 in full, or the last four digits with `extra["tail"]`: 尾号007, 最后四位是0007,
    七号单子 and a bare 0007 all give "0007". Never raises."""
    folded = fold(text)
    found: list[Entity] = []
    for match in _CASE.finditer(folded):
        value = f"{match[1].upper()}{to_digits(match[2])}-{to_digits(match[3])}"
        found.append(_entity(text, "request_no", value, match.start(), match.end()))
    for form in (_TAIL, _NAMED, _ZEROS):
        for match in form.finditer(folded):
            said = next(group for group in match.groups() if group)
            digits = to_digits(said) or str(parse_number(said) or "")
            free = all(match.start() >= one.end or match.end() <= one.start for one in found)
            if digits and free and not _NOT_OURS.search(folded, max(0, match.start() - 8), match.start()):
                tail = digits.zfill(4)
                found.append(_entity(text, "request_no", tail, match.start(), match.end(), tail=True))
    return sorted(found, key=lambda entity: entity.start)
