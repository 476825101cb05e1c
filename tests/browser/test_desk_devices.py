"""What the desk says when no device can be heard, and of devices that belong to nobody (E9, O4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import expect
from pydantic import SecretStr
from sqlalchemy import text

from data import devices, listeners
from tests.browser.conftest import Site


@pytest.fixture
def with_broker(site: Site) -> Iterator[Site]:
    """The installation has a broker."""
    before = site.house.settings
    site.house.settings = before.model_copy(update={"mqtt_url": SecretStr("mqtt://broker")})
    yield site
    site.house.settings = before


async def stands(site: Site, *, connected: bool) -> None:
    async with site.house.work("test") as work:
        await listeners.claim(work.session, listeners.MQTT, "a-worker")
        await listeners.tell(
            work.session, listeners.MQTT, "a-worker", connected=connected, at=work.now, counted={}
        )


async def test_a_broker_that_is_away_is_on_every_page_and_gone_when_it_is_back(
    with_broker: Site,
) -> None:
    site = with_broker
    await stands(site, connected=False)
    page = await site.at_desk()
    bar = page.get_by_role("status").filter(has_text="收不到设备的消息")
    await expect(bar).to_contain_text("从")
    await stands(site, connected=True)
    await page.goto(site.address + "/desk/requests")
    await page.wait_for_selector("main.page")
    await expect(page.get_by_text("收不到设备的消息")).to_have_count(0)


async def test_without_a_broker_nothing_is_missing(site: Site) -> None:
    page = await site.at_desk()
    await expect(page.get_by_text("收不到设备的消息")).to_have_count(0)


async def test_a_device_that_belongs_to_nobody_is_told_while_the_page_is_open(site: Site) -> None:
    page = await site.at_desk()
    try:
        async with site.house.work("bot") as work:
            await devices.record(work, key="new-button", what="motion", at=None)
        await expect(page.get_by_text("1 台设备没有登记")).to_be_visible()
    finally:
        async with site.house.database.transaction() as session:
            await session.execute(text("TRUNCATE signal, device, listener CASCADE"))
