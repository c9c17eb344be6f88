"""The clock of a node in a lab, which can be stopped, moved and hurried.

It is a file, so that all processes of the node see the same second.
"""

from __future__ import annotations

import os
import struct

from cucmos_shell.errors import BadValue
from cucmos_shell.node.lab.held import HeldFile
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE, replace
from cucmos_shell.store.locks import lock_file
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.store.paths import Layout

_FORM = struct.Struct("<3d")
# 1980 to 9000: what certificates, and the functions that write dates, can tell.
EARLIEST, LATEST = 315_532_800.0, 221_845_392_000.0
MAX_RATE = 1_000_000.0


class ClockSetting(Value):
    """What the clock shows: `base` when the machine's showed `set_at`, and since then `rate`
    seconds for each of the machine's; 0 is a clock that stands."""

    base: float = 0.0
    set_at: float = 0.0
    rate: float = 1.0

    def at(self, outside: float) -> float:
        """What it shows when the machine's clock shows `outside`; it stops at the last date."""
        return min(self.base + (outside - self.set_at) * self.rate, LATEST)

    def octets(self) -> bytes:
        """The form it has in the file: 24 octets."""
        return _FORM.pack(self.base, self.set_at, self.rate)

    @property
    def real(self) -> bool:
        """Whether it is the machine's clock."""
        return self.base == self.set_at and self.rate == 1.0


REAL = ClockSetting()


def _parse(octets: bytes) -> ClockSetting:
    if len(octets) != _FORM.size:
        raise ValueError("no setting of a clock")
    setting = ClockSetting(*_FORM.unpack(octets))
    if not (0 <= setting.rate <= MAX_RATE and abs(setting.base) < 1e12 > abs(setting.set_at)):
        raise ValueError("no setting of a clock")
    return setting


class LabClock:
    """The clock of one node; `outside` is the machine's, in seconds since the epoch."""

    def __init__(self, layout: Layout, outside: Callable[[], float]) -> None:
        self._path = layout.clock
        self._outside = outside
        self._held = HeldFile(layout.clock, _parse)

    def setting(self) -> ClockSetting:
        """How it goes now; as the machine's, where nobody has set it."""
        found: ClockSetting = self._held.value() or REAL
        return found

    def now(self) -> float:
        """What it shows, in seconds since the epoch."""
        return self.setting().at(self._outside())

    # --- setting it: each raises BadValue, OSError ------------------------------------------------

    def freeze(self, at: float | None = None) -> float:
        """Let it stand where it is, or at another time. Returns what it shows."""
        return self._set(lambda now, rate: (now if at is None else at, 0.0))

    def advance(self, seconds: float) -> float:
        """Put it forward, or back; it stands or goes on as before. Returns what it shows."""
        return self._set(lambda now, rate: (now + seconds, rate))

    def run(self, rate: float = 1.0) -> float:
        """Let it go on from where it is, so many times as fast. Returns what it shows."""
        if not 0 < rate <= MAX_RATE:
            raise BadValue("{rate:g} is no rate from above 0 to {most:g}", rate=rate, most=MAX_RATE)
        return self._set(lambda now, _: (now, rate))

    def real(self) -> float:
        """Let it be the machine's clock again. Returns what it shows."""
        with lock_file(f"{self._path}.lock"):
            replace(self._path, REAL.octets(), SECRET_FILE_MODE, durable=False)
        return self.now()

    def _set(self, change: Callable[[float, float], tuple[float, float]]) -> float:
        with lock_file(f"{self._path}.lock"):
            outside, before = self._outside(), self.setting()
            base, rate = change(before.at(outside), before.rate)
            if not EARLIEST <= base < LATEST:
                raise BadValue(
                    "A clock of a lab shows times from {first} to {last}",
                    first=iso_time(EARLIEST),
                    last=iso_time(LATEST),
                )
            setting = ClockSetting(base, outside, rate)
            replace(self._path, setting.octets(), SECRET_FILE_MODE, durable=False)
        return base


def make_clock(layout: Layout) -> None:
    """Let the node have such a clock, which is the machine's at first. Raises OSError."""
    if not os.path.lexists(layout.clock):
        replace(layout.clock, REAL.octets(), SECRET_FILE_MODE, durable=False)
