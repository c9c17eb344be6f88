"""Which certificates it is time to speak about: a pure function of what there is, what was said
before, what is wanted, and the time.

Bands and alarms are those of the product (CLI reference, section 8), the defaults those of its
Certificate Monitor page.
"""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from cucmos_shell.store import CertificateRow, Snapshot

HOUR, DAY = 3600, 86_400
URGENT_EVERY, CALM_EVERY = HOUR, DAY

# Severest first: a certificate is in the first band whose limit (seconds left) it is below.
BANDS = (
    ("CertExpired", 0),
    ("CertValidLessthanADay", DAY),
    ("CertValidfor7days", 7 * DAY),
    ("CertValidLessThanMonth", 30 * DAY + 1),
)
LAST = len(BANDS)
FAR, FAR_FIRST = "CertValidityOver30Days", "CertExpiryApproaching"


class MonitorSettings(Value):
    """`start` is how long before the end notices begin, `every` how often they are repeated, both
    in seconds; `number` and `unit` are the latter as it was set."""

    start_days: int
    number: int
    unit: str
    email: bool
    recipients: tuple[str, ...]

    @property
    def start(self) -> int:
        """How long before the end notices begin, in seconds."""
        return self.start_days * DAY

    @property
    def every(self) -> int:
        """How often notices are repeated, in seconds."""
        return self.number * (HOUR if self.unit == "hours" else DAY)


def monitor_settings(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> MonitorSettings:
    """The settings as they were set, and as the profile has them where they were not."""
    own = settings.get("monitor", {})
    return MonitorSettings(
        own.get("start_days", defaults["monitor_start_days"]),
        own.get("frequency", defaults["monitor_frequency"]),
        own.get("frequency_unit", defaults["monitor_frequency_unit"]),
        own.get("email", defaults["monitor_email"]),
        tuple(own.get("recipients", ())),
    )


class Watched(Value):
    """A certificate near its end; `unit` is a unit or a trust store, `own` says which."""

    unit: str
    own: bool
    row: CertificateRow

    @property
    def listed(self) -> str:
        """Its name in the lists."""
        return f"{self.unit}/{self.row.name}.pem"

    @property
    def key(self) -> str:
        """The key it is remembered by, another one for a renewed certificate."""
        return f"{self.listed} {self.row.sha256[:32]}"


def ending(snapshot: Snapshot, before: float) -> list[Watched]:
    """The certificates that end not later than `before`, soonest first.

    A copy of an own certificate in a trust store is not spoken about beside its original.
    """
    found = [
        Watched(folder, kind == "own", row)
        for kind in ("own", "trust")
        for folder, rows in snapshot.listed(kind)
        for row in rows
        if row.not_after <= before and not row.owner
    ]
    found.sort(key=lambda one: (one.row.not_after, one.listed))
    return found


def keys(snapshot: Snapshot) -> set[str]:
    """The keys that all certificates of the store are remembered by (`Watched.key`)."""
    found = set()
    for unit in snapshot.units:
        row = snapshot.own(unit).row
        if row is not None:
            found.add(Watched(unit, True, row).key)
    for store in snapshot.stores:
        found.update([f"{store}/{r.name}.pem {r.sha256[:32]}" for r in snapshot.trust(store)])
    return found


def band(left: float) -> int:
    """The index in BANDS for a certificate with so many seconds left; LAST for none of them."""
    return next((i for i, (_, limit) in enumerate(BANDS) if left < limit), LAST)


class LastNotice(Value):
    """What was said last about a certificate: in which band, when (seconds since the epoch), and
    how often so far.

    A repetition that was a little early counts as on time, so that it does not creep forward.
    """

    band: int
    when: float
    count: int


class Due(Value):
    """A certificate to speak about now; `notice` is what is remembered when that is done."""

    watched: Watched
    alarm: str
    notice: LastNotice

    @property
    def mark(self) -> str:
        """A name for this notice of this certificate, the same whenever it is worked out."""
        return f"{self.watched.key} {self.notice.band} {self.notice.count}"


def slack(every: float) -> float:
    """How early a notice may be repeated, in seconds, if it is repeated every `every` seconds.

    Runs at two o'clock are 23 hours apart once a year, and no run starts to the second.
    """
    return min(HOUR + 300, every / 12)


def all_due(
    watched: Iterable[Watched],
    settings: MonitorSettings,
    said: Mapping[str, LastNotice],
    now: float,
) -> list[Due]:
    """The certificates to speak about at `now`: those that are new in the period or have come into
    a severer band, and those last spoken of as long ago as the frequency says, or as far in the
    future, where the clock was set back."""
    found = []
    early = slack(settings.every)
    for one in watched:
        left = one.row.not_after - now
        if left > settings.start:
            continue
        here, last = band(left), said.get(one.key)
        if last is None or here < last.band or abs(now - last.when) >= settings.every - early:
            name = BANDS[here][0] if here < LAST else FAR if last else FAR_FIRST
            when = now
            if last and here == last.band and 0 < last.when + settings.every - now <= early:
                when = last.when + settings.every
            found.append(Due(one, name, LastNotice(here, when, last.count + 1 if last else 1)))
    return found


def run_after(
    last: float | None, soonest: float | None, retries: Sequence[float], now: float
) -> float:
    """When the monitor is to run: daily, hourly once something ends within a day.

    `last` is the last run, `soonest` the earliest end of a certificate, `retries` when mail that
    failed is to be tried again.
    """
    if last is None or last > now:
        return now
    urgent = soonest is not None and soonest - now < DAY
    regular = last + (URGENT_EVERY if urgent else CALM_EVERY)
    # A retry further away than any pause is of a clock that was set back.
    return max(now, min([regular, *(at if at <= now + DAY else now for at in retries)]))
