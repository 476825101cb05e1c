"""How soon a cry for help is an alarm at the desk, in the started product: `python -m bench.alarm [--times 50]` (E2).

Measured from outside, over HTTP: until the person has the first words, and until `GET /api/v1/alarms` shows the alarm. Then
the same while eight other residents talk all the time.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time

import httpx

from tests.product import Product, drill, fresh, started
from tests.scenarios.script import NOW

_PATIENCE = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how many cries")
    times: int = parser.parse_args().times
    with started(*drill(NOW, 1)) as product:
        _measure(product, times, "nobody else talks")
        enough = threading.Event()
        others = [threading.Thread(target=_talk, args=(product.url, enough)) for _ in range(8)]
        for other in others:
            other.start()
        try:
            _measure(product, times, "eight others talk")
        finally:
            enough.set()
            for other in others:
                other.join()


def _measure(product: Product, times: int, label: str) -> None:
    answered, seen = [], []
    for _ in range(times):
        began = time.perf_counter()
        said = product.say(fresh("bench"), "救命，我摔倒了")
        answered.append(time.perf_counter() - began)
        number = said[0]["custom"]["alarm"]
        while not any(
            row["number"] == number for row in product.api("GET", "/alarms", params={"limit": 5})["items"]
        ):
            assert time.perf_counter() - began < _PATIENCE, f"{number} is not at the desk"
        seen.append(time.perf_counter() - began)
    print(f"{label}: {_figures('first words', answered)}; {_figures('at the desk', seen)}")


def _talk(url: str, enough: threading.Event) -> None:
    sender = fresh("talker")
    with httpx.Client(base_url=url, timeout=30.0, trust_env=False) as http:
        while not enough.is_set():
            http.post("/webhooks/rest/webhook", json={"sender": sender, "message": "食堂几点开门"})


def _figures(what: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    late = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return (
        f"{what} median {1000 * statistics.median(ordered):.0f} ms, p95 {1000 * late:.0f} ms, "
        f"slowest {1000 * ordered[-1]:.0f} ms"
    )


if __name__ == "__main__":
    main()
