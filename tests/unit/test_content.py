"""The files a community edits: what must stand in them, and what is said when something in them is wrong."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from data.content import (
    CATALOGUE_FOLDER,
    FAQ_FOLDER,
    ContentError,
    Text,
    load_clocks,
    load_faq,
    load_faq_areas,
    load_faults,
    load_places,
    load_services,
    lookup_rows,
)
from data.content_demo import DemoPlace, RelativeTime, duties, moves_until
from data.content_reading import folded
from data.demo_reading import DEMO_FOLDER, load_demo
from data.errors import AnlinError
from data.opening import slot_at, slots_on
from data.requests import MACHINES

TZ = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=TZ)

CATALOGUE = """午餐, 晚餐, 特殊膳食, 送餐上门 | 家庭保洁, 擦窗, 洗衣 | 上门助浴, 社区浴室
陪诊, 代配药, 家庭医生上门, 血压血糖测量, 护士上门 | 轮椅借用, 无障碍接送, 陪同出行
日间照料, 短期托养, 喘息服务, 康复训练 | 上门探访, 陪聊, 心理咨询, 生日关怀 | 理发, 家电清洗, 代缴费, 代购
临时托育, 课后托管 | 活动室预约, 兴趣班, 图书借阅 | 法律咨询, 证明代办 | 适老化改造评估, 一键呼叫器安装"""


def catalogue_with(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of the catalogue with one change in one file."""
    folder = tmp_path / "catalogue"
    shutil.copytree(CATALOGUE_FOLDER, folder)
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_the_catalogue_has_its_38_services_in_12_kinds_in_order() -> None:
    kinds = [[n.strip() for n in part.split(",")] for part in re.split(r"[|\n]", CATALOGUE)]
    services = load_services()
    assert [service.name.zh for service in services.values()] == [name for kind in kinds for name in kind]
    assert list(Counter(service.kind.key for service in services.values()).values()) == [
        len(k) for k in kinds
    ]


def test_the_fixed_hours_of_the_demo_stand() -> None:
    services, monday = load_services(), date(2026, 11, 23)
    for key in ("haircut", "home_cleaning", "legal_advice"):
        slots = slots_on(services[key], monday, TZ)
        assert (slots[0].start.time(), slots[-1].end.time()) == (time(9), time(17))
        assert slots_on(services[key], date(2026, 11, 22), TZ) == []
    assert services["legal_advice"].capacity == 8
    assert [(h.opens, h.closes) for h in services["activity_room"].open.hours] == [(8 * 60, 21 * 60)]
    assert [(h.opens, h.closes) for h in services["lunch"].open.hours] == [(630, 750)]
    assert [(h.opens, h.closes) for h in services["dinner"].open.hours] == [(990, 1110)]


@pytest.mark.parametrize("load", [load_services, load_faults, load_places])
def test_no_name_means_two_things_and_each_thing_has_several(load: Any) -> None:
    rows = lookup_rows(load())
    names = [folded(name) for _, words in rows for name in words]
    assert len(names) == len(set(names))
    assert min(len(words) for _, words in rows) >= 5
    assert min(len(name) for name in names) >= 2


def test_every_group_of_faults_is_there_and_only_real_emergencies_are_marked() -> None:
    faults = load_faults()
    assert len({fault.group.key for fault in faults.values()}) == 17
    assert {f.key for f in faults.values() if f.emergency} == {"gas_smell", "lift_trapped", "sparks"}
    assert all(f.danger and f.urgency == "urgent" for f in faults.values() if f.emergency)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("水龙头关不严", "tap"),
        ("跳闸", "breaker"),
        ("下水道返味", "drain_smell"),
        ("Manhole Cover", "manhole"),
    ],
)
def test_faults_are_found_by_what_people_say(words: str, key: str) -> None:
    assert [k for k, names in lookup_rows(load_faults()) if folded(words) in map(folded, names)] == [key]


def test_the_shared_places_of_the_demo_are_known() -> None:
    names = {place.name.zh for place in load_places().values()}
    assert {"东门", "西门", "中心花园", "地下车库", "活动中心", "社区食堂"} <= names


