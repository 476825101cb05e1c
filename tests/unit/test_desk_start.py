"""The service starts without waiting for the desk's rooms, and the desk's secret is nobody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.desk.sign_in import secret_of, token


def test_nothing_of_nicegui_is_loaded_at_the_start() -> None:
    code = "import sys, bot.desk.app; print([name for name in sys.modules if name.startswith('nicegui')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = secret_of(tmp_path / "home")
    assert len(made) == 32
    assert secret_of(tmp_path / "home") == made
    assert (tmp_path / "home" / "desk.secret").stat().st_mode & 0o777 == 0o600


def test_a_form_token_belongs_to_one_browser_and_one_installation() -> None:
    assert token(b"a" * 32, "browser") == token(b"a" * 32, "browser")
    assert token(b"a" * 32, "browser") != token(b"a" * 32, "another")
    assert token(b"a" * 32, "browser") != token(b"b" * 32, "browser")
