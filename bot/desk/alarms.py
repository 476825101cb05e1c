"""The alarms wall: the biggest thing on the screen, and one big button for what has to be done next (E5–E7, H11)."""

from __future__ import annotations

from functools import partial
from typing import Final

from nicegui import ui

from bot.desk import reading
from bot.desk.reading import AlarmView
from bot.desk.shell import Shell, page, refused
from bot.desk.widgets import Handler, Part, Tag, button, focus, pair, since, until
from data import alarms
from data.work import Work
from flows import alarm_staff

_OPEN_STEPS: Final = 6  # lines of the timeline that are shown without asking
_MOVES: Final = {
    "acknowledge": alarm_staff.acknowledge,
    "on_way": alarm_staff.on_way,
    "on_site": alarm_staff.on_site,
}


@page("alarms", "/alarms")
async def show(shell: Shell) -> None:
    """Everything open, then what was closed lately."""
    Tag("h1", shell.say("alarm.title"), "unseen")
    wall = Wall(shell)
    await wall.build()
    over = Over(shell)
    await over.build()


class Wall:
    """Every open alarm, worst first."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._cards: dict[int, Card] = {}
        self._closing = Closing(shell)

    async def build(self) -> None:
        """Draw, and draw again whatever changes."""
        say = self.shell.say
        self._root = Tag("section", css="wall", aria_label=say("alarm.title"))
        with self._root:
            self._empty = Part("div")
        await self.refresh(frozenset())
        self.shell.live.watch({"alarm"}, self.refresh)

    async def refresh(self, _: frozenset[str]) -> None:
        """Cards come, go and change places; a card draws only what changed in it."""
        async with self.shell.visit.look() as work:
            found = await reading.open_alarms(work, self.shell.visit)
        for gone in self._cards.keys() - {alarm.id for alarm in found}:
            self._cards.pop(gone).delete()
        for place, alarm in enumerate(found):
            card = self._cards.get(alarm.id)
            if card is None:
                with self._root:
                    card = self._cards[alarm.id] = Card(self.shell, self._closing, alarm)
            card.show(alarm)
            card.place(self._root, place + 1)
        self._empty.show(not found, lambda: self._draw_empty(bool(found)))

    def _draw_empty(self, busy: bool) -> None:
        if not busy:
            with Tag("div", css="calm"):
                Tag("span", "✓", "sign", aria_hidden="true")
                Tag("p", self.shell.say("alarm.none"), "big")
                Tag("p", self.shell.say("alarm.none_more"))


class Card:
    """One alarm."""

    def __init__(self, shell: Shell, closing: Closing, alarm: AlarmView) -> None:
        self.shell, self._closing = shell, closing
        self.id = alarm.id
        self._root = Tag(
            "article", "", "alarm", id=f"alarm-{alarm.id}", aria_label=alarm.number, data_number=alarm.number
        )
        with self._root:
            with Tag("div", css="what"):
                self._head = Part("div", "head")
                self._person = Part("div", "person")
                self._dossier = Part("div", "dossier")
            with Tag("div", css="do"):
                self._next = Part("div", "next")
                self._steps = Part("div", "steps")

    def place(self, wall: Tag, index: int) -> None:
        """Move to that place on the wall, if it is not there."""
        slot = wall.default_slot.children
        if slot.index(self._root) != index:
            self._root.move(wall, index)

    def delete(self) -> None:
        """It is over."""
        self._root.delete()

    def show(self, alarm: AlarmView) -> None:
        """Draw what changed."""
        self._root.set(data_level=str(alarm.level), data_state=alarm.state)
        self._head.show(
            (alarm.number, alarm.level, alarm.kind, alarm.state, alarm.place, alarm.breach, alarm.taken_back),
            lambda: self._draw_head(alarm),
        )
        self._person.show((alarm.name, alarm.text, alarm.facts), lambda: self._draw_person(alarm))
        changed = self._next.show(
            (alarm.state, alarm.owner, alarm.on_site_due), lambda: self._draw_next(alarm)
        )
        if changed:
            self._dossier.show((alarm.has_resident, "closed"), lambda: self._draw_dossier_button(alarm))
        self._steps.show(alarm.steps, lambda: self._draw_steps(alarm))

    def _draw_head(self, alarm: AlarmView) -> None:
        say = self.shell.say
        with Tag("p", css="line"):
            Tag("strong", say.of("level", str(alarm.level)), "level")
            Tag("strong", say.of("kind", alarm.kind), "kind")
            Tag("span", say.of("state", alarm.state), "state")
            Tag("span", alarm.number, "number")
        Tag("h2", alarm.place or say("alarm.place_unknown"), "place" if alarm.place else "place unknown")
        if alarm.breach:
            with Tag("p", css="breach"):
                Tag("span", "⚠", aria_hidden="true")
                Tag("strong", say("alarm.breach"))
        if alarm.taken_back:
            Tag("p", say("alarm.taken_back"), "taken-back")

    def _draw_person(self, alarm: AlarmView) -> None:
        say = self.shell.say
        with Tag("p", css="name"):
            Tag("span", say("alarm.who"), "label")
            Tag("strong", alarm.name or say("app.nobody"))
            for question, answer, grave in alarm.facts:
                text = f"{say.of('ask', question)}：{say.of('answer', answer)}"
                Tag("span", f"⚠ {text}" if grave else text, "fact grave" if grave else "fact")
        with Tag("blockquote", aria_label=say("alarm.said")):
            for line in alarm.text.splitlines() or [say("alarm.said_nothing")]:
                Tag("p", line)

    def _draw_next(self, alarm: AlarmView) -> None:
        say = self.shell.say
        with Tag("p", css="clocks"):
            with Tag("span"):
                Tag("span", say("alarm.since"), "label")
                since(alarm.raised_at, "big")
            if alarm.on_site_due is not None:
                with Tag("span"):
                    Tag("span", say("alarm.on_site_in"), "label")
                    until(alarm.on_site_due, say("alarm.left"), say("alarm.over"))
        possible = alarms.MACHINE.possible(alarm.state)
        if not possible:
            return
        first, *others = possible
        Tag("p", say(f"alarm.do_{first}"), "hint")
        self._button(alarm, first, "act main")
        if others:
            with Tag("p", css="others"):
                for move in others:
                    self._button(alarm, move, "act")
        if alarm.owner:
            Tag("p", say("alarm.owner", name=alarm.owner), "owner")

    def _button(self, alarm: AlarmView, move: str, css: str) -> None:
        say = self.shell.say
        press: Handler = partial(self._move, move)
        if move == "resolve":
            press = partial(self._closing.open, alarm)
        name = say(f"alarm.{move}")
        button(name, press, f"{css} do-{move}", label=f"{name} {alarm.number}")

    async def _move(self, move: str) -> None:
        with refused:
            async with self.shell.act() as work:
                house = self.shell.house
                await _MOVES[move](
                    work, house.world, house.turns.engine, str(self.id), self.shell.visit.staff_id
                )
            focus(f"#alarm-{self.id} .act.main")

    def _draw_dossier_button(self, alarm: AlarmView) -> None:
        say = self.shell.say
        if not alarm.has_resident:
            Tag("p", say("alarm.dossier_none"), "small")
            return
        with Tag("p"):
            button(
                say("alarm.dossier"),
                self._reveal,
                "act do-dossier",
                label=f"{say('alarm.dossier')} {alarm.number}",
            )
            Tag("span", say("alarm.dossier_logged"), "small")

    async def _reveal(self) -> None:
        with refused:
            async with self.shell.act() as work:
                found = await _dossier(work, self.id)
            if found is not None:
                self._dossier.show(found.resident_id, lambda: self._draw_dossier(found))

    def _draw_dossier(self, found: alarm_staff.Dossier) -> None:
        say, visit = self.shell.say, self.shell.visit
        Tag("h3", say("dossier.title"))
        marks = [
            say(f"dossier.{name}")
            for name, yes in (("alone", found.lives_alone), ("high_risk", found.high_risk))
            if yes
        ]
        if marks:
            with Tag("p", css="marks"):
                for mark in marks:
                    Tag("strong", mark)
        none = say("dossier.none")
        with Tag("dl"):
            pair(say("dossier.access"), found.access_note or none)
            pair(say("dossier.home"), visit.wording.place(found.home) if found.home else none)
            _phone(say("dossier.phone"), found.phone, none)
            pair(say("dossier.born"), found.birth_year or none)
            pair(say("dossier.conditions"), "、".join(found.conditions) or none)
            pair(say("dossier.medicines"), "、".join(found.medicines) or none)
            Tag("dt", say("dossier.contacts"))
            with Tag("dd"):
                for contact in found.contacts:
                    with Tag("p"):
                        Tag("span", f"{contact.relation} {contact.name} ")
                        if contact.phone:
                            Tag("a", contact.phone, href=f"tel:{contact.phone}")
                if not found.contacts:
                    Tag("span", none)

    def _draw_steps(self, alarm: AlarmView) -> None:
        Tag("h3", self.shell.say("alarm.timeline"))
        with Tag("ol"):
            for step in alarm.steps[:_OPEN_STEPS]:
                self._draw_step(step)
        if len(alarm.steps) > _OPEN_STEPS:
            with Tag("details"):
                Tag("summary", f"+{len(alarm.steps) - _OPEN_STEPS}")
                with Tag("ol"):
                    for step in alarm.steps[_OPEN_STEPS:]:
                        self._draw_step(step)

    def _draw_step(self, step: reading.StepView) -> None:
        say = self.shell.say
        what = " ".join(part for part in (say.of("step", step.what), "、".join(step.to)) if part)
        detail = step.detail if step.what != "raised" else None
        if step.what in ("asked", "no_answer"):
            detail = say.of("ask", step.detail)
        with Tag("li", css=f"step-{step.what}"):
            Tag("time", f"{step.at.astimezone(self.shell.visit.zone):%H:%M:%S}")
            Tag("span", "：".join(part for part in (what, detail) if part))
            if step.by:
                Tag("span", step.by, "by")


class Closing:
    """The dialog that closes an alarm: how it ended and a note, both required (E6)."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._alarm: AlarmView | None = None
        say = shell.say
        with ui.dialog() as self._dialog, Tag("div", css="dialog", role="document"):
            self._title = Tag("h2")
            with Tag("fieldset"):
                Tag("legend", say("alarm.resolve_code"))
                self._code = ui.radio({code: say(f"code.{code}") for code in alarms.CODES})
            self._note = ui.textarea(say("alarm.resolve_note"), placeholder=say("alarm.resolve_hint")).props(
                "outlined autogrow maxlength=2000"
            )
            self._wrong = Tag("p", css="message alert", role="alert")
            with Tag("div", css="buttons"):
                button(say("app.cancel"), self._cancel)
                button(say("alarm.resolve"), self._resolve, "act main")

    async def open(self, alarm: AlarmView) -> None:
        """Ask how this alarm ended."""
        self._alarm = alarm
        self._title.text = self.shell.say("alarm.resolve_title", number=alarm.number)
        self._wrong.text = ""
        self._code.value, self._note.value = None, ""
        self._dialog.open()

    async def _cancel(self) -> None:
        self._dialog.close()

    async def _resolve(self) -> None:
        note = (self._note.value or "").strip()
        if self._alarm is None or not self._code.value or not note:
            self._wrong.text = self.shell.say("alarm.resolve_missing")
            return
        with refused:
            async with self.shell.act() as work:
                house = self.shell.house
                await alarm_staff.resolve(
                    work,
                    house.world,
                    house.turns.engine,
                    str(self._alarm.id),
                    self.shell.visit.staff_id,
                    code=str(self._code.value),
                    note=note,
                )
            self._dialog.close()


