"""500 lines of everyday Chinese chat through the REST channel: each is answered, none is an alarm, nothing is made of it.

The sample and where it is from: `tests/data/everyday_500.md`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.product import Product, buttons, drill, fresh, started, wait_until
from tests.scenarios.script import NOW

WORRYING = "有时候胸口闷一下"
SAMPLE = Path(__file__).parent.parent / "data" / "everyday_500.tsv"


def _lines() -> list[str]:
    """The sample without the lines that really tell of danger; those are shown with the reason."""
    with SAMPLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == 500
    for row in rows:
        if row["danger"]:
            print(f"left out: {row['text']} ({row['danger']})")
    kept = [row["text"] for row in rows if not row["danger"]]
    assert len(kept) >= 490
    return kept


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """Its log must tell of no internal error at the end, and no answer was a 5xx (`say` sees to it).

    The clock runs fast, so that what follows from silence follows while the test is here to see it.
    """
    with started(*drill(NOW, 20)) as running:
        yield running


def _made(product: Product) -> list[str]:
    """What staff would find that came out of a conversation: alarms and cases."""
    rows = [*product.every("/alarms"), *product.every("/requests")]
    return [f"{row['number']} {row['kind']} {row['text']}" for row in rows if row["conversation"] is not None]


def _wait_for_silence(product: Product) -> str:
    """Wait until a question about danger that is put now would have become an alarm by its silence; gives its number.

    Whatever was asked before has been silent for longer.
    """
    asked = product.say(fresh("silent"), WORRYING)
    assert buttons(asked), "not asked whether help is needed"
    found = wait_until(
        lambda: [row for row in product.every("/alarms", state="raised") if row["text"] == WORRYING]
    )
    return f"{found[0]['number']} {found[0]['kind']} {WORRYING}"


def test_each_line_from_a_new_person(product: Product) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        answered = list(pool.map(lambda line: (line, product.say(fresh("chat"), line)), _lines()))
    unanswered = [line for line, answers in answered if not any(each.get("text") for each in answers)]
    assert unanswered == []
    expected = [_wait_for_silence(product)]
    assert _made(product) == expected


def test_all_lines_from_one_person(product: Product) -> None:
    before = _made(product)
    sender = fresh("chat")
    for line in _lines():
        product.say(sender, line)
    assert _made(product) == before
