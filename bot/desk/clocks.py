"""How promises are shown: a colour, a shape and a word each, so that nothing is said by colour alone (H6)."""

from __future__ import annotations

from typing import Final

from bot.desk.reading import QueueView
from bot.desk.shell import Shell
from bot.desk.widgets import Tag, since, until
from data.clocks import Standing

MARKS: Final = {"blue": "●", "yellow": "▲", "red": "■"}


def clock(shell: Shell, standing: Standing, label: str | None = None) -> None:
    """One promise: kept, running or missed, and by when."""
    say = shell.say
    with Tag("span", css=f"clock {standing.colour} {'met' if standing.met_at else 'runs'}"):
        mark = MARKS[standing.colour] if standing.met_at is None else "✓"
        Tag("span", mark, "mark", aria_hidden="true")
        if label:
            Tag("span", label, "label")
        if standing.met_at is not None:
            Tag("strong", say("colour.met_late" if standing.colour == "red" else "colour.met"))
            Tag("time", say.stamp(standing.met_at, shell.now))
        else:
            Tag("strong", say.of("colour", standing.colour))
            until(standing.due_at, say("alarm.left"), say("alarm.over"))


def label_of(shell: Shell, kind: str, urgency: str | None, name: str) -> str:
    """What a promise is called, from the catalogue."""
    found = shell.house.world.clocks.of(kind, urgency)
    return next((clock.label.of(shell.visit.language) for clock in found if clock.name == name), name)


def waiting_since(shell: Shell, one: QueueView) -> None:
    """A hand-over as a line of a list: who, how long, with whom, why."""
    say = shell.say
    with Tag("span", css="line"):
        if one.urgent:
            Tag("strong", say("queue.urgent"), "tag urgent")
        Tag("strong", one.name or say("app.a_person"), "name")
        if one.state == "queued":
            Tag("span", say("state.queued"), "tag wait")
        elif one.staff_id == shell.visit.staff_id:
            Tag("span", say("queue.mine"), "tag mine")
        else:
            Tag("span", say("queue.with", name=one.owner or ""), "tag")
        since(one.queued_at, "age", title=say("queue.waiting"))
    Tag("span", one.summary, "summary")
    if one.due is not None and one.due.met_at is None and one.state != "closed":
        clock(shell, one.due, say("queue.first_answer"))
