"""Taking back what was finished a moment ago; after ten minutes, what can be done instead (C12)."""

from __future__ import annotations

import re
from datetime import datetime

from data import reminders, waiting
from flows.own_cases import says
from flows.state import Done
from flows.turn import Turn

_NOT_WAIT = re.compile(
    r"不(?:用|想|要)?(?:再)?(?:排队?|等位|候补)了?|(?:取消|退出|去掉).{0,4}(?:排队|候补)|(?:off|leave|cancel).{0,12}waiting list",
    re.IGNORECASE,
)
_TAKE_BACK = re.compile(
    r"不要了?|不用了|取消|撤|作废|算了|\b(?:cancel|undo|take back|don't want|not want)\b", re.IGNORECASE
)


def meant(turn: Turn) -> Done | None:
    """What was finished last, where the message means just that and names nothing else."""
    done = turn.dialogue.done
    if done is None or turn.understanding is None:
        return None
    if any(turn.understanding.first(name) is not None for name in ("request_no", "service", "fault")):
        return None
    just = says("just", turn.text)
    if late(turn):
        # A case has its own way of being called off, by whatever it is about (F4).
        return done if just and not done.subject.startswith("request:") else None
    return done if just or not turn.understanding.entities else None


def plainly(turn: Turn) -> bool:
    """Words that take back what was finished just now, whatever the intent engine makes of them: 刚才那个不要了."""
    if turn.dialogue.done is None or turn.command is not None:
        return False
    return says("just", turn.text) and _TAKE_BACK.search(turn.text) is not None


def late(turn: Turn) -> bool:
    """Whether the last thing was finished too long ago to be simply taken back."""
    done = turn.dialogue.done
    return done is None or turn.work.now - datetime.fromisoformat(done.at) > turn.world.figures.undo


async def waiting_meant(turn: Turn) -> tuple[str, str] | None:
    """ "I do not want to wait any more": subject and words of what this person waits for."""
    if turn.resident is None or turn.command is not None or not _NOT_WAIT.search(turn.text):
        return None
    rows = await waiting.of_resident(turn.work, turn.resident.id)
    if not rows or (service := turn.world.services.get(rows[0].service)) is None:
        return None
    name = service.name.of(turn.language)
    title = turn.world.replies.render("waiting_title", turn.language, service=name).text
    return f"waiting:{rows[0].id}", title


async def take_back(turn: Turn, *, kind: str, reference: str, title: str, late: bool) -> None:
    """Undo a reminder or a place on a waiting list; too late, say how else (a case has its own way, F4)."""
    if late:
        turn.say(f"undo_late_{kind}", what=title)
        return
    if kind == "reminder":
        found = await reminders.get(turn.work, reference, lock=True)
        if found is not None and found.state == "active":
            await reminders.cancel(turn.work, found)
        turn.say("cancel_done_reminder", what=title)
    else:
        row = await waiting.get(turn.work, int(reference), lock=True)
        if row is not None and row.state in ("waiting", "held"):
            await waiting.settle(turn.work, row, "left")
        turn.say("cancel_done_waiting", what=title)
    forget(turn, f"{kind}:{reference}")


def forget(turn: Turn, subject: str) -> None:
    """It is undone: "not that after all" means something else from now on."""
    if turn.dialogue.done is not None and turn.dialogue.done.subject == subject:
        turn.dialogue.done = None
