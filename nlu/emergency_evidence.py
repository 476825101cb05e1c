"""What the emergency net's tables find in a sentence, as numbers for a classifier: dangerous words, harmless turns.

Words of danger and what usually makes them harmless stand in the net's tables; how much each of them counts beside the
others is learned from sentences (`nlu.listener`). Kept apart from the net: this never judges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlu.emergency import EmergencyNet
from nlu.emergency_rules import Message, find
from nlu.emergency_text import tidy

_MOST = 3
"""More finds than this say no more."""


class Evidence:
    """Keeps `nlu.kernel.CueSource`: one number for each item of a rule, each mask, and how the net weighs its finds."""

    def __init__(self, net: EmergencyNet) -> None:
        self._net = net
        items: dict[str, re.Pattern[str]] = {}
        masks: dict[str, Sequence[re.Pattern[str]]] = {}
        for rules, harmless in net.tables:
            for rule in rules:
                if not rule.alone:
                    items.update((item.pattern, item) for item in rule.items)
            for mask in harmless.masks:
                parts = (mask.before, mask.after, mask.over, mask.anywhere)
                masks[mask.name] = [part for part in parts if part is not None]
        self._items, self._masks = tuple(items.values()), tuple(masks.values())

    def row(self, text: str) -> NDArray[np.float32]:
        """One number a pattern, 0 or 1, then how many finds were kept, doubted and dropped, `_MOST` at most."""
        tidied = tidy(text)
        found = [item.search(tidied) is not None for item in self._items]
        found += [any(part.search(tidied) for part in parts) for parts in self._masks]
        return np.array([*found, *self._weighed(Message(tidied))], dtype=np.float32)

    def _weighed(self, message: Message) -> tuple[float, float, float]:
        kept = doubted = dropped = 0
        for rules, masks in self._net.tables_for(message.text):
            for rule in rules:
                for one in find(rule, message):
                    effect, _ = masks.weigh(one, message)
                    kept += effect is None and rule.level < 4
                    doubted += effect == "doubt" or (effect is None and rule.level == 4)
                    dropped += effect == "drop"
        return min(kept, _MOST), min(doubted, _MOST), min(dropped, _MOST)
