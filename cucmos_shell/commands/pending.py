"""Which services still use a certificate that the store has replaced."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.results import Value
from cucmos_shell.text import columns, iso_time, java_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.services.services import Pending

family = Family()

HEADINGS = ("Service", "Certificate", "Changed", "Trust store changed")


class PendingList(Value):
    """The services that wait for a restart; `zone` is the node's time zone."""

    rows: tuple[Pending, ...]
    zone: str


def pending_lines(value: PendingList) -> list[str]:
    """A line for each service, certificates and trust stores in columns."""
    if not value.rows:
        return ["No service is waiting for a restart"]
    table = [
        (p.service, ", ".join(p.changed), java_date(p.since, value.zone), ", ".join(p.trust) or "-")
        for p in value.rows
    ]
    widths = [max(len(row[i]) for row in (HEADINGS, *table)) for i in range(len(HEADINGS))]
    return columns((HEADINGS, tuple("=" * width for width in widths), *table))


def pending_data(value: PendingList) -> list[dict[str, object]]:
    """The services as JSON data."""
    return [
        {
            "service": p.service,
            "since": iso_time(p.since),
            "certificates": {unit: iso_time(when) for unit, when in p.changed.items()},
            "trust_stores": list(p.trust),
        }
        for p in value.rows
    ]


@family.command("show service pending", level=0, view=pending_lines, json=pending_data)
def show_pending(node: Node) -> PendingList:
    """Show the services that must restart to use their new certificates.

    A service uses the certificates that were in the store when it started. It is listed when
    one of them has been replaced since; the trust stores that changed since then are told as
    well, but are no reason to restart by themselves. A stopped service is never listed.
    """
    return PendingList(tuple(node.services.pending(node.snapshot())), node.zone)
