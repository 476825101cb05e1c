"""Which whole messages are about what is kept of somebody, and which only sound like it (F14, P4)."""

from __future__ import annotations

import pytest

from flows.profile_words import first_of, takes_back, words


def called_by(said: str) -> list[str]:
    return [flow for flow, form in words().calls.items() if form.fullmatch(said)]


@pytest.mark.parametrize(
    ("said", "flow"),
    [
        ("我的资料", "profile"),
        ("你知道我什么", "profile"),
        ("你们都存了我哪些信息？", "profile"),
        ("看看我的个人信息", "profile"),
        ("我登记的电话是多少", "profile"),
        ("What do you know about me?", "profile"),
        ("show me my data", "profile"),
        ("加个联系人", "people_add"),
        ("帮我添加一个紧急联系人", "people_add"),
        ("把我女儿加成紧急联系人", "people_add"),
        ("我女儿换电话了", "people_add"),
        ("我儿子的手机号换了，新的是13812345678", "people_add"),
        ("add an emergency contact", "people_add"),
        ("my daughter has a new number", "people_add"),
        ("删除联系人", "people_drop"),
        ("把我侄子从联系人里删掉", "people_drop"),
        ("remove my nephew from my contacts", "people_drop"),
        ("导出我的数据", "my_data"),
        ("请给我一份我的资料", "my_data"),
        ("export my data", "my_data"),
        ("删除我的信息", "erase_me"),
        ("把我的资料全都删掉吧", "erase_me"),
        ("我要注销账号", "erase_me"),
        ("delete all my data please", "erase_me"),
        ("forget me", "erase_me"),
        ("我都同意过什么", "consents"),
        ("撤回我的同意", "consents"),
        ("我不同意你们再保存我的健康情况了", "consents"),
        ("withdraw my consent", "consents"),
        ("改电话号码", "profile_change"),
        ("我换手机号了", "profile_change"),
        ("我的电话换了，是13900001111", "profile_change"),
        ("我们搬家了", "profile_change"),
        ("我搬到6号楼2单元301了", "profile_change"),
        ("以后叫我老王就行", "profile_change"),
        ("修改我的名字", "profile_change"),
        ("change my phone number", "profile_change"),
        ("用英文跟我说", "adjust"),
        ("speak English please", "adjust"),
        ("字小一点", "adjust"),
        ("说快一点", "adjust"),
        ("恢复正常语速", "adjust"),
    ],
)
def test_a_message_calls_one_flow(said: str, flow: str) -> None:
    assert called_by(said) == [flow]


@pytest.mark.parametrize(
    "said",
    [
        "明天上午十点理发",
        "水管漏了",
        "地址写错了，是5号楼",
        "电话坏了",
        "给我女儿打电话",
        "取消明天的理发",
        "删除吃药的提醒",
        "我同意",
        "不同意",
        "我的医保卡丢了怎么办",
        "高龄补贴要什么资料",
        "楼上搬家吵死了",
        "快点来人",
        "叫我儿子来",
        "我家的门坏了",
        "你知道食堂几点开门吗",
        "换个时间",
        "delete the reminder",
        "call my daughter",
        "I moved the haircut to Friday",
    ],
)
def test_other_wishes_are_left_alone(said: str) -> None:
    assert called_by(said) == []


@pytest.mark.parametrize(
    ("list_name", "said", "key"),
    [
        ("fields", "我换手机号了", "phone"),
        ("fields", "我们搬家了", "home"),
        ("fields", "以后叫我老王", "name"),
        ("told", "只告诉急事", "alarms"),
        ("told", "都不告诉", "nothing"),
        ("told", "都告诉她", "all"),
        ("purposes", "撤回健康的授权", "health"),
        ("purposes", "别再告诉我女儿了", "family"),
        ("adjust", "说英文吧", "language_en"),
        ("adjust", "字小一点", "type_smaller"),
        ("adjust", "恢复原来的语速", "reset"),
        ("adjust", "声音小一点", "quieter"),
    ],
)
def test_which_of_it_is_meant(list_name: str, said: str, key: str) -> None:
    assert first_of(list_name, said) == key


def test_taking_back_is_not_asking() -> None:
    assert takes_back("撤回我的同意")
    assert not takes_back("我都同意过什么")
