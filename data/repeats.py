"""When something repeated happens next: RFC 5545 rules on a community's clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr


def next_occurrence(rule: str, *, start: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first occurrence strictly after `after`, aware, or None when the rule has ended.

    The rule runs on wall-clock time in `zone` (eight in the morning stays eight through a clock change), counted
    from `start`. Raises ValueError for a rule that is none.
    """
    local_start = start.astimezone(zone).replace(tzinfo=None)
    local_after = after.astimezone(zone).replace(tzinfo=None)
    parsed = rrulestr(rule, dtstart=local_start)
    found = parsed.after(local_after)
    while found is not None:
        moment = found.replace(tzinfo=zone)
        if moment > after:
            return moment
        found = parsed.after(found)
    return None
