"""Errors as the outside sees them: RFC 9457 problem documents with a stable code, never a bare 5xx for bad input."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from data.errors import AnlinError, NotFound

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
STATUS = {
    "illegal_move": 409,
    "handoff_taken": 409,
    "slot_full": 409,
    "double_booking": 409,
    "closing_code_missing": 422,
    "community_unknown": 404,
    "not_found": 404,
    "forbidden": 403,
    "staff_unknown": 422,
    "staff_needed": 422,
    "role_unknown": 422,
    "unauthorized": 401,
    "too_many_devices": 429,
}
"""Error code → HTTP status; any other error of ours is a 400, since it has a name and a mend."""


def problem(status: int, code: str, detail: str, **facts: Any) -> Response:
    """A problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    # Escaped to ASCII: what a caller sent may come back in it, also what is no valid Unicode.
    content = json.dumps({**body, **facts}, ensure_ascii=True)
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Make every error of an application a problem document."""

    @app.exception_handler(AnlinError)
    async def known(request: Request, error: AnlinError) -> Response:
        facts = {
            key: value
            for key, value in error.facts.items()
            if isinstance(value, str | int | float | list | None)
        }
        status = 404 if isinstance(error, NotFound) else STATUS.get(error.code, 400)
        return problem(status, error.code, error.for_log, **facts)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"where": ".".join(str(part) for part in found["loc"]), "what": found["msg"]}
            for found in error.errors()
        ]
        detail = "; ".join(f"{each['where']}: {each['what']}" for each in errors[:5])
        return problem(422, "invalid", detail, errors=errors[:20])

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).name.lower()
        answer = problem(error.status_code, code, str(error.detail))
        answer.headers.update(error.headers or {})  # which methods a 405 allows
        return answer

    @app.exception_handler(DBAPIError)
    async def database(request: Request, error: DBAPIError) -> Response:
        log.error("database.failed", kind=type(error.orig).__name__)
        return problem(
            503, "database_unavailable", "The database does not answer; please try again in a moment."
        )
