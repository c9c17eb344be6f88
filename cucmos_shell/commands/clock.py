"""The node's clock, and where it has its time from."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.node.machine import pid
from cucmos_shell.node.time_source import TimeSource, time_source
from cucmos_shell.results import MOMENT, NUMBER, TEXT, TRUTH, WHOLE, Notice, Value, maybe, record
from cucmos_shell.text import iso_time, unix_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node

family = Family()

CHRONY = "chronyd"
POLL = 1024  # seconds
DELAY, OFFSET, JITTER = 0.262, 2.591, 3.26  # milliseconds
WITHIN = 32  # milliseconds


@family.command("show date", level=0, form=record(date=MOMENT, time_zone=TEXT))
def show_date(node: Node) -> Notice:
    """Show the date and the time of day in the node's time zone."""
    now = node.now()
    data = {"date": iso_time(now), "time_zone": node.zone}
    return Notice((unix_date(now, node.zone),), data)


class TimeStatus(Value):
    """The node's time at `now`, and how it is kept; `running` is the process that keeps it."""

    form = record(
        daemon=TEXT,
        running=TRUTH,
        server=maybe(TEXT),
        stratum=maybe(WHOLE),
        within_milliseconds=maybe(NUMBER),
        poll_seconds=maybe(WHOLE),
        date=MOMENT,
        time_zone=TEXT,
    )

    source: TimeSource
    process: int
    now: float
    zone: str

    def lines(self) -> list[str]:
        """The text: the daemon's own screen, what comes of it, and the time in UTC and here."""
        return [
            *(self._kept() if self.source.running else (f"{self.source.daemon} is stopped",)),
            "",
            f"Current time in UTC is : {unix_date(self.now)}",
            f"Current time in {self.zone} is : {unix_date(self.now, self.zone)}",
        ]

    def _kept(self) -> list[str]:
        source = self.source
        return [
            f"{source.daemon} (pid {self.process}) is running...",
            "",
            *(self._sources() if source.daemon == CHRONY else self._peers()),
            "",
            f"synchronised to NTP server ({source.server}) at stratum {source.stratum + 1} ",
            f"   time correct to within {WITHIN} ms",
            f"   polling server every {POLL} s",
        ]

    def _peers(self) -> list[str]:
        """As ntpq(8) lists them."""
        source, when = self.source, int(self.now) % POLL
        figures = f"{when:>4} {POLL:>4}  377 {DELAY:>8.3f} {OFFSET:>8.3f} {JITTER:>7.3f}"
        return [
            "     remote           refid      st t when poll reach   delay   offset  jitter",
            "=" * 78,
            f"*{source.server[:15]:<15} {source.above:<15} {source.stratum:>2} u {figures}",
        ]

    def _sources(self) -> list[str]:
        """As chronyc(1) lists them."""
        source, when = self.source, int(self.now) % POLL
        sample = f"{OFFSET * 1000:+.0f}us[{JITTER * 1000:+.0f}us] +/- {WITHIN:>4}ms"
        return [
            "MS Name/IP address         Stratum Poll Reach LastRx Last sample               ",
            "=" * 79,
            f"^* {source.server:<27} {source.stratum:>3}  10   377 {when:>5}  {sample}",
        ]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        running = self.source.running
        return {
            "daemon": self.source.daemon,
            "running": running,
            "server": self.source.server if running else None,
            "stratum": self.source.stratum + 1 if running else None,
            "within_milliseconds": WITHIN if running else None,
            "poll_seconds": POLL if running else None,
            "date": iso_time(self.now),
            "time_zone": self.zone,
        }


@family.command("utils ntp status", basis=MIXED, level=0, form=TimeStatus.form)
def time_status(node: Node) -> TimeStatus:
    """Show the node's time, and which server it has it from.

    The time is the node's own; nobody is asked for it, and the figures are the product's.
    """
    source = time_source(node)
    return TimeStatus(source, pid(source.daemon, source.since), node.now(), node.zone)
