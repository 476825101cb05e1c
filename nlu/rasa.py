"""The Rasa intent engine: asks a Rasa 3.6 server, and the built-in engine when that is slow, down or confused (U3).

No message is lost: every question gets an answer, from the server or from the fall-back, and a fault is reported
once when it begins and once when it is over.
"""

from __future__ import annotations

import asyncio
import logging
import math
import string
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import httpx

from nlu.engine import IntentEngine
from nlu.features import LONGEST, has_words
from nlu.understanding import INTENTS, Intent

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 3
"""Failures in a row after which the server is left alone for a while, so that nobody waits for it in vain."""

COOL_DOWN = 15.0
"""Seconds until one message tries the server again."""

BUSY = 16
"""Questions under way at once; Rasa answers one after the other, at 15 ms each, so what comes on top would only wait
until its time is over. The fall-back answers it, and that is no fault of the server."""

KEEP_ALIVE = 3.0
"""Seconds an idle connection is kept: less than the server's own 5, or it hangs up while we ask."""

_COMMAND = f"/{string.whitespace}\u3000"

FaultReport = Callable[[str | None], None]
"""Told what is wrong when the server begins to fail, and None when it answers again."""


class RasaAnswerError(ValueError):
    """The server answered something that is not a parse result with intents we know."""


class RasaEngine:
    """An IntentEngine (see `nlu.engine`) that asks `POST {url}/model/parse`.

    `timeout` is in seconds, for the whole question. A circuit breaker stops asking after FAILURES_TO_OPEN failures
    and lets one message try again every COOL_DOWN seconds. `name` is `rasa`; `answered_by` tells who gave the last
    answer. `clock` gives seconds that only ever grow; it measures the cool-down, not the time of day.
    """

    name = "rasa"

    def __init__(
        self,
        url: str,
        fallback: IntentEngine,
        timeout: float = 0.3,
        on_fault: FaultReport | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.fallback = fallback
        self.answered_by = self.name
        self._address = url.rstrip("/") + "/model/parse"
        self._timeout = timeout
        self._on_fault = on_fault
        self._clock = clock
        limits = httpx.Limits(
            max_connections=BUSY, max_keepalive_connections=BUSY, keepalive_expiry=KEEP_ALIVE
        )
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)
        self._under_way = 0
        self._failures = 0
        self._closed_until = -math.inf
        self._reported = False

    @property
    def healthy(self) -> bool:
        """Whether the last question was answered by the server (true before the first)."""
        return self._failures == 0

    async def classify(self, text: str) -> Sequence[Intent]:
        """The server's ranking, or the fall-back's. Never raises because of the server.

        A text without words is not asked, and of a very long one the beginning and the end are, as with the built-in
        engine: long ones would only time out, and three of them would shut the server out for everybody.
        """
        if has_words(text) and self._under_way < BUSY and self._may_ask():
            self._under_way += 1
            try:
                ranking = await self._ask(_sendable(text))
            except (httpx.HTTPError, TimeoutError, ValueError) as error:
                self._failed(error)
            else:
                self._worked()
                self.answered_by = self.name
                return ranking
            finally:
                self._under_way -= 1
        self.answered_by = self.fallback.name
        return await self.fallback.classify(text)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _ask(self, text: str) -> tuple[Intent, ...]:
        async with asyncio.timeout(self._timeout):
            try:
                response = await self._client.post(self._address, json={"text": text})
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # A kept connection of a server that was started anew: once more, on a new one.
                response = await self._client.post(self._address, json={"text": text})
        response.raise_for_status()
        return read_ranking(response.json())

    def _may_ask(self) -> bool:
        if self._failures < FAILURES_TO_OPEN:
            return True
        now = self._clock()
        if now < self._closed_until:
            return False
        self._closed_until = now + COOL_DOWN  # only this message tries, the others go on to the fall-back
        return True

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._closed_until = self._clock() + COOL_DOWN
        if not self._reported:
            self._reported = True
            self._report(f"Rasa at {self._address}: {type(error).__name__}: {error}")

    def _worked(self) -> None:
        self._failures = 0
        if self._reported:
            self._reported = False
            self._report(None)

    def _report(self, fault: str | None) -> None:
        if fault is None:
            logger.info("Rasa answers again")
        else:
            logger.warning("%s; the built-in engine answers", fault)
        if self._on_fault is not None:
            self._on_fault(fault)


def read_ranking(document: Any) -> tuple[Intent, ...]:
    """Rasa's parse result as intents, best first. Raises RasaAnswerError when it holds none that we know."""
    if not isinstance(document, dict):
        raise RasaAnswerError("not an object")
    rows = document.get("intent_ranking") or [document.get("intent")]
    if not isinstance(rows, list):
        raise RasaAnswerError("intent_ranking is not a list")
    intents = []
    for row in rows:
        if not isinstance(row, dict) or row.get("name") not in INTENTS:
            continue
        confidence = row.get("confidence")
        if not isinstance(confidence, int | float) or not math.isfinite(confidence):
            continue
        intents.append(Intent(name=row["name"], confidence=min(1.0, max(0.0, float(confidence)))))
    if not intents:
        raise RasaAnswerError("no known intent in the answer")
    return tuple(sorted(intents, key=lambda intent: -intent.confidence))


def _sendable(text: str) -> str:
    """What is asked: without a slash in front, by which Rasa takes a text for a command and not for words."""
    text = text.lstrip(_COMMAND)
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + text[-LONGEST // 2 :]
    return text.encode("utf-8", "ignore").decode("utf-8")
