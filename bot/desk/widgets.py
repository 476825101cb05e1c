"""The small parts the desk's pages are made of: plain HTML elements with names, buttons that cannot be pressed twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from typing import Self

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

Handler = Callable[[], Awaitable[None]]


class Tag(TextElement):
    """An HTML element: its tag, its text, its classes, its attributes (`aria_label` is written `aria-label`)."""

    def __init__(self, tag: str, text: str = "", css: str = "", **attributes: str | bool | None) -> None:
        super().__init__(tag=tag, text=text)
        self.classes(css)
        self.set(**attributes)

    def set(self, **attributes: str | bool | None) -> Self:
        """Change attributes; None takes one away."""
        for name, value in attributes.items():
            key = name.rstrip("_").replace("_", "-")
            if value is None:
                self.props.pop(key, None)
            else:
                self.props[key] = value
        self.update()
        return self


def button(
    text: str, press: Handler, css: str = "act", *, label: str | None = None, focus: bool = False
) -> Tag:
    """A button. While what it does is being done it takes no second press.

    `label` is what a screen reader says when the text alone does not say enough.
    """
    made = Tag("button", text, css, type="button", aria_label=label, autofocus=focus or None)

    async def pressed() -> None:
        if made.props.get("disabled"):
            return
        made.set(disabled=True, aria_busy="true")
        try:
            await press()
        finally:
            if not made.is_deleted:
                made.set(disabled=None, aria_busy=None)

    made.on("click", pressed, args=[])
    return made


def since(moment: datetime, css: str = "", **attributes: str) -> Tag:
    """How long ago that was; the browser counts on."""
    return Tag("time", css=f"tick {css}", data_since=moment.isoformat(), **attributes)


def until(moment: datetime, left: str, over: str, css: str = "") -> Tag:
    """How long until then, or by how much it is over; the browser counts on."""
    return Tag("time", css=f"tick {css}", data_until=moment.isoformat(), data_left=left, data_over=over)


def pair(name: str, value: str) -> None:
    """A line of a description list."""
    Tag("dt", name)
    Tag("dd", value)


class Part:
    """A place on the page that is drawn again only when what it shows has changed.

    So what the hand or the screen reader is on is not torn away by news about something else.
    """

    def __init__(self, tag: str = "div", css: str = "", **attributes: str | bool | None) -> None:
        self.element = Tag(tag, "", css, **attributes)
        self._shown: Hashable = object()  # equal to nothing that a page shows

    def show(self, what: Hashable, draw: Callable[[], None]) -> bool:
        """Draw if `what` differs from what was drawn last; says whether it did."""
        if what == self._shown:
            return False
        self._shown = what
        self.element.clear()
        with self.element:
            draw()
        return True


class Rows:
    """A list of which only the rows that changed are drawn again, and in which the others keep their place and focus."""

    def __init__(self, nothing: str) -> None:
        self._none = Tag("p", nothing, "none")
        self._root = Tag("ul", css="rows")
        self._rows: dict[Hashable, Part] = {}

    def show(self, rows: Sequence[tuple[Hashable, Hashable, Callable[[], None]]]) -> None:
        """Each row: its key, what it shows, how to draw it; in their order."""
        for gone in self._rows.keys() - {key for key, _, _ in rows}:
            self._rows.pop(gone).element.delete()
        for place, (key, what, draw) in enumerate(rows):
            part = self._rows.get(key)
            if part is None:
                with self._root:
                    part = self._rows[key] = Part("li")
            if self._root.default_slot.children.index(part.element) != place:
                part.element.move(self._root, place)
            part.show(what, draw)
        self._none.set_visibility(not rows)


def focus(selector: str) -> None:
    """Move the keyboard there, once it has been drawn."""
    ui.run_javascript(f"anlin.focus({selector!r})")
