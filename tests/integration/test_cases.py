"""Staff move a case, and its people hear of it (H7)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from data import requests, residents
from data.database import Database
from data.errors import NotFound
from data.models import Request, RequestEvent
from data.requests import MACHINES
from data.states import IllegalMove
from flows import cases
from tests.small_community import Small, build, world

PLACE = {"building": "5", "unit": "1", "room": "1203", "name": None}


async def a_case(small: Small, kind: str = "repair", **fields: object) -> Request:
    async with small.work("resident") as work:
        return await requests.open_case(
            work,
            kind=kind,
            resident_id=small.resident.id,
            conversation_id=small.conversation_id,
            place=PLACE,
            **fields,
        )


async def test_a_repair_from_acceptance_to_its_end(database: Database) -> None:
    small = await build(database)
    case = await a_case(small, fault="pipe_leak", urgency="ordinary")
    for name in ("accept", "on_site", "done", "close"):
        async with small.work() as work:
            moved = await cases.move(work, world(), case.number, name, staff_id="repairer-1")
    assert moved.state == "closed"
    assert moved.staff_id == "repairer-1"
    said = [message.text for message in await small.said()]
    *told, mark = said
    assert len(told) == 4
    assert all(case.number in text for text in told)
    assert "打个分" in mark  # asked once, when it is closed (F10)
    async with small.work() as work:
        history = (await work.session.scalars(select(RequestEvent).order_by(RequestEvent.id))).all()
    assert [event.actor for event in history] == ["resident", *["staff:repairer-1"] * 4]


async def test_an_illegal_move_changes_nothing_and_tells_nobody(database: Database) -> None:
    small = await build(database)
    case = await a_case(small, fault="pipe_leak", urgency="ordinary")
    with pytest.raises(IllegalMove):
        async with small.work() as work:
            await cases.move(work, world(), case.number, "close", staff_id="repairer-1")
    assert await small.said() == []


async def test_the_answer_to_a_complaint_reaches_the_resident_and_other_notes_do_not(
    database: Database,
) -> None:
    small = await build(database)
    case = await a_case(small, kind="complaint", text="楼上太吵")
    async with small.work() as work:
        await cases.move(work, world(), case.number, "done", staff_id="officer-1", note="已经上门劝过")
        await cases.move(work, world(), case.number, "close", staff_id="officer-1", note="内部记录")
    answer, closed, _ = [message.text for message in await small.said()]
    assert "已经上门劝过" in answer
    assert "内部记录" not in closed


async def test_those_who_said_me_too_hear_of_it_without_the_note(database: Database) -> None:
    small = await build(database)
    case = await a_case(small, fault="no_power", urgency="urgent")
    async with small.work() as work:
        neighbour = await residents.register(work, name="李叔", home=None, language="en")
    talk = await small.new_conversation("neighbour", resident=neighbour)
    async with small.work("resident") as work:
        found = await requests.get(work, case.number, lock=True)
        assert found is not None
        await requests.me_too(work, found, resident_id=neighbour.id, text="我家也没电")
        await requests.me_too(work, found, resident_id=None, text="还有我")
    async with small.work() as work:
        await cases.move(work, world(), case.number, "cancel", staff_id="lead-1", note="重复报修")
    assert "重复报修" in (await small.said())[-1].text
    heard = await small.said(talk.id)
    assert len(heard) == 1
    assert case.number in heard[0].text
    assert "重复报修" not in heard[0].text


async def test_a_case_without_a_conversation_is_told_where_the_resident_is_spoken_to(
    database: Database,
) -> None:
    small = await build(database)
    async with small.work("bot") as work:
        case = await requests.open_case(
            work, kind="visit", resident_id=small.resident.id, conversation_id=None, place=PLACE
        )
    async with small.work() as work:
        await cases.move(work, world(), str(case.id), "accept", staff_id="officer-1")
    assert case.number in (await small.said())[-1].text


async def test_an_unknown_case_is_named(database: Database) -> None:
    small = await build(database)
    async with small.work() as work:
        with pytest.raises(NotFound):
            await cases.move(work, world(), "R20260101-0001", "accept", staff_id="officer-1")


def test_there_are_words_for_every_move_of_every_kind() -> None:
    replies = world().replies
    for kind, machine in MACHINES.items():
        spoken = "letter" if kind in ("complaint", "suggestion") else kind
        for language in ("zh", "en"):
            assert replies.has(f"case_kind_{kind}", language)
            for move in machine.moves:
                assert replies.has(f"case_{spoken}_{move}", language), (kind, move)
                if move in ("done", "cancel"):
                    assert replies.has(f"case_{spoken}_{move}_note", language), (kind, move)
