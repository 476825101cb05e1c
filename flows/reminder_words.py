"""What a reminder is to say, taken from the words that ask for it; whether it is about medicine; "taken?" (F5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flows.turn import Turn
from nlu.understanding import Entity

Taken = Literal["taken", "later", "not_taken"]
_MOST = 200  # characters

_ASKING = re.compile(
    r"(?:提醒|叫醒|叫|喊|告诉|通知|催|盯着|通報|招呼)(?:一下|下|一声|声)?(?:我们|俺们|我|俺|咱|阿拉)?(?:一下|下|一声|声|起来(?=$))?"
)
_FORGET = re.compile(r"(?:别|不要|别让|不让|省得|免得)(?:让|叫)?(?:我|俺)?(?:又)?忘(?:了|记|掉)?")
_NOTE = re.compile(r"(?:帮|替|给)(?:我|俺)(?:记着|记住|记一下|记下|记)")
_NAMED = re.compile(
    r"(?:[定设加弄来建订]|设置|添加)(?:上)?(?:一)?(?:个|条)?(?P<what>[^，,。]{0,30}?)的?(?:提醒|闹钟|闹铃|备忘)"
)
_EDGE = re.compile(
    r"^(?:[\s，,。.、；;：:！!？?]|和(?=$)|请|麻烦|劳驾|你|您|帮我|给我|替我|记得|到时候?|到点|时间到了|以后|都|也|要|该|说|各|得|一次|的时候|的)+|"
    r"(?:[\s，,。.、；;：:！!？?]|你?到时候?|到点了?|时间到了|麻烦你?|请你?|你|就|都|各|再|的时候|我|记得|好吗|行吗|好不好|可以吗|吧|啊|呀|哦|谢谢|和|跟|把|连|连着|[，,]把)+$"
)
_TIMES = re.compile(
    r"(?:每天|一天|一日|天天)?(?:早中晚|早晚|三餐)?各?[一二两三四五六\d]次|早中晚(?:各一次)?|早晚(?:各一次)?|一次"
)
_UNTIL_TAIL = re.compile(r"[，,、；;\s]*(?:一直|连着|连续|就)?[^\s，,。]{0,2}(?:到|至)\s*(?=$|[，,。])")
_LASTING = re.compile(
    r"(?:连续|连着|一连|接下来|往后|以后)?(?:吃|用|打)?[\d一二两三四五六七八九十半]+个?(?:天|周|星期|礼拜|月)(?=$|[，,。提叫喊都每])"
)

_EN = re.compile(
    r"\b(?:remind me|reminder|wake me(?: up)?|alert me|tell me|don'?t let me forget|remember|note)\b"
    r"\s*(?:again\s*)?(?:to|about|that i(?: have to| must| need to)?|of|for|when)?\s*",
    re.IGNORECASE,
)
_EDGE_EN = re.compile(
    r"^(?:[\s,.;:!?-]|please|can you|could you|set a|set|to|and|at|on|in|for|every day)+\b|"
    r"(?:[\s,.;:!?-]|\b(?:please|at|on|in|until|till|by|for|and|thanks|thank you)\b)+$",
    re.IGNORECASE,
)

_MEDICINE = re.compile(
    r"药|胰岛素|打针|吃针|钙片|维生素|胶囊|片剂|冲剂|吸入剂|喷雾|眼药|滴眼|二甲双胍|阿司匹林|硝酸甘油|他汀|地平|洛尔|普利|沙坦|"
    r"降压|降糖|降脂|雾化|"
    r"\b(?:medicine|medication|meds?|pills?|tablets?|insulin|capsules?|drops|inhaler|injection|dose|aspirin|metformin|"
    r"statins?|vitamins?)\b",
    re.IGNORECASE,
)

_LATER = re.compile(
    r"还没|没呢|没[吃打用喝]|等[一会下]|待会|一会|马上|就去|这就|回头|晚点|过会|饭后|"
    r"\b(?:not yet|later|in a (?:minute|moment|bit)|soon|will do|i will|i'll|haven'?t)\b"
)
_HEARD = re.compile(
    r"^(?:好+的?|知道了?|晓得了?|行|收到|明白了?|记得了?|ok(?:ay)?|all right|thanks?|谢谢)[\s了啦吧呢啊。.!！,，]*$"
)
_REFUSED = re.compile(
    r"不想?[吃打用喝]|不[吃打用]了|停了|没药|药没了|吃完没了|忘了买|医生(?:说|让|叫).{0,4}(?:不|停)|\b(?:won'?t|stopped|don'?t want|no more|ran out)\b"
)
_TAKEN = re.compile(
    r"[吃打用喝滴抹服喷][了过好完下]|刚[吃打用喝]|已经|搞定|弄好|好了|\b(?:taken|took|done|did|yes|yep|already|have)\b"
)


def what_in(text: str, times: Iterable[Entity]) -> str | None:
    """What is to be done, without its times and without the asking; None when the words do not tell."""
    left = text
    for entity in sorted(times, key=lambda entity: -entity.start):
        left = left[: entity.start] + " " + left[entity.end :]
    if re.search(r"[\u3400-\u9fff]", left):
        return _chinese(left)
    return _english(left)


def _chinese(text: str) -> str | None:
    text = re.sub(r"(?<=[\u3400-\u9fff，,。])\s+|\s+(?=[\u3400-\u9fff，,。])", "", text)
    text = _LASTING.sub("", _UNTIL_TAIL.sub("", _TIMES.sub("", text)))
    named = _NAMED.search(text)
    if named is not None:
        return _clean(named["what"], _EDGE) or _clean(text[named.end() :], _EDGE)
    for pattern in (_ASKING, _NOTE, _FORGET):
        found = pattern.search(text)
        if found is None:
            continue
        for part in (text[found.end() :], text[: found.start()]):
            what = _clean(part, _EDGE)
            if what and _ASKING.sub("", what) not in ("", "我"):
                return what
    return None


def _english(text: str) -> str | None:
    found = _EN.search(text)
    if found is None:
        return None
    tidy = re.sub(r"\s+", " ", text[found.end() :])
    return _clean(tidy, _EDGE_EN) or _clean(re.sub(r"\s+", " ", text[: found.start()]), _EDGE_EN)


def answer_what(text: str) -> str | None:
    """The whole of an answer to "what shall I remind you of?"."""
    return what_in(text, ()) or _clean(text, _EDGE_EN if text.isascii() else _EDGE)


def _clean(text: str, edge: re.Pattern[str]) -> str | None:
    before = None
    while before != text:
        before, text = text, edge.sub("", text)
    return text[:_MOST].strip() or None


def for_the_person(text: str, language: str) -> str:
    """Their words as they are said back: 我 becomes 您, my becomes your."""
    if language == "zh":
        return re.sub(r"我们|咱们|我|俺", "您", text)
    return re.sub(r"\b(my|mine|me|i)\b", _turned, text, flags=re.IGNORECASE)


def _turned(match: re.Match[str]) -> str:
    return {"my": "your", "mine": "yours"}.get(match[1].lower(), "you")


def is_medicine(text: str, health: Mapping[str, Any] | None) -> bool:
    """Whether it is about medicine: by its words, or by the name of one that this person is known to take."""
    if _MEDICINE.search(text):
        return True
    known = [str(name).split()[0] for name in (health or {}).get("medicines", []) if str(name).strip()]
    return any(len(name) > 1 and name in text for name in known)


def taken(turn: Turn) -> Taken | None:
    """The answer to "have you taken it?"; None when it is about something else. A mere "all right" is not yet taken."""
    if turn.command is not None:
        names: dict[str, Taken] = {
            "taken": "taken",
            "affirm": "taken",
            "later": "later",
            "deny": "not_taken",
            "stop": "not_taken",
            "skip": "not_taken",
        }
        return names.get(turn.command.name)
    text = turn.text.lower().strip()
    if _LATER.search(text) or _HEARD.search(text):
        return "later"
    if _REFUSED.search(text) or turn.intent("stop"):
        return "not_taken"
    if _TAKEN.search(text) or turn.intent("affirm", "feel_fine"):
        return "taken"
    return "later" if turn.intent("deny") else None
