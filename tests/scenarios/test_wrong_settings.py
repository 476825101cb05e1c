"""Wrong settings: the command says which and how to mend it, and exits with 2; a drill is refused on real data."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from data.embedded import DATABASE, USER
from tests.product import Product, drill, free_port, run_command
from tests.scenarios.script import NOW


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ANLIN_PORT": "abc"}, "ANLIN_PORT"),
        ({"ANLIN_PORT": "0"}, "ANLIN_PORT"),
        ({"ANLIN_TZ": "Mars/X"}, "ANLIN_TZ"),
        ({"ANLIN_NLU": "oracle"}, "ANLIN_NLU"),
        ({"ANLIN_RASA_URL": "rasa:5005"}, "ANLIN_RASA_URL"),
        ({"ANLIN_DATABASE_URL": "mysql://somewhere/anlin"}, "ANLIN_DATABASE_URL"),
    ],
    ids=lambda given: "-".join(given.values()) if isinstance(given, dict) else "",
)
def test_the_setting_is_named_and_the_exit_code_is_2(
    settings: dict[str, str], told: str, tmp_path: Path
) -> None:
    ended = run_command("run", "--home", str(tmp_path / "home"), cwd=tmp_path, **settings)
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr
    assert "anlin config" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--now", "yesterday"), "2026-11-22T10:00+08:00"),
        (("--now", "2026-11-23T10:00"), "offset"),
        (("--speed", "0"), "--speed"),
        (("--port", "70000"), "--port"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_a_wrong_option_is_named(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    ended = run_command("run", "--home", str(tmp_path / "home"), *arguments, cwd=tmp_path, COLUMNS="200")
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_secret_in_a_wrong_setting_is_not_shown(tmp_path: Path) -> None:
    ended = run_command("run", cwd=tmp_path, ANLIN_DATABASE_URL="mysql://anlin:hush-hush@somewhere/anlin")
    assert ended.returncode == 2
    assert "hush-hush" not in ended.stderr + ended.stdout


def test_a_drill_is_refused_where_real_people_are_and_a_taken_port_is_told() -> None:
    product = Product("--demo")
    try:
        product.start()
        taken = run_command(
            "run", "--home", str(product.home), "--port", str(product.port), cwd=product.folder
        )
        assert taken.returncode == 1
        assert "port_taken" in taken.stderr
        assert "--port" in taken.stderr

        socket = (product.data() / "postmaster.pid").read_text(encoding="utf-8").splitlines()[4]
        with psycopg.connect(host=socket, user=USER, dbname=DATABASE) as connection:
            connection.execute("UPDATE community SET demo = false")
        port = str(free_port())
        home = str(product.home)
        refused = run_command("run", "--home", home, "--port", port, *drill(NOW, 60), cwd=product.folder)
        assert refused.returncode == 1
        assert "drill_refused" in refused.stderr
        assert "Traceback" not in refused.stderr
    finally:
        product.close()
