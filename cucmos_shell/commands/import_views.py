"""What is said when certificates have been imported."""

from __future__ import annotations

from cucmos_shell.node.tasks.revocation import Checked
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node.certificates.own_import import Accepted
    from cucmos_shell.node.certificates.trust_import import Outcome
    from cucmos_shell.store import Row

LISTED = 200
_WORDS = {
    "imported": "imported",
    "replaced": "imported, in place of an older one",
    "present": "was there already",
    "kept": "not imported: the one there begins later",
}


class OwnImported(Value):
    """A unit's new certificate, signed by a CA."""

    unit: str
    row: Row
    accepted: Accepted
    advice: str
    services: tuple[str, ...]
    revocation: Checked = Checked()


class TrustImported(Value):
    """What became of each certificate for a trust store."""

    unit: str
    store: str
    outcomes: tuple[Outcome, ...]
    advice: str
    services: tuple[str, ...]
    revocation: Checked = Checked()


def imported_lines(imported: OwnImported | TrustImported) -> list[str]:
    """The product's sentences first, then what each certificate came to."""
    lines = ["", f"Successfully imported certificate for {imported.unit}.", imported.advice]
    if imported.services:
        lines.append(f"Services to restart: {', '.join(imported.services)}")
    of_kind = (
        _trust_lines(imported) if isinstance(imported, TrustImported) else _own_lines(imported)
    )
    return [*lines, *of_kind, *imported.revocation.lines()[:LISTED]]


def _trust_lines(imported: TrustImported) -> list[str]:
    lines = []
    for one in imported.outcomes[:LISTED]:
        notes = "".join(f"; {note}" for note in one.notes)
        lines.append(f"{imported.store}/{one.name}.pem: {_WORDS[one.outcome]}{notes}")
    if len(imported.outcomes) > LISTED:
        lines.append(f"({len(imported.outcomes) - LISTED} more certificates)")
    return lines


def _own_lines(imported: OwnImported) -> list[str]:
    accepted = imported.accepted
    lines = [f"{imported.unit}/{imported.unit}.pem: {safe(imported.row.description)}"]
    for link in accepted.chain[1:]:
        place = "in the trust-store" if link.trusted else "kept with the certificate"
        lines.append(f"Chain: {safe(link.words)} ({place})")
    lines += [
        f"Not needed: {safe(one.description.common_name)} ({one.place})" for one in accepted.unused
    ]
    return lines + [f"Note: {note}" for note in accepted.notes]


def imported_data(imported: OwnImported | TrustImported) -> dict[str, Any]:
    """The same as data."""
    data: dict[str, Any] = {
        "unit": imported.unit,
        "services_to_restart": imported.services,
        "revocation": imported.revocation.data(),
    }
    if isinstance(imported, TrustImported):
        data["store"] = imported.store
        data["certificates"] = [
            {
                "name": f"{imported.store}/{one.name}.pem",
                "common_name": one.common_name,
                "sha256": one.sha256,
                "outcome": one.outcome,
                "notes": one.notes,
            }
            for one in imported.outcomes
        ]
        return data
    row, accepted = imported.row, imported.accepted
    return data | {
        "name": f"{imported.unit}/{imported.unit}.pem",
        "serial": row.serial,
        "sha256": row.sha256,
        "issuer": row.issuer,
        "not_before": iso_time(row.not_before),
        "not_after": iso_time(row.not_after),
        "csr_deleted": True,
        "chain": [
            {"name": link.words, "trusted": link.trusted, "anchor": link.anchor}
            for link in accepted.chain[1:]
        ],
        "not_needed": [one.description.common_name for one in accepted.unused],
        "notes": accepted.notes,
    }
