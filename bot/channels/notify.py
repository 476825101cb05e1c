"""Notifications to staff and family through Apprise: text messages, e-mail, WeCom, DingTalk, Feishu … (N7).

An address `anlin://SENDER` is a person who writes to Anlin themself: they are told in their own conversation.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.outbox import Delivery, NotDelivered
from data import conversations
from flows.family import OWN

if TYPE_CHECKING:
    from bot.house import House


class Notifier:
    """Carries a message to an Apprise address."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def send(self, delivery: Delivery) -> None:
        """Deliver; raises NotDelivered. Apprise's own time limits apply (a few seconds an address)."""
        text = str(delivery.body["text"])
        if delivery.target.startswith(OWN):
            await self._tell(delivery.target.removeprefix(OWN), text, delivery.body.get("buttons"))
            return
        # Loaded with the first notification, in a thread: the service starts and answers without it.
        apprise = await asyncio.to_thread(import_module, "apprise")
        notifier = apprise.Apprise()
        if not notifier.add(delivery.target):
            raise NotDelivered("the address is none that Apprise knows", final=True)
        if not await notifier.async_notify(body=text, title=str(delivery.body.get("title", ""))):
            raise NotDelivered("the service did not take it")

    async def _tell(self, sender: str, text: str, buttons: Any) -> None:
        async with self._house.work("bot") as work:
            conversation = await conversations.enter(work, channel="rest", sender=sender)
            payload = {"buttons": buttons} if buttons else None
            await conversations.say(work, conversation, text=text, payload=payload)
