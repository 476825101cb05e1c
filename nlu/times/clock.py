"""Clock times, parts of the day and waiting times in Chinese: 差一刻九点, 晌午, 七八点, 过半个钟头."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from nlu.holidays import add_months, nth_workday
from nlu.numbers import parse_number, pattern
from nlu.times.pieces import Clock, Piece
from nlu.times.words import PART_WORDS, PARTS_OF_DAY
from nlu.timevalues import Part

H = r"(?:\d{1,2}|二?十[一二三四五六七八九]?|[零〇一二两俩三四五六七八九])"
_M = r"(?:[0-5]?\d|[二三四五]?十[一二三四五六七八九]?|[零〇][一二三四五六七八九]|[一二三四五六七八九])"
_ABOUT = r"(?:来钟|钟|多钟?|把钟|整)?(?:左右|前后|上下|光景|的样子|样子|许|差不多)?"
_AFTER_MINUTE = r"(?![个位名份块元岁天人号月年度斤点米楼室栋幢层])"
_COLON = pattern(r"([01]?\d|2[0-4])\s?:\s?([0-5]\d)(?::[0-5]\d)?(?!\d|\s?[ap]\.?m)")
_TO = pattern(rf"差(?:个)?(?:({_M})分?(?:钟)?|([一三])刻(?:钟)?)(?:就)?(?:到|就到|不到)?({H})点(?:钟|整)?")
_POINT = pattern(
    rf"({H})\s?(?P<dot>点|时(?![间候常而不代光期装节令段]))(?:钟)?(?:"
    rf"(?P<half>半)(?:钟)?|[踏搭](?:(?P<half2>半)|(?P<step>[一二两三四五六七八九十]{{1,2}})|正)|(?P<fives>[一二两三四五六七八九十]{{1,2}})个字|(?P<quarter>[一三13])刻(?:钟)?|[差欠缺](?P<less>{_M})分|[差欠缺](?P<lessq>[一三])刻"
    rf"|过(?:(?P<past>{_M})分(?:钟)?|(?P<pastq>[一三])刻(?:钟)?)|(?:零|〇|过)(?P<zero>\d|[一二三四五六七八九])分?"
    rf"|(?P<minute>{_M})分(?!钟?[后之以内])|(?P<bare>(?>[0-5]\d|[二三四五]?十[一二三四五六七八九]?)){_AFTER_MINUTE}|整)?{_ABOUT}"
)
_PAIR = pattern(
    r"(十)?([一二两三四五六七八12345678])[、,]?([二三四五六七八九23456789])点(?:来)?钟?(?:左右|的样子)?(?!半)"
)
_RANGE = pattern(rf"({H})(?:点)?(半)?(?:到|至|-|~)({H})点(?:钟|整)?(半|[一三]刻)?(?![\d儿])")
_ITEMS = pattern(
    r"(?:小|重要|宝贵|合理|主要|具体|不同|个|方面|好|大)?的?(?:建议|意见|档|要求|原因|理由|想法|问题|好处|坏处|不同|希望|看法|说明|疑问"
    r"|不满|感受|体会|注意|改进|共识|事项|情况|内容|需求|诉求|不足|优点|缺点|道理|一线|点|儿|水(?!电)|米|钱|力|油|盐|醋|饭|菜|粥|汤|东西|小忙|忙|用|办法|声音|面子|事)"
)
_ITEMS_BY_WORD = pattern(r"都|也|没|不(?!到)")
"""我说的三点都同意, but 八点都行: only a small number without a day counts points."""
_DECIMAL = pattern(r"[零〇一二三四五六七八九\d](?:$|[,。!?、 ]|[度毫公斤米块元倍%升千克左以的了kmg吧吗呢])")
_FIGURE = pattern(r"[三四六七八九](?=$|[,。!?、 得嚟去喺食提叫见])")
"""听日三点九: the hand of the clock at the nine, only right after a day or a part of it."""
_MEAL = pattern(
    r"([早午中晚夜])[饭餐](?:的?(?:辰光|时候|时间|时分|那会儿|那阵)|之?后|以后|过后|之?前|以前|完)?[的,，]?\s?(?:大概|差不多|约|在|就)?$"
)
_AFTER_ONE = pattern(
    r"钟|半|整|[一三]刻|左右|前|后|之前|以前|以后|之后|过|差|零|到|至|-|~|吃|叫|提醒|来(?![点些一份])|去|集合|开|出门|见|约|可以|行|吧|$|\d|[二三四五]?十"
)
_BEFORE_ONE = pattern(
    r"(?:改成|改到|换成|换到|挪到|推到|约|订|在|到|是|就|从|还是|定|明|天|早上|下午|中午|晚上|凌晨|夜|午)$"
)
_BEFORE_NOT = frozenset("第这那有占提几快慢早晚大小轻多少好差高低近远细")

_PART_NOT = pattern(
    r"(?<=下午)茶|(?<=中午)饭|(?<=早起)(?![一二三四五六七八九十\d])|(?<=起早)[贪摸]|(?<=天亮)[了堂]|好(?![几多像不好]|久)|(?<=夜间)[部门]|(?<=一早)就[该应]"
)
_SHORT_AFTER_DAY = pattern(r"(早|晨|晚|夜|午)(?![点一些饭餐报年])")
_SHORT_BEFORE_CLOCK = pattern(rf"(早|晚|夜)(?=(?:(?!一){H}点(?!儿)|\d{{1,2}}:\d\d))")
_PART_NOT_AFTER = {"夜到": "熬半深当一", "黑夜": "天"}  # 熬夜到很晚, 不分白天黑夜
_STRETCH = pattern(r"[一两三几整]个$|(?:^|[^周期拜初十廿卅二三月号])[一整半]$")
_DARK = pattern(
    rf"(?:天[一擦]?)?(?:(?P<dark>黑)|亮)(?:了|透了?|下来)?(?:之?以?后)?[\s,]?(?=(?!一点儿?[^钟半]){H}点|\d{{1,2}}:\d\d)"
)
"""天黑了九点钟: the light tells the half of the day, only where the hour follows."""
_THIS_HOUR = pattern(r"的?(?:这个?(?:时候|时间|钟点|点儿?|辰光)|这会儿|同一时间|同样的?时间)(?![前后])")
_BOTH = pattern(rf"早晚各?(?={H}点)")
_SHORT: dict[str, Part] = {"早": "morning", "晨": "morning", "晚": "evening", "夜": "evening", "午": "noon"}

_QUANTITY = r"(?:个半(?=个?钟(?!头))|[个点]把|半[拉啦]|\d{1,4}|[一二两三四五六七八九十百]{1,4}|半|个)(?:来)?"
_UNIT = r"(?:个?小时|个?钟头|个?钟(?!点)|分钟|分(?=[后之以内]|过后)|刻钟|秒钟?|天|日(?!前|之前|以前)|个字(?=之?以?后|过后)|个?星期|个?礼拜|周|个月|(?<=半)月|年|个工作日)"
_WAIT = pattern(
    rf"(?P<lead>再过|再有|过多|过|再等|等|再隔|隔)?(?:(?<=[过有等隔多])个(?!把|半个?钟(?!头)))?(?:大概|大约|差不多|约)?(?P<n>{_QUANTITY})(?P<half>个半|半)?(?P<unit>{_UNIT})(?P<half2>半)?"
    rf"(?:零?(?P<m>\d{{1,2}}|[一二三四五六七八九十]{{1,3}})分钟?|(?P<q>[一三])刻钟?)?(?:左右|多)?"
    rf"(?P<tail>之?以?后(?!背|面|门|院|台)|过后|过(?=[来去叫])|之?以?内|之?以前|之前|前(?![面门台院后]))?(?:(?<=[后前])的今天)?"
)
_LED_NOT = frozenset("吃喝看用修来去做打住洗烧疼痛病晕睡停漏坏发经超不难通摔见说问报量测拉吐犯度了")


def find_part(text: str, at: int, after_day: bool) -> Piece | None:
    """The part of the day named at that offset; the short words 早, 晚 only next to a day or a clock time."""
    if _STRETCH.search(text, max(0, at - 3), at):
        return None  # 一个晚上, 等了一下午: a length of time
    for word in PART_WORDS.get(text[at], ()):
        end = at + len(word)
        if at and text[at - 1] in _PART_NOT_AFTER.get(word, ""):
            continue
        if text.startswith(word, at) and not _PART_NOT.match(text, end):
            part, deep = PARTS_OF_DAY[word]
            return Piece(start=at, end=end, kind="part", part=part, deep=deep)
    if match := _DARK.match(text, at):
        return Piece(start=at, end=match.end(), kind="part", part="evening" if match["dark"] else "morning")
    if match := _BOTH.match(text, at):
        return Piece(start=at, end=match.end(), kind="part", part="morning", extra={"both": True})
    short = _SHORT_AFTER_DAY.match(text, at) if after_day else None
    short = short or _SHORT_BEFORE_CLOCK.match(text, at)
    if short is None:
        return None
    return Piece(start=at, end=short.end(), kind="part", part=_SHORT[short[1]])


def find_clock(text: str, at: int, led: bool) -> Piece | None:
    """The clock time at that offset. `led`: a day or a part of it stands right before, so 一点 is an hour."""
    if text[at] == "差":
        return _to(text, at)
    if match := _COLON.match(text, at):
        hour = int(match[1])
        definite = hour > 12 or hour == 0 or match[1].startswith("0")
        return _clock(at, match.end(), Clock(hour=hour, minute=int(match[2]), definite=definite))
    if at and text[at - 1] in _BEFORE_NOT and not led:
        return None
    if match := _RANGE.match(text, at):
        found = _elided(at, match)
        if found is not None and (led or not _ITEMS.match(text, found.end)):
            return found
    if match := _PAIR.match(text, at):
        first, second = parse_number(match[2]) or 0, parse_number(match[3]) or 0
        if second == first + 1 and not _ITEMS.match(text, match.end()):
            ten = 10 if match[1] else 0
            return _clock(at, match.end(), Clock(hour=first + ten, end_hour=second + ten))
    return _point(text, at, led)


def _to(text: str, at: int) -> Piece | None:
    match = _TO.match(text, at)
    if match is None:
        return None
    less = parse_number(match[1]) if match[1] else 15 * (parse_number(match[2]) or 1)
    hour = _hour(match[3])
    if not less or hour is None:
        return None
    return _clock(at, match.end(), _earlier(hour, less))


def _earlier(hour: int, less: int) -> Clock:
    total = hour * 60 - less
    if total < 60 and hour == 1:
        return Clock(hour=12, minute=total % 60)  # 差五分一点 is five to one, not five to thirteen hours ago
    total %= 24 * 60
    return Clock(hour=total // 60, minute=total % 60, definite=hour > 12)


def _elided(at: int, match: re.Match[str]) -> Piece | None:
    hour, end_hour = _hour(match[1]), _hour(match[3])
    if hour is None or end_hour is None or hour > 24 or end_hour > 24:
        return None
    tail = match[4] or ""
    end_minute = 30 if tail == "半" else {"一": 15, "三": 45}.get(tail[:1], 0)
    clock = Clock(
        hour=hour, minute=30 if match[2] else 0, definite=hour > 12, end_hour=end_hour, end_minute=end_minute
    )
    return _clock(at, match.end(), clock)


def _point(text: str, at: int, led: bool) -> Piece | None:
    match = _POINT.match(text, at)
    if match is None:
        return None
    hour, end = _hour(match[1]), match.end()
    if hour is None or hour > 24:
        return None
    said = end > match.end("dot")  # more than the bare hour: 半, 十五, 钟, 左右 …
    if match[1] in ("一", "1") and not led and not said and not _one_o_clock(text, at, match.end("dot")):
        return None
    if not said and (_ITEMS.match(text, end) or (not led and _DECIMAL.match(text, end))):
        return None
    if not said and not led and hour < 5 and text[:at].strip() and _ITEMS_BY_WORD.match(text, end):
        return None
    if match["dot"] == "时" and hour < 3 and not said and not led:
        return None  # 一时半会儿
    minute, less = _minute(match)
    if less:
        return _clock(at, end, _earlier(hour, less))
    if meal := _MEAL.search(text, max(0, at - 10), at):
        return _clock(at, end, Clock(hour=_after_meal(hour, meal[1]), minute=minute, definite=True))
    if led and not said and (figure := _FIGURE.match(text, end)):
        minute, end = 5 * (parse_number(figure[0]) or 0), figure.end()
    if minute > 59:
        return None
    definite = hour > 12 or hour == 0 or (match[1].startswith("0") and len(match[1]) == 2)
    return _clock(at, end, Clock(hour=hour, minute=minute, definite=definite))


def _after_meal(hour: int, meal: str) -> int:
    """The hour of the day next to a meal: 晚饭后七点, 午饭后一点."""
    if meal in "晚夜":
        return hour + 12 if 4 <= hour < 12 else hour
    return hour + 12 if meal in "午中" and hour < 9 else hour


def _one_o_clock(text: str, at: int, end: int) -> bool:
    if not text[max(0, at - 8) : at].strip(" ,。") or _BEFORE_ONE.search(text, max(0, at - 3), at):
        return _AFTER_ONE.match(text, end) is not None
    return text.startswith(("钟", "半", "整"), end)


def _minute(match: re.Match[str]) -> tuple[int, int]:
    """The minutes past the hour, and those before it."""
    if match["half"] or match["half2"]:
        return 30, 0
    if match["fives"] or match["step"]:  # 两点三个字, 两点搭三: Cantonese counts five minutes a figure
        return 5 * (parse_number(match["fives"] or match["step"]) or 0), 0
    for name in ("quarter", "pastq"):
        if match[name]:
            return 15 * (parse_number(match[name]) or 1), 0
    if match["less"] or match["lessq"]:
        return 0, parse_number(match["less"]) or 15 * (parse_number(match["lessq"] or "一") or 1)
    for name in ("past", "zero", "minute", "bare"):
        if match[name]:
            return parse_number(match[name].lstrip("零〇") or "零") or 0, 0
    return 0, 0


def _hour(word: str) -> int | None:
    return parse_number(word.replace("俩", "两"))


def _clock(start: int, end: int, clock: Clock) -> Piece | None:
    if not 0 <= clock.hour <= 24 or (clock.hour == 24 and clock.minute):
        return None
    return Piece(start=start, end=end, kind="clock", clock=clock)


def find_this_hour(text: str, at: int, now: datetime) -> Piece | None:
    """后天这个时候: the hour that it is now, only behind a day or a rule."""
    match = _THIS_HOUR.match(text, at)
    if match is None:
        return None
    return _clock(at, match.end(), Clock(hour=now.hour, minute=now.minute, definite=True))


def find_wait(text: str, at: int, now: datetime) -> Piece | None:
    """A moment counted from now: 半小时后, 过一刻钟, 三天前, 两小时内."""
    match = _WAIT.match(text, at)
    if match is None:
        return None
    lead, tail = match["lead"] or "", match["tail"] or ""
    if not tail and not _led(text, at, match):
        return None
    if lead.endswith("隔") and not tail:
        return None
    if at and text[at - 1] in "第每头前最" and not lead:
        return None
    minutes, days, months, workdays = _length(match)
    sign = -1 if "前" in tail else 1
    if sign < 0 and lead:
        return None
    extra = {"relation": "before"} if "内" in tail else {}
    if minutes:
        moment = now + timedelta(minutes=sign * minutes)
        return Piece(start=at, end=match.end(), kind="offset", at=moment, extra=extra)
    try:
        if workdays:
            day = nth_workday(now.date(), sign * workdays)
        else:
            day = add_months(now.date(), sign * months) + timedelta(days=sign * days)
    except (ValueError, OverflowError):
        return None
    if not (days or months or workdays):
        return None
    return Piece(start=at, end=match.end(), kind="day", day=day, extra=extra)


def _led(text: str, at: int, match: re.Match[str]) -> bool:
    """Whether 过 or 等 before a length of time means waiting: not 吃过三天, not 等了三天."""
    lead = match["lead"] or ""
    if lead in ("再过", "再等", "再有", "过多"):
        return True
    if lead == "过":
        return not (at and text[at - 1] in _LED_NOT) and not text.startswith(("的", "了"), match.end())
    return lead == "等" and text.startswith(("再", "叫", "提醒", "来", "喊"), match.end())


_AMOUNTS = {"半": 0.5, "半拉": 0.5, "半啦": 0.5, "个": 1, "个把": 1, "点把": 1, "个半": 1.5}


def _length(match: re.Match[str]) -> tuple[float, int, int, int]:
    """A length of time as minutes, days, months, working days: only one of them is not zero."""
    word, unit = match["n"].removesuffix("来"), match["unit"]
    amount: float = _AMOUNTS.get(word) or parse_number(word) or 0
    if match["half"] or match["half2"]:
        amount += 0.5
    extra_minutes = parse_number(match["m"] or "") or 15 * (parse_number(match["q"] or "") or 0)
    if unit == "个工作日":
        return 0, 0, 0, int(amount)
    unit = unit.removeprefix("个")
    if unit in ("小时", "钟头", "钟"):
        return amount * 60 + extra_minutes, 0, 0, 0
    if unit == "刻钟":
        return amount * 15, 0, 0, 0
    if unit == "字":  # Cantonese: the five minutes between two figures of a clock's face
        return amount * 5, 0, 0, 0
    if unit[0] in "分秒":
        return (amount if unit[0] == "分" else amount / 60), 0, 0, 0
    if unit in ("天", "日"):
        return (amount * 24 * 60, 0, 0, 0) if amount % 1 else (0, int(amount), 0, 0)
    if unit in ("星期", "礼拜", "周"):
        return 0, int(amount * 7), 0, 0
    if unit == "月":
        return 0, int(amount % 1 * 30), int(amount), 0
    return 0, 0, int(amount * 12), 0


STARTS = frozenset(PART_WORDS) | frozenset(
    "天黑亮早晚夜晨午差过再等隔半个点大约0123456789零〇一二两俩三四五六七八九十百"
)
