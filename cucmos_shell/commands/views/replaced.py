"""What is said when a unit has a new certificate of its own."""

from __future__ import annotations

from cucmos_shell.results import MOMENT, SERIAL, SHA256, TEXT, Value, each, record
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.store import CertificateRow


# What tells a certificate from others.
IDENTITY = record(serial=SERIAL, sha256=SHA256, issuer=TEXT, not_before=MOMENT, not_after=MOMENT)


class Installed(Value):
    """A unit's new certificate. `done` and `advice` are the product's sentences.

    Those of `services` that are `running` must restart for it to be used; of the units
    `requests_deleted` a pending request went.
    """

    form = record(
        unit=TEXT, name=TEXT, **IDENTITY, services_to_restart=each(TEXT), csr_deleted=each(TEXT)
    )

    unit: str
    done: str
    advice: tuple[str, ...]
    row: CertificateRow
    services: tuple[str, ...]
    running: tuple[str, ...]
    requests_deleted: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The text: the product's sentences, and which services they are about."""
        lines = sentences(self.done, self.advice, self.services, self.running)
        lines += [f"The pending CSR of {unit} was deleted." for unit in self.requests_deleted]
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "unit": self.unit,
            "name": f"{self.unit}/{self.unit}.pem",
            **identity(self.row),
            "services_to_restart": self.running,
            "csr_deleted": [f"{unit}/{unit}.csr" for unit in self.requests_deleted],
        }


SEE_PENDING = "show service pending says which still wait for it."


def sentences(
    done: str, advice: tuple[str, ...], services: tuple[str, ...], running: tuple[str, ...]
) -> list[str]:
    """What was done, what is to be done, and which of `services` are `running` and must restart."""
    if running:
        restart = [f"Services to restart: {', '.join(running)}", SEE_PENDING]
    else:
        restart = [f"None of them runs: {', '.join(services)}"] if services else []
    return ["", done, *advice, *restart]


def identity(row: CertificateRow) -> dict[str, str]:
    """The JSON form `IDENTITY`."""
    return {
        "serial": row.serial,
        "sha256": row.sha256,
        "issuer": row.issuer,
        "not_before": iso_time(row.not_before),
        "not_after": iso_time(row.not_after),
    }
