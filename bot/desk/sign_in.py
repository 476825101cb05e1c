"""The staff's front door: signing in and out, and the choice of language (P5, H14).

Plain HTML without any script, so that password managers and old browsers work. The form carries a token that belongs
to a cookie of the same browser, signed with a secret of this installation: no other site can sign somebody in or out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot.desk.visit import COOKIE, LANGUAGE, language_of, visit_of
from bot.desk.words import LANGUAGES, Words, words
from bot.house import House
from data import demo_fill, staff
from data.work import Work

FORM_COOKIE: Final = "anlin_desk_form"
_PAGE = Template((Path(__file__).parent / "static" / "sign_in.html").read_text("utf-8"))
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; form-action 'self'; frame-ancestors 'none'",
}
_LONGEST = 200


def secret_of(home: Path) -> bytes:
    """The desk's own secret, from its file in the home folder; made on first use, readable by its owner only."""
    path = home / "desk.secret"
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text("ascii").strip())
    made = secrets.token_bytes(32)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made.hex())
    return made


def token(secret: bytes, browser: str) -> str:
    """The form token that belongs to a browser's cookie."""
    return hmac.new(secret, browser.encode(), hashlib.sha256).hexdigest()


def build_sign_in(house: House, *, begin: Callable[[], object]) -> APIRouter:
    """The routes; `begin` is called when somebody opens the door, so that the rooms behind it are warm."""
    router = APIRouter(prefix="/desk", include_in_schema=False)
    door = _Door(house, secret_of(house.settings.home))

    @router.get("/sign-in")
    async def show(request: Request, then: str = "", left: bool = False) -> Response:
        begin()
        if not left and await visit_of(house, request) is not None:
            return RedirectResponse(_inside(then), status_code=303)
        return door.page(request, then=then, message="sign_in.signed_out" if left else None)

    @router.post("/sign-in")
    async def enter(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        csrf: Annotated[str, Form()] = "",
        then: Annotated[str, Form()] = "",
    ) -> Response:
        return await door.enter(request, name.strip()[:_LONGEST], password[:_LONGEST], csrf, then)

    @router.post("/sign-out")
    async def leave(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        session = request.cookies.get(COOKIE, "")
        if not hmac.compare_digest(csrf.encode(), token(door.secret, session).encode()):
            return RedirectResponse("/desk/sign-in", status_code=303)
        async with house.work("desk") as work:
            await staff.sign_out(work, session)
        answer = RedirectResponse("/desk/sign-in?left=true", status_code=303)
        answer.delete_cookie(COOKIE, path="/desk")
        return answer

    @router.get("/language/{chosen}")
    async def language(chosen: str, back: str = "") -> Response:
        answer = RedirectResponse(_inside(back), status_code=303)
        if chosen in LANGUAGES:
            answer.set_cookie(LANGUAGE, chosen, path="/desk", samesite="lax", max_age=31_536_000)
        return answer

    return router


class _Door:
    def __init__(self, house: House, secret: bytes) -> None:
        self._house = house
        self.secret = secret

    async def enter(self, request: Request, name: str, password: str, csrf: str, then: str) -> Response:
        """Check name and password; every failure is counted, so the work is committed in any case."""
        browser = request.cookies.get(FORM_COOKIE, "")
        if not browser or not hmac.compare_digest(csrf.encode(), token(self.secret, browser).encode()):
            return self.page(request, then=then, name=name, message="sign_in.stale", status=403)
        session, message, facts = "", "sign_in.wrong", dict[str, str]()
        async with self._house.work("desk") as work:
            try:
                session = await staff.sign_in(work, staff_id=name, password=password)
            except staff.SignInLocked as error:
                until = _local(work, str(error.facts["until"]))
                message, facts = "sign_in.locked", {"time": until}
            except staff.SignInFailed:
                pass
        if not session:
            status = 429 if message == "sign_in.locked" else 401
            return self.page(request, then=then, name=name, message=message, status=status, **facts)
        answer = RedirectResponse(_inside(then), status_code=303)
        answer.set_cookie(
            COOKIE,
            session,
            path="/desk",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            max_age=int(staff.SESSION.total_seconds()),
        )
        answer.delete_cookie(FORM_COOKIE, path="/desk")
        return answer

    def page(
        self,
        request: Request,
        *,
        then: str,
        message: str | None,
        name: str = "",
        status: int = 200,
        **facts: str,
    ) -> Response:
        """The form, with a fresh token for a browser that has none."""
        say = words(language_of(request))
        browser = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        other = next(language for language in LANGUAGES if language != say.language)
        answer = HTMLResponse(
            _PAGE.substitute(
                language="zh-CN" if say.language == "zh" else say.language,
                csrf=token(self.secret, browser),
                then=escape(then[:_LONGEST]),
                name=escape(name),
                autofocus_name="" if name else "autofocus",
                autofocus_password="autofocus" if name else "",
                message=_message(say, message, facts),
                demo=_demo(say, self._house.demo_staff),
                other=other,
                **{
                    key.replace(".", "_"): escape(say(key))
                    for key in (
                        "app.name",
                        "app.other_language",
                        "sign_in.title",
                        "sign_in.intro",
                        "sign_in.name",
                        "sign_in.password",
                        "sign_in.go",
                    )
                },
            ),
            status_code=status,
            headers=_HEADERS,
        )
        answer.set_cookie(
            FORM_COOKIE,
            browser,
            path="/desk",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer


def _message(say: Words, key: str | None, facts: dict[str, str]) -> str:
    if key is None:
        return ""
    good = key == "sign_in.signed_out"
    role, sign = ("status", "✓") if good else ("alert", "!")
    return (
        f'<p class="message {role}" role="{role}"><b aria-hidden="true">{sign}</b> '
        f"{escape(say(key, **facts))}</p>"
    )


def _demo(say: Words, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    listed = "".join(f"<li>{escape(name)}</li>" for name in names)
    password = escape(say("sign_in.demo_password", password=demo_fill.PASSWORD))
    return f"<aside><h2>{escape(say('sign_in.demo'))}</h2><ul>{listed}</ul><p>{password}</p></aside>"


def _inside(then: str) -> str:
    """Only a page of the desk is a place to go on to."""
    good = then.startswith("/desk/") and not then.startswith("/desk//") and "\\" not in then
    return then if good and then.isprintable() and not then.startswith("/desk/sign-") else "/desk/"


def _local(work: Work, moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(work.zone):%H:%M}"
