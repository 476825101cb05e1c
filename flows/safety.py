"""The last resort: when a turn fails, what the person is told and who takes over (C14). Uses as little as it can."""

from __future__ import annotations

from data import handoffs
from flows.alarm_ladder import fallback_alarm
from flows.turn import Turn
from nlu.understanding import Emergency


async def internal_error(turn: Turn, judged: Emergency | None, *, reference: str) -> None:
    """Apologise, hand the same message to a person, and raise the alarm if it was a cry for help."""
    if judged is not None and judged.level <= 3:
        await fallback_alarm(
            turn.work,
            conversation=turn.conversation,
            text=turn.text,
            judgement=judged,
            figures=turn.world.figures,
            staff_urls=turn.world.staff_urls,
        )
        turn.say("internal_error_emergency")
    else:
        turn.say("internal_error", reference=reference)
    await handoffs.open_handoff(
        turn.work,
        turn.conversation,
        reason="error",
        summary=turn.text,
        urgency="urgent" if judged is not None else "ordinary",
        reference=reference,
    )
