"""The tables of moves: complete, without dead ends nobody meant, and impossible moves stay impossible (H7)."""

from __future__ import annotations

import pytest

from data import requests
from data.states import IllegalMove, Machine, machine

_MOVES = ("accept", "on_site", "done", "close", "reopen", "cancel")


@pytest.mark.parametrize("kind", sorted(requests.MACHINES))
def test_every_state_can_be_reached_and_every_open_one_left(kind: str) -> None:
    table = requests.MACHINES[kind]
    reached, more = {table.start}, {table.start}
    while more:
        more = {table.after(state, move) for state in more for move in table.possible(state)} - reached
        reached |= more
    assert reached == table.states
    for state in reached - requests.ENDED:
        assert "cancel" in table.possible(state)


@pytest.mark.parametrize("kind", sorted(requests.MACHINES))
def test_a_move_is_possible_or_refused(kind: str) -> None:
    table = requests.MACHINES[kind]
    for state in table.states:
        for move in _MOVES:
            if move in table.possible(state):
                assert table.after(state, move) in table.states
            else:
                with pytest.raises(IllegalMove) as refused:
                    table.after(state, move)
                assert refused.value.facts == {"kind": kind, "state": state, "move": move}


@pytest.mark.parametrize(
    ("kind", "path", "end"),
    [
        ("repair", ["accept", "on_site", "done", "close"], "closed"),
        ("repair", ["accept", "on_site", "done", "reopen", "accept"], "accepted"),
        ("booking", ["done"], "done"),
        ("booking", ["cancel"], "cancelled"),
        ("complaint", ["done", "reopen", "done", "close"], "closed"),
        ("visit", ["accept", "cancel"], "cancelled"),
    ],
)
def test_the_ways_of_the_contract(kind: str, path: list[str], end: str) -> None:
    state = requests.MACHINES[kind].start
    for move in path:
        state = requests.MACHINES[kind].after(state, move)
    assert state == end


def test_what_was_cancelled_stays_cancelled() -> None:
    assert all(not table.possible("cancelled") for table in requests.MACHINES.values())


def test_a_table_is_read_as_it_is_written() -> None:
    door: Machine = machine("door", "open", {"close": ("open, ajar", "shut"), "open": ("shut", "open")})
    assert door.states == {"open", "ajar", "shut"}
    assert door.possible("ajar") == ("close",)
    assert door.after("ajar", "close") == "shut"