class Over:
    """What was closed lately, small."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    async def build(self) -> None:
        """Draw, and again when an alarm is closed."""
        self._part = Part("section", "over")
        await self.refresh(frozenset())
        self.shell.live.watch({"alarm"}, self.refresh)

    async def refresh(self, _: frozenset[str]) -> None:
        """Only if something was closed."""
        async with self.shell.visit.look() as work:
            found = await reading.resolved_alarms(work, self.shell.visit)
        self._part.show(tuple(alarm.id for alarm in found), lambda: self._draw(found))

    def _draw(self, found: list[AlarmView]) -> None:
        if not found:
            return
        say, visit = self.shell.say, self.shell.visit
        Tag("h2", say("alarm.resolved_title"))
        with Tag("ul"):
            for alarm in found:
                with Tag("li"):
                    Tag("span", alarm.number, "number")
                    Tag(
                        "strong",
                        f"{alarm.place or say('alarm.place_unknown')} · {say.of('kind', alarm.kind)}",
                    )
                    Tag("span", say.of("code", alarm.code), "tag")
                    Tag("span", alarm.note or "", "note")
                    Tag("time", say.stamp(alarm.resolved_at or alarm.raised_at, visit.now))


async def _dossier(work: Work, alarm_id: int) -> alarm_staff.Dossier | None:
    alarm = await alarms.get(work, str(alarm_id))
    return await alarm_staff.dossier(work, alarm) if alarm is not None else None


def _phone(name: str, number: str | None, none: str) -> None:
    Tag("dt", name)
    with Tag("dd"):
        if number:
            Tag("a", number, href=f"tel:{number}")
        else:
            Tag("span", none)
