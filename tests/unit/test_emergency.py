"""The emergency net hears cries, asks when unsure, and lets figures of speech pass (E1, E2, E4, E8)."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.emergency import ASK_FROM, DOUBT_BELOW, RAISE_FROM, EmergencyNet, Suspicion, takes_back
from nlu.emergency_rules import load_rules
from nlu.emergency_text import tidy
from nlu.understanding import EMERGENCY_KINDS, Context, Emergency, Expecting

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)


@cache
def net() -> EmergencyNet:
    return EmergencyNet()


def judge(text: str, expecting: Expecting | None = None) -> Emergency | None:
    return net().judge(text, Context(now=NOW, expecting=expecting))


def level(text: str, expecting: Expecting | None = None) -> int:
    """The level, or 0 when nothing was heard."""
    judged = judge(text, expecting)
    return 0 if judged is None else judged.level


@pytest.mark.parametrize(
    ("text", "kind", "highest"),
    [
        ("救命", "unknown", 1),
        ("快来人啊", "unknown", 1),
        ("我摔倒了起不来", "fall", 2),
        ("胸口疼得厉害喘不上气", "medical", 1),
        ("老伴没呼吸了", "medical", 1),
        ("厨房着火了", "fire", 1),
        ("好大的煤气味", "gas", 1),
        ("我们被困在电梯里了", "trapped", 2),
        ("有人在撬我家门", "crime", 1),
        ("我儿子打我", "violence", 1),
        ("我妈老年痴呆走丢了", "missing", 2),
        ("水漏到电闸上了", "water", 3),
        ("我不想活了", "self_harm", 2),
        ("I fell and can't get up", "fall", 2),
        ("someone is breaking in", "crime", 1),
    ],
)
def test_each_kind_is_raised_at_once(text: str, kind: str, highest: int) -> None:
    judged = judge(text)
    assert judged is not None
    assert judged.kind == kind
    assert 1 <= judged.level <= highest
    assert judged.evidence


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("没有着火", "negation"),
        ("我去年摔倒过一次", "past"),
        ("电视里着火了", "story"),
        ("万一着火了打什么电话", "if"),
        ("当心摔倒了", "advice"),
        ("今天演习喊着火了", "drill"),
    ],
)
def test_a_mask_silences_and_is_named(text: str, mask: str) -> None:
    assert level(text) == 0
    judged = judge(text + "。快来人啊救命")
    assert judged is not None
    assert judged.level == 1
    assert any(name.startswith(f"{mask}:") for name in judged.suppressors)


@pytest.mark.parametrize(
    "text",
    [
        "累死我了",
        "笑死我了哈哈",
        "晚上吃火锅",
        "那首歌火了",
        "救命啊这也太好笑了",
        "手机没电了",
        "我忙得喘不过气来",
    ],
)
def test_figures_of_speech_and_things_pass(text: str) -> None:
    assert level(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "电视里喊救命,可我真的起不来了",
        "不是演习 真的着火了",
        "去年也摔过这次又摔倒了腿动不了",
        "煤气没漏是着火了",
        "没事了 不对 救命啊又着火了",
    ],
)
def test_a_mask_never_hides_a_live_cry_beside_it(text: str) -> None:
    assert 1 <= level(text) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "我跌亲 起唔到身",
        "唞唔到气",
        "着火啦",
        "我跌倒了爬勿起来",
        "透勿过气",
        "我绊倒了爬不起来 遭不住了",
        "我栽了个跟头 起不来了",
    ],
)
def test_dialect_is_understood(text: str) -> None:
    assert 1 <= level(text) <= 3


@pytest.mark.parametrize(
    "text", ["就命啊", "我帅倒了起不来", "家里着活了", "没气味好大", "有 人 摔倒 了 起 不 来", "快抱警有小头"]
)
def test_what_a_recogniser_writes_is_understood(text: str) -> None:
    judged = judge(text)
    assert judged is not None
    assert judged.level <= 3


def test_an_alarm_by_sound_says_so_and_is_less_sure() -> None:
    heard, said = judge("就命啊"), judge("救命啊")
    assert heard is not None
    assert said is not None
    assert "by sound" in heard.evidence[0]
    assert heard.confidence < said.confidence


@pytest.mark.parametrize("text", ["就明天吧", "识货", "我想找活干", "不小心删掉了"])
def test_innocent_homophones_pass(text: str) -> None:
    assert level(text) == 0


def test_a_long_story_without_stops_is_raised() -> None:
    story = "我今天早上起来啊去买菜买了两斤豆腐又碰到老同事聊了半天回来上楼梯脚一滑现在坐在地上站不起来"
    assert level(story) in (1, 2)


@pytest.mark.parametrize(
    ("text", "expecting", "levels"),
    [
        ("不行", None, {0}),
        ("不行", "emergency", {1, 2}),
        ("没醒", "emergency", {1}),
        ("流血", "emergency", {1, 2}),
        ("疼", "emergency", {1, 2}),
        ("没有流血", "emergency", {0, 1, 2}),
        ("起不来", "checkin", {1, 2, 3}),
        ("难受", "checkin", {1, 2, 3, 4}),
        ("不太好", "checkin", {0, 4}),
        ("挺好的", "checkin", {0}),
        ("我很好", "emergency", {0}),
    ],
)
def test_short_answers_count_where_the_bot_asked(
    text: str, expecting: Expecting | None, levels: set[int]
) -> None:
    assert level(text, expecting) in levels


@pytest.mark.parametrize(
    "text",
    [
        "没事了",
        "按错了不好意思",
        "别来了我好了",
        "误报,不用来了",
        "取消刚才的报警",
        "it was a false alarm",
        "I'm fine now",
    ],
)
def test_taking_back_is_recognised_and_is_no_cry(text: str) -> None:
    assert takes_back(text, Context(now=NOW))
    assert level(text) == 0


@pytest.mark.parametrize(
    "text", ["不是误报", "我没按错", "地址写错了", "救命", "有没有事", "明天几点开门", ""]
)
def test_other_words_take_nothing_back(text: str) -> None:
    assert not takes_back(text, Context(now=NOW))


def test_a_bare_no_takes_back_only_inside_an_alarm() -> None:
    assert takes_back("不用", Context(now=NOW, expecting="emergency"))
    assert not takes_back("不用", Context(now=NOW))


def test_refusing_rescue_after_an_overdose_is_not_taking_back() -> None:
    assert level("药我已经吃下去了,不用救") in (1, 2)


def joined(text: str, likelihood: float) -> tuple[str, int] | None:
    judged = net().judge(text, Context(now=NOW), Suspicion(kind="gas", likelihood=likelihood))
    return None if judged is None else (judged.kind, judged.level)


def test_a_suspicion_raises_or_asks_where_no_rule_speaks() -> None:
    assert joined("今天天气不错", 0.9) == ("gas", 2)
    assert joined("今天天气不错", (ASK_FROM + RAISE_FROM) / 2) == ("gas", 4)
    assert joined("今天天气不错", ASK_FROM - 0.01) is None


@pytest.mark.parametrize("cry", ["救命", "来人啊", "我喘不上气了快叫救护车", "火", "Help me!"])
def test_nothing_learned_weakens_an_explicit_call(cry: str) -> None:
    alone = net().judge(cry, Context(now=NOW))
    assert alone is not None
    assert joined(cry, 0.0) == (alone.kind, alone.level)


def test_what_was_put_together_from_parts_and_sounds_harmless_is_asked_about_first() -> None:
    cry = "我老伴晕倒了"
    assert joined(cry, 0.9) == ("medical", 1)
    assert joined(cry, DOUBT_BELOW - 0.01) == ("medical", 4)


def test_an_answer_in_an_alarm_counts_whatever_was_learned() -> None:
    judged = net().judge(
        "起不来", Context(now=NOW, expecting="emergency"), Suspicion(kind="fall", likelihood=0.0)
    )
    assert judged is not None
    assert judged.level <= 2


def test_tidying_brings_scripts_dialect_and_spacing_together() -> None:
    assert tidy("我著火啦!!!快嚟") == "我着火了.快来"
    assert tidy("救 命") == "救命"
    assert tidy("Can’t  breathe?!") == "cant breathe"


@pytest.mark.parametrize("table", ["emergency_patterns.yml", "emergency_english.yml"])
def test_every_rule_names_a_known_kind(table: str) -> None:
    rules = load_rules(table)
    assert rules
    assert {rule.kind for rule in rules} <= set(EMERGENCY_KINDS)


def _shares(name: str) -> dict[str, float]:
    counts = {"raised": 0, "heard": 0, "cries": 0, "false": 0, "asked": 0, "harmless": 0}
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            found = level(row["text"])
            if row["is_emergency"] == "1":
                counts["cries"] += 1
                counts["heard"] += found > 0
                counts["raised"] += 1 <= found <= 3
            else:
                counts["harmless"] += 1
                counts["false"] += 1 <= found <= 3
                counts["asked"] += found == 4
    return {
        "raised": counts["raised"] / counts["cries"],
        "heard": counts["heard"] / counts["cries"],
        "false": counts["false"] / counts["harmless"],
        "asked": counts["asked"] / counts["harmless"],
    }


@pytest.mark.parametrize(
    "name", ["emergency_own.tsv", "emergency_own2.tsv", "emergency_own3.tsv", "emergency_own4.tsv"]
)
def test_the_marks_of_the_emergency_issue_hold_on_our_own_sentences(name: str) -> None:
    shares = _shares(name)
    assert shares["raised"] >= 0.93
    assert shares["heard"] >= 0.97
    assert shares["false"] <= 0.025
    assert shares["asked"] <= 0.10


_WORDS = st.sampled_from([*"我不没了着火救命摔倒起来疼,。 !电视里要是去年血气喘ab🆘㍿", "煤气", "can't "])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=60).map("".join)))
@pytest.mark.parametrize("expecting", [None, "emergency", "checkin"])
def test_no_message_makes_it_fail(expecting: Expecting | None, text: str) -> None:
    context = Context(now=NOW, expecting=expecting)
    judged = net().judge(text, context)
    assert judged is None or (judged.kind in EMERGENCY_KINDS and judged.level in (1, 2, 3, 4))
    takes_back(text, context)


@pytest.mark.parametrize("piece", ["摔倒 ", "我", "救命", "没有", "啊", "他打", "a ", "1.", "火,"])
def test_ten_thousand_characters_are_judged(piece: str) -> None:
    judge(piece * (10_000 // len(piece)))
    assert level("今天买菜，" * 2000 + "救命") == 1
