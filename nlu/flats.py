"""How flats are numbered and said: 三楼二号 is 302, 十二零三 is 1203, 房号1101; and the slips of hearing in between (U5)."""

from __future__ import annotations

import re

from nlu.numbers import parse_number, pattern, to_digits

_SPELLED = "零〇幺一二两三四五六七八九"
_N = r"(?:\d{1,2}|[二三]?十[一二三四五六七八九]?|[一二两三四五六七八九])"
ROOM_NUMBER = (
    rf"(?:\d{{3,4}}(?!\d)|(?:\d{{1,2}}|[二三]?十[一二三四五六七八九]?)[零〇][一二三四五六七八九](?![{_SPELLED}十百])"
    rf"|[{_SPELLED}]{{3,4}}(?![{_SPELLED}十百])"
    r"|[一二两三四五六七八九]百(?:零?[一二三四五六七八九]|[一二三四五六七八九]?十[一二三四五六七八九]?)"
    r"|一?千?[一二两]百零[一二三四五六七八九]|一千[一二三四五六七八]百零[一二三四五六七八九])"
)
"""A room as a pattern without groups: 501, 五零一, 十二零三, 五百零一; `room_digits` reads it."""

NOT_A_ROOM = (
    r"\s?(?:[块元度年个天分点米路次班线人份张毫克斤公步胶件条只根瓶箱岁期届页月日秒名位所厂车校教平笔层:%]|号线|号?选手|医院|国道|省道|航班|会议|包厢|广场"
    r"|地铁|宿舍|[./]\d|kg|ml|mm|m\b|yuan|rmb|people|users)"
)
_FLOOR_AND_ZERO = pattern(r"(\d{1,2}|[二三]?十[一二三四五六七八九]?)[零〇]([一二三四五六七八九])")
_FLOOR_DOOR = pattern(
    rf"(?P<floor>{_N})\s?(?:楼|层)[\s,的]{{0,2}}(?P<door>[零〇][一二三四五六七八九]|{_N})\s?(?P<word>号门|号房间?|号|户|室|房|门)?"
)
_NO_DOOR = pattern(
    r"\s?(?:[窗桌机线车厅柜库诊楼院梯店铺厕位球人栋幢座单元时月年点块个度米:.]|会议|教室|包间|包厢|子|口|前|外|禁|-?\d|[零〇一二三四五六七八九十百])"
)
_BARE_NUMBER_END = pattern(r"[\s,。.!?]|的|$")
_DOORS = range(1, 21)
_CALLS = ("110", "112", "911")

_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰", "一二三四五六七八九十百")
_FORMAL_RUN = pattern(
    r"(?<![收队])(?:[壹贰叁肆伍陆柒捌玖拾佰零〇]{3,}|[壹贰叁肆伍陆柒捌玖拾佰零〇]+(?=\s?(?:号|栋|幢|座|单元|楼|层|室|门|弄|#)))"
)
_B = r"(?<=[\d零〇幺一二两三四五六七八九十])"
_THEN = (
    r"(?=的?[\s,]?(?:[\d零〇幺一二两三四五六七八九十]{1,3}\s?(?:单元|门)|[\d零〇幺一二两三四五六七八九]{3}))"
)
_SLIPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (pattern(rf"{_B}[单但担丹弹蛋旦淡][元圆员源园原院愿缘](?!工)"), "单元"),
    (pattern(rf"{_B}[号好浩毫豪耗][搂娄篓喽偻]"), "号楼"),
    (pattern(rf"{_B}[好浩毫豪耗]楼"), "号楼"),
    (pattern(rf"{_B}[号好浩毫豪耗][漏露陋]{_THEN}"), "号楼"),
    (pattern(rf"{_B}[冬东洞动冻懂]{_THEN}"), "栋"),
    (pattern(rf"{_B}[床撞装状]{_THEN}"), "幢"),
)
"""What a recogniser or a hurried hand makes of 单元, 号楼, 栋, 幢, only where a number stands before."""

_SPACED = pattern(r"(?<!\S)(?:[\d\u4e00-\u9fff] ){4,}[\d\u4e00-\u9fff](?!\S)")

