"""What a sentence is taken to mean, in Rasa's parse shape: for front ends, for measuring, for the curious."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from bot.house import House
from nlu.understanding import Context, Understanding


class Asked(BaseModel):
    """A sentence, and the moment from which its times are counted."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(max_length=20_000)
    now: datetime | None = Field(None, description="ISO 8601; without an offset it is the community's clock")


def build_parse(house: House) -> APIRouter:
    """`POST /model/parse`."""
    router = APIRouter(tags=["understanding"])

    @router.post("/model/parse")
    async def parse(asked: Asked) -> dict[str, Any]:
        """Intent, entities and the emergency net's judgement of one sentence."""
        async with house.work("bot") as work:
            zone = work.zone
        now = asked.now or house.clock.now()
        now = now.replace(tzinfo=zone) if now.tzinfo is None else now.astimezone(zone)
        return parsed(await house.turns.parser.parse(asked.text, Context(now=now)))

    return router


def parsed(understanding: Understanding) -> dict[str, Any]:
    """An Understanding in Rasa's parse shape, with `emergency` beside it."""
    emergency = understanding.emergency
    return {
        "text": understanding.text,
        "intent": {"name": understanding.intent.name, "confidence": understanding.intent.confidence},
        "intent_ranking": [
            {"name": intent.name, "confidence": intent.confidence} for intent in understanding.ranking[:10]
        ],
        "entities": [
            {
                "entity": entity.entity,
                "start": entity.start,
                "end": entity.end,
                "value": entity.value,
                "text": entity.text,
                **({"extra": dict(entity.extra)} if entity.extra else {}),
            }
            for entity in understanding.entities
        ],
        "emergency": {
            "kind": emergency.kind,
            "level": emergency.level,
            "confidence": emergency.confidence,
            "evidence": list(emergency.evidence),
            "suppressors": list(emergency.suppressors),
        }
        if emergency
        else None,
        "language": understanding.language,
        "engine": understanding.engine,
    }
