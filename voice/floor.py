"""Who has the floor: when a person speaks, the terminal falls silent — unless it is saying how to stay alive (V4)."""

from __future__ import annotations

from voice.speaker import Utterance


class Floor:
    """What one terminal is playing, in the order in which it was sent."""

    def __init__(self) -> None:
        self._playing: dict[str, Utterance] = {}

    @property
    def speaking(self) -> bool:
        """Whether anything is being played, as far as the page has told."""
        return bool(self._playing)

    def begin(self, audio: str, utterance: Utterance) -> None:
        """Sound `audio` (its id) was sent to be played, after what is already playing."""
        self._playing[audio] = utterance

    def ended(self, audio: str) -> None:
        """The page has played it, or dropped it. An id twice, or unknown, changes nothing."""
        self._playing.pop(audio, None)

    def person_speaks(self) -> tuple[str, ...]:
        """The person began to speak: the ids to stop now. An emergency's words are never among them."""
        stopped = tuple(audio for audio, utterance in self._playing.items() if utterance.interruptible)
        for audio in stopped:
            del self._playing[audio]
        return stopped
