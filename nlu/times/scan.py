"""Walks through a message once and collects the pieces of times, then puts what belongs together into groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from nlu.numbers import NUMERALS, pattern
from nlu.times import clock, days, english, repeats
from nlu.times.pieces import Moment, Piece, moment_of

Link = Literal["list", "range", "correct"]

_WAIT_STARTS = frozenset("过再等隔半个点大约0123456789一二两三四五六七八九十百")
_LONGEST_GAP = 24

_FILL = pattern(
    r"(?:[\s,:()]|的|那个?|这个|大概|大约|差不多|约|就是?|嘛|呢|啊|呀|吧|哈|在|于|左右|准时|各|都|起|开始|从|要|是|每次|一次|各一次|也就是|嗯"
    r"|sharp|exactly|at|on|in|the|from|around|about|by|for|of|starting|every|and then|please|before|after){0,6}"
)
_RANGE = pattern(
    r"\s*(?:左右|以后|开始|起|的)?\s*(?:一直|直)?(?:到|至|-|~|–|—{1,2}|to|until|till|through|thru)了?\s*(?:the|on)?\s*"
)
_AND_RANGE = pattern(r"\s*and\s*")
_LIST = pattern(
    r"[\s,]*(?:、|和|跟|与|同|共|及|以及|还有|或者?是?|或是|还是|要么|各一次|一次|再|然后|&|/|and|or|也行)?[\s,、]*(?:在|at|on)?\s*"
)
_REPAIR = pattern(
    r"(?:(?P<core>不对|不不|不是|不行|不好|不|错|应该是|应该为|其实是|没空|没时间|不方便|来不了|去不了|太早|太晚|改成|改到|改为|改|换成|换到|换|岔了?|走不开|不得空|没得空|去不成|赶不上|忙不过来|算了|等等|等一下|对不起|抱歉|不好意思|wait|i mean|i meant|actually|make it|make that|scratch that|rather|sorry|no|not|oops|correction)"
    r"|[\s,。.!?、…\-—]|哦|噢|喔|啊|呃|哎呀|哎|唉|呀|嗯|哟|我|说|讲|记|搞|弄|写|打|看|去|来|吧|那|就|得|还是|应该|而是|是|的|要|在|了|说成|定|约|行|有事|想|能不能|可不可以|可以|帮我|给我|麻烦"
    r"|that's|it's|on|at|the|let's|say|better|it|should be){1,12}"
)
_EXCUSE = pattern(
    r"[^,。.!?;]{0,5}[不没有忙得][^,。.!?;]{0,8},(?:那就?|还是|要不|就|我|想|能不能|可以|帮我|给我){0,3}(?:换到|换成|改到|改成|改为|挪到|推到|调到|移到)"
)
"""我周三走不开,改到周五: a reason with a no or a must in it, and where to."""
_AFTERTHOUGHT = pattern(r"[^,。.!?;]{0,12},(?:就是?|是|也就是|定在|在)?")
_NOTHING_MORE = pattern(r"(?:吧|啊|呀|哈|的|那天|了)?\s?(?:$|[,。.!?;])")
_THAT = pattern(
    r"(?:那一?天|当天|同一天)的?(?=[上下早晚中傍夜午][午上晨晚里]|\d{1,2}[点:]|[一二两三四五六七八九十]{1,3}点)"
)
_HESITATES = pattern(r"[\s,]*[嘛吧]?[\s,]*(?:…+|\.{2,}|呃+|额)[\s,…]*")
_EITHER = pattern(r"[^,。.!?]{0,6}(?:都|也行|也可以|两天|或)")
_RATHER = pattern(r"[\s,。.…嗯呃啊]*(?:要不|要么|不如|干脆)?(?:还是|就)[\s,]*")
_RATHER_END = pattern(r"[^,。.!?、]{0,8}(?:吧|好了|得了|算了)")
"""十点,还是十一点吧 changes the time, 十点还是十一点 asks."""
_AFFIRMED = pattern(r"(?:是|要|约的?|订的?|定的?|it's|it is)\s*$")
_NOT_THAT = pattern(r"[\s,]*(?:而|可|并)?不是|,? not ")
"""是明天不是后天: the second is only named to be denied; without the 是 before, it is the better one."""
_NEGATED = pattern(r"(?:不是|不要|别|不在|不约|[别不][约订来在]|not(?: on| at)?)\s*$")
_BUT = pattern(r"了?[\s,。]*(?:而?是|要|[约订]|改?成|改到|应该是|but|it's)?[\s,]*(?:on|at)?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Moments said in one breath, and what joins each to the one before."""

    moments: tuple[Moment, ...]  # in the order of the text
    links: tuple[Link, ...]  # one fewer than moments


