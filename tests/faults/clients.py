"""Residents who go on talking while the product is killed under them: each message again until it is answered."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.product import PATIENCE, buttons, texts

_TURNS_AT_MOST = 6
_FLOORS, _DOORS, _UNITS = 18, 4, 3
_HOURS = ("下午三点", "上午十点", "下午四点", "上午九点")
ERRANDS = tuple(
    f"{do}{what}"
    for do, what in itertools.product(
        ("收", "买", "洗", "补", "送", "拿", "修", "找"),
        ("衣服", "雨伞", "帽子", "毛巾", "报纸", "鞋子", "书包", "被子", "围巾", "眼镜", "箱子", "毯子"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message and what it was answered with."""

    message_id: str
    text: str
    answers: list[dict[str, Any]]
    tries: int  # how often it was sent until an answer came through


@dataclass(slots=True)
class Resident(threading.Thread):
    """One of the demo's residents: repairs, bookings and reminders in turn, no two alike, until told to stop."""

    url: str
    number: int  # 1 … 8
    enough: threading.Event
    heard: list[Heard] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)  # of the cases that were confirmed to them
    reminders: list[str] = field(default_factory=list)  # errands that they are to be reminded of
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name=self.sender, daemon=True)

    # A thread is known by what it is, not by what it holds.
    __hash__ = threading.Thread.__hash__

    @property
    def sender(self) -> str:
        """The name they write under."""
        return f"demo:resident-{self.number}"

    def run(self) -> None:
        try:
            with httpx.Client(base_url=self.url, timeout=20.0, trust_env=False) as http:
                for wish in self._wishes():
                    if self.enough.is_set():
                        return
                    self._have(http, wish)
        except BaseException as error:
            self.failure = error

    def _wishes(self) -> Iterator[str]:
        homes = itertools.product(range(1, _UNITS + 1), range(1, _FLOORS + 1), range(1, _DOORS + 1))
        errands = iter(ERRANDS)
        for count, (unit, floor, door) in enumerate(homes):
            yield f"{self.number}号楼{unit}单元{floor}{door:02d}的水龙头漏水"
            errand = next(errands, None)
            if errand is not None and count % 2 == 0:
                yield f"{4 + count % 5}分钟后提醒我{errand}"
            if count % 3 == 0:
                month, day = divmod(count // 3, 28)
                yield f"帮我约12月{1 + day}日{_HOURS[month % len(_HOURS)]}活动室"

    def _have(self, http: httpx.Client, wish: str) -> None:
        """Bring one wish to its end: confirm what is read back, until a number or a set reminder is told."""
        answers = self._say(http, wish)
        for _ in range(_TURNS_AT_MOST):
            said = texts(answers)
            if "单号" in said:
                self.numbers.append(said.split("单号", 1)[1][:14])
                return
            if "设好了" in said:
                self.reminders.append(wish.split("提醒我", 1)[1])
                return
            if "已经过了" in said:  # the product was down until it was too late to set this reminder
                self._say(http, "/stop")
                return
            choices = [button["payload"] for button in buttons(answers)]
            assert "/affirm" in choices, f"{wish}: cannot go on after {said!r} {choices}"
            answers = self._say(http, "/affirm")
        raise AssertionError(f"{wish}: no end after {said!r}")

    def _say(self, http: httpx.Client, text: str) -> list[dict[str, Any]]:
        """Say it with the same message id until it is answered."""
        message_id = f"{self.sender}-{len(self.heard)}"
        body = {"sender": self.sender, "message": text, "message_id": message_id}
        deadline = time.monotonic() + PATIENCE
        for tries in itertools.count(1):
            try:
                answered = http.post("/webhooks/rest/webhook", json=body)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
            assert answered.status_code == 200, f"{answered.status_code}: {answered.text}"
            answers: list[dict[str, Any]] = json.loads(answered.text)
            self.heard.append(Heard(message_id=message_id, text=text, answers=answers, tries=tries))
            return answers
        raise AssertionError
