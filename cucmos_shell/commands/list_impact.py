"""What a new certificate does to the trust lists of phones: part of `show cert impact`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.trust_lists import ListImpact
    from cucmos_shell.store.snapshot import Snapshot


def lists_of(node: Node, snapshot: Snapshot, unit: str) -> ListImpact:
    """The lists that follow the unit, and whether phones would be left alone."""

    def pending(service: str) -> Iterable[str]:
        rows = node.services.pending(snapshot)
        return [name for row in rows if row.service == service for name in row.changed]

    return node.lists.impact(snapshot, unit, pending)


def list_lines(impact: ListImpact) -> list[str]:
    """Nothing for a unit that is in no list."""
    lines = [f"\t{name}, made anew and signed" for name in impact.changed]
    lines += [f"\t{name}, stays as it was uploaded: upload a new one" for name in impact.stale]
    lines = ["", "Lists for phones:", *lines] if lines else []
    if impact.outage:
        first, *others = impact.outage
        lines += [
            "",
            f"WARNING: {', '.join(others)} has changed, and phones do not have the new one yet. "
            f"If {first} changes too,",
            "they are left without a signer they know: they will refuse every new list and "
            "configuration file.",
            f"Restart {impact.service} and reset the phones first.",
        ]
    return lines


def list_data(impact: ListImpact) -> dict[str, Any]:
    """The same as data."""
    return {
        "made_anew": impact.changed,
        "left_as_uploaded": impact.stale,
        "phones_left_without_signer": bool(impact.outage),
        "units_together": impact.outage,
    }
