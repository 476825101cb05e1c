"""State machines as tables: every move, the states it is possible from, and the state it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data.errors import AnlinError


class IllegalMove(AnlinError):
    """The case is not in a state from which this move is possible."""

    code = "illegal_move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The moves of one kind of case."""

    name: str  # e.g. repair
    start: str  # the state a new case is in
    moves: Mapping[str, tuple[frozenset[str], str]]  # move → (from any of these, to this)

    @property
    def states(self) -> frozenset[str]:
        """Every state that can be reached."""
        reached = {self.start}
        for sources, target in self.moves.values():
            reached |= sources | {target}
        return frozenset(reached)

    def after(self, state: str, move: str) -> str:
        """The state after `move`; raises IllegalMove when it is not possible from `state`."""
        sources, target = self.moves.get(move, (frozenset(), ""))
        if state not in sources:
            raise IllegalMove(f"{self.name}: {move} from {state}", kind=self.name, state=state, move=move)
        return target

    def possible(self, state: str) -> tuple[str, ...]:
        """The moves that are possible from `state`, in the order of the table."""
        return tuple(move for move, (sources, _) in self.moves.items() if state in sources)


def machine(name: str, start: str, moves: Mapping[str, tuple[str, str]]) -> Machine:
    """Read a table written as move → ("from, from", "to")."""
    return Machine(
        name=name,
        start=start,
        moves={
            move: (frozenset(part.strip() for part in sources.split(",")), target)
            for move, (sources, target) in moves.items()
        },
    )
