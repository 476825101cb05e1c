"""How times, places and lists are put into words; the words themselves are in `flows/replies/*/words.yml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.replies import Replies


class Wording:
    """The words of one language."""

    def __init__(self, replies: Replies, language: str) -> None:
        self._words = replies.words(language)

    def day(self, moment: datetime, now: datetime) -> str:
        """A date with its weekday, and "today / tomorrow" where that is what it is. Both on the community's clock."""
        names: Mapping[str, str] = self._words["near_days"]
        offset = str((moment.date() - now.date()).days)
        form = self._words["day_near"] if offset in names else self._words["day"]
        return str(form).format(
            near=names.get(offset, ""),
            month=moment.month,
            month_name=self._words["months"][moment.month - 1],
            day=moment.day,
            weekday=self._words["weekdays"][moment.weekday()],
        )

    def clock(self, moment: datetime) -> str:
        """A time of day with its part of the day, as people say it."""
        part = next(name for until, name in self._words["parts_by_hour"] if moment.hour < until)
        hour = moment.hour if moment.hour <= 12 or self._words["hours"] == 24 else moment.hour - 12
        if self._words["hours"] == 12 and hour == 0:
            hour = self._words["midnight"]
        form = "clock_full" if moment.minute == 0 else "clock_half" if moment.minute == 30 else "clock"
        return str(self._words[form]).format(part=part, hour=hour, minute=f"{moment.minute:02d}")

    def moment(self, moment: datetime, now: datetime) -> str:
        """Date, weekday and time."""
        return str(self._words["moment"]).format(day=self.day(moment, now), clock=self.clock(moment))

    def moments(self, moments: Sequence[datetime], now: datetime) -> str:
        """Several moments as a list; a day that the one before has named is not named again."""
        days = [moment.date() for moment in moments]
        return self.listed(
            [
                self.clock(moment) if index and days[index - 1] == day else self.moment(moment, now)
                for index, (moment, day) in enumerate(zip(moments, days, strict=True))
            ]
        )

    def moment_short(self, moment: datetime, now: datetime) -> str:
        """The same as short as a button wants it: 明天上午9点, 11月26日周四上午9点."""
        near = self._words["near_days"].get(str((moment.date() - now.date()).days))
        return str(self._words["moment"]).format(day=near or self.day(moment, now), clock=self.clock(moment))

    def span(self, start: datetime, end: datetime, now: datetime) -> str:
        """From when to when, on one day."""
        return str(self._words["span"]).format(
            day=self.day(start, now), start=self.clock(start), end=self.clock(end)
        )

    def part(self, name: str) -> str:
        """A part of the day: morning, noon, afternoon, evening, night."""
        return str(self._words["parts"][name])

    def duration(self, length: timedelta) -> str:
        """Minutes or hours, in words."""
        minutes = max(1, round(length.total_seconds() / 60))
        form, number = ("minutes", minutes) if minutes < 90 else ("hours_form", round(minutes / 60))
        return str(self._words[form]).format(number=number)

    def place(self, place: Mapping[str, Any] | None) -> str:
        """A place in words: 5号楼1单元1203, or its name."""
        if not place:
            return str(self._words["nowhere"])
        parts = [
            str(self._words["place"][field]).format(value=place[field])
            for field in ("building", "unit", "room", "name")
            if place.get(field)
        ]
        return str(self._words["place"]["joiner"]).join(parts) or str(self._words["nowhere"])

    def place_spoken(self, place: Mapping[str, Any] | None) -> str:
        """The same with the room number digit by digit, as it is said."""
        if not place:
            return self.place(place)
        room = place.get("room")
        return self.place({**place, "room": self.digits(str(room))} if room else place)

    def digits(self, text: str) -> str:
        """Digits one by one."""
        names: Sequence[str] = self._words["digits"]
        return str(self._words["digit_joiner"]).join(
            names[int(character)] if character.isascii() and character.isdigit() else character
            for character in text
        )

    def number_spoken(self, number: str) -> str:
        """A case number for the ear: only its last part, digit by digit."""
        return self.digits(number.rsplit("-", 1)[-1])

    def listed(self, items: Sequence[str]) -> str:
        """A, B and C."""
        if len(items) < 2:
            return "".join(items)
        return str(self._words["comma"]).join(items[:-1]) + str(self._words["and"]) + items[-1]

    @property
    def yes_words(self) -> tuple[str, ...]:
        """What a yes begins with."""
        return tuple(self._words["yes_words"])

    def word(self, *path: str) -> str:
        """A small word by its name, e.g. word("relations", "daughter")."""
        found: Any = self._words
        for name in path:
            found = found[name]
        return str(found)
