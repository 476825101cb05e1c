"""Devices through a real broker into the started product: `python -m bench.devices [--devices 500]` (E9, P7, O3).

Measured from outside. How many reports a second are stored, and how soon a press is an alarm: while nothing else comes,
while all devices report as fast as they can, and while one device floods.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import aiomqtt

from tests.broker import Broker, broker
from tests.product import Product, drill, started
from tests.scenarios.script import NOW

_PATIENCE = 300.0
_SENDERS = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=400, help="how many devices")
    parser.add_argument("--reports", type=int, default=10, help="how many reports of each")
    parser.add_argument("--presses", type=int, default=20, help="how many presses")
    given = parser.parse_args()
    asyncio.run(_measure(given.devices, given.reports, given.presses))


async def _measure(devices: int, reports: int, presses: int) -> None:
    with tempfile.TemporaryDirectory(prefix="anlin-bench-") as folder:
        async with broker(Path(folder)) as mosquitto:
            with started(*drill(NOW, 1), env={"ANLIN_MQTT_URL": mosquitto.url}) as product:
                await asyncio.to_thread(_ready, product)
                await _presses(product, mosquitto, presses, "nothing else comes", first=0)
                whole = devices * reports
                sending = asyncio.create_task(_crowd(mosquitto, devices, reports))
                began = time.perf_counter()
                await _presses(product, mosquitto, presses, f"{devices} devices report", first=presses)
                await sending
                sent = time.perf_counter() - began
                stored = await asyncio.to_thread(_until_taken, product, whole + 2 * presses)
                taken = time.perf_counter() - began
                print(
                    f"{whole} reports of {devices} devices: sent in {sent:.1f} s, "
                    f"stored {stored} in {taken:.1f} s, {whole / taken:.0f} a second"
                )
                await _flood(product, mosquitto, presses)


def _ready(product: Product) -> None:
    """Until it listens to the broker."""
    deadline = time.monotonic() + _PATIENCE
    while product.http.get("/readyz").json()["optional"].get("mqtt") != "on":
        assert time.monotonic() < deadline, product.tail()
        time.sleep(0.05)


async def _crowd(mosquitto: Broker, devices: int, reports: int) -> None:
    """All devices as fast as the broker takes it, over a few connections as gateways do."""

    async def gateway(first: int) -> None:
        async with mosquitto.client() as client:
            for number in range(reports):
                for device in range(first, devices, _SENDERS):
                    at = (NOW + timedelta(seconds=number)).isoformat()
                    document = json.dumps({"type": "heartbeat", "at": at, "battery": 80})
                    await client.publish(f"anlin/anlin_garden/d-{device}/signal", document, qos=1)

    await asyncio.gather(*(gateway(first) for first in range(_SENDERS)))


async def _flood(product: Product, mosquitto: Broker, presses: int) -> None:
    """One device sends ten thousand reports at once; another one's button is pressed meanwhile."""

    async def flood(client: aiomqtt.Client) -> None:
        for number in range(10_000):
            document = json.dumps(
                {"type": "motion", "at": (NOW + timedelta(milliseconds=number)).isoformat()}
            )
            await client.publish("anlin/anlin_garden/mad/signal", document, qos=0)
            if number % 200 == 0:
                await asyncio.sleep(0)

    async with mosquitto.client() as client:
        flooding = asyncio.create_task(flood(client))
        await _presses(product, mosquitto, presses, "one device floods", first=2 * presses)
        await flooding


async def _presses(product: Product, mosquitto: Broker, presses: int, label: str, *, first: int) -> None:
    """From the press until `GET /api/v1/alarms` shows the alarm."""
    seen = []
    async with mosquitto.client() as client:
        for number in range(first, first + presses):
            began = time.perf_counter()
            document = json.dumps({"type": "sos", "at": datetime.now(NOW.tzinfo).isoformat()})
            await client.publish(f"anlin/anlin_garden/bench-{number}/signal", document, qos=1)
            source = f"device:bench-{number}"
            while not await asyncio.to_thread(_at_desk, product, source):
                assert time.perf_counter() - began < _PATIENCE, f"{source} is not at the desk"
            seen.append(time.perf_counter() - began)
    ordered = sorted(seen)
    print(
        f"a press is at the desk while {label}: median {1000 * statistics.median(ordered):.0f} ms, "
        f"p95 {1000 * ordered[int(len(ordered) * 0.95)]:.0f} ms, slowest {1000 * ordered[-1]:.0f} ms"
    )


def _at_desk(product: Product, source: str) -> bool:
    rows = product.api("GET", "/alarms", params={"limit": 5})["items"]
    return any(row["source"] == source for row in rows)


def _until_taken(product: Product, count: int) -> int:
    """Until so many reports are stored, as /metrics says."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        figures = product.http.get("/metrics").text.splitlines()
        taken = [line for line in figures if line.startswith('anlin_mqtt_reports{outcome="taken"}')]
        found = int(float(taken[0].split()[-1])) if taken else 0
        if found >= count:
            return found
        assert time.monotonic() < deadline, (found, count, product.tail())
        time.sleep(0.1)


if __name__ == "__main__":
    main()
