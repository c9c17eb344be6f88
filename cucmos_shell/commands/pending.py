"""Which services still use a certificate that the store has replaced."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.fit import table
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.services.services import Pending

family = Family()

HEADINGS = ("Service", "Certificate", "Changed", "Trust store changed")


class PendingList(Value):
    """The services that wait for a restart."""

    rows: tuple[Pending, ...]

    def lines(self) -> list[str]:
        """The text: a line for each service, certificates and trust stores in columns."""
        return self.fitted(0)

    def fitted(self, width: int) -> list[str]:
        """The text for a terminal of that width: a block for each service where it is wider."""
        if not self.rows:
            return ["No service is waiting for a restart"]
        rows = [
            (
                p.service,
                ", ".join(p.changed),
                iso_time(p.since),
                ", ".join(p.trust) or "-",
            )
            for p in self.rows
        ]
        return table(HEADINGS, rows, width)

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(2 if self.rows else 1)

    def data(self) -> list[dict[str, object]]:
        """The JSON form: one object a service, keys `service`, `since`, `certificates`,
        `trust_stores`."""
        return [
            {
                "service": p.service,
                "since": iso_time(p.since),
                "certificates": {unit: iso_time(when) for unit, when in p.changed.items()},
                "trust_stores": p.trust,
            }
            for p in self.rows
        ]


@family.command("show service pending", level=0, own=True)
def show_pending(node: Node) -> PendingList:
    """Show the services that must restart to use their new certificates.

    A service uses the certificates that were in the store when it started. It is listed when
    one of them has been replaced since; the trust stores that changed since then are told as
    well, but are no reason to restart by themselves. A stopped service is never listed.
    """
    return PendingList(tuple(node.services.pending(node.snapshot())))
