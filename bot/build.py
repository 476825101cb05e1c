"""Puts the house together from the settings: database, keys, understanding, content, flows, clockwork."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import cache
from pathlib import Path

import structlog

from bot.clock import Clock, DrillClock, SystemClock
from bot.communities import Communities
from bot.house import House
from bot.keys import keyring_of
from bot.outbox import Carrier, Outbox
from bot.reading import LateEngine, LateListener
from bot.settings import Settings
from bot.turn import Turns
from bot.voice_room import open_voice
from data import content
from data.content_faq import load_faq
from data.database import Database
from data.events import EventStream
from flows import registry
from flows.knowledge import FaqKnowledge
from flows.replies import Replies
from flows.wording import Wording
from flows.world import Figures, World
from nlu.emergency import EmergencyNet
from nlu.encoder import Encoder
from nlu.engine import IntentEngine, Parser, SecondListener
from nlu.extractors import Extractors

log = structlog.get_logger(__name__)


def world_of(settings: Settings, figures: Figures | None = None) -> World:
    """Content and figures, read from the files."""
    replies = Replies.load()
    staff = settings.notify_staff.get_secret_value() if settings.notify_staff else ""
    return World(
        replies=replies,
        services=content.load_services(),
        faults=content.load_faults(),
        places=content.load_places(),
        clocks=content.load_clocks(),
        knowledge=FaqKnowledge(load_faq()),
        figures=figures or Figures(),
        staff_urls=tuple(staff.split()),
        sms_url=settings.notify_sms.get_secret_value() if settings.notify_sms else None,
        wordings={language: Wording(replies, language) for language in ("zh", "en")},
    )


def engine_cache(settings: Settings) -> Path:
    """Where trained models are kept: beside the code when `make setup` trained there, else in the home folder."""
    shared = Path(__file__).resolve().parent.parent / "var" / "nlu"
    return shared if shared.is_dir() else settings.home / "nlu"


def parser_of(settings: Settings, world: World, net: EmergencyNet) -> Parser:
    """The emergency net and the extractors at once; what was learned loads when it is first asked (`bot.reading`)."""

    # Imported in the loading threads: SciPy alone takes half a second that nobody has to wait for.
    @cache
    def encoder() -> Encoder:
        from nlu.encoder import UniversalSentenceEncoder

        return UniversalSentenceEncoder()

    def engine() -> IntentEngine:
        from nlu.builtin import BuiltinEngine
        from nlu.rasa import RasaEngine

        builtin = BuiltinEngine.load(engine_cache(settings), encoder=encoder())
        world.knowledge.learn(encoder(), engine_cache(settings))
        return RasaEngine(settings.rasa_url, fallback=builtin) if settings.nlu == "rasa" else builtin

    def listener() -> SecondListener:
        from nlu.listener import Listener

        return Listener.load(engine_cache(settings), net, encoder())

    return Parser(
        engine=LateEngine(engine),
        net=net,
        extractor=Extractors(
            services=content.lookup_rows(world.services),
            faults=content.lookup_rows(world.faults),
            places={place.name.zh: place.names for place in world.places.values()},
        ),
        listener=LateListener(listener),
    )


def _read(settings: Settings, figures: Figures | None) -> tuple[World, EmergencyNet]:
    return world_of(settings, figures), EmergencyNet()


def clock_of(start: datetime | None, speed: float) -> Clock:
    """Ordinary time, or a drill's."""
    return (
        DrillClock(start or SystemClock().now(), speed) if start is not None or speed != 1 else SystemClock()
    )


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    clock: Clock,
    carriers: Mapping[str, Carrier] | None = None,
    figures: Figures | None = None,
) -> AsyncIterator[House]:
    """The house, with its database up to date and its event stream listening; closed again at the end."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value() if settings.database_url else None
        reading = asyncio.create_task(asyncio.to_thread(_read, settings, figures))  # while PostgreSQL starts
        database = await Database.connect(url, settings.home, keyring_of(settings))
        stack.push_async_callback(database.dispose)
        await database.upgrade()
        world, net = await reading
        events = await stack.enter_async_context(EventStream(database))
        voice = await stack.enter_async_context(open_voice(settings))
        turns = Turns(
            database=database,
            clock=clock,
            parser=parser_of(settings, world, net),
            world=world,
            engine=registry.engine(),
            timers=registry.TIMERS,
            communities=Communities(),
        )
        house = House(
            settings=settings,
            clock=clock,
            database=database,
            events=events,
            world=world,
            turns=turns,
            voice=voice,
            outbox=Outbox(database, clock, carriers or {}),
        )
        house.optional["speech"] = f"off: {voice.why_deaf}" if voice.why_deaf else "on"
        yield house
