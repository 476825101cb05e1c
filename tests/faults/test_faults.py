"""Killed at random moments under parallel conversations and started again: nothing lost, nothing twice (P2, K7, K8)."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from data import timers
from data.embedded import DATABASE, USER
from tests.faults.clients import ERRANDS, Resident
from tests.product import Product, drill, wait_until
from tests.scenarios.script import NOW

SPEED = 20.0
"""The product's clock runs twenty times as fast: what is due in minutes falls due between two kills."""
PEOPLE = 8
LEASE = timers.LEASE.total_seconds()
"""Real seconds for which a killed worker's timers stay its own."""


class Victim:
    """The product, killed and started again with a clock that goes on."""

    def __init__(self) -> None:
        self.product = Product()
        self._now = NOW
        self._since = time.monotonic()
        self.kills = 0

    def start(self, *, ready: bool) -> None:
        """Start it where its clock would be by now; the clock stands while it loads, so it never goes back."""
        self._now = self.latest()
        self._since = time.monotonic()
        self.product.start(*drill(self._now, SPEED), ready=ready)

    def latest(self) -> datetime:
        """A moment that the product's clock has not passed yet."""
        return self._now + timedelta(seconds=(time.monotonic() - self._since) * SPEED)

    def kill_after(self, seconds: float) -> None:
        """Let it run that long, then kill it."""
        assert not threading.Event().wait(seconds)
        assert self.product.running, f"it ended by itself\n{self.product.tail()}"
        self.product.kill()
        self.kills += 1


@pytest.fixture
def victim() -> Iterator[Victim]:
    made = Victim()
    yield made
    made.product.close()


def test_killed_at_random_moments(victim: Victim, rounds: int) -> None:
    chance = random.Random(rounds)
    product = victim.product
    victim.start(ready=True)
    enough = threading.Event()
    people = [Resident(product.url, number, enough) for number in range(1, PEOPLE + 1)]
    for person in people:
        person.start()
    try:
        for round_number in range(rounds):
            # Every third time soon after a start: also while it replays, migrates, loads.
            early = round_number % 3 == 2
            victim.kill_after(chance.uniform(0.05, 2.5) if early else chance.uniform(0.5, 4.0))
            victim.start(ready=not chance.random() < 0.34)
        product.wait_ready()
    finally:
        enough.set()
        for person in people:
            person.join(120)
    failures = [f"{person.sender}: {person.failure!r}" for person in people if person.failure is not None]
    assert not failures, "\n".join(failures)
    assert all(not person.is_alive() for person in people)

    _judge(product, people)
    heard = [heard for person in people for heard in person.heard]
    print(
        f"\n{victim.kills} kills, {len(heard)} messages answered, {sum(each.tries > 1 for each in heard)} of them sent "
        f"more than once, {sum(len(person.numbers) for person in people)} cases, "
        f"{sum(len(person.reminders) for person in people)} reminders"
    )
    assert product.faults() == []
    data = product.data()
    assert product.stop() == 0
    wait_until(lambda: not product.database_processes(), why=lambda: f"PostgreSQL of {data} still runs")


def _judge(product: Product, people: list[Resident]) -> None:
    """What the database and the API tell after the storm."""
    _each_message_once(product, people)
    _each_case_once(product, people)
    _each_reminder_once(product, people)
    _no_timer_left_behind(product)
    _said_again_is_answered_the_same(product, people)


def _each_message_once(product: Product, people: list[Resident]) -> None:
    stored = Counter(
        row[0]
        for row in _ask(
            product, "SELECT external_id FROM message WHERE author = 'resident' AND external_id <> ''"
        )
    )
    answered = {heard.message_id for person in people for heard in person.heard}
    assert {name: count for name, count in stored.items() if count != 1} == {}
    assert answered == set(stored), "answered and not stored, or stored and never answered"
    # Each answer that came through is stored, once, as an answer to that message.
    answers = dict(
        _ask(
            product,
            "SELECT heard.external_id, count(*) FROM message AS said JOIN message AS heard ON said.answers = heard.id"
            " GROUP BY heard.external_id",
        )
    )
    told = {heard.message_id: len(heard.answers) for person in people for heard in person.heard}
    assert answers == told


def _each_case_once(product: Product, people: list[Resident]) -> None:
    told = Counter(number for person in people for number in person.numbers)
    assert {number: count for number, count in told.items() if count != 1} == {}
    cases = [row for row in product.every("/requests") if row["conversation"] is not None]
    assert Counter(row["number"] for row in cases) == told
    places = Counter(
        (row["place"]["building"], row["place"]["unit"], row["place"]["room"])
        for row in cases
        if row["kind"] == "repair"
    )
    assert {place: count for place, count in places.items() if count != 1} == {}


def _each_reminder_once(product: Product, people: list[Resident]) -> None:
    """Every reminder is said once, or, where the product was down for too long, reported as missed once (K7)."""
    wait_until(
        lambda: not [row for row in product.every("/reminders", state="active") if _is_ours(row)],
        within=90 + 3 * LEASE,
        why=lambda: f"reminders that did not come: {product.every('/reminders', state='active')}",
        pause=0.5,
    )
    for person in people:
        said, _ = product.later(person.sender)
        rows = product.every("/reminders", resident=person.sender)
        kept = {row["text"]: row for row in rows if _is_ours(row)}
        assert sorted(kept) == sorted(person.reminders), (
            f"other reminders than were confirmed to {person.sender}"
        )
        for errand, row in kept.items():
            # A question that was open is put again after a reminder, with its buttons: that is no second reminder.
            times = sum(errand in each["text"] and not each.get("buttons") for each in said)
            times -= row["missed"]  # which is told in a message of its own
            assert times + row["missed"] == 1, f"{errand}: said {times} times, missed {row['missed']}"
            assert row["state"] == "done"


def _is_ours(row: dict[str, Any]) -> bool:
    """Not one of the demo's."""
    return row["text"] in ERRANDS


def _no_timer_left_behind(product: Product) -> None:
    """No timer that is due keeps waiting, and none holds a lease that does not end."""

    def left() -> list[tuple[Any, ...]]:
        return _ask(
            product,
            "SELECT key, attempts FROM timer WHERE lease_until IS NOT NULL OR due_at <= %s",
            NOW + timedelta(seconds=1),
        )

    wait_until(lambda: not left(), within=90 + 3 * LEASE, why=lambda: f"timers left: {left()}", pause=0.5)
    assert product.http.get("/readyz").status_code == 200


def _said_again_is_answered_the_same(product: Product, people: list[Resident]) -> None:
    """Any message again, by its id: the same answers, and nothing new in the database."""
    before = _ask(product, "SELECT count(*) FROM message WHERE author <> 'bot' OR answers IS NOT NULL")
    for person in people:
        for heard in person.heard[:: max(1, len(person.heard) // 5)]:
            assert product.say(person.sender, heard.text, heard.message_id) == heard.answers
    assert (
        _ask(product, "SELECT count(*) FROM message WHERE author <> 'bot' OR answers IS NOT NULL") == before
    )


def _ask(product: Product, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask the product's own database."""
    socket = (product.data() / "postmaster.pid").read_text(encoding="utf-8").splitlines()[4]
    with psycopg.connect(host=socket, user=USER, dbname=DATABASE) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]