@pytest.mark.parametrize(
    ("kind", "urgency", "due"),
    [
        ("repair", "urgent", {"accept": 10, "on_site": 60, "close": 24 * 60}),
        ("repair", "ordinary", {"accept": 30, "on_site": 120, "close": 24 * 60}),
        ("complaint", None, {"first_answer": 48 * 60, "close": 7 * 24 * 60}),
        ("suggestion", None, {"first_answer": 48 * 60, "close": 7 * 24 * 60}),
        ("handoff", None, {"first_answer": 2}),
        ("alarm", None, {"acknowledge": 1, "breach": 3, "on_site": 30}),
    ],
)
def test_the_clocks_have_the_figures_of_the_catalogue(
    kind: str, urgency: str | None, due: Mapping[str, int]
) -> None:
    found = {clock.name: clock.due / timedelta(minutes=1) for clock in load_clocks().of(kind, urgency)}
    assert found == due


def test_complex_cases_colours_visits_and_shares() -> None:
    clocks = load_clocks()
    assert clocks.clocks["complaint_close"].extended == timedelta(days=15)
    assert float(clocks.yellow_from) == 0.75
    assert clocks.visit_days == {"high": 7, "other": 30}
    assert float(clocks.clocks["alarm_acknowledge"].share) == 0.975


def test_eighty_answers_in_twelve_areas_each_asked_in_both_languages() -> None:
    faq, areas = load_faq(), load_faq_areas()
    assert len(faq) >= 80
    assert set(Counter(entry.area for entry in faq.values())) == set(areas)
    assert len(areas) == 12
    for entry in faq.values():
        assert any(question.isascii() for question in entry.questions), entry.id
        assert sum(not question.isascii() for question in entry.questions) >= 3, entry.id
        assert entry.date.year in (2025, 2026), entry.id


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("canteen_hours", ["10:30", "12:30", "16:30", "18:30"]),
        ("insurance_card_lost", ["12393", "医保卡"]),
        ("allowance_very_old", ["80", "元"]),
    ],
)
def test_the_answers_everybody_asks_for(entry: str, words: list[str]) -> None:
    found = load_faq()[entry]
    text = found.answer.zh + " ".join(found.questions)
    assert all(word in text for word in words)


def test_what_residents_read_has_no_exclamation_marks() -> None:
    texts: list[Text] = [entry.answer for entry in load_faq().values()]
    texts += [s.description for s in load_services().values()]
    assert not [text for text in texts if re.search("[!！]", text.zh + text.en)]


BROKEN = [
    (
        "services.yml",
        "    capacity: 60\n",
        "    capacity: many\n",
        r"service 'lunch'.*`capacity`.*whole number from 1",
    ),
    (
        "services.yml",
        "    capacity: 60\n",
        "    capcity: 60\n",
        r"service 'lunch'.*`capacity` is missing; add",
    ),
    (
        "services.yml",
        "    where: there\n",
        "    where: there\n    whre: x\n",
        r"`whre` is not known here; remove",
    ),
    ("services.yml", '["10:30-12:30"]', '["12:30-10:30"]', r"`hours` must run forward"),
    ("services.yml", "days: workdays", "days: holidays", r"`days` must be one of daily, workdays"),
    ("services.yml", "place: canteen", "place: moon", r"`place` must be one of east_gate"),
    ("services.yml", "key: dinner", "key: lunch", r"service 'lunch'.*used twice"),
    ("services.yml", "names: [晚饭", "names: [午饭, 晚饭", r"service 'dinner'.*share '午饭' with 'lunch'"),
    ("services.yml", "slots: [time, item, count]", "slots: [time, when]", r"cannot hold 'when'"),
    ("services.yml", "slots: [time, place, (note)]", "slots: [time, (note)]", r"`slots` must hold `place`"),
    (
        "services.yml",
        "    slot_minutes: 30\n",
        "    slot_minutes: 300\n",
        r"does not fit into any of the opening hours",
    ),
    ("services.yml", "services:", "services: [", r"cannot be read .*check the indent"),
    ("faults.yml", "urgency: planned", "urgency: soon", r"must be one of urgent, ordinary, planned"),
    ("faults.yml", "key: tap", "key: Tap!", r"small letters, digits and _"),
    ("places.yml", "    in_building: true", "    in_building: maybe", r"must be one of true, false"),
    ("clocks.yml", "due: 10m", "due: ten", r"length of time like 30s, 10m, 48h or 7d"),
    ("clocks.yml", "yellow_from: 0.75", "yellow_from: soon", r"a number like 1.5"),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), BROKEN)
