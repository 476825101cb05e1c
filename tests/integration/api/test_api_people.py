"""Residents, staff, services, conversations, figures and devices over the API."""

from __future__ import annotations

import zlib

import pytest

from data import devices
from tests.api_desk import Desk


async def test_a_resident_with_home_contacts_and_consents(desk: Desk) -> None:
    found = await desk.get("/residents", key="elder-1")
    assert len(found["items"]) == 1
    elder = found["items"][0]
    assert elder["home"] == {"building": "3", "unit": "2", "room": "501", "name": None}
    assert elder["contacts"][0]["consented"] is True
    assert elder["consents"]
    one = await desk.get("/residents/demo:elder-1")
    assert one == await desk.get(f"/residents/{elder['id']}") == elder
    assert (await desk.get("/residents", phone=elder["phone"]))["items"] == [elder]
    assert (await desk.get("/residents", building="3", unit="2", room="501"))["items"] == [elder]
    assert (await desk.get("/residents", building="3", unit="2", room="502"))["items"] == []
    views = await desk.get("/audit", action="resident.view", subject=f"resident:{elder['id']}")
    assert len(views["items"]) == 2


async def test_facts_are_corrected_and_the_audit_names_only_the_fields(desk: Desk) -> None:
    person = await desk.resident("resident-3")
    talk = await desk.talk("resident-3")
    changed = await desk.call(
        "PATCH",
        f"/residents/{person.id}",
        json={"language": "en", "phone": "+8613900001111", "lives_alone": True, "name": None},
    )
    assert (changed["language"], changed["phone"], changed["name"]) == ("en", "+8613900001111", person.name)
    assert [r["id"] for r in (await desk.get("/residents", phone="+8613900001111"))["items"]] == [person.id]
    assert (await desk.get(f"/conversations/{talk.id}"))["language"] == "en"
    line = (await desk.get("/audit", action="resident.edit"))["items"][0]
    assert line["detail"] == {"fields": ["language", "lives_alone", "phone"]}


@pytest.mark.parametrize(
    "body",
    [{"language": "fr"}, {"phone": "138"}, {"name": ""}, {"name": "a\x00b"}, {"age": 80}, {"name": 5}, []],
)
async def test_a_correction_that_cannot_be_is_a_422(desk: Desk, body: object) -> None:
    assert (await desk.call("PATCH", "/residents/resident-1", 422, json=body))["code"] == "invalid"


async def test_the_dossier_is_written_to_the_audit(desk: Desk) -> None:
    person = await desk.resident("elder-1")
    found = await desk.get("/residents/elder-1/dossier", token=await desk.token("officer", "officer-1"))
    assert found["access_note"]
    assert found["contacts"][0]["phone"].startswith("+86")
    assert (await desk.get("/audit", action="resident.reveal"))["items"][0][
        "subject"
    ] == f"resident:{person.id}"


async def test_services_are_those_of_the_catalogue(desk: Desk) -> None:
    found = (await desk.get("/services", limit=200))["items"]
    assert len(found) == 38
    haircut = next(item for item in found if item["name"] == "理发")
    assert {"key", "name", "kind", "open", "capacity", "notice", "price"} <= set(haircut)
    assert haircut["open"]["hours"] == ["09:00-17:00"]
    kinds = (await desk.get("/services", kind=haircut["kind"]))["items"]
    assert haircut in kinds
    assert len(kinds) == 4


async def test_staff_and_who_is_on_duty(desk: Desk) -> None:
    found = (await desk.get("/staff"))["items"]
    assert [item["id"] for item in found] == [
        "admin",
        "lead-1",
        "officer-1",
        "officer-2",
        "repairer-1",
        "repairer-2",
    ]
    duty = {item["id"] for item in (await desk.get("/staff", on_duty="true"))["items"]}
    assert len(duty & {"officer-1", "officer-2"}) == 1
    shifts = (await desk.get("/roster"))["items"]
    assert {"staff", "starts_at", "ends_at"} <= set(shifts[0])
    assert all(shift["ends_at"] > "2026-11-23T10" for shift in shifts)


async def test_a_conversation_and_its_messages(desk: Desk) -> None:
    handoff = await desk.handoff("reader")
    await desk.post(f"/handoffs/{handoff.id}/messages", {"text": "第一句", "as": "officer-1"}, 201)
    await desk.post(f"/handoffs/{handoff.id}/messages", {"text": "第二句"}, 201)
    found = await desk.get(f"/conversations/{handoff.conversation_id}")
    assert found["owner"] == "officer-1"
    assert [message["text"] for message in found["messages"]] == ["第一句", "第二句"]
    page = await desk.get(f"/conversations/{handoff.conversation_id}/messages", limit=1)
    assert page["items"][0]["text"] == "第二句"
    owned = await desk.get("/conversations", owner="staff", limit=200)
    assert handoff.conversation_id in [item["id"] for item in owned["items"]]


