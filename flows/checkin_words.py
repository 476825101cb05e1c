"""What an answer to "are you well?" says: fine, unwell, or neither; short and everyday words included (K3)."""

from __future__ import annotations

import re
from typing import Literal

from flows.turn import Turn

Answer = Literal["fine", "unwell"]
Wanted = Literal["visit", "doctor", "none"]

_ILL = (
    r"不[太大怎么]*(?:舒服|得劲|好受|对劲|精神|行|好|妥|自在)|难受|[疼痛酸麻肿胀晕]|没(?:劲|力气|精神|胃口)|乏|"
    r"吃不下|咽不下|睡不[着好]|没睡[着好]?|发烧|发热|烧|咳|喘|拉肚子|恶心|想?吐|心慌|心烦|腿软|站不稳|发抖|"
    r"感冒|着凉|病|闷|孤单|想哭|难过|糟|差劲"
)
_NOT_ILL = re.compile(
    rf"(?:也|都|哪儿?里?|一点儿?)*(?:没有?|没啥|不再|不怎么|不|未)(?:什么|啥|哪里|哪儿|觉得|感到|再)*(?:{_ILL})了?"
    rf"|(?:{_ILL})(?:好多了|好了|没有了|没了)"
)
_UNWELL = re.compile(_ILL)
_FINE = re.compile(
    r"(?:[很挺蛮还都老真]|好得|比较)+(?:好|行|可以|不错|舒服|精神|硬朗|着)|好着|还行|不错|老样子|照旧|照常|没事|没啥|没毛病|"
    r"没问题|可以|行吧|凑合|过得去|马马虎虎|平安|安好|健康|硬朗|吃[了过]|起来?了|刚起|醒了|睡得[好香]|"
    r"能吃能睡|在呢|在的|活着|放心|^[嗯好哎诶]+[的呀啊呢啦了]*$"
)
_ILL_EN = (
    r"(?:un|not (?:so |very |too |really )?)(?:well|good|great|fine)|ill|sick|poorly|pain\w*|hurts?|aches?|\w+ache|"
    r"dizzy|weak|tired|awful|bad|terrible|fever|cough\w*|lonely|sad|nausea|faint"
)
_NOT_ILL_EN = re.compile(rf"\b(?:no|not|n't|without(?: any)?|never)\s+(?:any\s+)?(?:{_ILL_EN})\b")
_UNWELL_EN = re.compile(rf"\b(?:{_ILL_EN})\b")
_FINE_EN = re.compile(
    r"\b(?:fine|good|well|ok(?:ay)?|all ?right|great|same as (?:ever|usual|always)|not bad|can'?t complain|up and about|"
    r"up already|had (?:my )?breakfast)\b"
)
_I_AM_FINE = re.compile(r"(?:[我俺咱]们?)?(?:[挺蛮都很还]好|没事|没啥事?|好着)[的呢啊呀啦了]*[，,。.！! ]")
_WISH = re.compile(r"[帮替给让请要想约订买]我|我[要想]|能不能|可不可以|麻烦")
_SHORT = 24
"""Characters up to which everyday words of well-being are the whole of an answer."""

_COME = re.compile(r"来人|[请叫让派]人|上门|过来|来看|看看我|来一趟|陪|come|visit|somebody|someone|send")
_DOCTOR = re.compile(r"医生|大夫|护士|电话|doctor|nurse|call|phone|ring")
_NOBODY = re.compile(
    r"不用|不必|不要|别|歇|躺|休息|没事|算了|回头|no need|no,? ?thank|not now|later|rest|don'?t"
)


def answer(turn: Turn) -> Answer | None:
    """What the message says about how the person is; None when it is about something else or not clear."""
    if turn.command is not None:
        if turn.intent("feel_fine", "affirm"):
            return "fine"
        return "unwell" if turn.intent("feel_unwell", "deny") else None
    if turn.understanding is None:
        return None
    ill = _ill_words(turn.text)
    top = turn.understanding.intent.name
    if ill or turn.intent("feel_unwell"):
        # 「电视坏了,心烦」 is another wish: words of unease in it do not make it an answer.
        about_that = top in ("feel_unwell", "feel_fine", "deny", "chitchat") or not turn.intent(top)
        return "unwell" if about_that else None
    if turn.intent("feel_fine", "affirm"):
        return "fine"
    # 「我没事，刚才去买菜了」: what they did, not what they want, though it names what can be booked.
    told = _I_AM_FINE.match(turn.text) is not None and _WISH.search(turn.text) is None
    short = len(turn.text) <= _SHORT and (told or not turn.understanding.entities)
    return "fine" if short and _well_words(turn.text) and not _sure_of_wish(turn) else None


def _sure_of_wish(turn: Turn) -> bool:
    """Surely one of the things people ask for, and not how they are."""
    assert turn.understanding is not None
    top = turn.understanding.intent
    social = ("feel_fine", "affirm", "greet", "thank", "chitchat", "deny", "out_of_scope")
    return top.name not in social and turn.intent(top.name)


def describes(text: str) -> bool:
    """Whether the words say what is the matter, and not only that something is."""
    bare = re.sub(
        r"不[太大怎么]*(?:舒服|得劲|好受|对劲|好|行)|难受|病|\b(?:un|not )well\b|\b(?:ill|sick|bad)\b",
        "",
        text.lower(),
    )
    return _ill_words(bare)


def _ill_words(text: str) -> bool:
    lower = text.lower()
    left = _NOT_ILL_EN.sub(" ", _NOT_ILL.sub(" ", lower))
    return _UNWELL.search(left) is not None or _UNWELL_EN.search(left) is not None


def _well_words(text: str) -> bool:
    lower = re.sub(r"[\s，。,.！!、~～]+$", "", text.lower().strip())
    denied = _NOT_ILL.search(lower) or _NOT_ILL_EN.search(lower)
    return bool(denied or _FINE.search(lower) or _FINE_EN.search(lower))


def wanted(turn: Turn) -> Wanted | None:
    """The answer to "shall somebody come, or a doctor call?"; None when it is neither."""
    if turn.command is not None:
        names: dict[str, Wanted] = {
            "visit_please": "visit",
            "affirm": "visit",
            "doctor_please": "doctor",
            "deny": "none",
            "stop": "none",
            "skip": "none",
        }
        return names.get(turn.command.name)
    text = turn.text.lower()
    if turn.intent("deny", "stop", "skip", "feel_fine") or _NOBODY.search(text):
        return "none"
    if _DOCTOR.search(text):
        return "doctor"
    if _COME.search(text) or turn.intent("affirm"):
        return "visit"
    return None
