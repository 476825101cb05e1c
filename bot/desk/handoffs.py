"""Conversations that need a person: who waits, what was said, the live talk both ways, notes among staff (H1–H5)."""

from __future__ import annotations

from functools import partial
from typing import Final

from nicegui import ui

from bot.desk import reading
from bot.desk.clocks import clock, waiting_since
from bot.desk.reading import CaseView, LineView, QueueView
from bot.desk.shell import Shell, page, refused
from bot.desk.widgets import Handler, Part, Rows, Tag, button, focus, pair
from data import roster
from flows import handoff

_LONGEST: Final = 4_000  # characters of a message
_ENTER = (
    "(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing && e.keyCode !== 229)"
    " { e.preventDefault(); emit(e.target.value) } }"
)
"""Enter sends, but not the Enter that picks a word from a Chinese input method."""


@page("handoffs", "/handoffs")
async def show(shell: Shell) -> None:
    """The list on the left; on a phone the list or the talk."""
    Tag("h1", shell.say("queue.title"), "unseen")
    await Desk(shell).build(shell.client.request.query_params.get("id", ""))


class Desk:
    """The list and the talk that was chosen from it."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._talk: Talk | None = None
        self._known: list[QueueView] = []

    async def build(self, chosen: str) -> None:
        """Draw; `chosen` is the id in the address."""
        self._split = Tag("div", css="split", data_open="false")
        with self._split:
            with Tag("section", css="list", aria_label=self.shell.say("queue.title")):
                self._list = Rows(self.shell.say("queue.none"))
            self._detail = Tag("section", css="detail", aria_live="off")
        await self.refresh(frozenset())
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
            await self.choose(int(chosen))
        else:
            self._draw_nothing()
        self.shell.live.watch({"handoff"}, self.refresh)
        self.shell.live.watch({"handoff", "message", "delivery", "request"}, self._refresh_talk)

    async def refresh(self, _: frozenset[str]) -> None:
        """The list."""
        async with self.shell.visit.look() as work:
            self._known = await reading.queue(work, self.shell.visit)
        self._draw()

    async def _refresh_talk(self, subjects: frozenset[str]) -> None:
        if self._talk is not None and self._talk.concerns(subjects):
            await self._talk.refresh()

    async def choose(self, handoff_id: int) -> None:
        """Open a talk."""
        async with self.shell.visit.look() as work:
            found = await reading.handoff(work, self.shell.visit, handoff_id)
        if found is None:
            self._draw_nothing()
            return
        self._detail.clear()
        with self._detail:
            self._talk = Talk(self.shell, found, back=self.leave)
        await self._talk.refresh()
        ui.run_javascript("anlin.fold('.context details')")
        self._split.set(data_open="true")
        self._draw()
        ui.navigate.history.replace(f"/handoffs?id={handoff_id}")

    async def leave(self) -> None:
        """Back to the list."""
        self._talk = None
        self._draw_nothing()
        self._split.set(data_open="false")
        self._draw()
        ui.navigate.history.replace("/handoffs")

    def _draw(self) -> None:
        open_id = self._talk.id if self._talk is not None else None
        self._list.show(
            [
                (one.id, (one, one.id == open_id), partial(self._draw_entry, one, one.id == open_id))
                for one in self._known
            ]
        )

    def _draw_entry(self, one: QueueView, here: bool) -> None:
        row = button("", partial(self.choose, one.id), "entry")
        row.set(id=f"handoff-{one.id}", aria_current="true" if here else None)
        with row:
            waiting_since(self.shell, one)

    def _draw_nothing(self) -> None:
        self._detail.clear()
        with self._detail:
            Tag("p", self.shell.say("queue.choose"), "none")


class Talk:
    """One conversation: head, what was said, where to write, what is known."""

    def __init__(self, shell: Shell, view: QueueView, *, back: Handler) -> None:
        self.shell, self._view = shell, view
        self.id = view.id
        self._drawn: dict[str, LineView] = {}
        say = shell.say
        with Tag("div", css="talk"):
            with Tag("div", css="head"):
                button("‹", back, "act back", label=say("queue.back"))
                self._head = Part("div", "title")
            with Tag("div", css="body"):
                with Tag("div", css="chat"):
                    self._lines = Tag(
                        "ol", "", "lines", id="lines", role="log", aria_live="polite", tabindex="0",
                        aria_label=say("queue.chat"),
                    )  # fmt: skip
                    self._compose = Part("div", "compose")
                self._context = Part("aside", "context", aria_label=say("queue.context"))

    def concerns(self, subjects: frozenset[str]) -> bool:
        """Whether news is about this talk."""
        mine = {f"handoff:{self.id}", f"conversation:{self._view.conversation_id}"}
        return bool(mine & subjects) or any(subject.startswith("request:") for subject in subjects)

    async def refresh(self) -> None:
        """Draw what changed; lines are added, never drawn anew."""
        async with self.shell.visit.look() as work:
            found = await reading.handoff(work, self.shell.visit, self.id)
            if found is None:
                return
            lines = await reading.talk(work, self.id, found.conversation_id)
            cases = await reading.open_cases_of(work, self.shell.visit, found)
        self._view = found
        mine = found.state == "active" and found.staff_id == self.shell.visit.staff_id
        self._head.show((found, mine), lambda: self._draw_head(found, mine=mine))
        others = None if mine else found.owner
        self._compose.show((found.state, mine, others), lambda: self._draw_compose(found, mine=mine))
        self._context.show(
            (found.summary, found.reason, tuple(cases)), lambda: self._draw_context(found, cases)
        )
        self._add(lines)

    def _add(self, lines: list[LineView]) -> None:
        news = [line for line in lines if line.key not in self._drawn]
        for line in lines:
            before = self._drawn.get(line.key)
            if before is not None and before.delivery != line.delivery:
                text = self.shell.say.of("queue", line.delivery)
                ui.run_javascript(f"anlin.delivery({line.key!r}, {text!r}, {line.delivery!r})")
            self._drawn[line.key] = line
        with self._lines:
            for line in news:
                self._draw_line(line)
        if news:
            ui.run_javascript("anlin.bottom('#lines')")

    def _draw_line(self, line: LineView) -> None:
        say = self.shell.say
        who = {
            "resident": self._view.name or say("queue.resident"),
            "bot": say("queue.bot"),
            "note": f"{say('queue.note')} · {line.name}",
        }.get(line.author, line.name or "")
        with Tag("li", css=f"line {line.author}", data_key=line.key):
            with Tag("p", css="by"):
                Tag("span", who)
                Tag("time", say.stamp(line.at, self.shell.now))
            Tag("p", line.text, "text")
            if line.buttons:
                Tag("p", " · ".join(f"[{title}]" for title in line.buttons), "choices")
            if line.delivery is not None:
                Tag("span", say.of("queue", line.delivery), f"delivery {line.delivery}")

    def _draw_head(self, found: QueueView, *, mine: bool) -> None:
        say = self.shell.say
        with Tag("div", css="line"):
            Tag("h2", found.name or say("app.a_person"))
            if found.urgent:
                Tag("strong", say("queue.urgent"), "tag urgent")
            owner = say("queue.mine") if mine else say("queue.with", name=found.owner or "")
            Tag(
                "span",
                owner if found.state == "active" else say.of("state", found.state),
                f"tag {found.state}",
            )
            if found.place:
                Tag("span", found.place, "small")
            if found.due is not None and found.due.met_at is None and found.state != "closed":
                clock(self.shell, found.due, say("queue.first_answer"))
        if found.state == "closed":
            return
        leads = self.shell.visit.role in ("lead", "admin")
        with Tag("div", css="acts"):
            if found.state == "queued":
                button(say("queue.take"), self._take, "act main do-take")
            if found.state == "active" and (mine or leads):
                button(say("queue.transfer"), self._transfer, "act do-transfer")
                button(say("queue.give_back"), self._give_back, "act do-return")
            if mine or (leads and found.state == "active"):
                button(say("queue.close"), self._close, "act do-close")

    def _draw_compose(self, found: QueueView, *, mine: bool) -> None:
        say = self.shell.say
        if found.state == "closed":
            Tag("p", say("queue.closed"), "none")
        else:
            other = found.state == "active" and not mine
            with Tag("div", css="write"):
                self._box = (
                    ui.textarea(say("queue.write"))
                    .props(f'outlined autogrow dense maxlength={_LONGEST} input-class="box"')
                    .classes("grow")
                )
                self._box.props["disable"] = other
                self._box.on("keydown", self._entered, js_handler=_ENTER)
                if not other:
                    button(say("queue.send"), self._send, "act main do-send")
            hint = say("queue.write_hint")
            if found.state == "queued":
                hint = (
                    f"{say('queue.takes_it')}。{hint}"
                    if say.language == "zh"
                    else f"{say('queue.takes_it')}. {hint}"
                )
            Tag("p", say("queue.with", name=found.owner or "") if other else hint, "small hint")
        with Tag("details", css="note-box"):
            Tag("summary", say("queue.note_tab"))
            Tag("p", say("queue.note_hint"), "small")
            with Tag("div", css="write"):
                self._note = (
                    ui.textarea(say("queue.note"))
                    .props(f"outlined autogrow dense maxlength={_LONGEST}")
                    .classes("grow")
                )
                button(say("queue.note_save"), self._save_note, "act do-note")

    def _draw_context(self, found: QueueView, cases: list[CaseView]) -> None:
        say = self.shell.say
        with Tag("details", open=True):
            Tag("summary", say("queue.context"))
            with Tag("dl"):
                pair(say("queue.summary"), found.summary)
                pair(say("queue.reason"), say.of("reason", found.reason))
                pair(say("queue.resident"), found.name or say("app.nobody"))
                pair(say("queue.home"), found.place or say("dossier.none"))
            Tag("h3", say("queue.open_cases"))
            if not cases:
                Tag("p", say("queue.no_cases"), "none")
            with Tag("ul", css="rows"):
                for case in cases:
                    with Tag("li"), Tag("a", css="entry", href=f"/desk/requests?id={case.number}"):
                        with Tag("span", css="line"):
                            Tag("strong", case.title)
                            Tag("span", say.of("state", case.state), "tag")
                        Tag("span", case.number, "number")

    async def _take(self) -> None:
        with refused:
            async with self.shell.act() as work:
                await handoff.take(work, self.shell.house.world, str(self.id), self.shell.visit.staff_id)
            focus(".compose textarea")

    async def _entered(self, event: object) -> None:
        """The key carries what stands in the box at that moment."""
        text = getattr(event, "args", "")
        await self._write(text if isinstance(text, str) else "")

    async def _send(self) -> None:
        await self._write(self._box.value or "")

    async def _write(self, text: str) -> None:
        text = text.strip()[:_LONGEST]
        if not text:
            return
        self._box.value = ""
        try:
            async with self.shell.act() as work:
                await handoff.write(
                    work, self.shell.house.world, str(self.id), self.shell.visit.staff_id, text
                )
        except Exception:
            self._box.value = text  # nothing that was written is lost
            with refused:
                raise
        focus(".compose textarea")

    async def _save_note(self) -> None:
        text = (self._note.value or "").strip()
        if not text:
            return
        with refused:
            async with self.shell.act() as work:
                await handoff.note(work, str(self.id), self.shell.visit.staff_id, text)
            self._note.value = ""

    async def _transfer(self) -> None:
        async with self.shell.visit.look() as work:
            on_duty = {member.id for member in await roster.on_duty(work)}
            others = [
                member
                for member in await roster.everybody(work)
                if member.id != self.shell.visit.staff_id and member.role != "repairer"
            ]
        say = self.shell.say
        with ui.dialog() as dialog, Tag("div", css="dialog", role="document"):
            Tag("h2", say("queue.transfer_to"))
            with Tag("div", css="people"):
                for member in others:
                    mark = "● " if member.id in on_duty else ""
                    button(
                        f"{mark}{member.name} · {say.of('role', member.role)}",
                        partial(_submit, dialog, member.id),
                    )
            with Tag("div", css="buttons"):
                button(say("app.cancel"), partial(_submit, dialog, ""))
        to = await dialog
        dialog.delete()
        if to:
            await self._pass_on(str(to))

    async def _give_back(self) -> None:
        await self._pass_on(None)

    async def _pass_on(self, to: str | None) -> None:
        with refused:
            async with self.shell.act() as work:
                world, staff_id = self.shell.house.world, self.shell.visit.staff_id
                await handoff.transfer(work, world, str(self.id), staff_id, to=to)

    async def _close(self) -> None:
        say = self.shell.say
        with ui.dialog() as dialog, Tag("div", css="dialog", role="document"):
            Tag("p", say("queue.close_sure"))
            with Tag("div", css="buttons"):
                button(say("app.cancel"), partial(_submit, dialog, ""))
                button(say("queue.close"), partial(_submit, dialog, "yes"), "act main", focus=True)
        sure = await dialog
        dialog.delete()
        if not sure:
            return
        with refused:
            async with self.shell.act() as work:
                house = self.shell.house
                await handoff.close(
                    work, house.world, house.turns.engine, str(self.id), self.shell.visit.staff_id
                )


async def _submit(dialog: ui.dialog, answer: str) -> None:
    dialog.submit(answer)
