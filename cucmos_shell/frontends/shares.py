"""How much somebody has used lately of what all share."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Share:
    """Those who have one turn together; `whole` is one that it is a part of, if there is any.

    `had` is for whoever makes a line of them: seconds it has had there, or could have had. `large`
    is how many large packets of theirs are not whole.
    """

    def __init__(self, free: float, burst: float, whole: Share | None = None) -> None:
        self.waiting: deque[Any] = deque()
        self.rests_until = self.slow_until = 0.0
        self.slow_at = -1e9
        self.last = 0.0
        self.had = 0.0
        self.large = 0
        self.whole = whole
        self._free = free
        self._burst = burst
        self._used = 0.0

    def _fade(self, now: float) -> float:
        self._used = max(0.0, self._used - (now - self.last) * self._free)
        self.last = now
        return self._used

    def charge(self, seconds: float, now: float, alone: bool = False) -> None:
        """Note that it has used so many seconds; `alone`: its whole has not."""
        self._fade(now)
        self._used += seconds
        if self.whole is not None and not alone:
            self.whole.charge(seconds, now)

    def modest(self, now: float) -> bool:
        """Whether it has used so little lately that it need not wait."""
        whole = self.whole is None or self.whole.modest(now)
        return whole and not self.waiting and self._fade(now) < self._burst

    def forgettable(self, now: float) -> bool:
        """Whether a new one would be treated alike."""
        return not (self.waiting or self.large) and now >= self.rests_until and not self._fade(now)
