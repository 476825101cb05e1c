"""What helpers say: which wish it is, how long they helped, what they offer and when (F11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.volunteer_words import done_in, minutes_in, offered, wish_in


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("我想报名做志愿者", "offer"),
        ("礼拜三下午我能来两个小时", "offer"),
        ("我会修收录机，谁家坏了我给看看", "offer"),
        ("I would like to read to people on Sundays", "offer"),
        ("帮我记一下，今天陪诊两小时", "report"),
        ("昨天在食堂帮厨干了三个钟头", "report"),
        ("登记时长", "report"),
        ("please log three hours of gardening", "report"),
        ("时间银行里还剩多少", "balance"),
        ("我的积分", "balance"),
        ("我志愿者报名的事怎么样了", "status"),
        ("每周三下午我能来，给我报个名", "offer"),
        ("how many hours do I have", "balance"),
        ("拿时长换一次擦窗", "redeem"),
        ("用我存的小时付理发", "redeem"),
        ("pay with my hours", "redeem"),
        ("时长都能换些什么", "list"),
        ("积分怎么用", "list"),
        ("what can I redeem", "list"),
        ("看看时长明细", "statement"),
        ("show me the statement", "statement"),
        ("我上周的时长怎么没加上", "dispute"),
        ("把我的时长转给我老伴", "gift"),
        ("怎么才能攒积分", "earn"),
        ("我不当志愿者了", "quit"),
        ("take me off the volunteer list", "quit"),
    ],
)
def test_a_wish_is_told_from_its_words(said: str, wish: str) -> None:
    assert wish_in(said) == wish


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("两个小时", 120),
        ("三个半钟头", 210),
        ("两小时半", 150),
        ("半个小时", 30),
        ("一刻钟", 15),
        ("90分钟", 90),
        ("1.5小时", 90),
        ("十二个小时", 720),
        ("半天", 240),
        ("two hours", 120),
        ("an hour and a half", 90),
        ("half an hour", 30),
        ("45 minutes", 45),
        ("三个人", None),
        ("周三下午", None),
        ("一下午", 240),
        ("下午三点", None),
        ("", None),
    ],
)
def test_a_length_of_time_in_minutes(said: str, minutes: int | None) -> None:
    assert minutes_in(said) == minutes


@given(st.text(alphabet="一二两三十百半个小时钟头分天0123456789.点 hours minutean", max_size=24))
def test_no_words_break_it(said: str) -> None:
    minutes = minutes_in(said)
    assert minutes is None or minutes >= 0
    wish_in(said)
    done_in(said, ())


@pytest.mark.parametrize(
    ("said", "says", "when"),
    [
        ("我要报名当志愿者", False, ""),
        ("我想当志愿者", False, ""),
        ("做义工", False, ""),
        ("I want to volunteer", False, ""),
        ("我会缝纫，周末可以帮邻居改衣服", True, "周末"),
        ("随时都能去陪老人下棋", True, "随时"),
        ("I can drive people to hospital on weekdays", True, "weekdays"),
    ],
)
def test_what_an_offer_says(said: str, says: bool, when: str) -> None:
    assert offered(said, ()) == (says, when)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("帮我记一下两个小时", None),
        ("登记时长", None),
        ("给我记上，昨天陪诊三个小时", "陪诊"),
        ("please log two hours", None),
    ],
)
def test_what_was_done(said: str, done: str | None) -> None:
    assert done_in(said, ()) == done
