"""`anlin nlu`: train, evaluate, try out."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from bot.clock import SystemClock
from bot.settings import Settings

_out = Console()
nlu = typer.Typer(help="Train, evaluate and try out understanding.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(nlu, name="nlu")


@nlu.command(
    help="Train the built-in engine, the emergency net's second listener and the knowledge, "
    "unless they are trained on just these files.\n\nExample: anlin nlu train"
)
def train() -> None:
    from bot.build import engine_cache
    from flows import faq_search
    from nlu import train as training

    cache = str(engine_cache(Settings()))
    training.main([cache])
    faq_search.main([cache])
    _out.print(f"kept in {cache}")


@nlu.command(
    "eval",
    help="Measure on a file of sentences (TSV: text, intent, style?) with either engine.\n\n"
    "Example: anlin nlu eval tests/data/intents_own.tsv",
)
def evaluate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TSV with a header")],
) -> None:
    from bot.build import parser_of, world_of
    from bot.reading import late_parts
    from nlu.emergency import EmergencyNet
    from nlu.evaluate import NOW, read_rows, report
    from nlu.evaluate import run as measure

    async def go() -> str:
        settings = Settings()
        parser = parser_of(settings, world_of(settings), EmergencyNet())
        for part in late_parts(parser):
            await part.wait()
        return report(await measure(parser, read_rows(file), NOW)).render()

    _out.print(asyncio.run(go()), highlight=False, markup=False)


@nlu.command(help='What a sentence is taken to mean.\n\nExample: anlin nlu parse "明天上午十点理发"')
def parse(
    text: Annotated[str, typer.Argument(help="The sentence")],
    now: Annotated[
        str | None, typer.Option(help="Count times from here, e.g. 2026-11-22T10:00+08:00")
    ] = None,
) -> None:
    from bot.build import parser_of, world_of
    from bot.channels.parse import parsed
    from bot.reading import late_parts
    from nlu.emergency import EmergencyNet
    from nlu.understanding import Context

    async def go() -> dict[str, object]:
        settings = Settings()
        parser = parser_of(settings, world_of(settings), EmergencyNet())
        for part in late_parts(parser):
            await part.wait()
        zone = ZoneInfo(settings.tz)
        moment = datetime.fromisoformat(now) if now else SystemClock().now()
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
        return parsed(await parser.parse(text, Context(now=moment)))

    _out.print_json(json.dumps(asyncio.run(go()), ensure_ascii=False))