async def test_a_report_counts_what_there_is(desk: Desk) -> None:
    case = await desk.case("suggestion", text="装个扶手")
    before = await desk.get("/reports", period="month")
    await desk.post(f"/requests/{case.number}/done", {"note": "好主意"})
    after = await desk.get("/reports", period="month")
    counted = {one["kind"]: one for one in after["requests"]}["suggestion"]
    assert counted["total"] == sum(counted["states"].values()) >= 1
    assert after["rates"]["resolved"] > before["rates"]["resolved"]
    assert before["starts_at"] == "2026-11-01T00:00:00+08:00"
    assert before["ends_at"] == "2026-12-01T00:00:00+08:00"
    week = await desk.get("/reports", period="week", day="2026-11-29")
    assert (week["starts_at"], week["ends_at"]) == ("2026-11-23T00:00:00+08:00", "2026-11-30T00:00:00+08:00")
    quarter = await desk.get("/reports", period="quarter", day="2026-12-31")
    assert quarter["ends_at"] == "2027-01-01T00:00:00+08:00"
    empty = await desk.get("/reports", period="week", day="2001-01-01")
    assert empty["rates"] == {"responded": None, "resolved": None, "satisfied": None}


async def test_a_button_raises_an_alarm_once(desk: Desk) -> None:
    press = {
        "device": "button-1",
        "type": "sos",
        "at": "2026-11-23T10:00:00+08:00",
        "resident": "demo:elder-3",
    }
    first = await desk.post("/signals", press, 201, await desk.token("device"))
    assert (first["registered"], first["duplicate"], first["resident_unknown"]) == (False, False, False)
    again = await desk.post("/signals", press, 200)
    assert (again["duplicate"], again["alarm"], again["id"]) == (True, first["alarm"], first["id"])
    alarm = await desk.get(f"/alarms/{first['alarm']}")
    assert (alarm["level"], alarm["source"]) == (1, "device:button-1")
    assert alarm["resident"] == (await desk.resident("elder-3")).id
    assert sum(step["what"] == "raised" for step in alarm["steps"]) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"resident": "nobody"},
        {"resident": "谁"},
        {"resident": ""},
        {"at": "1970-01-01T00:00:00Z"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59-12:00"},
        {"at": "2026-11-23T10:00:00"},
        {"battery": 3},
        {"device": "床头按钮"},
    ],
)
async def test_a_call_for_help_is_not_refused_for_its_details(desk: Desk, odd: dict[str, object]) -> None:
    name = f"odd-{zlib.crc32(str(odd).encode())}"
    found = await desk.post("/signals", {"device": name, "type": "sos", **odd}, 201)
    assert found["alarm"]
    assert found["at"].startswith("2026-11-23T10:00")


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"type": "sos"},
        {"device": "", "type": "sos"},
        {"device": "d", "type": "song"},
        {"device": "\x00", "type": "sos"},
        {"device": "d", "type": "sos", "at": "soon"},
    ],
)
async def test_what_is_no_signal_is_a_422(desk: Desk, bad: dict[str, object]) -> None:
    assert (await desk.post("/signals", bad, 422))["code"] == "invalid"


async def test_heartbeats_motion_and_ok_are_recorded_and_raise_nothing(desk: Desk) -> None:
    elder = await desk.resident("elder-4")
    for kind in ("heartbeat", "motion", "ok"):
        found = await desk.post("/signals", {"device": "sensor-1", "type": kind}, 201)
        assert found["alarm"] is None
    listed = (await desk.get("/devices", registered="false", limit=200))["items"]
    assert "sensor-1" in [item["key"] for item in listed]
    assert (await desk.call("PUT", "/devices/nothing", 404, json={"resident": "elder-4"}))[
        "code"
    ] == "not_found"
    registered = await desk.call(
        "PUT", "/devices/sensor-1", json={"resident": "elder-4", "heartbeat_seconds": 600}
    )
    assert (registered["registered"], registered["resident"]) == (True, elder.id)
    began = desk.clock.now()
    moved = desk.clock.move(seconds=5)
    await desk.post("/signals", {"device": "sensor-1", "type": "motion"}, 201)
    desk.clock.set(began)
    async with desk.work("bot") as work:
        assert await devices.last_sign_of_life(work, elder.id) == moved
