"""The services, faults, places, clocks and answers of a community, read from the files its officers edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar, cast

from data.content_faq import FAQ_FOLDER, FaqEntry, load_faq, load_faq_areas
from data.content_reading import (
    ContentError,
    Entry,
    Hours,
    Kind,
    Opening,
    Text,
    Weekday,
    folded,
    read_kinds,
    read_yaml,
)

__all__ = [
    "CATALOGUE_FOLDER",
    "FAQ_FOLDER",
    "Clock",
    "Clocks",
    "ContentError",
    "FaqEntry",
    "Fault",
    "Hours",
    "Kind",
    "Opening",
    "Price",
    "Service",
    "SharedPlace",
    "SlotAsk",
    "Text",
    "Weekday",
    "load_clocks",
    "load_faq",
    "load_faq_areas",
    "load_faults",
    "load_places",
    "load_services",
    "lookup_rows",
]

CATALOGUE_FOLDER = Path(__file__).parent / "catalogue"

Who = Literal["all", "elder", "family"]
SlotName = Literal["time", "place", "count", "note", "item", "person"]
Urgency = Literal["urgent", "ordinary", "planned"]

SLOT_NAMES: tuple[SlotName, ...] = ("time", "place", "count", "note", "item", "person")
URGENCIES: tuple[Urgency, ...] = ("urgent", "ordinary", "planned")
CLOCK_KINDS = ("repair", "complaint", "suggestion", "handoff", "alarm")
CALENDARS = ("always", "duty", "work")


class Named(Protocol):
    """What a lookup needs of a service, a fault or a place."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> Text: ...
    @property
    def names(self) -> tuple[str, ...]: ...


