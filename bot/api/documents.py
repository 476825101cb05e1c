"""How errors and examples stand in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from bot.problems import MEDIA_TYPE

_MEANINGS = {
    400: "The body cannot be read",
    401: "No valid token (`unauthorized`)",
    403: "The token's role may not do this (`forbidden`)",
    404: "There is no such thing here (`not_found`, `alarm_not_found`, `community_unknown`)",
    409: "Not possible from its present state (`illegal_move`), or somebody else has it (`handoff_taken`)",
    422: "Something that was sent cannot be used (`invalid`, `staff_needed`, `staff_unknown`, `closing_code_missing`)",
    429: "So many devices wait to be registered that this one is not written down (`too_many_devices`)",
}
_SCHEMA = {"$ref": "#/components/schemas/Problem"}
_ALWAYS = (400, 401, 403, 404, 422)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation: those every operation has, and these."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status in sorted({*_ALWAYS, *statuses})
    }
