"""Persons: relations, names, titles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.people import find_persons


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


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="我女儿小王李医生师傅家老爷子叫姓的 .drliamy", max_size=40))
def test_nothing_raises_and_spans_cut_the_text(text: str) -> None:
    finders = (find_persons,)
    for entity in (entity for finder in finders for entity in finder(text)):
        assert entity.text == text[entity.start : entity.end]
        assert entity.text
