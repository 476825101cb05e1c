"""What is said: the same in both languages, all of it used, short, one question a time, and fit for the ear."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from flows import registry
from flows.replies import Replies, RepliesInvalid, Variant, placeholders

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("zh", "en")
LONGEST = {"zh": 90, "en": 260}  # characters without what is filled in
_LATER = frozenset({"button_yes", "button_no"})  # small words for flows that communities add
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_JARGON = re.compile(
    r"系统|后台|数据库|槽位|意图|会话|接口|参数|工单|超时|无效|非法|异常|报错|ticket|database|slot|intent|invalid|timeout|session",
    re.IGNORECASE,
)


@lru_cache
def replies() -> Replies:
    return Replies.load()


def every() -> list[tuple[str, str]]:
    return [(language, key) for language in LANGUAGES for key in sorted(replies().keys(language))]


@lru_cache
def spoken_of() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Every string in the code and its tables that may name a reply, and every f-string as a pattern."""
    literals: set[str] = set()
    patterns: set[str] = set()
    for path in (*ROOT.glob("flows/*.py"), *ROOT.glob("bot/**/*.py"), *ROOT.glob("data/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(part.value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else r"\w+"
                    for part in node.values
                ]
                fixed = "".join(part for part in parts if part != r"\w+").replace("_", "")
                if len(fixed) >= 3 and parts[0] != r"\w+":
                    patterns.add("".join(parts))
    for path in ROOT.glob("flows/*.yml"):
        literals |= set(re.findall(r"\w+", path.read_text("utf-8")))
    return frozenset(literals), tuple(re.compile(pattern) for pattern in patterns)


def is_used(key: str) -> bool:
    literals, patterns = spoken_of()
    if key in literals or any(pattern.fullmatch(key) for pattern in (*patterns, *_FAMILIES)):
        return True
    names = {flow.name for flow in registry.engine().flows.values()}
    base = re.sub(r"_(again|short|title|confirm|cancelled|all|building|unit|room|home|note)$", "", key)
    return base != key and (base in names or is_used(base))


_FAMILIES = (re.compile(r"(status|change|cancel)_ask_which"), re.compile(r"person_summary(_doing)?(_said)?"))
"""Keys that the code puts together from parts."""


def test_both_languages_have_the_same_replies() -> None:
    assert replies().keys("zh") == replies().keys("en")


def test_both_languages_name_the_same_facts_and_offer_the_same_buttons() -> None:
    for key in replies().keys("zh"):
        named, offered = [], []
        for language in LANGUAGES:
            variants = replies().variants(key, language)
            named.append({name for one in variants for name in placeholders(one.text)})
            offered.append([button.payload for button in variants[0].buttons])
        assert named[0] == named[1], key
        assert offered[0] == offered[1], key


def test_every_reply_is_used() -> None:
    assert [key for key in sorted(replies().keys("zh") - _LATER) if not is_used(key)] == []


def test_every_reply_that_is_said_exists() -> None:
    """Literal keys of say("…"), render("…"), button("…") and of questions and refusals."""
    known, missing = replies().keys("zh"), set()
    for path in ROOT.glob("flows/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [word.value for word in node.keywords if word.arg == "reply"] if name == "Ask" else []
            named += [word.value for word in node.keywords if word.arg == "ask"] if name == "Slot" else []
            named += node.args[:1] if name in ("say", "render") else []
            named += node.args[:1] if name == "button" else []
            missing |= {
                f"{path.name}: {one.value}"
                for one in named
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value not in known
            }
    assert missing == set()


@pytest.mark.parametrize("flow", sorted(registry.engine().flows.values(), key=lambda one: one.name))
def test_every_flow_has_the_words_that_the_engine_says_for_it(flow: object) -> None:
    known = replies().keys("zh")
    name, parks = getattr(flow, "name"), getattr(flow, "parks")  # noqa: B009
    if getattr(flow, "confirms"):  # noqa: B009
        assert f"{name}_confirm" in known
    own_words = type(flow).cancelled.__qualname__ != "Flow.cancelled"
    if parks and not own_words:
        assert f"{name}_cancelled" in known


def faults(language: str, variant: Variant) -> list[str]:
    """What is wrong with a wording."""
    bare = re.sub(r"\{\w+\}", "", variant.text)
    marked = any("/rate" in button.payload for button in variant.buttons)
    wrong = {
        "too long": len(bare) > LONGEST[language],
        "shouts, or spells out an address": re.search(r"[!！]|https?:|www\.", bare),
        "emoji": _EMOJI.search(bare),
        "jargon": _JARGON.search(bare),
        "more than one question": len(re.findall(r"[?？]", bare)) > 1,
        "blanks around it": variant.text != variant.text.strip(),
        "too many choices": len(variant.buttons) > 3 and not marked,
        "a button that is none": any(not button.payload.startswith("/") for button in variant.buttons),
        "a long button": any(len(one.title) > (10 if language == "zh" else 30) for one in variant.buttons),
        "western marks": language == "zh" and re.search(r"[,?;:](?!\d)", bare),
        "not 您": language == "zh" and "你" in bare,
    }
    return [name for name, found in wrong.items() if found]


def test_every_reply_is_short_and_plain_and_polite() -> None:
    found = {
        f"{language} {key}: {', '.join(wrong)}: {variant.text}"
        for language, key in every()
        for variant in replies().variants(key, language)
        if (wrong := faults(language, variant))
    }
    assert found == set()


def test_what_is_spoken_is_fit_for_the_ear() -> None:
    for language, key in every():
        for number, variant in enumerate(replies().variants(key, language)):
            facts = dict.fromkeys(placeholders(variant.text) | placeholders(variant.speech or ""), "X")
            said = replies().render(key, language, turn=number, **facts)
            assert not re.search(r"[()（）\[\]【】<>*#_/]", said.speech or said.text), key


def test_several_wordings_differ() -> None:
    for language, key in every():
        said = [variant.text for variant in replies().variants(key, language)]
        assert len(set(said)) == len(said), key


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("好的！", "shouts, or spells out an address"),
        ("行吗？好吗？", "more than one question"),
        ("系统出错", "jargon"),
        ("你好", "not 您"),
        ("好😀", "emoji"),
        ("啊" * 91, "too long"),
    ],
)
def test_the_faults_are_found(text: str, fault: str) -> None:
    assert faults("zh", Variant(text=text, speech=None, buttons=(), emergency=False)) == [fault]


def test_brackets_become_commas_aloud(tmp_path: Path) -> None:
    folder = tmp_path / "zh"
    folder.mkdir()
    (folder / "a.yml").write_text(
        'responses:\n  utter_x:\n    - text: "{day}上午，好吗？"\n    - text: "{day}的理发（免费）。"\n',
        "utf-8",
    )
    loaded = Replies.load(tmp_path)
    day = "明天（11月24日）"
    assert loaded.render("x", "zh", day=day).speech == "明天，11月24日，上午，好吗？"
    assert loaded.render("x", "zh", turn=1, day=day).speech == "明天，11月24日的理发，免费。"
    assert loaded.render("x", "zh", turn=1, day=day).text == "明天（11月24日）的理发（免费）。"


@pytest.mark.parametrize(
    "content",
    [
        "responses:\n  x:\n    - text: a\n",
        "responses:\n  utter_x: []\n",
        "responses:\n  utter_x:\n    - speech: a\n",
        "responses:\n  utter_x:\n    - {channel: voice, text: a}\n",
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "zh"
    folder.mkdir()
    (folder / "bad.yml").write_text(content, "utf-8")
    with pytest.raises(RepliesInvalid, match=r"bad\.yml"):
        Replies.load(tmp_path)
