"""The board: alarms first, then who waits for a person, then how the cases stand (H11)."""

from __future__ import annotations

from bot.desk import reading
from bot.desk.alarms import Wall
from bot.desk.clocks import MARKS, waiting_since
from bot.desk.shell import Shell, page
from bot.desk.widgets import Part, Tag

_ROWS = 8  # of the queue


@page("board", "/")
async def show(shell: Shell) -> None:
    """Three parts, each following the news."""
    Tag("h1", shell.say("board.title"), "unseen")
    await Wall(shell).build()
    with Tag("div", css="two"):
        await _Queue(shell).build()
        await _Cases(shell).build()


class _Queue:
    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    async def build(self) -> None:
        with Tag("section", css="panel"):
            Tag("h2", self.shell.say("board.queue"))
            self._part = Part("div")
            Tag("a", self.shell.say("board.queue_more"), "more", href="/desk/handoffs")
        await self.refresh(frozenset())
        self.shell.live.watch({"handoff"}, self.refresh)

    async def refresh(self, _: frozenset[str]) -> None:
        async with self.shell.visit.look() as work:
            found = (await reading.queue(work, self.shell.visit))[:_ROWS]
        self._part.show(tuple(found), lambda: self._draw(found))

    def _draw(self, found: list[reading.QueueView]) -> None:
        say = self.shell.say
        if not found:
            Tag("p", say("queue.none"), "none")
            return
        with Tag("ul", css="rows"):
            for one in found:
                with Tag("li"), Tag("a", css="entry", href=f"/desk/handoffs?id={one.id}"):
                    waiting_since(self.shell, one)


class _Cases:
    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    async def build(self) -> None:
        with Tag("section", css="panel"):
            Tag("h2", self.shell.say("board.cases"))
            self._part = Part("div")
            Tag("a", self.shell.say("board.cases_more"), "more", href="/desk/requests")
        await self.refresh(frozenset())
        self.shell.live.watch({"request"}, self.refresh)

    async def refresh(self, _: frozenset[str]) -> None:
        async with self.shell.visit.look() as work:
            counts = await reading.case_counts(work, self.shell.visit)
        key = tuple((kind, *colours.values()) for kind, colours in counts.items())
        self._part.show(key, lambda: self._draw(counts))

    def _draw(self, counts: dict[str, dict[str, int]]) -> None:
        say = self.shell.say
        with Tag("table", css="counts"):
            with Tag("thead"), Tag("tr"):
                Tag("td")
                for colour in ("red", "yellow", "blue"):
                    with Tag("th", scope="col"):
                        Tag("span", MARKS[colour], f"mark {colour}", aria_hidden="true")
                        Tag("span", say.of("colour", colour))
            with Tag("tbody"):
                for kind, colours in counts.items():
                    with Tag("tr"):
                        with Tag("th", scope="entry"):
                            Tag("a", say.of("case", kind), href=f"/desk/requests?kind={kind}")
                        for colour, number in colours.items():
                            Tag(
                                "td",
                                str(number) if number else "–",
                                f"{colour} {'some' if number else 'none'}",
                            )
