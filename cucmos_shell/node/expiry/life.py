"""How much of a certificate's life is over, as words and as a bar."""

from __future__ import annotations

from cucmos_shell.results import INTEGER, MOMENT, NUMBER, TEXT, Value, one_of, record
from cucmos_shell.text import iso_time

DAY = 86_400
BAR = 20
SOON = 30


class Life(Value):
    """A certificate's validity as of `now`; times in seconds since the epoch."""

    form = record(
        name=TEXT,
        common_name=TEXT,
        key_type=TEXT,
        not_before=MOMENT,
        not_after=MOMENT,
        days_left=INTEGER,
        life_used=NUMBER,
        state=one_of("expired", "soon", "future", "valid"),
    )

    name: str
    common_name: str
    key_type: str
    not_before: int
    not_after: int
    now: float

    @property
    def used(self) -> float:
        """The part of its life that is over, from 0 to 1."""
        span = self.not_after - self.not_before
        part = (self.now - self.not_before) / span if span > 0 else 1.0
        return min(1.0, max(0.0, part))

    @property
    def days(self) -> int:
        """Whole days that are left; negative after the end."""
        return int((self.not_after - self.now) // DAY)

    @property
    def state(self) -> str:
        """`expired`, `soon` (within 30 days), `future` (not yet valid) or `valid`."""
        if self.now > self.not_after:
            return "expired"
        if self.now < self.not_before:
            return "future"
        return "soon" if self.days < SOON else "valid"

    def words(self) -> str:
        """What is left in words, such as `3 days left`."""
        if self.state == "expired":
            ago = int((self.now - self.not_after) // DAY)
            return f"expired {ago} {'day' if ago == 1 else 'days'} ago" if ago else "expired today"
        if self.state == "future":
            return "not yet valid"
        return f"{self.days} {'day' if self.days == 1 else 'days'} left"

    def data(self) -> dict[str, object]:
        """The JSON form: times in ISO 8601, `days_left`, and `life_used` from 0 to 1."""
        return {
            "name": self.name,
            "common_name": self.common_name,
            "key_type": self.key_type,
            "not_before": iso_time(self.not_before),
            "not_after": iso_time(self.not_after),
            "days_left": self.days,
            "life_used": round(self.used, 3),
            "state": self.state,
        }


def bar(used: float, size: int = BAR) -> str:
    """`[######..............]`: the life that is over, in `size` characters."""
    full = round(used * size)
    return f"[{'#' * full}{'.' * (size - full)}]"
