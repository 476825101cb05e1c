"""`anlin`: every command an operator needs."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from bot.commands import config, database, devices, people, run, speech, talk, understanding
from data.errors import AnlinError

app = typer.Typer(
    name="anlin",
    help="Anlin, the conversational service bot of a residential community.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (run, talk, understanding, database, people, devices, speech, config):
    group.add_to(app)


def main() -> None:
    """Run a command. Wrong settings and known errors: what is wrong and how to mend it, exit code 2 or 1."""
    errors = Console(stderr=True)
    try:
        app()
    except ValidationError as error:
        errors.print("[bold red]A setting is wrong.[/]")
        for found in error.errors():
            name = "_".join(str(part) for part in found["loc"]).upper()
            errors.print(f"  ANLIN_{name}: {found['msg']}", highlight=False)
        errors.print("`anlin config` shows every setting, its value and where it came from.")
        sys.exit(2)
    except AnlinError as error:
        errors.print(f"[bold red]{error.code}[/]: {error.for_log}", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
