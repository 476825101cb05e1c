"""How many and how good: two portions, the two of us, a pair; five stars, 打三分, 非常满意 (U1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nlu.numbers import NUMBER, fold, parse_number, pattern, words
from nlu.understanding import Entity

_MEASURES = words(
    "份 位 名 盒 瓶 袋 桶 张 件 套 台 口 箱 包 碗 杯 盏 副 双 扇 把 辆 只 条 户 间 盘 斤 床 人份 人 个人 个老人 个小孩 个大人 个孩子 个朋友 个"
)
_COUNT = pattern(
    rf"({NUMBER}|俩|仨)\s?(?:({'|'.join(sorted(_MEASURES, key=len, reverse=True))})(?!小时|钟|月|星期|礼拜|半|多月|工作日|建议|意见|问题|事|电话|忙|字|样|物|民|工|群|证|行|气|力|造|手不|情|心|道|格|体|生|家|类|员))?"
)
_ROUGHLY = pattern(
    rf"([一二两三四五六七八]|[1-8](?=[、\-~到]))[、\-~到]?([二三四五六七八九2-9])(?:{'|'.join(sorted(_MEASURES, key=len, reverse=True))})(?!小时|钟|月|星期|礼拜|半|工作日)"
)
"""五六个人: enough for the larger number."""
_SOME = pattern(r"([一二两三四五六七八九]?十)来(?:个人|个|位|份|名|人)(?!小时|钟|月|星期|礼拜)")
_PAIRS = pattern(
    r"(?P<two>[老小]?两口子?|一对(?:老人|夫妻|夫妇|老夫妻|老夫妇|双胞胎|母子|母女|父子|父女|儿)?|双份)(?!.?[表错准不])"
    r"|(?P<n>半|[一两二三四])打(?!听|扫|电|针|折|算|扰|招|开|包|理|牌|球|车|火|雷|架|仗|架|拳|卡|印|了|太|完)"
)
_COUNT_EN_WORDS = pattern(
    r"\b(?:(?P<half>half a dozen)|(?P<dozen>a dozen|one dozen)|(?P<two>both of us|the two of us|us two|a pair(?: of)?)"
    r"|(?:(?:table|room|lunch|dinner|meal|meals|places?|booking) )?for (?P<n>two|three|four|five|six|seven|eight))\b"
    r"(?! (?:hours?|days?|weeks?|minutes?|months?|years?|o'?clock|thirty|fifteen|pm|am|p\.m|a\.m|yuan))"
)
_ALONE = pattern(r"(?:就|只有?)?我?(?:一个人|自己|自个儿?)|just me|only me|myself")
_NOT_BEFORE_COUNT = frozenset("第每几十百千万点.:-—/#号楼元那这哪某整一")
_COUNT_EN = pattern(
    r"\b(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|a|an|a couple of)\s(?:more\s|hot\s|lunch\s|adult\s|elderly\s)?"
    r"(?:portions?|people|persons?|meals?|lunches|dinners|seats?|tickets?|boxes|copies|guests?|adults?|servings?|of us|residents?|places|sets?|items?|bottles?)\b"
)
_EN_NUMBERS = {w: i for i, w in enumerate(words("zero one two three four five six seven eight nine ten"))} | {
    "a": 1,
    "an": 1,
    "a couple of": 2,
}

_STARS = pattern(r"([1-5一二两俩三四五])\s?(?:颗|个)?星(?!期|座|球|空|光|级酒)(?:好评|级)?")
_POINTS = pattern(
    r"(?:(打|给|评|得|就|算|值|只能给|我给)(?:你们?|他们?|她|师傅|个)?)?\s?([1-5一二两三四五])分(?=$|[,。!?、 吧啊呀满好评的了不就差太])"
)
_GIVE = r"(?:打|给|评)(?:你们?|他们?|她们?|师傅|这次|个|了){0,2}"
_GIVEN = pattern(
    r"(?:打|给|评)(?:你们?|他们?|她们?|师傅|这次|了){0,2}个\s?([1-5一二两三四五])(?=$|[,。!? 吧啊呀])"
)
_OF_TEN = pattern(
    rf"(?:{_GIVE}\s?|得|只能打|能打)([6-9]|10|[六七八九十])分(?![钟之])|(?<![\d.])(\d{{1,2}})\s?(?:/|out of )\s?10(?!\d)"
    r"|满?十分(?:里|制)?(?:我)?(?:打|给)([1-9一二三四五六七八九])分?"
)
"""Marks out of ten, halved and rounded up; of a hundred, by twenties."""
_OF_HUNDRED = pattern(rf"(?:{_GIVE}\s?)([6-9]\d|100|一?百|[六七八九]十[一二三四五六七八九]?)分(?![钟之])")
_NOTHING = pattern(
    r"一分(?:都|也)(?:不(?:想|愿意?)?|别想|没有?)(?:给|打|值)?|(?:打|给)?(?<![一二三四五六七八九十百\d])[零0]分(?!钟|之)"
)
_FULL_MARKS = pattern(r"满分|全五星|五颗星")
_POINTS_NOT = frozenset("十百点过差第几零〇0123456789:一二三四五六七八九半两到至")
_VERDICTS: tuple[tuple[re.Pattern[str], int], ...] = (
    (
        pattern(
            r"(?:非常|特别|极|很|太|十分|极其|相当)不满意|不满意(?:极了|透了)|差评|一星都不|一点都?不满意|(?:非常|很|太)差劲?"
        ),
        1,
    ),
    (pattern(r"中评|中等评价"), 3),
    (pattern(r"不(?:太|大|怎么|是很|够)?满意|不咋满意"), 2),
    (
        pattern(
            r"(?:非常|很|特别|十分|太|相当|超级?|老|蛮|最)(?:的)?满意(?:了)?|满意(?:极了|得很|得不得了)|好评"
        ),
        5,
    ),
    (pattern(r"(?:挺|还|比较|还算|基本|基本上|还比较|也)?(?:挺)?满意"), 4),
)
_VERDICTS_EN: tuple[tuple[re.Pattern[str], int], ...] = (
    (pattern(r"\b(?:very|extremely|really|totally) (?:dissatisfied|unsatisfied|unhappy|disappointed)\b"), 1),
    (
        pattern(
            r"\b(?:not|n't)(?: very| really| at all)? (?:satisfied|happy|pleased)\b|\b(?:dissatisfied|unsatisfied|disappointed)\b"
        ),
        2,
    ),
    (pattern(r"\b(?:very|extremely|really|totally|completely|so|fully) (?:satisfied|pleased)\b"), 5),
    (pattern(r"\b(?:quite |fairly |mostly )?satisfied\b"), 4),
)
_SLOT_VERDICTS = {
    "很好": 5, "非常好": 5, "太好了": 5, "好极了": 5, "特别好": 5, "不错": 4, "挺好": 4, "挺好的": 4, "还不错": 4, "好": 4, "可以": 4,
    "一般": 3, "还行": 3, "凑合": 3, "一般般": 3, "马马虎虎": 3, "还可以": 3, "不好": 2, "不行": 2, "不咋地": 2, "不咋样": 2, "差": 2,
    "很差": 1, "太差": 1, "太差了": 1, "差劲": 1, "excellent": 5, "great": 5, "good": 4, "ok": 3, "okay": 3, "fine": 3, "bad": 2, "poor": 2,
    "terrible": 1,
}  # fmt: skip
_SCORE_EN = pattern(
    r"\b([1-5]|one|two|three|four|five)(?:\s?(?:out of|/)\s?(?:5|five)(?!\d)|\s?stars?\b|\s?points?\b)"
    r"|\b(?:give|gave|rate|score)(?: (?:it|him|her|them|you|this))?(?: an?)? ([1-5]|one|two|three|four|five)(?![\d:/]| (?:out|minutes?|people))"
)


def _entity(text: str, kind: str, value: object, start: int, end: int, /, **extra: object) -> Entity:
    return Entity(entity=kind, value=value, text=text[start:end], start=start, end=end, extra=extra)


def find_counts(text: str, *, asked: bool = False) -> list[Entity]:
    """How many: 两份, 三个人, 我们俩. `asked`: the bot asked how many, so a bare number counts. Never raises."""
    folded = fold(text)
    found = list(_in_words(text, folded, asked))
    for match in _COUNT.finditer(folded):
        number = _count(folded, match, asked)
        free = all(match.start() >= one.end or match.end() <= one.start for one in found)
        if number is not None and free:
            found.append(_entity(text, "count", number, match.start(), match.end()))
    if any("a" <= c <= "z" for c in folded):
        for match in _COUNT_EN.finditer(folded):
            number = _EN_NUMBERS.get(match["n"]) or (int(match["n"]) if match["n"].isdigit() else None)
            if number:
                found.append(_entity(text, "count", number, match.start(), match.end()))
    return sorted(found, key=lambda entity: entity.start)


def _in_words(text: str, folded: str, asked: bool) -> Iterator[Entity]:
    """Numbers that are no numerals, or two at once: 老两口, 半打, 五六个人."""
    for match in _ROUGHLY.finditer(folded):
        low, high = parse_number(match[1]) or 0, parse_number(match[2]) or 0
        before = folded[match.start() - 1] if match.start() else ""
        if high == low + 1 and (not before or (before not in _NOT_BEFORE_COUNT and not before.isdecimal())):
            yield _entity(text, "count", high, match.start(), match.end(), least=low)
    for match in _SOME.finditer(folded):
        number = parse_number(match[1])
        if number:
            yield _entity(text, "count", number, match.start(), match.end(), least=number)
    for match in _PAIRS.finditer(folded):
        number = 2 if match["two"] else 6 if match["n"] == "半" else 12 * (parse_number(match["n"]) or 1)
        yield _entity(text, "count", number, match.start(), match.end())
    if any("a" <= c <= "z" for c in folded):
        for match in _COUNT_EN_WORDS.finditer(folded):
            number = (
                6
                if match["half"]
                else 12
                if match["dozen"]
                else 2
                if match["two"]
                else _EN_NUMBERS[match["n"]]
            )
            yield _entity(text, "count", number, match.start(), match.end())
    if asked and (match_alone := _ALONE.fullmatch(folded.strip(" ,。.!?吧啊呀呗"))):
        start = folded.find(match_alone[0])
        yield _entity(text, "count", 1, start, start + len(match_alone[0]))


def _count(text: str, match: re.Match[str], asked: bool) -> int | None:
    word, measure = match[1], match[2]
    before = text[match.start() - 1] if match.start() else ""
    if word in ("俩", "仨"):
        return {"俩": 2, "仨": 3}[word]
    whole = asked and not text.replace(match[0], "", 1).strip(" ,。!?就要订来吧只个嗯的")
    if measure is None:
        return parse_number(word) or None if whole else None
    if before and before in _NOT_BEFORE_COUNT:
        return None
    if (
        word in ("一", "1")
        and measure
        in ("个", "位", "名", "口", "条", "把", "只", "人", "间", "户", "台", "件", "扇", "盏", "双")
        and not whole
    ):
        return None
    number = parse_number(word)
    return number if number and number <= 9999 else None


def find_scores(text: str, *, asked: bool = False) -> list[Entity]:
    """Marks from 1 to 5: 五星, 打三分, 很满意. `asked`: a mark was asked for, so 还行, 一般 and a bare number
    count. Never raises."""
    folded = fold(text)
    found: list[Entity] = []
    for match in _STARS.finditer(folded):
        if not (match.start() and folded[match.start() - 1] in _POINTS_NOT):
            mark = parse_number(match[1].replace("俩", "两"))
            found.append(_entity(text, "score", mark, match.start(), match.end()))
    for match in _POINTS.finditer(folded):
        before = folded[match.start() - 1] if match.start() else ""
        if match[1] or not before or before not in _POINTS_NOT:
            start = match.start() if match[1] else match.start(2)
            found.append(_entity(text, "score", parse_number(match[2]), start, match.end()))
    found += _given(text, folded)
    for match in _FULL_MARKS.finditer(folded):
        found.append(_entity(text, "score", 5, match.start(), match.end()))
    for match in _SCORE_EN.finditer(folded):
        said = match[1] or match[2]
        mark = _EN_NUMBERS.get(said) or int(said)
        found.append(_entity(text, "score", mark, match.start(), match.end()))
    if found:
        nothing = [entity for entity in found if entity.extra.get("nothing")]
        return nothing or sorted(found, key=lambda entity: (entity.start, -entity.end))[:1]
    return _verdict(text, folded, asked)


def _given(text: str, folded: str) -> Iterator[Entity]:
    """Marks said without 分, out of ten or a hundred, or refused: 给个五, 打九分, 一分都不给."""
    for match in _GIVEN.finditer(folded):
        yield _entity(text, "score", parse_number(match[1]), match.start(), match.end())
    for match in _OF_TEN.finditer(folded):
        number = parse_number(next(group for group in match.groups() if group)) or 0
        if number <= 10:
            mark = max(1, (number + 1) // 2)
            yield _entity(text, "score", mark, match.start(), match.end(), out_of=10)
    for match in _OF_HUNDRED.finditer(folded):
        number = parse_number(match[1].replace("百", "一百") if match[1] == "百" else match[1]) or 0
        yield _entity(text, "score", max(1, min(5, number // 20)), match.start(), match.end(), out_of=100)
    for match in _NOTHING.finditer(folded):
        yield _entity(text, "score", 1, match.start(), match.end(), nothing=True)


def _verdict(text: str, folded: str, asked: bool) -> list[Entity]:
    for wording, value in (*_VERDICTS, *_VERDICTS_EN):
        if match := wording.search(folded):
            return [_entity(text, "score", value, match.start(), match.end())]
    if not asked:
        return []
    bare = folded.strip(" ,。!?吧啊呀了的")
    said = _SLOT_VERDICTS.get(bare) or _SLOT_VERDICTS.get(folded.strip(" ,。!?")) or parse_number(bare)
    if said is None or not 1 <= said <= 5:
        return []
    start = folded.find(bare)
    return [_entity(text, "score", said, start, start + len(bare))]
