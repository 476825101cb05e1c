"""Dialogues written as YAML (see README.md beside this file), played against the started product."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.product import Product, buttons, dump, fresh, moment, texts, wait_until

HERE = Path(__file__).parent
NOW = datetime.fromisoformat("2026-11-23T10:00+08:00")
"""When a scenario plays that names no moment: a working day, ten in the morning."""
WITHIN = 30.0
"""Real seconds that a step with `later` or `until` waits at the most."""

_HOLES = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One file."""

    file: str  # its name without .yml
    name: str  # what it shows
    features: tuple[str, ...]  # ids of features.md
    now: datetime  # where the product's clock starts
    speed: float  # how many times as fast it runs; other than 1: a drill with a product of its own
    steps: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Stage:
    """What one scenario remembers while it plays."""

    product: Product
    known: dict[str, str] = field(default_factory=dict)  # what `remember` found, for <holes>
    speaker: str = "demo:resident-1"
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # sender → the last messages to it
    cursors: dict[str, str] = field(default_factory=dict)

    def filled(self, given: Any) -> Any:
        """Anything of a step, with what is remembered in the place of its <holes>."""
        if isinstance(given, str):
            return _HOLES.sub(lambda match: self.known.get(match[1], match[0]), given)
        if isinstance(given, Mapping):
            return {key: self.filled(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.filled(value) for value in given]
        return given


def load() -> list[Scenario]:
    """Every scenario, by name of file."""
    found = []
    for path in sorted(HERE.glob("*.yml")):
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.append(
            Scenario(
                file=path.stem,
                name=written["name"],
                features=tuple(written["features"]),
                now=moment(written["now"]) if "now" in written else NOW,
                speed=float(written.get("speed", 1)),
                steps=tuple(written["steps"]),
            )
        )
    return found


def play(product: Product, scenario: Scenario) -> None:
    """Play a scenario; an expectation that fails says at which step."""
    stage = Stage(product=product)
    # Each scenario's strangers are its own.
    stage.known.update({"stranger": fresh("stranger"), "id": fresh("id")})
    for number, step in enumerate(scenario.steps, start=1):
        try:
            _play_step(stage, stage.filled(step))
        except AssertionError as error:
            shown = {key: value for key, value in step.items() if key != "steps"}
            raise AssertionError(f"{scenario.file}, step {number}: {dump(shown)}\n{error}") from error


_KINDS = ("say", "press", "later", "silence", "api", "http", "timeline")
_SPOKEN = ("as", "id", "expect", "expect_not", "expect_buttons", "remember", "same_again")


def _play_step(stage: Stage, step: Mapping[str, Any]) -> None:
    kinds = [kind for kind in _KINDS if kind in step]
    assert len(kinds) == 1, f"a step does one of {', '.join(_KINDS)}"
    unknown = set(step) - set(kinds) - set(_SPOKEN)
    assert not unknown, f"unknown in a step: {', '.join(sorted(unknown))}"
    stage.speaker = str(step.get("as", stage.speaker))
    _PLAYERS[kinds[0]](stage, step)


def _say(stage: Stage, step: Mapping[str, Any]) -> None:
    text = step["say"]
    if isinstance(text, Mapping):  # {repeat: words, to: characters}
        text = (text["repeat"] * (text["to"] // len(text["repeat"]) + 1))[: text["to"]]
    _spoken(stage, step, str(text))


def _press(stage: Stage, step: Mapping[str, Any]) -> None:
    offered = buttons(stage.answers.get(stage.speaker, ()))
    found = [button for button in offered if re.search(step["press"], button["title"])]
    assert found, f"no such button among {[button['title'] for button in offered]}"
    _spoken(stage, step, found[0]["payload"])


def _spoken(stage: Stage, step: Mapping[str, Any], text: str) -> None:
    answers = stage.product.say(stage.speaker, text, step.get("id"))
    before = stage.answers.get(stage.speaker)
    if step.get("same_again"):
        assert answers == before, f"other answers than the first time: {dump(answers)}"
    stage.answers[stage.speaker] = answers
    _judge(stage, step, answers)


def _later(stage: Stage, step: Mapping[str, Any]) -> None:
    """Wait until what was said unasked fits all expectations; everything since the last look counts."""
    wanted = step["later"] if isinstance(step["later"], Mapping) else {"expect": step["later"]}
    collected: list[dict[str, Any]] = []
    speaker = stage.speaker

    def fits() -> bool:
        found, stage.cursors[speaker] = stage.product.later(speaker, stage.cursors.get(speaker, "0"))
        collected.extend(found)
        return all(re.search(each, texts(collected)) for each in _listed(wanted["expect"]))

    wait_until(fits, within=float(wanted.get("within", WITHIN)), why=lambda: f"heard only: {dump(collected)}")
    if "from" in wanted:
        senders = {
            each["from"] for each in collected if re.search(_listed(wanted["expect"])[0], each["text"])
        }
        assert senders == {wanted["from"]}, f"from {senders}"
    stage.answers[speaker] = collected
    _judge(stage, {key: value for key, value in step.items() if key != "expect"}, collected)


def _silence(stage: Stage, step: Mapping[str, Any]) -> None:
    """Somebody speaks and the bot says nothing, neither at once nor unasked."""
    answers = stage.product.say(stage.speaker, str(step["silence"]), step.get("id"))
    assert answers == [], f"the bot spoke: {dump(answers)}"
    found, stage.cursors[stage.speaker] = stage.product.later(
        stage.speaker, stage.cursors.get(stage.speaker, "0")
    )
    spoken = [each for each in found if each["from"] == "bot"]
    assert not spoken, f"the bot spoke: {dump(spoken)}"


def _judge(stage: Stage, step: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
    heard = texts(answers)
    shown = f"heard: {heard}\nbuttons: {[button['title'] for button in buttons(answers)]}"
    for pattern in _listed(step.get("expect")):
        assert re.search(pattern, heard), f"{pattern!r} was not said\n{shown}"
    for pattern in _listed(step.get("expect_not")):
        assert not re.search(pattern, heard), f"{pattern!r} was said\n{shown}"
    titles = [button["title"] for button in buttons(answers)]
    for pattern in _listed(step.get("expect_buttons")):
        assert any(re.search(pattern, title) for title in titles), f"no button {pattern!r}\n{shown}"
    for name, pattern in (step.get("remember") or {}).items():
        found = re.search(pattern, heard)
        assert found, f"{pattern!r} was not said\n{shown}"
        stage.known[name] = found[0]


def _api(stage: Stage, step: Mapping[str, Any]) -> None:
    """One request to the API; with `until: true` again and again until the document fits."""
    asked = step["api"]
    method = next(method for method in ("get", "post", "put", "delete") if method in asked)

    def look() -> Any:
        return stage.product.api(
            method.upper(),
            asked[method],
            json=asked.get("json", {} if method == "post" else None),
            params=asked.get("params"),
            status=asked.get("status"),
        )

    document = look()
    if asked.get("until"):
        wait_until(
            lambda: not _misfits(look(), asked),
            within=float(asked.get("within", WITHIN)),
            why=lambda: "; ".join(_misfits(look(), asked)),
        )
        document = look()
    wrong = _misfits(document, asked)
    assert not wrong, "; ".join(wrong) + f"\n{dump(document)}"
    for name, path in (asked.get("remember") or {}).items():
        stage.known[name] = str(_at(document, path))


def _http(stage: Stage, step: Mapping[str, Any]) -> None:
    """One raw request, for what no well-meaning client sends. `body` is sent as it stands."""
    asked = step["http"]
    method = next(method for method in ("get", "post") if method in asked)
    answered = stage.product.http.request(
        method.upper(),
        asked[method],
        content=str(asked["body"]).encode() if "body" in asked else None,
        json=asked.get("json"),
        headers={"Content-Type": "application/json", **asked.get("headers", {})} if "body" in asked else None,
    )
    assert answered.status_code == asked["status"], f"{answered.status_code}: {answered.text}"
    if asked["status"] >= 400:
        assert answered.headers["content-type"] == "application/problem+json", answered.headers
        problem = answered.json()
        assert problem["status"] == asked["status"]
        assert problem["detail"]
    wrong = _misfits(answered.json(), asked)
    assert not wrong, "; ".join(wrong) + f"\n{answered.text}"


def _timeline(stage: Stage, step: Mapping[str, Any]) -> None:
    """Wait for a timeline of the API to be there in full; each line within the tolerance of its time, none besides.

    Prints by how much each line is late.
    """
    wanted = step["timeline"]
    lines = wanted["lines"]
    tolerance = float(wanted.get("tolerance", 60))

    def steps() -> list[dict[str, Any]]:
        document = stage.product.api("GET", wanted["get"], params=wanted.get("params"))
        try:
            found: list[dict[str, Any]] = _at(document, wanted["at"])
        except KeyError:
            return []  # it is not there yet
        return [each for each in found if each["what"] not in wanted.get("besides", ())]

    wait_until(
        lambda: len(steps()) >= len(lines),
        within=float(wanted.get("within", 90)),
        why=lambda: f"not all of it came: {dump(steps())}\n{stage.product.tail(10)}",
        pause=0.25,
    )
    found = steps()
    print(f"\n{wanted['get']}:")
    for line, got in zip(lines, found, strict=False):
        came = moment(got["at"])
        hour, minute = (int(part) for part in line["at"].split(":"))
        late = (came - came.replace(hour=hour, minute=minute, second=0, microsecond=0)).total_seconds()
        print(f"  {line['at']} {line['what']:<10} {late:+6.2f} s of product time, to {got['to'] or '-'}")
        assert got["what"] == line["what"], f"{got['what']} instead of {line['what']}\n{dump(found)}"
        assert -1 <= late <= line.get("tolerance", tolerance), (
            f"{line['what']} is {late:.1f} s late\n{dump(found)}"
        )
        if "to" in line:
            assert re.search(line["to"], got["to"] or ""), f"{line['what']} went to {got['to']}"
    assert len(found) == len(lines), f"other lines than expected: {dump(found)}"


_PLAYERS: Mapping[str, Callable[[Stage, Mapping[str, Any]], None]] = {
    "say": _say,
    "press": _press,
    "later": _later,
    "silence": _silence,
    "api": _api,
    "http": _http,
    "timeline": _timeline,
}


def _misfits(document: Any, asked: Mapping[str, Any]) -> list[str]:
    """Where a document is other than `expect` (path → value, or ~regex) and `count` (of its items) say."""
    wrong = []
    for path, value in (asked.get("expect") or {}).items():
        try:
            got = _at(document, path)
        except KeyError:
            wrong.append(f"{path} is missing")
            continue
        if isinstance(value, str) and value.startswith("~"):
            if not re.search(value[1:], str(got)):
                wrong.append(f"{path} is {got!r}, not like {value[1:]!r}")
        elif got != value:
            wrong.append(f"{path} is {got!r}, not {value!r}")
    if "count" in asked and len(document["items"]) != asked["count"]:
        wrong.append(f"{len(document['items'])} items, not {asked['count']}")
    return wrong


def _at(document: Any, path: str) -> Any:
    """What stands at a dotted path; raises KeyError."""
    for part in path.split("."):
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (IndexError, TypeError, ValueError) as error:
            raise KeyError(path) from error
    return document


def _listed(given: Any) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else list(given)