def test_a_mistake_is_named_with_file_line_entry_and_mend(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    folder = catalogue_with(tmp_path, name, old, new)
    load = {"services": load_services, "faults": load_faults, "places": load_places, "clocks": load_clocks}
    with pytest.raises(ContentError, match=says) as caught:
        load[name.removesuffix(".yml")](folder)
    assert isinstance(caught.value, AnlinError)
    assert caught.value.code == "content_invalid"
    assert re.match(re.escape(str(folder / name)) + r":\d+: ", caught.value.for_log)


def test_the_line_named_is_the_line_of_the_mistake(tmp_path: Path) -> None:
    folder = catalogue_with(tmp_path, "services.yml", "    capacity: 60\n", "    capacity: many\n")
    with pytest.raises(ContentError) as caught:
        load_services(folder)
    lines = (folder / "services.yml").read_text(encoding="utf-8").splitlines()
    assert lines[caught.value.facts["line"] - 1] == "    capacity: many"


def test_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"faults\.yml: this file is missing"):
        load_faults(tmp_path)
    (tmp_path / "places.yml").write_text("", encoding="utf-8")
    with pytest.raises(ContentError, match="this file is empty"):
        load_places(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# English\n", "# Englisch\n", "needs a head between two lines"),
        ("id: canteen_hours", "id: canteen", "must be the name of the file"),
        ("area: meals", "area: food", "must be one of meals, "),
        ("date: 2026-09-01", "date: today", "must be a date like 2026-03-01"),
        ("questions:\n", "questions: []\nmore:\n", "a list of at least 3 words"),
    ],
)
def test_a_mistake_in_an_answer_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    shutil.copy(FAQ_FOLDER / "areas.yml", tmp_path)
    page = (FAQ_FOLDER / "canteen_hours.md").read_text(encoding="utf-8")
    assert old in page
    (tmp_path / "canteen_hours.md").write_text(page.replace(old, new), encoding="utf-8")
    with pytest.raises(ContentError, match=says):
        load_faq(tmp_path)


def test_one_question_cannot_have_two_answers(tmp_path: Path) -> None:
    shutil.copy(FAQ_FOLDER / "areas.yml", tmp_path)
    page = (FAQ_FOLDER / "canteen_hours.md").read_text(encoding="utf-8")
    (tmp_path / "canteen_hours.md").write_text(page, encoding="utf-8")
    (tmp_path / "other.md").write_text(page.replace("id: canteen_hours", "id: other"), encoding="utf-8")
    with pytest.raises(ContentError, match="keep it in one"):
        load_faq(tmp_path)


def test_the_demo_is_the_one_that_outside_checks_rely_on() -> None:
    demo = load_demo()
    senders = {person.sender for person in demo.residents.values() if person.sender}
    assert senders == {f"demo:resident-{n}" for n in range(1, 9)} | {f"demo:elder-{n}" for n in range(1, 5)}
    assert demo.residents["resident-1"].home == DemoPlace(building="5", unit="1", room="1203")
    assert demo.residents["elder-1"].home == DemoPlace(building="3", unit="2", room="501")
    assert all(demo.residents[f"elder-{n}"].lives_alone for n in range(1, 5))
    assert any(c.consented and c.relation.en == "daughter" for c in demo.residents["elder-1"].contacts)
    plans = {plan.resident: plan for plan in demo.plans}
    assert (len(plans["elder-1"].days), plans["elder-1"].time) == (7, time(9))
    assert plans["elder-2"].visit_every_days == 7
    assert (demo.buildings, demo.units, demo.floors, demo.doors) == (12, 3, 18, 4)
    assert set(demo.staff) == {"officer-1", "officer-2", "repairer-1", "repairer-2", "lead-1", "admin"}


def test_every_demo_home_exists() -> None:
    demo = load_demo()
    homes = set(demo.homes())
    assert all(person.home in homes for person in demo.residents.values())


