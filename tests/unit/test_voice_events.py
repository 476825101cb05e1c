"""The terminal's messages survive the wire, and nothing else gets in (N3)."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.events import BadEvent, Event, Hello, Message, Sos, decode, decode_from_terminal, encode, type_name

ANY = st.one_of(*(st.from_type(kind) for kind in get_args(Event)))


@given(ANY)
def test_there_and_back(event: Event) -> None:
    frame = encode(event)
    if len(frame) <= 8_000:
        assert decode(frame) == event


def test_what_it_looks_like() -> None:
    assert (
        encode(Hello(language="zh", after="7"))
        == '{"type":"hello","language":"zh","after":"7","microphone":"off"}'
    )
    assert type_name(Message) == "message"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        "{}",
        '{"type":7}',
        '{"type":"sos"}',
        '{"type":"sos","id":1}',
        '{"type":"hello","language":"fr"}',
        '{"type":"listen","on":1}',
        '{"type":"stop_audio","ids":"a"}',
        "x" * 9000,
    ],
)
def test_anything_else_is_refused(frame: str) -> None:
    with pytest.raises(BadEvent):
        decode(frame)


def test_a_terminal_cannot_speak_for_the_service() -> None:
    assert decode_from_terminal('{"type":"sos","id":"1","new":true}') == Sos(id="1")
    with pytest.raises(BadEvent):
        decode_from_terminal('{"type":"pong"}')
