"""`anlin voice`: the models that understand speech."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.settings import Settings

_out = Console()
voice = typer.Typer(help="Speech: models and terminals.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(voice, name="voice")


@voice.command(
    help="Fetch the model that understands Mandarin (42 MB) and check it.\n\nExample: anlin voice models"
)
def models(
    name: Annotated[
        str | None, typer.Option(help="Which of the Vosk project's models; default: the small one")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Where it is fetched from; default: the project's own page")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The archive must have this checksum")] = None,
) -> None:
    # Imported here, as in every command: `anlin --help` need not wait for an HTTP client.
    from rich.progress import Progress

    from voice.models import DEFAULT_MODEL, SITE, ModelError, fetch_model

    name = name or DEFAULT_MODEL
    folder: Path = Settings().home / "models"
    try:
        with Progress(console=_out) as progress:
            task = progress.add_task(name)
            fetched = fetch_model(
                folder,
                name=name,
                site=site or SITE,
                sha256=sha256,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    except ModelError as error:
        _out.print(f"[bold red]{error.code}[/]: {error}", highlight=False)
        raise typer.Exit(1) from error
    _out.print(f"{fetched.path}\nsha256 {fetched.sha256}", highlight=False)
