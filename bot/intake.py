"""What is done to a message before it is understood: cleaned, measured, and put in line behind the sender's earlier ones."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from flows.messages import Incoming

LONGEST = 2000
"""Characters of a message that are read. A longer one keeps its beginning and its end: elders tell the point last."""


def clean(incoming: Incoming) -> Incoming:
    """The message without control characters (they carry no meaning and some stores refuse them), cut to length."""
    text = "".join(
        character
        for character in incoming.text
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Co", "Cn")
    ).strip()
    data = dict(incoming.data)
    if len(text) > LONGEST:
        data["cut_from"] = len(text)
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    return replace(incoming, text=text, data=data)


class Lines:
    """One line for each sender in this process: first come, first served. Across processes the row's lock does it."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, channel: str, sender: str) -> AsyncIterator[None]:
        """Wait for this sender's turn."""
        key = (channel, sender)
        lock, count = self._waiting.get(key, (asyncio.Lock(), 0))
        self._waiting[key] = (lock, count + 1)
        try:
            async with lock:
                yield
        finally:
            lock, count = self._waiting[key]
            if count == 1:
                del self._waiting[key]
            else:
                self._waiting[key] = (lock, count - 1)
