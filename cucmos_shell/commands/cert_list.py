"""The list of certificates: from the indexes alone, so that it costs no parsing."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.conditions import CONDITION
from cucmos_shell.results import Value, each
from cucmos_shell.store.rows import LISTED
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition
    from cucmos_shell.store import CertificateRow

family = Family()


class Listing(Value):
    """Certificates in listing order, by the unit or trust store they are in."""

    form = each(LISTED)

    node: Node
    kind: str
    groups: tuple[tuple[str, tuple[CertificateRow, ...]], ...]

    def lines(self) -> list[str]:
        """The text: `tomcat/tomcat.pem: DESCRIPTION`; names are clean, descriptions foreign."""
        texts = {row.description for _, rows in self.groups for row in rows}
        shown = {text: safe(text) for text in texts}
        lines = [
            f"{folder}/{row.name}.pem: {shown[row.description]}"
            for folder, rows in self.groups
            for row in rows
        ]
        return lines or ["No certificates found"]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(0 if any(rows for _, rows in self.groups) else 1)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        from cucmos_shell.commands.views.listed import row_data

        return [
            row_data(self.node, self.kind, folder, row)
            for folder, rows in self.groups
            for row in rows
        ]


def _found(listing: Listing, conditions: tuple[Condition, ...], now: float) -> Listing:
    """What of `listing` meets all `conditions`."""
    from cucmos_shell.node.certificates import search

    found = (
        (
            name,
            search.select(rows, conditions, certificate_name=name, type_name=listing.kind, now=now),
        )
        for name, rows in listing.groups
    )
    return Listing(
        listing.node, listing.kind, tuple((name, tuple(rows)) for name, rows in found if rows)
    )


@family.command(
    "show cert list {own|trust:kind} [where <condition...>]",
    level=1,
    arguments=(CONDITION,),
    examples=(
        "show cert list own",
        "show cert list trust where expiration within 30 days",
        'show cert list trust where common-name contains "root ca" and key-type begins-with EC',
    ),
    form=Listing.form,
)
def cert_list(node: Node, kind: str, condition: tuple[Condition, ...] = ()) -> Listing:
    """List the node's own certificates, or those it trusts.

    One line each: the name that other commands take, a colon, and what the certificate is.
    `where` keeps those that meet all conditions. Fields: file-name, certificate-name (the unit or
    trust store), type (own, trust; the product's cert and trust-certs are the same), common-name,
    issuer, serial, expiration (as 2031-11-17T12:26:39Z), description, key-type. Relations:
    begins-with, contains, ends-with, is-exactly, is-empty, is-not-empty; for expiration also within
    N days (expired ones included) and before DATE. Upper and lower case are the same.
    """
    listing = Listing(node, kind, tuple(node.snapshot().listed(kind)))
    return _found(listing, condition, node.now()) if condition else listing
