"""What is shown, as it is said (V2, C11)."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.saying import chinese_number, say


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("3号楼2单元501", "三号楼二单元五零幺"),
        ("5号楼1单元1203室", "五号楼一单元幺二零三室"),
        ("3-2-501", "三号楼二单元五零幺"),
        ("电话13812345678", "电话幺三八，幺二三四，五六七八"),
        ("010-88886666", "零幺零，八八八八，六六六六"),
        ("请拨打120", "请拨打幺二零"),
        ("120元", "一百二十元"),
        ("R20261122-0007", "R，二零二六幺幺二二，零零零七"),
        ("2026-11-23 15:30", "二零二六年十一月二十三号下午三点半"),
        ("明天上午9:05", "明天上午九点零五分"),
        ("9:00-11:00", "上午九点到上午十一点"),
        ("14:00", "下午两点"),
        ("2份午饭12.5元", "两份午饭十二点五元"),
        ("12个人", "十二个人"),
        ("2号楼2层", "二号楼二层"),
        ("75%", "百分之七十五"),
        ("38.5℃", "三十八点五摄氏度"),
        ("¥30", "三十元"),
        ("好的😀👍🏻", "好的"),
        ("见https://example.cn/a?b=1。谢谢", "见。谢谢"),
        ("**重要**(请看)[说明](http://a.b/c)", "重要，请看，说明"),
    ],
)
def test_chinese_as_people_say_it(shown: str, said: str) -> None:
    assert say(shown).replace(" 。", "。") == said


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("room 1203", "room one two zero three"),
        ("Call 120.", "Call one two zero."),
        ("120 yuan", "120 yuan"),
        ("at 15:30", "at 3 30 p.m."),
        ("08:00-12:00", "8 a.m. to 12 noon"),
        ("2026-11-23", "November 23, 2026"),
        ("see www.example.org now 😀", "see now"),
    ],
)
def test_english_as_people_say_it(shown: str, said: str) -> None:
    assert say(shown, "en") == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"),
        (10, "十"),
        (12, "十二"),
        (110, "一百一十"),
        (10_002, "一万零二"),
        (100_010, "十万零一十"),
        (2_0000_0000, "二亿"),
    ],
)
def test_chinese_numbers(value: int, said: str) -> None:
    assert chinese_number(value) == said


_MESSAGES = st.text(
    st.sampled_from("0123456789:-.,/年月号楼单元室元%℃¥点 aR[](){}<>《》*😀👍abc上午\n"), max_size=40
) | st.text(max_size=40)


@given(_MESSAGES)
def test_whatever_comes_in_nothing_unspeakable_goes_out(text: str) -> None:
    said = say(text)
    assert not any(unicodedata.digit(c, None) is not None for c in said), said
    assert not re.search(r"https?://|[\[\](){}<>《》*]", said), said
    assert not any(unicodedata.category(c) == "So" and c not in "℃" for c in said.replace("°", "")), said
    say(text, "en")


@given(st.integers(0, 99999))
def test_a_number_is_never_lost(value: int) -> None:
    digits = {"零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
    sizes = {"十": 10, "百": 100, "千": 1000}
    total = part = digit = 0
    for character in chinese_number(value):
        if character in digits:
            digit = digits[character]
        elif character == "万":
            total, part, digit = (part + digit) * 10_000, 0, 0
        else:
            part, digit = part + (digit or 1) * sizes[character], 0
    assert total + part + digit == value
