"""The REST interface for staff tools and other systems, as one application under /api/v1 (H16)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from bot import problems
from bot.api import (
    alarms,
    audit,
    checkins,
    conversations,
    handoffs,
    questions,
    reminders,
    reports,
    requests,
    residents,
    services,
    shapes,
    signals,
    staff,
)
from bot.api.access import Access
from bot.house import House

_DESCRIPTION = """\
Everything the staff desk does, for other programs.

**Signing in.** `Authorization: Bearer <token>`. `anlin token add NAME --role ROLE` makes a token; the one in
`ANLIN_ADMIN_TOKEN` is there from the start. Roles: officer, repairer, lead, admin, and `device`, which may only report.

**Lists** answer `{"items": […], "next": cursor or null}`, newest first; send `next` back as `after`.

**Moves** are sub-resources: `POST /alarms/{id}/acknowledge`. They take `{}` or `{"note", "as"}`; with `as` an
administrator names the member of staff in whose name it is done. `{id}` is the id or the number people say.

**Errors** are RFC 9457 problem documents with a stable `code`. Times are ISO 8601 with offset.
"""
_TAGS = {
    "residents": "Who lives here",
    "requests": "Repairs, bookings, complaints, suggestions, visits, offers of help, hours given",
    "alarms": "Emergencies and their ladder",
    "handoffs": "Conversations that need a person",
    "reminders": "What residents asked to be reminded of",
    "checkins": "The daily question to elders who live alone",
    "signals": "Buttons, detectors, sensors, and what they report",
    "services": "The catalogue",
    "staff": "Who works here",
    "roster": "Who is on duty when",
    "conversations": "What was said",
    "questions": "What was asked and is not known",
    "audit": "Who saw and did what",
    "reports": "Figures",
}
_ROOMS = (
    residents,
    requests,
    alarms,
    handoffs,
    reminders,
    checkins,
    signals,
    services,
    staff,
    conversations,
    questions,
    audit,
    reports,
)


class _Api(FastAPI):
    """FastAPI with the problem document among the schemas."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", shapes.Problem.model_json_schema())
        return document


def build_api(house: House) -> FastAPI:
    """The sub-application that `bot.app` mounts at /api/v1."""
    app = _Api(
        title="Anlin 安邻",
        version="1",
        summary="Staff and systems interface",
        description=_DESCRIPTION,
        openapi_url="/openapi.json",
        openapi_tags=[{"name": name, "description": what} for name, what in _TAGS.items()],
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "/api/v1"}],
        root_path_in_servers=False,
    )
    problems.install(app)
    access = Access(house)
    for room in _ROOMS:
        app.include_router(room.build(access))
    return app
