"""What the desk's head says of the devices: that none can be heard, or that some belong to nobody yet (E9, O4)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.desk.widgets import Part, Tag
from data import devices, listeners

if TYPE_CHECKING:
    from bot.desk.shell import Shell


class DeviceBar:
    """A line on every page, and none while all is well."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._part = Part("div", "bar devices", role="status")

    async def refresh(self, _: frozenset[str] = frozenset()) -> None:
        """Look again; draws only what changed."""
        shell = self.shell
        wanted = shell.house.settings.mqtt_url is not None
        async with shell.visit.look() as work:
            standing = await listeners.standing(work.session, listeners.MQTT) if wanted else None
            strangers = await devices.strangers(work) if shell.visit.may("alarms") else 0
        away = wanted and (standing is None or not standing.connected)
        since = standing.since if standing is not None else None
        self._part.show((away, since, strangers), lambda: self._draw(away, since, strangers))

    def _draw(self, away: bool, since: datetime | None, strangers: int) -> None:
        say, visit = self.shell.say, self.shell.visit
        if away:
            with Tag("p", css="away"):
                Tag("strong", say("device.away"))
                if since is not None:
                    Tag("span", say("device.away_since", time=say.stamp(since, visit.now)))
                Tag("span", say("device.away_do"))
        if strangers:
            with Tag("p", css="strangers"):
                Tag("strong", say("device.strangers", count=strangers))
                Tag("span", say("device.strangers_do"))
