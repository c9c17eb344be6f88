"""Requests as text and as data."""

from __future__ import annotations

from cucmos_shell.commands.request_names import NONE_FOUND, listed_request
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.pki.csr import RequestDescription
    from cucmos_shell.store import RequestRow


class Generated(Value):
    """A new request; `warnings` are (attribute, value, odd characters)."""

    unit: str
    row: RequestRow
    warnings: tuple[tuple[str, str, str], ...]
    replaced: bool


class Requests(Value):
    """Pending requests by their unit."""

    found: tuple[tuple[str, RequestRow], ...]


class RequestShown(Value):
    """One request in full."""

    name: str
    description: RequestDescription
    pem: str


def generated_lines(generated: Generated) -> list[str]:
    """Exactly the product's line: two blanks, no dot. Clients compare it."""
    return [f"Successfully Generated CSR  for {generated.unit}"]


def generated_data(generated: Generated) -> dict[str, Any]:
    """The same as data."""
    return {
        **_row_data(generated.unit, generated.row),
        "replaced": generated.replaced,
        "warnings": [
            {"attribute": attribute, "value": value, "characters": characters}
            for attribute, value, characters in generated.warnings
        ],
    }


def _row_data(unit: str, row: RequestRow) -> dict[str, Any]:
    return {
        "name": listed_request(unit),
        "subject": row.subject,
        "common_name": row.common_name,
        "alternative_names": row.alternative_names,
        "key_type": row.key_type,
        "sha256": row.sha256,
        "created": iso_time(row.created),
    }


def listed_lines(requests: Requests) -> list[str]:
    """`tomcat/tomcat.csr`, one a line."""
    return [listed_request(unit) for unit, _ in requests.found] or [NONE_FOUND]


def listed_data(requests: Requests) -> list[dict[str, Any]]:
    """One object a request."""
    return [_row_data(unit, row) for unit, row in requests.found]


def shown_lines(shown: RequestShown) -> list[str]:
    """The decoded request in the layout of certificates, then its PEM and nothing after it."""
    from cucmos_shell.commands.certificate_view import (
        dump,
        extension_lines,
        key_lines,
        safe_name,
    )

    one = shown.description
    lines = [
        "[",
        f"  Version: V{one.version}",
        f"  SignatureAlgorithm: {one.signature_name} ({one.signature_oid})",
        f"  Subject Name: {safe_name(one.subject)}",
        *key_lines(one.key),
        f"  Extensions: {len(one.extensions)} present",
    ]
    for extension in one.extensions:
        lines += extension_lines(extension)
    return [*lines, "", "  Signature:", *dump(one.signature), "", "]", *shown.pem.splitlines()]


def shown_data(shown: RequestShown) -> dict[str, Any]:
    """The same as data."""
    from cucmos_shell.pki.extensions import name_text

    one = shown.description
    return {
        "name": shown.name,
        "subject": name_text(one.subject),
        "signature_algorithm": one.signature_name,
        "key": {"kind": one.key.kind, "size": one.key.size, "curve": one.key.curve},
        "alternative_names": one.alternative_names,
        "extensions": [
            {
                "name": extension.name,
                "oid": extension.oid,
                "critical": extension.critical,
                "fields": [{"label": line.label, "values": line.items} for line in extension.lines],
            }
            for extension in one.extensions
        ],
        "sha256": one.sha256,
        "pem": shown.pem,
    }
