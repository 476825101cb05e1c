"""`anlin config`: every setting, its value, and where it came from."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bot.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(
        "config",
        help="Every setting, its value and where it came from; secrets are masked.\n\nExample: anlin config",
    )(config)


def config() -> None:
    settings = Settings()
    table = Table("setting", "value", "from", "what it is")
    table.columns[0].no_wrap = True  # names are looked for with grep
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "" if value is None else "••••" if isinstance(value, SecretStr) else str(value)
        table.add_row(f"ANLIN_{name.upper()}", shown, _source(name), field.description or "")
    Console().print(table)


def _source(name: str) -> str:
    variable = f"ANLIN_{name.upper()}"
    if any(key.upper() == variable for key in os.environ):
        return "environment"
    dotenv = Path(".env")
    if dotenv.is_file():
        lines = (line.split("=", 1)[0].strip().upper() for line in dotenv.read_text("utf-8").splitlines())
        if variable in lines:
            return ".env"
    return "default"
