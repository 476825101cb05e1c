"""Every flow, aside and timer handler, in one list: where a new flow is entered."""

from __future__ import annotations

from collections.abc import Mapping

from flows import (
    booking,
    checkin,
    complaint,
    contacts,
    devices,
    emergency,
    handoff,
    knowledge,
    meeting,
    profile,
    profile_people,
    profile_rights,
    rating,
    reminders,
    reopen,
    repair,
    silence,
    status,
    volunteer,
)
from flows.due import Handler
from flows.engine import Engine


def engine() -> Engine:
    """The engine with every flow and aside of the product."""
    return Engine(
        flows=[
            *emergency.FLOWS,
            *checkin.FLOWS,
            *booking.FLOWS,
            *repair.FLOWS,
            *complaint.FLOWS,
            *rating.FLOWS,
            *reopen.FLOWS,
            *contacts.FLOWS,
            *reminders.FLOWS,
            *status.FLOWS,
            *volunteer.FLOWS,
            *handoff.FLOWS,
            *meeting.FLOWS,
            *profile.FLOWS,
            *profile_people.FLOWS,
            *profile_rights.FLOWS,
            *knowledge.FLOWS,
        ],
        # Later ones win where two answer the same intent.
        asides=[*knowledge.ASIDES, *checkin.ASIDES, *reminders.ASIDES],
    )


TIMERS: Mapping[str, Handler] = {
    **emergency.TIMERS,
    **booking.TIMERS,
    **checkin.TIMERS,
    **reminders.TIMERS,
    **devices.TIMERS,
    **contacts.TIMERS,
    **silence.TIMERS,
    **profile_rights.TIMERS,
}
"""Timer kind → its handler."""
