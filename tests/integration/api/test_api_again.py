"""Two that stand in each other's way: the database gives one of them up, and the API does it again instead of a 503 (P2)."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from tests.api_desk import Desk

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def _somebody_waits(desk: Desk) -> None:
    """Until a transaction stands before a lock."""
    async with asyncio.timeout(30):
        while True:
            async with desk.house.database.transaction() as session:
                if (await session.execute(_WAITING)).scalar_one():
                    return
            await asyncio.sleep(0.01)


async def test_a_request_that_was_given_up_in_a_deadlock_is_done_again(desk: Desk) -> None:
    """PUT /devices/{id} holds the device and wants its timer; the other holds the timer and wants the device."""
    body = {"heartbeat_seconds": 900}
    await desk.post("/signals", {"device": "crossed", "type": "heartbeat"}, 201)
    device = (await desk.call("PUT", "/devices/crossed", json={"heartbeat_seconds": 600}))["id"]
    async with desk.house.database.transaction() as other:
        await other.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # the API's side notices it first
        await other.execute(
            text("SELECT id FROM timer WHERE key = :key FOR UPDATE"), {"key": f"device:{device}:silent"}
        )
        asked = asyncio.create_task(desk.call("PUT", "/devices/crossed", json=body))
        await _somebody_waits(desk)
        await other.execute(text("SELECT id FROM device WHERE id = :id FOR UPDATE"), {"id": device})
    assert (await asked)["heartbeat_seconds"] == 900


async def test_a_deadlock_without_end_is_told_after_three_tries(desk: Desk) -> None:
    """What cannot be mended by doing it again is still a problem document."""
    await desk.post("/signals", {"device": "stuck", "type": "heartbeat"}, 201)
    name = "CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); RAISE deadlock_detected; END $$"
    async with desk.house.database.transaction() as session:
        await session.execute(text("CREATE SEQUENCE tries"))
        await session.execute(text(name))
        await session.execute(
            text("CREATE TRIGGER give_up BEFORE UPDATE ON device FOR EACH ROW EXECUTE FUNCTION give_up()")
        )
    try:
        answer = await desk.call("PUT", "/devices/stuck", 503, json={"heartbeat_seconds": 900})
        assert answer["code"] == "database_unavailable"
        async with desk.house.database.transaction() as session:
            assert (await session.execute(text("SELECT last_value FROM tries"))).scalar_one() == 3
    finally:
        async with desk.house.database.transaction() as session:
            await session.execute(text("DROP TRIGGER give_up ON device"))
            await session.execute(text("DROP FUNCTION give_up()"))
            await session.execute(text("DROP SEQUENCE tries"))
