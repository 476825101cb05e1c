"""The commands of an operator, each as a process of its own (O1, P8, P9, N6)."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from bot.cli import app
from tests.product import ANLIN, Product, environment, run_command, texts


def _commands(group: click.Command, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        inner = getattr(command, "commands", None)
        yield from _commands(command, (*before, name)) if inner else [(*before, name)]


COMMANDS = sorted(_commands(get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "Example: " in shown.stdout
    assert f"anlin {' '.join(command)}" in shown.stdout


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = run_command("config", cwd=tmp_path, ANLIN_PORT="ninety", ANLIN_TZ="Mars/Base")
    assert done.returncode == 2
    assert "ANLIN_PORT" in done.stderr
    assert "ANLIN_TZ" in done.stderr
    assert "ninety" not in done.stderr
    assert "Traceback" not in done.stderr


def test_config_says_where_a_value_came_from_and_masks_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "ANLIN_RASA_URL=http://rasa:5005\nANLIN_TELEGRAM_TOKEN=12:hidden\n", "utf-8"
    )
    done = run_command("config", cwd=tmp_path, ANLIN_PORT="8099", ANLIN_KEYS="top-secret", COLUMNS="220")
    assert done.returncode == 0
    lines = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("│")}
    assert "8099" in lines["ANLIN_PORT"]
    assert "environment" in lines["ANLIN_PORT"]
    assert ".env" in lines["ANLIN_RASA_URL"]
    assert "default" in lines["ANLIN_HOST"]
    assert "••••" in lines["ANLIN_KEYS"]
    assert not {"top-secret", "hidden"} & set(done.stdout.replace("│", " ").split())


def test_a_port_in_use_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_command("run", "--port", port, "--home", str(tmp_path / "home"), cwd=tmp_path)
    assert done.returncode == 1
    assert "port_taken" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "home").exists()


def test_parse_shows_what_a_sentence_is_taken_to_mean(tmp_path: Path) -> None:
    done = run_command("nlu", "parse", "明天上午十点理发", "--now", "2026-11-22T10:00+08:00", cwd=tmp_path)
    parsed = json.loads(done.stdout)
    assert parsed["intent"]["name"] == "book_service"
    assert "2026-11-23T10:00" in [entity["value"] for entity in parsed["entities"]]


def test_an_installation_is_talked_to_staffed_saved_thrown_away_and_brought_back(tmp_path: Path) -> None:
    """One home through its life; each command is a process, so they share it."""
    product = Product()
    try:
        product.start()
        talked = subprocess.run(
            [str(ANLIN), "chat", "--sender", "demo:resident-1", "--url", product.url],
            input="你好\n",
            env=environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert talked.returncode == 0, talked.stderr
        assert "安邻" in talked.stdout
        names = sorted(row["name"] for row in product.every("/residents"))
        assert names
        assert product.stop() == 0

        def anlin(*arguments: str, code: int = 0) -> str:
            done = run_command(*arguments, cwd=tmp_path, ANLIN_HOME=str(product.home))
            assert done.returncode == code, done.stderr
            return done.stdout + done.stderr

        anlin("staff", "add", "officer-9", "王敏", "--role", "officer", "--password", "long-and-secret")
        again = anlin("staff", "add", "officer-9", "王敏", "--password", "long-and-secret", code=1)
        assert "staff_exists" in again
        token = anlin("token", "add", "kiosk", "--role", "officer").splitlines()[-1]
        file = tmp_path / "anlin.dump"
        anlin("db", "backup", str(file))
        assert file.stat().st_mode & 0o077 == 0, "nobody else may read it"
        raw = file.read_bytes()
        assert not any(name.encode() in raw for name in names), "names are encrypted in it"
        anlin("db", "throw-away", "--yes")
        assert "restored" in anlin("db", "restore", str(file), "--yes")
        product.start()
        assert sorted(row["name"] for row in product.every("/residents")) == names
        answered = product.http.get("/api/v1/staff", headers={"Authorization": f"Bearer {token}"})
        assert "officer-9" in [row["id"] for row in answered.json()["items"]]
        assert texts(product.say("demo:resident-1", "谢谢"))
    finally:
        product.close()
