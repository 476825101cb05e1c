"""What every page of the desk has around it: who is here, where to go, the alarm bar, the sound, the news."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import Client, ui
from nicegui.language import Language

from bot.desk import reading
from bot.desk.device_bar import DeviceBar
from bot.desk.live import Live
from bot.desk.sign_in import secret_of, token
from bot.desk.visit import NotAllowed, SessionOver, Visit, first_page, spoken, visit_of
from bot.desk.widgets import Part, Tag
from bot.desk.words import LANGUAGES
from data.errors import AnlinError
from data.handoffs import HandoffTaken
from data.states import IllegalMove
from data.work import Work

log = structlog.get_logger(__name__)
_RESYNC = (
    20.0  # seconds between two looks at the product's clock, which in a drill runs faster than the browser's
)


class Shell:
    """One open page."""

    def __init__(self, visit: Visit, client: Client, live: Live, place: str) -> None:
        self.visit, self.client, self.live, self.place = visit, client, live, place
        self.say = visit.words
        self.house = visit.house
        self._bar: Part | None = None
        self._devices: DeviceBar | None = None

    @property
    def now(self) -> datetime:
        return self.visit.now

    @asynccontextmanager
    async def act(self) -> AsyncIterator[Work]:
        """Do something in this person's name; what goes wrong is said in a line, never shown as an error page."""
        try:
            async with self.visit.act(self.place if self.place != "board" else "alarms") as work:
                yield work
        except SessionOver:
            ui.notify(self.say("app.session_over"), type="warning")
            ui.navigate.to("/sign-in")
            raise Refused("the session is over") from None
        except (IllegalMove, HandoffTaken, NotAllowed, AnlinError) as error:
            self._tell(error)
            raise Refused(error.for_log) from error
        except Exception as error:
            reference = secrets.token_hex(4)
            log.exception("desk.action_failed", reference=reference, page=self.place)
            ui.notify(self.say("app.failed", reference=reference), type="negative", timeout=10_000)
            raise Refused(f"failed, see {reference}") from error

    def _tell(self, error: AnlinError) -> None:
        known = {
            "illegal_move": "app.moved_on",
            "handoff_taken": "app.with_another",
            "forbidden": "app.not_allowed",
            "not_found": "app.gone",
            "alarm_not_found": "app.gone",
        }
        key = known.get(error.code)
        if key is None:
            log.warning("desk.action_refused", code=error.code, page=self.place)
        text = self.say(key) if key else self.say("app.failed", reference=error.code)
        ui.notify(text, type="warning", timeout=6_000)

    def frame(self) -> None:
        """Head, navigation, alarm bar. What follows is the page's own."""
        say = self.say
        self.client.title = f"{say('app.' + self.place)} · {say('app.name')}"
        Tag("a", say("app.skip"), "skip", href="#main")
        with Tag("header", css="top"):
            with Tag("a", css="brand", href=first_page(self._places())):
                Tag("img", src="/desk/static/icon.svg", alt="", width="32", height="32")
                Tag("span", say("app.name"))
            with Tag("nav", aria_label=say("app.menu")):
                for place in self._places():
                    here = "page" if place == self.place else None
                    Tag("a", say("app." + place), href=_address(place), aria_current=here)
            with Tag("div", css="me"):
                self._sound_button()
                Tag("span", f"{self.visit.name} · {say.of('role', self.visit.role)}", "who")
                other = next(language for language in LANGUAGES if language != say.language)
                Tag(
                    "a",
                    say("app.other_language"),
                    "quiet",
                    href=f"/desk/language/{other}?back={_address(self.place)}",
                )
                with Tag("form", method="post", action="/desk/sign-out"):
                    csrf = token(secret_of(self.house.settings.home), self.visit.secret)
                    Tag("input", type="hidden", name="csrf", value=csrf)
                    Tag("button", say("app.sign_out"), "quiet", type="submit")
        self._bar = Part("div", "bar", role="alert")
        self._devices = DeviceBar(self)

    def _places(self) -> tuple[str, ...]:
        return tuple(place for place in ("board", "alarms", "handoffs", "requests") if self.visit.may(place))

    def _sound_button(self) -> None:
        """Off until it is pressed once: browsers let a page sound only then, and the button says so."""
        say = self.say
        Tag(
            "button",
            say("app.sound_on"),
            "sound off",
            type="button",
            title=say("app.sound_why"),
            data_off=say("app.sound_on"),
            data_on=say("app.sound_is_on"),
            aria_pressed="false",
        )

    async def start(self) -> None:
        """After the page has drawn itself: show alarms, follow the news, keep the browser's clock in step."""
        await self._alarms(frozenset())
        self.live.watch({"alarm"}, self._alarms)
        if self._devices is not None:
            await self._devices.refresh()
            self.live.watch({"device"}, self._devices.refresh)
            ui.timer(_RESYNC, self._devices.refresh, immediate=False)
        self.live.start()
        self._sync()
        ui.timer(1.0, self._sync, once=True)
        ui.timer(_RESYNC, self._sync)

    def _sync(self) -> None:
        ui.run_javascript(f"anlin.clock({self.house.clock.now().timestamp() * 1000:.0f})")

    async def _alarms(self, _: frozenset[str]) -> None:
        """The bar on every page: how many alarms nobody has taken, and where."""
        async with self.visit.look() as work:
            waiting = [alarm for alarm in await reading.open_alarms(work, self.visit) if alarm.waiting]
        if self._bar is not None:
            self._bar.show(
                tuple((alarm.id, alarm.place, alarm.kind) for alarm in waiting),
                lambda: self._draw_bar(waiting),
            )
        urgent = [alarm for alarm in waiting if alarm.level < 5]
        newest = max((alarm.id for alarm in urgent), default=0)
        title = self.say("app.title_alarm", count=len(urgent))
        ui.run_javascript(f"anlin.alarms({len(urgent)}, {newest}, {title!r})")

    def _draw_bar(self, waiting: list[reading.AlarmView]) -> None:
        if not waiting or self.place in ("alarms", "board"):
            return
        say = self.say
        first = waiting[0]
        count = "app.bar_one" if len(waiting) == 1 else "app.bar_many"
        with Tag("p"):
            Tag("strong", say(count, count=len(waiting)))
            Tag("span", f"{first.place or say('alarm.place_unknown')} · {say.of('kind', first.kind)}")
            if self.visit.may("alarms"):
                Tag("a", say("app.bar_go"), "act", href="/desk/alarms")
            else:
                Tag("span", say("app.bar_call"))


