"""How long a session at a terminal is kept that nobody uses, or that has been ended elsewhere."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.terminal.protocols import NodeTime

# Seconds between two questions whether the session is over.
WATCH = 5.0


class Patience:
    """`timeout` is seconds without a key, None for no end; `over` tells of an end elsewhere.

    The seconds are those of `clock`, without one those of the front end.
    """

    def __init__(
        self,
        timeout: float | None,
        over: Callable[[], bool] | None,
        clock: NodeTime | None = None,
    ) -> None:
        self.look_at: float | None = None
        # When a session that does nothing may be idle.
        self.idle_at: float | None = None
        self._timeout = timeout
        self._over = over
        self._clock = clock
        self._heard = 0.0

    def begin(self, now: float) -> None:
        """The session begins."""
        self.heard(now)
        if self._over is not None:
            self.look_at = now + WATCH

    def heard(self, now: float) -> None:
        """A key was pressed."""
        if self._timeout is not None:
            self._heard = now if self._clock is None else self._clock.monotonic()
            self._wait(now, self._timeout)

    def _wait(self, now: float, seconds: float) -> None:
        self.idle_at = now + (seconds if self._clock is None else self._clock.nap(seconds))

    def idle(self, now: float) -> bool:
        """Whether a session that does nothing is idle."""
        if self._timeout is None or self.idle_at is None or now < self.idle_at:
            return False
        if self._clock is None:
            return True
        left = self._heard + self._timeout - self._clock.monotonic()
        self._wait(now, left)
        return left <= 0

    def over(self, now: float, at_prompt: bool) -> bool:
        """Whether the session has been ended elsewhere; asked now and then, and at its prompt."""
        if self.look_at is None or self._over is None or now < self.look_at:
            return False
        self.look_at = now + WATCH
        return at_prompt and self._over()
