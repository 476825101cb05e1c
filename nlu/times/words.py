"""The words for days and parts of the day, from Beijing to Canton: 明儿个, 听日, 后晌, 夜里厢."""

from __future__ import annotations

from nlu.holidays import HOLIDAYS
from nlu.timevalues import Part

D = r"(?:\d{1,2}|[一二三四五六七八九十廿卅]{1,4})"
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAY_OF = (
    {c: i for i, c in enumerate("一二三四五六")}
    | {"日": 6, "天": 6, "两": 1}
    | {str(i + 1): i for i in range(7)}
)


_DAYS: tuple[tuple[int, Part | None, str], ...] = (
    (0, None, "今天 今日 今儿 今儿个 今个 今个儿 今朝 今晡日"),
    (0, "morning", "今早 今早上 今早晨 今晨 今儿早 今儿早上 今早浪"),
    (0, "noon", "今午 今中午 今晌午"),
    (0, "afternoon", "今下午"),
    (0, "evening", "今晚 今晚上 今夜 今晚黑 今晚夜 今儿晚 今儿晚上 今宵 今夜头"),
    (
        1,
        None,
        "明天 明日 明儿 明儿个 明个 明个儿 明朝 赶明儿 赶明 赶明个 赶明儿个 赶明天 听日 翌日 明仔 天光日",
    ),
    (1, "morning", "明早 明早上 明早晨 明晨 听朝 听早 明朝早 听朝早 明儿早 明儿早上 赶明早 明早起 天光早"),
    (1, "noon", "明午 明中午 明晌午"),
    (1, "afternoon", "明下午 听下昼 听晏昼"),
    (1, "evening", "明晚 明晚上 听晚 听晚黑 听夜 明晚黑 明夜 明儿晚 明儿晚上 赶明晚"),
    (2, None, "后天 后日 后儿 后儿个 后个 后个儿 后朝 赶后儿 赶后天"),
    (2, "morning", "后早"),
    (2, "evening", "后晚"),
    (3, None, "大后天 大后日 大后儿 大后儿个 外后天 外后日 外后儿 大后朝"),
    (4, None, "大大后天 大外后天"),
    (-1, None, "昨天 昨日 昨儿 昨儿个 昨个 昨个儿 昨朝 寻日 琴日 夜儿个 夜个儿 昨仔"),
    (-1, "morning", "昨早 昨早上 昨晨 昨儿早上 寻朝 琴朝"),
    (-1, "afternoon", "昨下午"),
    (-1, "evening", "昨晚 昨晚上 昨夜 寻晚 琴晚 昨儿晚 昨儿晚上 昨晚黑 昨夜头 寻晚黑"),
    (-2, None, "前天 前日 前儿 前儿个 前个 前个儿 前朝"),
    (-2, "evening", "前晚 前天晚"),
    (-3, None, "大前天 大前儿 大前日 大前儿个"),
)
RELATIVE: dict[str, tuple[int, Part | None]] = {
    word: (offset, part) for offset, part, listed in _DAYS for word in listed.split()
}
"""A word for a day → how many days from today, and the part of it that the word names as well."""

_PARTS: tuple[tuple[Part, bool, str], ...] = (
    (
        "morning",
        False,
        "早上 早晨 早起 清早 清早上 清晨 大清早 大清早上 一大早 一早 一清早 大早上 早间 上午 头晌 头午 前晌 上半天 上半日 上昼 朝早 朝头早 "
        "早浪 早浪向 早浪头 晨间 天亮 天蒙蒙亮 天刚亮 大早晨 早半天 前半晌 拂晓 黎明 朝晨 早晨头 上半晌 早晌 起早 早头",
    ),
    (
        "noon",
        False,
        "中午 正午 晌午 晌午头 大中午 大晌午 日中 中浪 中浪向 中浪头 午间 中午头 晌午间 响午 当午 中午间",
    ),
    (
        "afternoon",
        False,
        "下午 午后 后晌 下半天 下半日 下昼 傍晚 擦黑 擦黑儿 天擦黑 黄昏 后半晌 过晌 晚半晌 晏昼 大下午 下午间 下昼头 傍晌 傍晚间 下半晌 下半晌儿 "
        "挨晚 挨黑 傍夜 夜快 夜快头 天快黑 下晌 晚半天 日头落山 后半天",
    ),
    (
        "evening",
        False,
        "晚上 傍黑 傍黑儿 晚间 夜晚 晚黑 夜头 夜到 夜到头 晚夕 大晚上 晚夜 黑间 晚上头 晚晌 夜晚黑 晚黑了 入夜 黑家 晚头 大黑天 下黑 下黑儿 晚么晌",
    ),
    (
        "night",
        True,
        "半夜 半夜里 深夜 深更半夜 大半夜 大半夜里 后半夜 前半夜 午夜 三更半夜 半夜三更 下半夜 上半夜 夜里 夜里头 夜里厢 夜间 深夜里 夜半 后夜 "
        "五更 半宿 后半宿 大夜里 黑夜 黑更半夜 零夜 黑里 子夜",
    ),
    ("night", False, "凌晨 凌晨间 凌晨时分 鸡叫"),
)
PARTS_OF_DAY: dict[str, tuple[Part, bool]] = {
    word: (part, deep) for part, deep, listed in _PARTS for word in listed.split()
}
"""A word for a part of the day → the part, and whether its small hours follow the evening (半夜两点)."""


def by_first(listed: list[str]) -> dict[str, tuple[str, ...]]:
    """The words by their first character, the longest first."""
    found: dict[str, tuple[str, ...]] = {}
    for word in sorted(listed, key=len, reverse=True):
        found[word[0]] = (*found.get(word[0], ()), word)
    return found


DAY_WORDS = by_first([*RELATIVE, *(name for name in HOLIDAYS if not name.isascii())])
PART_WORDS = by_first(list(PARTS_OF_DAY))
