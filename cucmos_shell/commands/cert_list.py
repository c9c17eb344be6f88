"""The list of certificates: from the indexes alone, so that it costs no parsing."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.conditions import CONDITION
from cucmos_shell.results import MOMENT, SERIAL, SHA256, TEXT, Value, each, maybe, one_of, record
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition
    from cucmos_shell.store import CertificateRow, Snapshot

family = Family()


# What every list of certificates says of each.
ROW = record(
    name=TEXT,
    type=one_of("own", "trust"),
    unit=maybe(TEXT),
    store=maybe(TEXT),
    common_name=TEXT,
    subject=TEXT,
    alternative_names=each(TEXT),
    issuer=TEXT,
    serial=SERIAL,
    not_before=MOMENT,
    not_after=MOMENT,
    key_type=TEXT,
    sha256=SHA256,
    description=TEXT,
    # As `CopyOf.form`, which a listing as text need not load.
    copy_of=maybe(record(hostname=TEXT, name=TEXT)),
)


class Listing(Value):
    """Certificates in listing order, by the unit or trust store they are in."""

    form = each(ROW)

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
        return [
            row_data(self.node, self.kind, folder, row)
            for folder, rows in self.groups
            for row in rows
        ]


def row_data(node: Node, kind: str, folder: str, row: CertificateRow) -> dict[str, Any]:
    """The JSON form `ROW`; `folder` is the unit of an `own` certificate, else the trust store."""
    from cucmos_shell.commands.views.copies import copy_of

    own = kind == "own"
    if row.subject is None:
        from cucmos_shell.store.described import whole

        row = whole(node.snapshot(), row, folder if own else "")
    return {
        "name": f"{folder}/{row.name}.pem",
        "type": kind,
        "unit": folder if own else None,
        "store": None if own else folder,
        "common_name": row.common_name,
        "subject": row.subject,
        "alternative_names": row.alternative_names,
        "issuer": row.issuer,
        "serial": row.serial,
        "not_before": iso_time(row.not_before),
        "not_after": iso_time(row.not_after),
        "key_type": row.key_type,
        "sha256": row.sha256,
        "description": row.description,
        "copy_of": copy_of(node, row),
    }


def groups(snapshot: Snapshot, kind: str) -> Iterator[tuple[str, tuple[CertificateRow, ...]]]:
    """Each unit with its own certificate, or each trust store with its certificates."""
    if kind == "own":
        for unit in snapshot.units:
            row = snapshot.own(unit).row
            if row is not None:
                yield unit, (row,)
    else:
        for store in snapshot.stores:
            yield store, snapshot.trust(store)


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
    listing = Listing(node, kind, tuple(groups(node.snapshot(), kind)))
    return _found(listing, condition, node.now()) if condition else listing
