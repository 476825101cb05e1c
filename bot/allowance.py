"""How much one sender may send: a burst, then so many a second (P7). Who calls for help is never asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Allowance:
    """A bucket for each sender that fills again with time. Times are seconds of any clock that only goes forward."""

    def __init__(self, *, burst: int, per_second: float, senders: int = 10_000) -> None:
        self._burst, self._rate, self._senders = burst, per_second, senders
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # sender → left, when

    def take(self, sender: Hashable, now: float) -> bool:
        """Whether this sender may send one more; counts it if so."""
        left, before = self._left.pop(sender, (float(self._burst), now))
        left = min(self._burst, left + max(0.0, now - before) * self._rate)
        allowed = left >= 1
        self._left[sender] = (left - 1 if allowed else left, now)
        if len(self._left) > self._senders:
            self._left.popitem(last=False)  # whoever has been quiet for longest has most of it again anyway
        return allowed
