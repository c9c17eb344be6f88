"""How long a session at a terminal is kept that nobody uses, or that has been ended elsewhere."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds between two questions whether the session is over.
WATCH = 5.0


class Patience:
    """`timeout` is seconds without a key, None for no end; `over` tells of an end elsewhere."""

    def __init__(self, timeout: float | None, over: Callable[[], bool] | None) -> None:
        self.look_at: float | None = None
        self._timeout = timeout
        self._over = over
        self._heard = 0.0

    def begin(self, now: float) -> None:
        """The session begins."""
        self._heard = now
        if self._over is not None:
            self.look_at = now + WATCH

    def heard(self, now: float) -> None:
        """A key was pressed."""
        self._heard = now

    @property
    def idle_at(self) -> float | None:
        """When a session that does nothing is idle."""
        return None if self._timeout is None else self._heard + self._timeout

    def over(self, now: float, at_prompt: bool) -> bool:
        """Whether the session has been ended elsewhere; asked now and then, and at its prompt."""
        if self.look_at is None or self._over is None or now < self.look_at:
            return False
        self.look_at = now + WATCH
        return at_prompt and self._over()
