"""Which services still use a certificate that the store has replaced."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.fit import hang, table
from cucmos_shell.results import MOMENT, TEXT, Value, each, record
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.node import Node
    from cucmos_shell.node.services.services import Pending

family = Family()

NONE = (
    "No service is waiting for a restart",
    "Each one that runs uses the node's present certificates",
)
TRUST_ONLY = "Started before a trust store changed (no reason to restart by itself):"
HEADINGS = ("Service", "Certificate", "Changed", "Trust store changed")


class PendingList(Value):
    """The services that wait for a restart, and those for which only a trust store has changed."""

    form = each(
        record(
            service=TEXT,
            since=MOMENT,
            certificates=each(record(unit=TEXT, since=MOMENT)),
            trust_stores=each(TEXT),
        )
    )

    rows: tuple[Pending, ...]
    trust_only: tuple[Pending, ...]

    def lines(self) -> list[str]:
        """The text: a line for each service, certificates and trust stores in columns."""
        return [line for block in self.blocks(0) for line in block]

    def blocks(self, width: int) -> list[Sequence[str]]:
        """For each line those that it becomes on a terminal of that width (0 if unknown)."""
        rows = [
            (p.service, ", ".join(p.changed), _iso(p.since) or "", ", ".join(p.trust) or "-")
            for p in self.rows
        ]
        below: list[str] = [] if rows else list(NONE)
        if self.trust_only:
            below += ["", TRUST_ONLY]
            below += [f"\t{p.service}: {', '.join(p.trust)}" for p in self.trust_only]
        top = table(HEADINGS, rows, width) if rows else []
        return [*top, *(hang((line,), width) for line in below)]

    def no_rows(self) -> list[int]:
        """The numbers of the lines that are no rows."""
        rows = range(2, 2 + len(self.rows)) if self.rows else range(0)
        return [i for i in range(len(self.lines())) if i not in rows]

    def data(self) -> list[dict[str, object]]:
        """The JSON form: a program that restarts what is listed restarts nothing else."""
        return [
            {
                "service": p.service,
                "since": _iso(p.since),
                "certificates": [
                    {"unit": unit, "since": iso_time(when)} for unit, when in p.changed.items()
                ],
                "trust_stores": p.trust,
            }
            for p in self.rows
        ]


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso_time(seconds)


@family.command("show service pending", level=0, own=True, form=PendingList.form)
def show_pending(node: Node) -> PendingList:
    """Show the services that must restart to use their new certificates.

    A service uses the certificates that were in the store when it started. It is listed when
    one of them has been replaced since; the trust stores that changed since then are told as
    well, but are no reason to restart by themselves: services for which only these have changed
    are named below. A stopped service is never listed. An empty list says that each service that
    runs uses what the store has now.
    """
    found = node.services.outdated(node.snapshot())
    return PendingList(
        tuple(one for one in found if one.changed),
        tuple(one for one in found if not one.changed),
    )