_LABELLED = pattern(
    rf"(?:(?P<b>(?:楼栋|楼|栋|幢)号|楼栋)|(?P<u>单元号?)|(?P<r>房间?号|房间|室号|门牌号?|户号))\s?(?:码?是?不是|码?写?的?[是为]|:)?\s?"
    rf"(?:(?<=[栋号元是为: ])(?P<n>{_N})(?![\d{_SPELLED}十百]|号|栋|幢|楼|单元|室|个|户|层|人|点|月|天|次)|(?P<room>{ROOM_NUMBER}))"
)
_ABODE = pattern(
    r"(?:住在?|住的是|(?:[我他她俺咱]们?|家)[是在]|家住|人在|送到|送去|(?:隔壁|楼上|楼下|对门|对面)(?:那[家户])?[的,]?|(?:我|俺|咱)们?家?)\s?$"
)
_TOWARDS = pattern(r"[来去到上找给送在敲看下]\s?$")
_OPENING = pattern(r"(?:^|[,。.!?、;\s]|师傅|你好|喂|报修|那个)$")
_HOUSEHOLD = pattern(
    r"\s?(?:的(?!票|钱|价|胶|车|套餐|公交)|家|那[家户]|这[家户]|屋|没|停|漏|跳闸|断[水电网]|着火|冒烟|进水|渗水|[太很好又]吵|吵|报修|装修|在[装吵闹滴漏敲搬修]|有[人股]"
    r"|水[管表龙压]|电[表路闸]|暖气|灯|门[锁铃坏打口]|窗|锁|马桶|空调|厨房|厕所|卫生间|下水|燃气|煤气|热水|宽带|天花|墙|地[板上漏]|老[是太人头]|一直|天天|半夜"
    r"|住|邻居|业主|住户|租|阿姨|大[爷妈姐哥娘]|小孩|孩子|奶奶|爷爷|[狗猫]|要|需要|麻烦)"
)
_VERB = pattern(r"\s?(?:$|[,。.!?]|的|看(?![病医专])|[修送拿取收坐帮敲找接])")


def room_digits(word: str) -> str:
    """A room in ASCII digits: 五零一, 五百零一 → 501, 十二零三 → 1203. "" when it is none."""
    if match := _FLOOR_AND_ZERO.fullmatch(word):
        return f"{parse_number(match[1])}0{parse_number(match[2])}"
    return to_digits(word)


def flat_like(room: str) -> bool:
    """Whether a bare number is numbered as flats are: a floor up to 39 and a door up to 12; 120, 150 and 1951 are not."""
    if len(room) not in (3, 4) or room in _CALLS:
        return False
    return 1 <= int(room[:-2]) < 40 and 1 <= int(room[-2:]) <= 12


def floor_and_door(text: str, at: int, *, housed: bool) -> tuple[int, str, str] | None:
    """Where a floor with a door ends, the room it makes, the floor: 三楼二号 → 302. `housed`: a building or unit
    stands before."""
    match = _FLOOR_DOOR.match(text, at)
    if match is None:
        return None
    floor, door = parse_number(match["floor"]), parse_number(match["door"])
    if floor is None or not 1 <= floor <= 60 or door is None or door not in _DOORS:
        return None
    if _NO_DOOR.match(text, match.end()):
        return None
    word, zero = match["word"], match["door"][0] in "0零〇" and len(match["door"]) == 2
    if not word and not zero and not (housed and _BARE_NUMBER_END.match(text, match.end())):
        return None
    if not housed and not zero and (word in ("门", "户", "房") or door > 10):
        return None
    if word == "户" and text.startswith("人家", match.end()):
        return None
    return match.end(), f"{floor}{door:02}", str(floor)


def labelled(text: str, at: int) -> tuple[int, str, str] | None:
    """Where a number with its name before it ends, which part it is, its digits: 楼号7, 单元2, 房号1101, 房间是七零四."""
    match = _LABELLED.match(text, at)
    if match is None:
        return None
    if match["r"]:
        room = room_digits(match["room"] or "")
        counted = re.compile(NOT_A_ROOM).match(text, match.end())
        return (match.end(), "room", room) if room and not counted else None
    number = parse_number(match["n"] or "")
    return (match.end(), "building" if match["b"] else "unit", str(number)) if number else None


def is_dwelling(text: str, start: int, end: int) -> bool:
    """Whether the sentence makes the number at that stretch a flat: 我住1203, 703的狗, 1804停水了, 送到1201."""
    head = text[max(0, start - 8) : start]
    if _ABODE.search(head):
        return True
    if _TOWARDS.search(head):
        return bool(_VERB.match(text, end) or _HOUSEHOLD.match(text, end))
    return bool(_OPENING.search(head) and _HOUSEHOLD.match(text, end))


def respelled(text: str) -> str:
    """The folded text with accountants' numerals and misheard 楼, 单元, 栋 put right; same length."""
    text = _FORMAL_RUN.sub(lambda match: match[0].translate(_FORMAL), text)
    for slip, right in _SLIPS:
        text = slip.sub(right, text)
    return text


def squeezed(text: str) -> tuple[str, list[int]]:
    """The text without the spaces between single characters (三 号 楼), and where each character stood."""
    dropped: set[int] = set()
    for run in _SPACED.finditer(text):
        if any(word in run[0] for word in "楼元栋幢室座弄"):
            dropped |= {at for at in range(run.start(), run.end()) if text[at] == " "}
    kept = [at for at in range(len(text)) if at not in dropped]
    return ("".join(text[at] for at in kept) if dropped else text), kept
