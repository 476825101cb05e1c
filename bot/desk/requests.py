"""Cases: what is open, how its clocks stand, what happened, and the moves that are possible now (H6–H8)."""

from __future__ import annotations

from functools import partial
from typing import Final

from nicegui import ui

from bot.desk import reading
from bot.desk.clocks import MARKS, clock, label_of
from bot.desk.reading import CaseDetail, CaseView
from bot.desk.shell import Shell, page, refused
from bot.desk.visit import NotAllowed
from bot.desk.widgets import Part, Rows, Tag, button, focus, pair
from flows import cases

_LETTERS: Final = frozenset({"complaint", "suggestion"})
_ASKS: Final = {"done": "note_done", "cancel": "note_cancel", "reopen": "note_reopen"}
"""Moves that ask for a line; those of `done` and `cancel` are told to the resident (flows/cases.py)."""
_REDRAW = 30.0  # seconds after which colours are worked out anew without any news


@page("requests", "/requests")
async def show(shell: Shell) -> None:
    """The list on the left; on a phone the list or the case."""
    Tag("h1", shell.say("case.title"), "unseen")
    asked = shell.client.request.query_params
    await Desk(shell, kind=asked.get("kind", "")).build(asked.get("id", ""))


class Desk:
    """The list, its filters, and the case that was chosen from it."""

    def __init__(self, shell: Shell, *, kind: str) -> None:
        self.shell = shell
        self._kind: str | None = kind if kind in shell.visit.kinds else None
        self._ended = False
        self._found: list[CaseView] = []
        self._open: Case | None = None

    async def build(self, chosen: str) -> None:
        """Draw; `chosen` is the number or id in the address."""
        say = self.shell.say
        self._split = Tag("div", css="split", data_open="false")
        with self._split:
            with Tag("section", css="list", aria_label=say("case.title")):
                with Tag("div", css="filters"):
                    self._draw_filters()
                self._list = Rows(say("case.none"))
            self._detail = Tag("section", css="detail")
        await self.refresh(frozenset())
        if chosen:
            await self.choose(chosen)
        else:
            self._draw_nothing()
        self.shell.live.watch({"request"}, self.refresh)
        self.shell.live.watch({"request"}, self._refresh_case)
        ui.timer(_REDRAW, partial(self.refresh, frozenset()))

    async def refresh(self, _: frozenset[str]) -> None:
        """The list."""
        kind, ended = self._kind, self._ended
        async with self.shell.visit.look() as work:
            found = await reading.cases(work, self.shell.visit, kind=kind, ended=ended)
        if (kind, ended) == (self._kind, self._ended):  # else somebody has pressed another filter meanwhile
            self._found = found
            self._draw()

    async def _refresh_case(self, subjects: frozenset[str]) -> None:
        if self._open is not None and f"request:{self._open.id}" in subjects:
            await self._open.refresh()

    async def choose(self, reference: str) -> None:
        """Open a case."""
        async with self.shell.visit.look() as work:
            found = await reading.case_detail(work, self.shell.visit, reference)
        if found is None:
            self._draw_nothing()
            return
        self._detail.clear()
        with self._detail:
            self._open = Case(self.shell, found, self)
        self._split.set(data_open="true")
        self._draw()
        ui.navigate.history.replace(f"/requests?id={found.case.number}")

    async def leave(self) -> None:
        """Back to the list."""
        self._open = None
        self._draw_nothing()
        self._split.set(data_open="false")
        self._draw()
        ui.navigate.history.replace("/requests")

    async def _filter_kind(self, kind: str | None) -> None:
        self._kind = kind
        self._mark_filters()
        await self.refresh(frozenset())

    async def _filter_progress(self, ended: bool) -> None:
        self._ended = ended
        self._mark_filters()
        await self.refresh(frozenset())

    def _draw_filters(self) -> None:
        """Drawn once: a filter that is pressed while another's answer comes is still there."""
        say, kinds = self.shell.say, self.shell.visit.kinds
        self._filters: dict[str | bool | None, Tag] = {}
        if len(kinds) > 1:
            with Tag("div", css="choice", role="group", aria_label=say("case.kinds")):
                for kind in (None, *kinds):
                    name = say.of("case", kind) if kind else say("app.all")
                    self._filters[kind] = button(name, partial(self._filter_kind, kind), "choose")
        with Tag("div", css="choice", role="group", aria_label=say("case.states")):
            for ended in (False, True):
                name = say("case.finished" if ended else "case.unfinished")
                self._filters[ended] = button(name, partial(self._filter_progress, ended), "choose")
        self._mark_filters()

    def _mark_filters(self) -> None:
        for choice, made in self._filters.items():
            pressed = choice == self._ended if isinstance(choice, bool) else choice == self._kind
            made.set(aria_pressed="true" if pressed else "false")

    def _draw(self) -> None:
        open_id = self._open.id if self._open is not None else None
        self._list.show(
            [
                (one.id, (one, one.id == open_id), partial(self._draw_entry, one, one.id == open_id))
                for one in self._found
            ]
        )

    def _draw_entry(self, one: CaseView, here: bool) -> None:
        row = button("", partial(self.choose, one.number), f"entry {one.colour}")
        row.set(id=f"case-{one.id}", aria_current="true" if here else None)
        with row:
            self._draw_row(one)

    def _draw_row(self, one: CaseView) -> None:
        say = self.shell.say
        with Tag("span", css="line"):
            if one.colour != "blue":
                with Tag("span", css=f"clock {one.colour}"):
                    Tag("span", MARKS[one.colour], "mark", aria_hidden="true")
                    Tag("strong", say.of("colour", one.colour))
            Tag("strong", one.title, "name")
            if one.urgency == "urgent":
                Tag("span", say("urgency.urgent"), "tag urgent")
            Tag("span", say.of("state", one.state), f"tag {one.state}")
            Tag("time", say.stamp(one.starts_at or one.created_at, self.shell.now), "age")
        with Tag("span", css="line small"):
            Tag("span", say.of("case", one.kind))
            Tag("span", one.place or "")
            Tag("span", one.name or "")
            Tag("span", one.number, "number")

    def _draw_nothing(self) -> None:
        self._detail.clear()
        with self._detail:
            Tag("p", self.shell.say("case.choose"), "none")


