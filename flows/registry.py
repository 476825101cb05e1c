"""Every flow, aside and timer handler, in one list: where a new flow is entered."""

from __future__ import annotations

from collections.abc import Mapping

from flows import booking, devices, emergency, handoff, knowledge, meeting, repair, status
from flows.due import Handler
from flows.engine import Engine


def engine() -> Engine:
    """The engine with every flow and aside of the product."""
    return Engine(
        flows=[
            *emergency.FLOWS,
            *booking.FLOWS,
            *handoff.FLOWS,
            *meeting.FLOWS,
            *repair.FLOWS,
            *status.FLOWS,
        ],
        asides=[*handoff.ASIDES, *knowledge.ASIDES],
    )


TIMERS: Mapping[str, Handler] = {**emergency.TIMERS, **devices.TIMERS}
"""Timer kind → its handler."""
