"""Every setting, command, error code, API resource and metric stands in docs/reference.md (the operator's look-up)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from typer.main import get_command

from bot.cli import app
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference.md"
PACKAGES = ("bot", "nlu", "voice", "flows", "data")


def sources() -> Iterator[ast.Module]:
    """Every module of the product."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(file.read_text("utf-8"))


def commands(group: click.Command, before: str = "anlin") -> Iterator[str]:
    """The names of all commands."""
    for name, command in getattr(group, "commands", {}).items():
        inner = getattr(command, "commands", None)
        yield from commands(command, f"{before} {name}") if inner else [f"{before} {name}"]


def error_codes() -> set[str]:
    """`code = "…"` of every class, read from the source so that nothing has to be imported."""
    return {
        statement.value.value
        for module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == "code"
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    }


def metrics() -> set[str]:
    """First arguments of Prometheus' Gauge, Counter, Histogram and Summary."""
    return {
        node.args[0].value
        for module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Gauge", "Counter", "Histogram", "Summary")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def resources() -> set[str]:
    """The first part of every path of the API."""
    found = set()
    for file in sorted((ROOT / "bot" / "api").glob("*.py")):
        for path in re.findall(
            r"router\.(?:get|post|patch|put|delete)\(\s*\"/([a-z]+)", file.read_text("utf-8")
        ):
            found.add(path)
        found |= set(re.findall(r"prefix=\"/([a-z]+)\"", file.read_text("utf-8")))
    return found


EVERYTHING = {
    "settings": {f"ANLIN_{name.upper()}" for name in Settings.model_fields},
    "commands": set(commands(get_command(app))),
    "errors": error_codes(),
    "metrics": metrics(),
    "resources": resources(),
}


@pytest.mark.parametrize("kind", EVERYTHING)
def test_everything_is_in_the_reference(kind: str) -> None:
    named = set(re.findall(r"`([^`]+)`", REFERENCE.read_text("utf-8")))
    assert EVERYTHING[kind], "nothing found: the search is broken"
    assert EVERYTHING[kind] - named == set()


def test_the_reference_names_no_setting_and_no_command_that_is_gone() -> None:
    text = REFERENCE.read_text("utf-8")
    assert set(re.findall(r"^\| `(ANLIN_[A-Z_]+)`", text, re.M)) == EVERYTHING["settings"]
    assert set(re.findall(r"^\| `(anlin [a-z -]+)`", text, re.M)) == EVERYTHING["commands"]
