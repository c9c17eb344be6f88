"""The clock of a node for tests: every process of the node sees the same second."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cucmos_shell.node.lab.lab import Lab


class LabClock:
    """The clock of one node: `LabNode.clock`. It is the machine's until somebody sets it.

    Certificates, services, logs and sessions go by it; whoever waits for a client or a network
    waits as long as ever. Each method returns what the clock shows then, in UTC.
    """

    def __init__(self, lab: Lab) -> None:
        self._clock = lab.clock

    def now(self) -> datetime.datetime:
        """What it shows."""
        return _shown(self._clock.now())

    def freeze(self, at: datetime.datetime | None = None) -> datetime.datetime:
        """Let it stand where it is, or at another time (UTC unless it says so)."""
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        return _shown(self._clock.freeze(None if at is None else at.timestamp()))

    def advance(
        self,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> datetime.datetime:
        """Put it forward; it stands or goes on as before. What became due meanwhile has come."""
        by = datetime.timedelta(
            weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
        )
        return _shown(self._clock.advance(by.total_seconds()))

    def run(self, rate: float = 1.0) -> datetime.datetime:
        """Let it go on from where it is, `rate` times as fast as the machine's."""
        return _shown(self._clock.run(rate))

    def real(self) -> datetime.datetime:
        """Let it be the machine's again."""
        return _shown(self._clock.real())


def _shown(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