def pieces(text: str, now: datetime) -> list[Piece]:
    """Every piece of a time in the folded text, in its order, none overlapping."""
    found: list[Piece] = []
    latin = any("a" <= character <= "z" for character in text)
    starts = days.STARTS | clock.STARTS | repeats.STARTS | frozenset("那同的这")
    at, length = 0, len(text)
    while at < length:
        character = text[at]
        piece = None
        word = latin and ("a" <= character <= "z" or character == "@" or character.isdecimal())
        if word and not (at and text[at - 1].isascii() and text[at - 1].isalnum()):
            piece = _english(text, at, now, found)
        if piece is None and character in starts:
            piece = _chinese(text, at, now, found)
        if piece is not None:
            found.append(piece)
            at = piece.end
        elif character in NUMERALS:
            while at < length and text[at] in NUMERALS:  # never begin in the middle of a number
                at += 1
        elif word and character.isalpha():
            while at < length and "a" <= text[at] <= "z":
                at += 1
        else:
            at += 1
    return found


def _english(text: str, at: int, now: datetime, found: list[Piece]) -> Piece | None:
    piece = english.find_english(text, at, now)
    if piece is None or not text.startswith(("to ", "and "), at):
        return piece
    before = found[-1] if found else None
    joined = before is not None and before.kind == "clock" and before.end >= at - 1
    return piece if joined else None


def _chinese(text: str, at: int, now: datetime, found: list[Piece]) -> Piece | None:
    before = found[-1] if found and found[-1].end == at else None
    after_day = before is not None and before.kind == "day" and before.part is None
    led = before is not None and before.kind in ("day", "part", "repeat")
    if (
        not led
        and before is None
        and found
        and text[found[-1].end : at] in ("的", " ", "大概", "大约", "差不多")
    ):
        led = found[-1].kind in ("day", "part")
    led = led or (
        bool(found)
        and found[-1].kind == "clock"
        and text[found[-1].end : at] in ("到", "至", "-", "~", "和", "、")
    )
    if (
        before is not None
        and before.kind in ("day", "repeat")
        and before.part is None
        and text[at] in "的这同"
    ):
        hour = clock.find_this_hour(text, at, now)
        if hour is not None:
            return hour
    piece = (days.find_more(text, at, found[-1], now.date()) or _that_day(text, at, found)) if found else None
    if piece is None and text[at] in repeats.STARTS:
        piece = repeats.find_repeat(text, at)
    if piece is None and text[at] in _WAIT_STARTS:
        piece = clock.find_wait(text, at, now)
    if piece is None and text[at] in days.STARTS:
        piece = days.find_day(text, at, now.date())
    if piece is None and text[at] in clock.STARTS:
        piece = clock.find_part(text, at, after_day) or clock.find_clock(text, at, led)
    return piece


def _that_day(text: str, at: int, found: list[Piece]) -> Piece | None:
    """那天 before a part or an hour is the day that was said before: 礼拜五晚上回来,那天下午."""
    match = _THAT.match(text, at)
    said = next((piece for piece in reversed(found) if piece.day is not None and not piece.end_day), None)
    if match is None or said is None or at - said.end > 30:
        return None
    return Piece(start=at, end=match.end(), kind="day", day=said.day)


def _link(
    text: str, start: int, end: int, first: Piece, second: Piece
) -> Link | Literal["fill", "deny"] | None:
    gap = text[start:end]
    if len(gap) > _LONGEST_GAP:
        return None
    if _NOT_THAT.fullmatch(gap) and _AFFIRMED.search(text, max(0, first.start - 8), first.start):
        return "deny"
    if (
        _NEGATED.search(text, max(0, first.start - 8), first.start)
        and _BUT.fullmatch(gap)
        and first.kind == second.kind
    ):
        return "correct"
    if _HESITATES.fullmatch(gap) and first.kind == second.kind and not _EITHER.match(text, second.end):
        return "correct"
    if _RATHER.fullmatch(gap) and _RATHER_END.match(text, second.end):
        return "correct"
    if _EXCUSE.fullmatch(gap) and first.kind != "repeat":
        return "correct"
    if _FILL.fullmatch(gap):
        return "fill"
    if _RANGE.fullmatch(gap) or (
        _AND_RANGE.fullmatch(gap)
        and text[max(0, first.start - 12) : first.start].rstrip().endswith("between")
    ):
        return "range"
    if _LIST.fullmatch(gap):
        return "list"
    match = _REPAIR.fullmatch(gap)
    if match is not None and match["core"]:
        return "correct"
    return None