def test_somebody_is_on_duty_at_every_hour_and_the_lead_at_night() -> None:
    demo = load_demo()
    found = duties(demo.shifts, date(2026, 11, 21), 4, TZ)
    for hour in range(48):
        moment = NOW + timedelta(hours=hour)
        on_duty = {duty.staff for duty in found if duty.begins <= moment < duty.ends}
        assert on_duty, moment
        assert (on_duty == {"lead-1"}) is not (8 <= moment.hour < 20), moment
    assert {duty.staff for duty in found} == set(demo.staff) - {"admin"}


@pytest.mark.parametrize(
    "now", [NOW, datetime(2027, 2, 28, 23, 30, tzinfo=TZ), datetime(2026, 10, 2, 6, 0, tzinfo=TZ)]
)
def test_the_cases_of_the_demo_are_possible_on_any_day(now: datetime) -> None:
    for case in load_demo().cases:
        machine, state = MACHINES[case.kind], MACHINES[case.kind].start
        made, last = case.at.at(now), case.at.at(now)
        assert made <= now, case.text
        for move in case.moves:
            assert move.at.at(now) >= last, case.text
            last = move.at.at(now)
            targets = {machine.after(state, name) for name in machine.possible(state)}
            assert move.state in targets, (case.text, move)
            state = move.state
        assert not case.rating or last < now - timedelta(days=2), case.text


def test_bookings_of_the_demo_begin_with_a_slot_of_their_service() -> None:
    services, slots = load_services(), 0
    for case in load_demo().cases:
        if case.kind == "booking" and case.service and case.starts_at:
            start = case.starts_at.at(NOW)
            if services[case.service].open.days in ("daily", "workdays"):
                slot = slot_at(services[case.service], start)
                assert slot is not None, case.text
                assert slot.start == start, case.text
                slots += 1
    assert slots > 10


def test_no_open_case_of_the_demo_belongs_to_somebody_who_writes() -> None:
    demo, ended = load_demo(), {"done", "closed", "cancelled"}
    for case in demo.cases:
        done = moves_until(case.moves, NOW)
        if not done or done[-1].state not in ended:
            assert demo.residents[case.resident].sender is None, case.text


def test_the_alarms_of_the_demo_are_over_and_its_hours_never_below_zero() -> None:
    demo = load_demo()
    assert all(moves_until(alarm.moves, NOW)[-1].state == "resolved" for alarm in demo.alarms)
    balance: Counter[str] = Counter()
    for line in demo.hours:
        balance[line.resident] += line.minutes
        assert balance[line.resident] >= 0


def test_a_relative_time_follows_the_day() -> None:
    assert RelativeTime(ago=timedelta(minutes=25)).at(NOW) == NOW - timedelta(minutes=25)
    assert RelativeTime(day=1, time=time(9)).at(NOW) == datetime(2026, 11, 23, 9, tzinfo=TZ)
    assert RelativeTime(workday=-1, time=time(9)).at(NOW) == datetime(2026, 11, 20, 9, tzinfo=TZ)
    assert RelativeTime(day=0, time=time(9)).at(NOW).astimezone(UTC).hour == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "cases.yml",
            "resident: neighbour-1\n",
            "resident: nobody\n",
            "`resident` must be one of resident-1",
        ),
        ("cases.yml", "fault: tap", "fault: tapp", "`fault` must be one of pipe_leak"),
        ("cases.yml", "at: {ago: 25m}", "at: {ago: soon}", "length of time like 25m"),
        ("cases.yml", "at: {ago: 25m}", 'at: {time: "09:00"}', r"`at` must be like \{ago: 25m\}"),
        (
            "staff.yml",
            "officer-1 repairer-1",
            "officer-9 repairer-1",
            "name 'officer-9', who is not on the staff",
        ),
        ("residents.yml", "id: resident-2", "id: resident-1", "'resident-1' is used twice"),
        ("residents.yml", "consents: [service]", "consents: [all]", "knows no 'all'"),
        ("residents.yml", '"+8619900010001"', "199", "must be a number like"),
    ],
)
def test_a_mistake_in_the_demo_is_named(tmp_path: Path, name: str, old: str, new: str, says: str) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO_FOLDER, folder)
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=says):
        load_demo(folder)


def test_words_come_in_the_language_asked_for() -> None:
    words = Text(zh="你好", en="Hello")
    assert (words.of("zh"), words.of("en"), words.of("fr")) == ("你好", "Hello", "你好")
