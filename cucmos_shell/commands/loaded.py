"""Which certificate each service holds: the one it found when it started."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.fit import table
from cucmos_shell.results import MOMENT, SERIAL, SHA256, TEXT, TRUTH, Value, each, maybe, record
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.services.states import ServiceState
    from cucmos_shell.store import Snapshot

family = Family()

HEADINGS = ("Service", "Certificate", "Serial", "Since", "In the store")


class LoadedCertificate(Value):
    """An own certificate that a service holds; `current` is whether it is still in the store.

    `serial` is empty where the certificate is in no state that is kept.
    """

    name: str
    serial: str
    sha256: str
    current: bool


class ServiceLoad(Value):
    """What a service has loaded, and `since` when; nothing while it is down."""

    service: ServiceState
    since: float | None
    certificates: tuple[LoadedCertificate, ...]


class Loads(Value):
    """The services that use own certificates."""

    form = each(
        record(
            service=TEXT,
            state=TEXT,
            reason=maybe(TEXT),
            since=maybe(MOMENT),
            certificates=each(
                record(name=TEXT, serial=maybe(SERIAL), sha256=SHA256, current=TRUTH)
            ),
        )
    )

    services: tuple[ServiceLoad, ...]

    def lines(self) -> list[str]:
        """The text: a line for each certificate of each service."""
        return [line for block in self.blocks(0) for line in block]

    def blocks(self, width: int) -> list[Sequence[str]]:
        """For each line those that it becomes: a block for each certificate where it is wider."""
        rows = []
        for one in self.services:
            service, since = one.service, iso_time(one.since) if one.since is not None else "-"
            if not one.certificates:
                why = f"none ({service.reason or service.state})"
                rows.append((service.name, why, "-", since, "-"))
            for held in one.certificates:
                stored = "the same" if held.current else "another: restart"
                rows.append((service.name, held.name, held.serial or "-", since, stored))
        return table(HEADINGS, rows, width)

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(2)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                "service": one.service.name,
                "state": one.service.state,
                "reason": one.service.reason or None,
                "since": iso_time(one.since) if one.since is not None else None,
                "certificates": [
                    {
                        "name": held.name,
                        "serial": held.serial or None,
                        "sha256": held.sha256,
                        "current": held.current,
                    }
                    for held in one.certificates
                ],
            }
            for one in self.services
        ]


@family.command("show cert loaded", level=0, own=True, form=Loads.form)
def show_loaded(node: Node) -> Loads:
    """Show which certificate each service holds, and since when.

    A service holds the certificate that was in the store when it started. Where the store has
    another one by now, a restart of the service loads it.
    """
    snapshot = node.snapshot()
    return Loads(
        tuple(
            ServiceLoad(
                held.service,
                held.since,
                tuple(
                    _certificate(snapshot, unit, sha256)
                    for unit, sha256 in held.certificates.items()
                ),
            )
            for held in node.services.held(snapshot)
        )
    )


def _certificate(snapshot: Snapshot, unit: str, sha256: str) -> LoadedCertificate:
    row = snapshot.own(unit).row
    current = row is not None and row.sha256 == sha256
    if not current:
        from cucmos_shell.store.past import former

        row = former(snapshot.layout, unit, sha256)
    return LoadedCertificate(f"{unit}/{unit}.pem", row.serial if row else "", sha256, current)
