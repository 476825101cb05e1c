"""How long texts are parted and how fast messages may go (N1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram_sending import Gate, Limits, _keyboard, split
from bot.outbox import Delivery


def units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


@given(st.text(alphabet=st.sampled_from("长字😀a \n。，.")), st.integers(2, 40))
def test_parts_fit_and_nothing_but_pauses_is_lost(text: str, longest: int) -> None:
    parts = split(text, longest)

    assert all(0 < units(part) <= longest for part in parts if part.strip())
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_long_text_is_parted_where_a_reader_pauses() -> None:
    assert split("第一句话。第二句话。第三句", 12) == ["第一句话。第二句话。", "第三句"]
    assert split("第一行\n第二行，还没完", 7) == ["第一行", "第二行，还没完"]
    assert split("") == []


class Stands:
    """A moment that is moved by hand, in seconds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_message_a_second_to_a_chat_and_others_do_not_wait() -> None:
    gate = Gate(Limits(), Stands())

    assert [gate.wait("a"), gate.wait("a"), gate.wait("a"), gate.wait("b")] == [0, 1, 2, 0]


def test_an_emergency_does_not_wait_but_is_counted() -> None:
    gate = Gate(Limits(), Stands())
    gate.wait("a")

    assert gate.wait("a", urgent=True) == 0
    assert gate.wait("a") == 2


def test_no_more_than_thirty_a_second_in_all() -> None:
    stands = Stands()
    gate = Gate(Limits(), stands)

    waits = [gate.wait(f"chat {number}") for number in range(90)]

    assert max(waits[:30]) < 1e-6
    assert 1.9 < waits[-1] < 2.1
    stands.now += 60
    assert gate.wait("later") == 0


def test_a_number_to_dial_is_no_button_there_since_the_one_in_the_text_dials() -> None:
    dial = {"title": "199 0003 0001", "payload": "tel:+8619900030001"}
    yes = {"title": "好", "payload": "/affirm"}
    both = _keyboard(Delivery(id=1, target="7", body={"text": "", "buttons": [dial, yes]}, attempts=1))
    assert both is not None
    assert [row[0].text for row in both.inline_keyboard] == ["好"]
    assert _keyboard(Delivery(id=1, target="7", body={"text": "", "buttons": [dial]}, attempts=1)) is None
