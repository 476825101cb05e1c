"""The second listener of the emergency net: what it learns from, what it answers, what its cues see."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from nlu import listener
from nlu.emergency import EmergencyNet
from nlu.emergency_evidence import Evidence
from nlu.engine import Parser
from nlu.extractors import Extractors
from nlu.kernel import KernelModel, Recipe, landmarks
from nlu.listener import HARMLESS, Listener, sentences
from nlu.training_data import TrainingDataError
from nlu.understanding import EMERGENCY_KINDS, Context, Intent
from tests.unit.test_builtin import LetterEncoder
from tests.unit.test_emergency import NOW

FEW = [
    *(
        (text, "gas")
        for text in ("屋里味道好大头晕", "管子吱吱响一股怪味", "灶上没火还在跑气", "气瓶阀门关不住了")
    ),
    *(
        (text, "fall")
        for text in ("从梯子上栽下来了", "坐在地上站不起来", "滚下楼梯了动弹不得", "滑了一下爬不动")
    ),
    *((text, HARMLESS) for text in ("今天天气真好啊", "午饭吃什么呢", "明天去公园走走", "电视剧真好看")),
]


@cache
def net() -> EmergencyNet:
    return EmergencyNet()


@cache
def small() -> Listener:
    texts, kinds = zip(*FEW, strict=True)
    return Listener(KernelModel.fit(texts, kinds, LetterEncoder(), Recipe(cues=0.7), Evidence(net())))


def test_it_tells_cries_and_their_kind_from_talk() -> None:
    assert small().suspect("管子跑气味道大").kind == "gas"
    assert small().suspect("梯子上滚下来站不起来").kind == "fall"
    assert small().suspect("管子跑气味道大").likelihood > 0.5 > small().suspect("公园的天气真好").likelihood


@pytest.mark.parametrize("text", ["", "   ", "……", "😭😭", "\ud800"])
def test_nothing_to_read_is_no_suspicion(text: str) -> None:
    assert small().suspect(text).likelihood == 0


@pytest.mark.parametrize("text", ["a" * 10_000, "救命" * 4_000, "\x00\x01煤气", "((((", "{person}"])
def test_any_text_has_an_answer(text: str) -> None:
    suspicion = small().suspect(text)
    assert 0 <= suspicion.likelihood <= 1
    assert suspicion.kind in EMERGENCY_KINDS


async def test_the_same_words_are_heard_once() -> None:
    first = await small().hear("屋里一股怪味")
    assert await small().hear("屋里一股怪味") is first


def test_the_cues_see_danger_and_what_makes_it_harmless() -> None:
    evidence = Evidence(net())
    plain, talk = evidence.row("我摔倒了起不来了"), evidence.row("今天吃面条")
    past = evidence.row("去年我摔倒了起不来了")
    assert len(plain) == len(talk) == len(past)
    assert plain.sum() > talk.sum()
    assert plain[-3] > 0  # a find was kept
    assert past[-3] == 0
    assert past[-2] + past[-1] > 0  # now it is doubted or dropped


def test_every_file_of_sentences_can_be_read() -> None:
    rows = list(sentences())
    assert {row.kind for row in rows} == {*EMERGENCY_KINDS, HARMLESS}
    assert all(row.text for row in rows)


def test_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "flood.yml").write_text("kind: flood\nsentences: |-\n  水\n", encoding="utf-8")
    with pytest.raises(TrainingDataError, match="flood"):
        list(sentences(tmp_path))


def test_cries_among_the_intents_are_learned_as_cries() -> None:
    learned = {row.text: row.kind for row in listener.learned_from(net())}
    assert sum(kind != HARMLESS for kind in learned.values()) > sum(
        row.kind != HARMLESS for row in sentences()
    )


def test_landmarks_are_shared_out_and_do_not_depend_on_order() -> None:
    texts = [f"句子{number}" for number in range(100)]
    labels = ["rare" if number < 5 else "common" for number in range(100)]
    chosen = landmarks(texts, labels, 20)
    assert len(chosen) == 20
    assert [labels[i] for i in chosen].count("rare") == 5
    backwards = landmarks(texts[::-1], labels[::-1], 20)
    assert {texts[i] for i in chosen} == {texts[::-1][i] for i in backwards}


def test_landmarks_answer_much_as_all_sentences_do() -> None:
    texts, kinds = zip(*FEW, strict=True)
    few = KernelModel.fit(texts, kinds, LetterEncoder(), Recipe(cues=0.7, landmarks=9), Evidence(net()))
    assert Listener(few).suspect("管子跑气味道大").kind == "gas"


class Certain:
    """An engine that knows one intent."""

    name = "certain"

    async def classify(self, text: str) -> tuple[Intent, ...]:
        return (Intent(name="chitchat", confidence=0.9),)


class Failing:
    """A listener that has gone deaf."""

    async def hear(self, text: str) -> None:
        raise RuntimeError("no memory left")


async def test_the_parser_joins_what_rules_and_listener_hear() -> None:
    text = "灶上没火还在跑气呢"
    unaided = Parser(Certain(), net(), Extractors(services=(), faults=(), places={}))
    aided = Parser(Certain(), net(), Extractors(services=(), faults=(), places={}), small())
    context = Context(now=NOW)
    assert (await aided.parse(text, context)).emergency != (await unaided.parse(text, context)).emergency


async def test_a_deaf_listener_costs_its_opinion_only() -> None:
    parser = Parser(Certain(), net(), Extractors(services=(), faults=(), places={}), Failing())
    understood = await parser.parse("救命", Context(now=NOW))
    assert understood.intent.name == "chitchat"
    assert understood.emergency is not None
