"""Persons, phones, counts, marks and case numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.people import find_counts, find_persons, find_phones, find_request_numbers, find_scores


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("给我女儿打个电话", "女儿"),
        ("跟我闺女说一声", "女儿"),
        ("我家老头子摔了", "老伴"),
        ("老伴喘不上气", "老伴"),
        ("我妈头晕", "母亲"),
        ("my daughter is coming", "女儿"),
        ("我要找社区的小王", "小王"),
        ("叫王师傅来", "王师傅"),
        ("隔壁王阿姨", "王阿姨"),
        ("李医生几点来", "李医生"),
        ("欧阳医生在吗", "欧阳医生"),
        ("高师傅修得好", "高师傅"),
        ("我叫张桂芳住3号楼", "张桂芳"),
        ("我姓李", "李"),
        ("Dr. Li please", "Dr. Li"),
    ],
)
def test_a_person_is_a_relation_or_a_name(text: str, value: str) -> None:
    [person] = find_persons(text)
    assert person.value == value
    assert person.text == text[person.start : person.end]


def test_a_name_of_ones_own_is_marked() -> None:
    [person] = find_persons("我叫李秀英")
    assert (person.value, person.extra["self"]) == ("李秀英", True)


@pytest.mark.parametrize(
    "text",
    [
        "小区门口",
        "两个小时",
        "老严重了",
        "小高层",
        "小周末",
        "周六",
        "于是",
        "儿童节",
        "老王八",
        "小苏打",
        "老任务",
    ],
)
def test_what_is_no_person(text: str) -> None:
    assert find_persons(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("13812345678", "+8613812345678"),
        ("138-1234-5678", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("打幺三八一二三四五六七八", "+8613812345678"),
        ("一三八 一二三四 五六七八", "+8613812345678"),
        ("电话是65551234", "+861065551234"),
        ("六五五五一二三四", "+861065551234"),
        ("010-65551234", "+861065551234"),
        ("(0571)87654321", "+8657187654321"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_phone_becomes_e164(text: str, value: str) -> None:
    [phone] = find_phones(text)
    assert phone.value == value


def test_the_area_code_is_the_communitys() -> None:
    [phone] = find_phones("87654321", area_code="0571")
    assert phone.value == "+8657187654321"


@pytest.mark.parametrize(
    "text", ["R20261122-0007", "20261122", "120", "12345", "138123456789012345", "三号楼二单元"]
)
def test_what_is_no_phone(text: str) -> None:
    assert find_phones(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R20261122-0007怎么样了", "R20261122-0007"),
        ("r20261122 0007", "R20261122-0007"),
        ("Ｂ20261122－0012", "B20261122-0012"),
        ("尾号0007", "0007"),
        ("尾号是零零零七的单子", "0007"),
    ],
)
def test_a_case_number_is_found(text: str, value: str) -> None:
    [number] = find_request_numbers(text)
    assert number.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("两份", 2),
        ("三个人", 3),
        ("我们俩去", 2),
        ("来一份午饭", 1),
        ("十二位老人", 12),
        ("2盒", 2),
        ("for 3 people", 3),
        ("two portions", 2),
    ],
)
def test_a_count_is_an_integer(text: str, value: int) -> None:
    assert [entity.value for entity in find_counts(text)] == [value]


@pytest.mark.parametrize(
    "text", ["两个小时", "三个月", "一个灯坏了", "第三个人", "三号楼", "那个人", "三条建议", "几个人"]
)
def test_what_is_no_count(text: str) -> None:
    assert find_counts(text) == []


def test_a_bare_number_counts_only_when_asked() -> None:
    assert find_counts("三") == []
    assert [entity.value for entity in find_counts("就三个吧", asked=True)] == [3]


@pytest.mark.parametrize(
    ("text", "value"),
    [("五星好评", 5), ("打三分", 3), ("给五分", 5), ("五分满意", 5), ("4分", 4), ("很满意", 5), ("满意", 4), ("不太满意", 2),
     ("非常不满意", 1), ("4 out of 5", 4), ("five stars", 5), ("满分", 5)],
)  # fmt: skip
def test_a_mark_is_between_one_and_five(text: str, value: int) -> None:
    assert [entity.value for entity in find_scores(text)] == [value]


@pytest.mark.parametrize(
    "text", ["十分感谢", "五分钟后", "八点五分", "三分之一", "星期五", "差五分八点", "一般", "五"]
)
def test_what_is_no_mark(text: str) -> None:
    assert find_scores(text) == []


def test_a_verdict_is_a_mark_when_asked() -> None:
    assert [entity.value for entity in find_scores("还行吧", asked=True)] == [3]
    assert [entity.value for entity in find_scores("五", asked=True)] == [5]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="我女儿小王李医生师傅一三八0123456789-+R尾号份个人分星满意不 .drliamy", max_size=40))
def test_nothing_raises_and_spans_cut_the_text(text: str) -> None:
    finders = (find_persons, find_phones, find_counts, find_scores, find_request_numbers)
    for entity in (entity for finder in finders for entity in finder(text)):
        assert entity.text == text[entity.start : entity.end]
        assert entity.text
