"""Work that waits for a thread: nobody's comes before that of all others."""

from __future__ import annotations

from collections import Counter, deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Whose work it is: first of which network or account, then of which name within it.
Whose = tuple[str, str]


class WaitingLine:
    """What waits, by whose it is: networks take turns, and names of a network."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[Any]]] = {}
        self._sizes: Counter[str] = Counter()

    @property
    def size(self) -> int:
        """How much waits."""
        return self._sizes.total()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, whose: Whose, work: Any) -> None:
        """Add something at the end of those of the same name."""
        self._waiting.setdefault(whose[0], {}).setdefault(whose[1], deque()).append(work)
        self._sizes[whose[0]] += 1

    def take(self, may: Callable[[str], bool] = lambda first: True) -> Any:
        """What is next among those that `may`; None if there is none."""
        for first in self._waiting:
            if may(first):
                return self._take(first)
        return None

    def take_newest(self) -> Any:
        """What is next of whoever came last, or has had a turn last; there must be something."""
        return self._take(next(reversed(self._waiting)))

    def take_from_longest(self) -> Any:
        """What has waited longest of those of whom most waits; there must be something."""
        return self._take(max(self._sizes, key=self._sizes.__getitem__))

    def _take(self, first: str) -> Any:
        self._sizes[first] -= 1
        if not self._sizes[first]:
            del self._sizes[first]
        names = self._waiting.pop(first)
        second = next(iter(names))
        works = names.pop(second)
        work = works.popleft()
        # Whoever had a turn goes to the end.
        if works:
            names[second] = works
        if names:
            self._waiting[first] = names
        return work