class Case:
    """One case."""

    def __init__(self, shell: Shell, found: CaseDetail, desk: Desk) -> None:
        self.shell = shell
        self.id = found.case.id
        self._number = found.case.number
        with Tag("div", css="case"):
            with Tag("div", css="head"):
                button("‹", desk.leave, "act back", label=shell.say("case.back"))
                self._head = Part("div", "title")
            self._moves = Part("div", "moves")
            self._clocks = Part("div", "promises")
            self._facts = Part("div", "facts")
            self._history = Part("div", "steps")
        self._show(found)

    async def refresh(self) -> None:
        """Draw what changed."""
        async with self.shell.visit.look() as work:
            found = await reading.case_detail(work, self.shell.visit, str(self.id))
        if found is not None:
            self._show(found)

    def _show(self, found: CaseDetail) -> None:
        case = found.case
        self._head.show((case.title, case.state, case.urgency), lambda: self._draw_head(case))
        self._moves.show(found.moves, lambda: self._draw_moves(found))
        self._clocks.show(case.clocks, lambda: self._draw_clocks(case))
        self._facts.show((case.owner, found.rating, found.me_too), lambda: self._draw_facts(found))
        self._history.show(found.history, lambda: self._draw_history(found))

    def _draw_head(self, case: CaseView) -> None:
        say = self.shell.say
        with Tag("div", css="line"):
            Tag("h2", case.title)
            if case.urgency == "urgent":
                Tag("span", say("urgency.urgent"), "tag urgent")
            Tag("span", say.of("state", case.state), f"tag {case.state}")
            Tag("span", f"{say.of('case', case.kind)} {case.number}", "number")

    def _draw_moves(self, found: CaseDetail) -> None:
        say = self.shell.say
        if not found.moves:
            Tag("p", say("case.no_steps"), "none")
            return
        with Tag("div", css="acts", role="group", aria_label=say("case.steps")):
            for place, move in enumerate(found.moves):
                answers = move == "done" and found.case.kind in _LETTERS
                name = say("move.answer") if answers else say.of("move", move)
                main = place == 0 and move not in ("cancel", "reopen")
                button(
                    name,
                    partial(self._move, move, found.case.kind),
                    f"act do-{move}" + (" main" if main else ""),
                    label=f"{name} {self._number}",
                )

    def _draw_clocks(self, case: CaseView) -> None:
        if not case.clocks:
            return
        Tag("h3", self.shell.say("case.clocks"))
        with Tag("ul", css="clocks"):
            for one in case.clocks:
                with Tag("li"):
                    clock(self.shell, one, label_of(self.shell, case.kind, case.urgency, one.name))
                    Tag("span", self.shell.say.stamp(one.due_at, self.shell.now), "small")

    def _draw_facts(self, found: CaseDetail) -> None:
        say, visit, case = self.shell.say, self.shell.visit, found.case
        with Tag("dl"):
            if found.text:
                pair(say("case.words"), found.text)
            if case.place:
                pair(say("case.place"), case.place)
            if case.starts_at is not None:
                start = case.starts_at.astimezone(visit.zone)
                end = (found.ends_at or case.starts_at).astimezone(visit.zone)
                pair(say("case.when"), visit.wording.span(start, end, visit.now))
            if found.count:
                pair(say("case.count"), str(found.count))
            pair(say("case.resident"), case.name or say("app.nobody"))
            if found.phone:
                Tag("dt", say("case.phone"))
                with Tag("dd"):
                    Tag("a", found.phone, href=f"tel:{found.phone}")
            if case.urgency:
                pair(say("case.urgency"), say.of("urgency", case.urgency))
            if case.owner:
                pair(say("case.staff"), case.owner)
            if found.rating is not None:
                pair(say("case.rating"), f"{found.rating} / 5")
        if found.me_too:
            Tag("p", say("case.me_too", count=found.me_too), "me-too")

    def _draw_history(self, found: CaseDetail) -> None:
        say = self.shell.say
        Tag("h3", say("case.history"))
        with Tag("ol"):
            for step in found.history:
                with Tag("li"):
                    Tag("time", say.stamp(step.at, self.shell.now))
                    Tag("span", "：".join(part for part in (say.of("move", step.what), step.detail) if part))
                    Tag("span", self._who(step.by), "by")

    def _who(self, actor: str | None) -> str:
        return self.shell.say.of("queue", actor) if actor in ("resident", "bot") else actor or ""

    async def _move(self, move: str, kind: str) -> None:
        note: str | None = None
        if move in _ASKS:
            note = await self._ask(move, kind)
            if note is None:
                return
        with refused:
            async with self.shell.act() as work:
                if kind not in self.shell.visit.kinds:
                    raise NotAllowed(f"{self.shell.visit.role} does not see {kind}")
                await cases.move(
                    work,
                    self.shell.house.world,
                    str(self.id),
                    move,
                    staff_id=self.shell.visit.staff_id,
                    note=note,
                )
            focus(".case .acts .act")

    async def _ask(self, move: str, kind: str) -> str | None:
        """The line that goes with a move; None: rather not."""
        say = self.shell.say
        question = "note_answer" if move == "done" and kind in _LETTERS else _ASKS[move]
        with ui.dialog() as dialog, Tag("div", css="dialog", role="document"):
            Tag("h2", say(f"case.{question}"))
            box = ui.textarea().props("outlined autogrow autofocus maxlength=2000")
            box.props["aria-label"] = say(f"case.{question}")
            Tag("p", say("case.note_kept" if move == "reopen" else "case.note_told"), "small")
            wrong = Tag("p", css="message alert", role="alert")

            async def go() -> None:
                if (box.value or "").strip():
                    dialog.submit((box.value or "").strip())
                else:
                    wrong.text = say("case.note_wanted")

            async def back() -> None:
                dialog.submit(None)

            with Tag("div", css="buttons"):
                button(say("app.cancel"), back)
                button(say.of("move", move), go, "act main")
        answer = await dialog
        dialog.delete()
        return str(answer) if answer else None
