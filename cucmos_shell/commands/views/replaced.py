"""What is said when a unit has a new certificate of its own."""

from __future__ import annotations

from cucmos_shell.results import Value
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.store import Row


class Installed(Value):
    """A unit's new certificate. `done` and `advice` are the product's sentences.

    `services` must restart for it to be used; `request_deleted` is whether a pending request went.
    """

    unit: str
    done: str
    advice: str
    row: Row
    services: tuple[str, ...]
    request_deleted: bool = False


def installed_lines(installed: Installed) -> list[str]:
    """The product's sentences, and which services they are about."""
    lines = ["", installed.done, installed.advice]
    if installed.services:
        lines.append(f"Services to restart: {', '.join(installed.services)}")
    if installed.request_deleted:
        lines.append(f"The pending CSR of {installed.unit} was deleted.")
    return lines


def installed_data(installed: Installed) -> dict[str, Any]:
    """The JSON form: keys `unit`, `serial`, `sha256`, `issuer`, `not_before`, `not_after`,
    `services_to_restart`, `csr_deleted`."""
    row = installed.row
    return {
        "unit": installed.unit,
        "serial": row.serial,
        "sha256": row.sha256,
        "issuer": row.issuer,
        "not_before": iso_time(row.not_before),
        "not_after": iso_time(row.not_after),
        "services_to_restart": installed.services,
        "csr_deleted": installed.request_deleted,
    }
