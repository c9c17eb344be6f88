"""The list of certificates: from the indexes alone, so that it costs no parsing."""

from __future__ import annotations

from cucmos_shell.grammar import Family
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.store import Row, Snapshot

family = Family()


class Listing(Value):
    """Certificates in listing order, by the unit or trust store they are in."""

    kind: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]


def groups(snapshot: Snapshot, kind: str) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Each unit with its own certificate, or each trust store with its certificates."""
    if kind == "own":
        for unit in snapshot.units:
            row = snapshot.own(unit).row
            if row is not None:
                yield unit, (row,)
    else:
        for store in snapshot.stores:
            yield store, snapshot.trust(store)


def listing_lines(listing: Listing) -> list[str]:
    """`tomcat/tomcat.pem: DESCRIPTION`, one line each: names are clean, descriptions are foreign."""
    texts = {row.description for _, rows in listing.groups for row in rows}
    shown = {text: safe(text) for text in texts}
    lines = [
        f"{folder}/{row.name}.pem: {shown[row.description]}"
        for folder, rows in listing.groups
        for row in rows
    ]
    return lines or ["No certificates found"]


def listing_data(listing: Listing) -> list[dict[str, Any]]:
    """One object a certificate."""
    return [
        {
            "name": f"{folder}/{row.name}.pem",
            "type": listing.kind,
            "common_name": row.common_name,
            "issuer": row.issuer,
            "serial": row.serial,
            "not_before": iso_time(row.not_before),
            "not_after": iso_time(row.not_after),
            "key_type": row.key_type,
            "sha256": row.sha256,
            "description": row.description,
        }
        for folder, rows in listing.groups
        for row in rows
    ]


@family.command(
    "show cert list {own|trust:kind}",
    level=1,
    view=listing_lines,
    json=listing_data,
    examples=("show cert list own", "show cert list trust"),
)
def cert_list(node: Node, kind: str) -> Listing:
    """List the node's own certificates, or those it trusts.

    One line each: the name that other commands take, a colon, and what the certificate is.
    """
    return Listing(kind, tuple(groups(node.snapshot(), kind)))
