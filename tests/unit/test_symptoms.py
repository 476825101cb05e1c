"""Signs of danger and illness, and what is denied or means something else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.symptoms import SymptomTableError, find_symptoms, load_symptoms
from nlu.understanding import EMERGENCY_KINDS

BITS = st.sampled_from(
    [
        "我",
        "胸口",
        "头",
        "肚子",
        "有点",
        "很",
        "疼",
        "晕",
        "没",
        "不",
        "摔",
        "倒",
        "了",
        "煤气",
        "味",
        "着火",
        "血",
        " ",
        "fell",
    ]
)


def test_a_sign_names_its_key_its_kind_and_its_words() -> None:
    [sign] = find_symptoms("刚才我爸在厕所里摔倒了")
    assert (sign.value, sign.text, sign.extra["kind"]) == ("fall", "摔倒了", "fall")


def test_a_traditional_message_keeps_its_own_words() -> None:
    [sign] = find_symptoms("老婆頭暈得厲害")
    assert (sign.value, sign.text[:2]) == ("dizzy", "頭暈")


def test_two_signs_stand_in_their_order() -> None:
    assert [sign.value for sign in find_symptoms("头晕,还想吐,胸口闷")] == [
        "dizzy",
        "vomiting",
        "chest_tightness",
    ]


@pytest.mark.parametrize("text", ["胸口不疼", "没摔着", "没有煤气味", "头不晕了", "我不是想死,是想死你了"])
def test_what_is_denied_is_no_sign(text: str) -> None:
    assert find_symptoms(text) == []


def test_every_row_has_a_kind_and_names() -> None:
    for key, symptom in load_symptoms().items():
        assert symptom.key == key
        assert symptom.kind in EMERGENCY_KINDS
        assert set(symptom.name) == {"zh", "en"}


def test_a_broken_table_says_where(tmp_path: Path) -> None:
    file = tmp_path / "symptoms.yml"
    file.write_text(
        "words: {}\nsymptoms: {pain: {kind: medical, name: {}, says: ['{where}疼']}}\n", encoding="utf-8"
    )
    with pytest.raises(SymptomTableError, match="pain"):
        load_symptoms(file)


@settings(max_examples=150, deadline=None)
@given(st.lists(BITS, max_size=14).map("".join) | st.text(max_size=40))
def test_nothing_raises_and_spans_cut_the_text(text: str) -> None:
    end = 0
    for sign in find_symptoms(text):
        assert sign.text == text[sign.start : sign.end]
        assert sign.start >= end
        end = sign.end