N = TypeVar("N", bound=Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotAsk:
    """One thing that must be known before a service can be booked."""

    name: SlotName  # which fact
    required: bool  # False: the person may skip it (C6)
    question: Text | None = None  # this service's own question; None takes the general one of the replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a service costs, in words and in figures."""

    text: Text  # as it is told to people
    cents: int  # CNY cents of one booking or, where a count is asked, of one portion or person; 0 is free


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service that residents can book (F1)."""

    key: str  # e.g. home_bath
    name: Text  # as it stands in the catalogue
    names: tuple[
        str, ...
    ]  # every way of calling it, its name in both languages first; shared with no other service
    kind: Kind  # one of the twelve
    description: Text  # a sentence or two for the person
    who: Who  # who may book: everybody, elders, or the family of an elder
    slots: tuple[SlotAsk, ...]  # what is asked, in this order
    where: Literal["home", "there"]  # at the person's home, or at a shared place
    place: str | None  # key of the shared place when `where` is "there"
    open: Opening  # days and hours in the community's zone
    slot_minutes: int  # how long one booking lasts
    every_minutes: int  # how far apart the starts are; less than `slot_minutes` where bookings may overlap
    capacity: (
        int  # what fits into one start: the sum of the counts where a count is asked, otherwise bookings
    )
    notice_minutes: int  # how long before the start it must be booked at the latest
    price: Price  # price or free
    time_bank_hours: (
        Decimal  # volunteer hours that pay for one booking (or portion, person); 0: cannot be had for hours
    )

    @property
    def takes(self) -> Literal["booking", "count"]:
        """What a booking takes of the capacity: as many places as its count where one is asked, otherwise one."""
        return "count" if any(slot.name == "count" for slot in self.slots) else "booking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that breaks in a home or in the shared space (F2)."""

    key: str  # e.g. pipe_leak
    name: Text  # as staff read it
    names: tuple[
        str, ...
    ]  # every way of saying it, its name in both languages first; shared with no other fault
    group: Kind  # water, power, lift …
    where: Literal["home", "shared", "either"]  # where it can be
    urgency: Urgency  # what it is unless the person tells more
    danger: str | None  # key of the safety advice to give at once, under flows/replies
    emergency: bool  # True: never a ticket, always an alarm (E1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPlace:
    """One place that everybody in the community knows by name (U5)."""

    key: str  # e.g. east_gate
    name: Text  # 东门 / East Gate
    names: tuple[
        str, ...
    ]  # every way of calling it, its name in both languages first; shared with no other place
    in_building: bool  # True: every building has one (the landing, the roof), so the building is asked too


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One promise with a time: by when a case must have reached a state (H6)."""

    key: str  # e.g. repair_ordinary_accept
    name: str  # what the clock is called in a case: accept, on_site, close, first_answer …
    kind: str  # repair, complaint, suggestion, handoff or alarm
    urgency: Urgency | None  # None: the clock does not depend on the urgency
    label: Text  # for staff
    until: str  # the state (or event) that stops it
    due: timedelta  # after the case was opened
    calendar: Literal["always", "duty", "work"]  # the hours that count, see `Clocks.calendars`
    extended: timedelta | None  # the longer time for a complex case that has a written reason
    share: Decimal  # of all cases, how many must meet it for the report to be green: 0.975 is 97.5 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Every promise of the community, and how they are shown."""

    clocks: Mapping[str, Clock]  # by key
    calendars: Mapping[str, Opening]  # duty, work: which hours count; "always" has no entry
    yellow_from: Decimal  # share of the time used from which a clock is yellow; red over 1
    visit_days: Mapping[str, int]  # days between two visits of an elder living alone, by risk: high, other
    reports: tuple[str, ...]  # week, month, quarter

    def of(self, kind: str, urgency: str | None = None) -> tuple[Clock, ...]:
        """The clocks that run for a case of that kind and urgency, in the order of the file."""
        return tuple(c for c in self.clocks.values() if c.kind == kind and c.urgency in (None, urgency))


def lookup_rows(things: Mapping[str, N] | Iterable[N]) -> Sequence[tuple[str, tuple[str, ...]]]:
    """(key, names) of each service, fault or place: what the language side looks for in a message."""
    values = things.values() if isinstance(things, Mapping) else things
    return tuple((thing.key, thing.names) for thing in values)


def _names(entry: Entry, name: Text) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for word in (name.zh, name.en, *entry.strings("names")):
        seen.setdefault(folded(word), word)
    return tuple(seen.values())


def _unique(entries: Iterable[tuple[Entry, N]]) -> Mapping[str, N]:
    """The things by key, once it is sure that no key and no name belongs to two of them."""
    by_key: dict[str, N] = {}
    owner: dict[str, str] = {}
    for entry, thing in entries:
        if thing.key in by_key:
            raise entry.wrong("key", f"{thing.key!r} is used twice; give one of the two another key")
        by_key[thing.key] = thing
        for word in thing.names:
            other = owner.setdefault(folded(word), thing.key)
            if other != thing.key:
                raise entry.wrong("names", f"share {word!r} with {other!r}; keep it where people mean it")
    return MappingProxyType(by_key)


def _slots(entry: Entry) -> tuple[SlotAsk, ...]:
    questions = entry.entry("asks") if entry.optional("asks", lambda _: True, False) else None
    slots: list[SlotAsk] = []
    for word in entry.strings("slots", least=1):
        optional = word.startswith("(") and word.endswith(")")
        name = word[1:-1] if optional else word
        if name not in SLOT_NAMES or name in {slot.name for slot in slots}:
            raise entry.wrong(
                "slots", f"cannot hold {word!r}; use each of {', '.join(SLOT_NAMES)} at most once"
            )
        question = questions.text(name) if questions is not None and questions.has(name) else None
        if name == "item" and question is None:
            raise entry.wrong("slots", "asks for an item, so `asks: {item: {zh: …, en: …}}` must say what")
        slots.append(SlotAsk(name=name, required=not optional, question=question))
    if questions is not None:
        questions.finish()
    return tuple(slots)


def _service(entry: Entry, kinds: Mapping[str, Kind], places: Mapping[str, SharedPlace]) -> Service:
    name, slots = entry.text("name"), _slots(entry)
    where = cast(Literal["home", "there"], entry.one_of("where", ("home", "there")))
    place = entry.maybe("place", lambda k: entry.one_of(k, tuple(places)))
    asked = {slot.name for slot in slots}
    if (where == "there") != (place is not None):
        raise entry.error("a service that is `there` names its `place`, and one at `home` has none")
    if where == "home" and "place" not in asked:
        raise entry.wrong("slots", "must hold `place`, because somebody comes to the home")
    minutes = entry.integer("slot_minutes", 5)
    price = entry.entry("price")
    service = Service(
        key=entry.key(),
        name=name,
        names=_names(entry, name),
        kind=kinds[entry.one_of("kind", tuple(kinds))],
        description=entry.text("description"),
        who=cast(Who, entry.one_of("who", ("all", "elder", "family"))),
        slots=slots,
        where=where,
        place=place,
        open=entry.opening("open"),
        slot_minutes=minutes,
        every_minutes=entry.optional("every_minutes", lambda k: entry.integer(k, 5), minutes),
        capacity=entry.integer("capacity", 1),
        notice_minutes=entry.integer("notice_minutes"),
        price=Price(text=price.text("text"), cents=price.integer("cents")),
        time_bank_hours=entry.decimal("time_bank_hours"),
    )
    price.finish()
    if all(hours.closes - hours.opens < minutes for hours in service.open.hours):
        raise entry.wrong("slot_minutes", "does not fit into any of the opening hours")
    return service


@cache
def load_services(folder: Path = CATALOGUE_FOLDER) -> Mapping[str, Service]:
    """The services by key, in the order of `services.yml`; their places must stand in `places.yml`.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    top, places = read_yaml(folder / "services.yml"), load_places(folder)
    kinds = read_kinds(top, "kinds")
    services = _unique((e, _service(e, kinds, places)) for e in top.entries("services", "service"))
    top.finish()
    return services


def _fault(entry: Entry, groups: Mapping[str, Kind]) -> Fault:
    name = entry.text("name")
    return Fault(
        key=entry.key(),
        name=name,
        names=_names(entry, name),
        group=groups[entry.one_of("group", tuple(groups))],
        where=cast(Literal["home", "shared", "either"], entry.one_of("where", ("home", "shared", "either"))),
        urgency=cast(Urgency, entry.one_of("urgency", URGENCIES)),
        danger=entry.maybe("danger", entry.key),
        emergency=entry.flag("emergency"),
    )


@cache
def load_faults(folder: Path = CATALOGUE_FOLDER) -> Mapping[str, Fault]:
    """The faults by key, in the order of `faults.yml`.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    top = read_yaml(folder / "faults.yml")
    groups = read_kinds(top, "groups")
    faults = _unique((e, _fault(e, groups)) for e in top.entries("faults", "fault"))
    top.finish()
    return faults


def _place(entry: Entry) -> SharedPlace:
    name = entry.text("name")
    return SharedPlace(
        key=entry.key(), name=name, names=_names(entry, name), in_building=entry.flag("in_building")
    )


@cache
def load_places(folder: Path = CATALOGUE_FOLDER) -> Mapping[str, SharedPlace]:
    """The shared places by key, in the order of `places.yml`.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    top = read_yaml(folder / "places.yml")
    places = _unique((entry, _place(entry)) for entry in top.entries("places", "place"))
    top.finish()
    return places


def _span(entry: Entry, key: str) -> timedelta:
    """A length of time, as 30s, 10m, 48h or 7d."""
    found = re.fullmatch(r"([1-9]\d*)([smhd])", entry.string(key))
    if found is None:
        raise entry.wrong(key, "must be a length of time like 30s, 10m, 48h or 7d")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})


def _clock(entry: Entry) -> Clock:
    return Clock(
        key=entry.key(),
        name=entry.key("name"),
        kind=entry.one_of("kind", CLOCK_KINDS),
        urgency=cast(Urgency | None, entry.maybe("urgency", lambda k: entry.one_of(k, URGENCIES))),
        label=entry.text("label"),
        until=entry.key("until"),
        due=_span(entry, "due"),
        calendar=cast(Literal["always", "duty", "work"], entry.one_of("calendar", CALENDARS)),
        extended=entry.maybe("extended", lambda k: _span(entry, k)),
        share=entry.optional("share", entry.decimal, Decimal(1)),
    )


@cache
def load_clocks(folder: Path = CATALOGUE_FOLDER) -> Clocks:
    """The promises of `clocks.yml`.

    Raises:
        ContentError: naming file, line, entry and what to change.
    """
    top = read_yaml(folder / "clocks.yml")
    by_key: dict[str, Clock] = {}
    for entry in top.entries("clocks", "clock"):
        clock = _clock(entry)
        if clock.key in by_key:
            raise entry.wrong("key", f"{clock.key!r} is used twice; give one of the two another key")
        by_key[clock.key] = clock
    calendars, visits = top.entry("calendars"), top.entry("visit_days")
    clocks = Clocks(
        clocks=MappingProxyType(by_key),
        calendars=MappingProxyType({name: calendars.opening(name) for name in CALENDARS[1:]}),
        yellow_from=top.decimal("yellow_from"),
        visit_days=MappingProxyType({risk: visits.integer(risk, 1) for risk in ("high", "other")}),
        reports=top.strings("reports", least=1),
    )
    for part in (calendars, visits, top):
        part.finish()
    return clocks