def groups(text: str, found: list[Piece]) -> list[Group]:
    """The pieces joined to moments, the moments to groups."""
    out: list[Group] = []
    moments: list[Moment] = []
    links: list[Link] = []
    denied = False
    for index, piece in enumerate(found):
        link = _link(text, found[index - 1].end, piece.start, found[index - 1], piece) if index else None
        if link == "deny" or (denied and link == "fill"):
            denied = True
            continue
        denied = False
        if link is None:
            if moments:
                out.append(Group(moments=tuple(moments), links=tuple(links)))
            moments, links = [moment_of(piece)], []
            continue
        if link == "fill" and _fits(moments[-1], piece, found[index + 1 : index + 2]):
            moments[-1] = moments[-1].plus(piece)
            continue
        moments.append(moment_of(piece))
        links.append("list" if link == "fill" else link)
    if moments:
        out.append(Group(moments=tuple(moments), links=tuple(links)))
    return _across(text, out)


def _fits(moment: Moment, piece: Piece, following: list[Piece]) -> bool:
    if not moment.takes(piece):
        return False
    if piece.kind == "day" and moment.clock is not None:
        # 九点,后天下午三点: the day belongs to what follows it
        return not (following and following[0].start == piece.end and following[0].kind in ("part", "clock"))
    return True


def _across(text: str, found: list[Group]) -> list[Group]:
    """Lets a clock time take its day from earlier in the sentence: 明天我想约下午三点的理发."""
    out: list[Group] = []
    for group in found:
        before = out[-1] if out else None
        first = group.moments[0]
        if (
            before is not None
            and _open(before.moments[-1], first)
            and _same_sentence(text, before.moments[-1].end, first.start)
        ):
            last = before.moments[-1]
            joined = replace(
                first,
                day=last.day,
                end_day=last.end_day,
                weekdays=last.weekdays,
                repeat=last.repeat,
                part=first.part or last.part,
                deep=first.deep or (last.deep and first.part is None),
                extra=last.extra | first.extra | {"day_text": text[last.start : last.end]},
            )
            group = replace(group, moments=(joined, *group.moments[1:]))
            out.pop()
            if len(before.moments) > 1:
                out.append(replace(before, moments=before.moments[:-1], links=before.links[:-1]))
        elif before is not None and _afterthought(text, before, group):
            last = before.moments[0]
            day = {"day_text": text[first.start : first.end]}
            dated = replace(
                last, day=first.day, weekdays=first.weekdays, part=last.part, extra=last.extra | day
            )
            out[-1] = replace(before, moments=(dated,))
            continue
        out.append(group)
    return out


def _afterthought(text: str, before: Group, group: Group) -> bool:
    """早上七点叫我,就明天: a day alone at the end of the sentence, for a clock time that had none."""
    if len(before.moments) != 1 or len(group.moments) != 1:
        return False
    last, day = before.moments[0], group.moments[0]
    undated = last.clock is not None and last.day is None and last.repeat is None and last.at is None
    bare = day.day is not None and not (day.end_day or day.part or day.clock or day.repeat)
    gap = text[last.end : day.start] if day.start - last.end <= _LONGEST_GAP else "。"
    return undated and bare and bool(_AFTERTHOUGHT.fullmatch(gap) and _NOTHING_MORE.match(text, day.end))


def _open(last: Moment, first: Moment) -> bool:
    said = last.repeat is not None or last.day is not None
    bare = first.day is None and first.repeat is None and first.at is None
    return (
        said
        and last.clock is None
        and last.at is None
        and bare
        and (first.clock is not None or last.part is None)
    )


def _same_sentence(text: str, start: int, end: int) -> bool:
    return end - start <= 30 and not any(character in "。!?;\n" for character in text[start:end])
