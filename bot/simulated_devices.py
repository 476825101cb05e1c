"""Invented devices for drills and for trying an installation out: what each of them would send, and when (E9, O6)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

HEARTBEAT = timedelta(minutes=10)
"""How often an invented device says that it is there."""

_KINDS = ("sos", "fall", "motion", "gas", "smoke")
_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invented:
    """One invented device."""

    key: str
    kind: str  # sos, fall, motion, gas, smoke
    resident: str | None  # sender name in the demo; None: as it is registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Something that a device sends."""

    after: float  # seconds from the beginning
    device: str
    payload: bytes  # as it goes over MQTT; over HTTP the same
    why: str  # for the person who watches

    @property
    def document(self) -> Mapping[str, Any] | None:
        """What it says; None for rubbish."""
        try:
            found = json.loads(self.payload)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


_HOMES = ("3-2-501", "3-1-202", "6-1-101", "4-3-603")


def invented(count: int) -> Sequence[Invented]:
    """So many devices: first those of the demo's elders (their buttons, then other kinds), then such as nobody registered."""
    made = [
        Invented(key=f"{kind}-{home}", kind=kind, resident=f"demo:elder-{number}")
        for kind in _KINDS
        for number, home in enumerate(_HOMES, start=1)
    ]
    more = (
        Invented(
            key=f"{_KINDS[number % len(_KINDS)]}-{number:05d}",
            kind=_KINDS[number % len(_KINDS)],
            resident=None,
        )
        for number in range(count)
    )
    return [*made, *more][:count]


def plan(
    profile: str, devices: Sequence[Invented], *, start: datetime, hours: float, seed: int
) -> Sequence[Sending]:
    """Everything the devices send from `start` (aware) on, in order of time; the same for the same seed.

    `profile` is one of PROFILES. Raises KeyError for another.
    """
    chance = random.Random(f"{profile} {seed}")
    sent = [each for device in devices for each in PROFILES[profile](device, start, hours * _HOUR, chance)]
    return sorted(sent, key=lambda each: (each.after, each.device))


def _say(device: Invented, start: datetime, after: float, what: str, why: str, **more: object) -> Sending:
    moment = start + timedelta(seconds=after)
    document: dict[str, object] = {"device": device.key, "type": what, "at": moment.isoformat(), **more}
    if device.resident is not None and what not in ("heartbeat", "motion"):
        document["resident"] = device.resident
    return Sending(after=after, device=device.key, payload=json.dumps(document).encode(), why=why)


def _day(device: Invented, start: datetime, seconds: float, chance: random.Random) -> Iterator[Sending]:
    """Heartbeats with a battery that empties, and motion where it is noticed."""
    battery, step = chance.uniform(20, 100), HEARTBEAT.total_seconds()
    after = chance.uniform(0, min(step, seconds))
    while after < seconds:
        yield _say(device, start, after, "heartbeat", "is there", battery=max(1, round(battery)))
        battery -= chance.uniform(0, 0.1)
        if device.kind == "motion" and chance.random() < 0.6:
            moved = min(seconds, after + chance.uniform(0, step))
            yield _say(device, start, moved, "motion", "somebody moves")
        after += step * chance.uniform(0.95, 1.05)


def _event(what: str, why: str) -> Callable[[Invented, datetime, float, random.Random], Iterator[Sending]]:
    def profile(
        device: Invented, start: datetime, seconds: float, chance: random.Random
    ) -> Iterator[Sending]:
        moment = chance.uniform(0, seconds)
        yield from _day(device, start, seconds, chance)
        yield _say(device, start, moment, what, why)

    return profile


def _drops_out(device: Invented, start: datetime, seconds: float, chance: random.Random) -> Iterator[Sending]:
    """From some moment on nothing more is heard of it."""
    end = chance.uniform(0, seconds)
    yield from (each for each in _day(device, start, seconds, chance) if each.after < end)


def _replays(device: Invented, start: datetime, seconds: float, chance: random.Random) -> Iterator[Sending]:
    """A press and heartbeats that come two or three times, late and out of order."""
    for each in _event("sos", "the button is pressed")(device, start, seconds, chance):
        yield each
        for _ in range(chance.randint(1, 2)):
            late = min(seconds, each.after + chance.uniform(0, 120))
            yield Sending(after=late, device=each.device, payload=each.payload, why=f"again: {each.why}")


def _garbage(device: Invented, start: datetime, seconds: float, chance: random.Random) -> Iterator[Sending]:
    """What broken devices send, and one press among it."""
    rubbish: tuple[tuple[bytes, str], ...] = (
        (b"", "nothing"),
        (chance.randbytes(40), "noise"),
        (b"[" * 2000, "brackets"),
        (b'{"type": "so', "cut off"),
        (b'{"type": "song"}', "a type that is none"),
        (json.dumps({"device": device.key, "type": "sos", "at": "soon"}).encode(), "a press without a time"),
        (json.dumps({"device": device.key, "type": "ok", "more": "x" * 20_000}).encode(), "too large"),
    )
    for payload, why in rubbish:
        yield Sending(after=chance.uniform(0, seconds), device=device.key, payload=payload, why=why)
    never = {"device": device.key, "type": "heartbeat", "at": "1970-01-01T00:00:09+00:00"}
    yield Sending(
        after=chance.uniform(0, seconds),
        device=device.key,
        payload=json.dumps(never).encode(),
        why="a clock that was never set",
    )


PROFILES: Mapping[str, Callable[[Invented, datetime, float, random.Random], Iterator[Sending]]] = {
    "day": _day,
    "sos": _event("sos", "the button is pressed"),
    "fall": _event("fall", "somebody falls"),
    "dropout": _drops_out,
    "replay": _replays,
    "garbage": _garbage,
}
"""What devices may be made to do."""