class Refused(AnlinError):
    """An action at the desk did not take place, and the person has been told why."""

    code = "refused"


Build = Callable[[Shell], Awaitable[None]]


class _Page(ui.page):
    """A page in the language of whoever asked for it."""

    def resolve_language(self) -> Language | None:
        return "zh-CN" if spoken.get() == "zh" else "en-US"


def page(place: str, path: str) -> Callable[[Build], Build]:
    """Register a page of the desk: only for whom it may concern, with frame and news around it."""

    def register(build: Build) -> Build:
        @_Page(path, response_timeout=15.0)
        async def show(request: Request, client: Client) -> Response | None:
            visit = await visit_of(request.scope["house"], request)
            if visit is None:
                return RedirectResponse(f"/desk/sign-in?then={_address(place)}", status_code=303)
            if not visit.may(place):
                return RedirectResponse("/desk/requests", status_code=303)
            ui.add_head_html('<link rel="stylesheet" href="/desk/static/desk.css">')
            ui.add_head_html('<script src="/desk/static/desk.js"></script>')
            shell = Shell(visit, client, await Live.begin(visit, client), place)
            shell.frame()
            with Tag("main", css=f"page {place}", id="main", tabindex="-1"):
                await build(shell)
            await shell.start()
            return None

        return build

    return register


def _address(place: str) -> str:
    return "/desk/" if place == "board" else f"/desk/{place}"


refused = contextlib.suppress(Refused)
"""`with refused:` around an action: the person has been told already."""
