"""A certificate laid out as the product lays it out; programs read these lines.

The labels, the indents, the commas at the ends of lists and the bracket glued to the PEM are what
clients in the field match.
"""

from __future__ import annotations

from cucmos_shell.pki.extensions import name_text, serial_text
from cucmos_shell.text import iso_time, java_date, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.pki.certs import Description, KeyDescription
    from cucmos_shell.pki.extensions import DistinguishedName, Extension


def certificate_lines(description: Description, pem: str, zone: str) -> list[str]:
    """The decoded certificate and its PEM; dates are in the IANA `zone`."""
    lines = [
        "[",
        *_fields(description, zone),
        f"  Extensions: {len(description.extensions)} present",
    ]
    for extension in description.extensions:
        lines += extension_lines(extension)
    lines += ["", "  Signature:", *dump(description.signature), ""]
    first, *rest = pem.rstrip("\n").split("\n")
    return [*lines, "]" + first, *rest]


def _fields(description: Description, zone: str) -> Iterator[str]:
    yield f"  Version: V{description.version}"
    yield f"  Serial Number: {serial_text(description.serial)}"
    yield f"  SignatureAlgorithm: {description.signature_name} ({description.signature_oid})"
    yield f"  Issuer Name: {safe_name(description.issuer)}"
    yield f"  Validity From: {java_date(description.not_before, zone)}"
    yield f"           To:   {java_date(description.not_after, zone)}"
    yield f"  Subject Name: {safe_name(description.subject)}"
    yield from key_lines(description.key)


def key_lines(key: KeyDescription) -> Iterator[str]:
    """A public key: its kind and OID, its curve where there is one, its value in hexadecimal."""
    yield f"  Key: {key.kind} ({key.oid})"
    if key.curve:
        yield f"    Curve: {key.curve} ({key.curve_oid})"
    yield f"    Key value: {key.value.hex()}"


def safe_name(parts: DistinguishedName) -> str:
    """A distinguished name fit for a screen."""
    return name_text(parts, safe)


def extension_lines(extension: Extension) -> Iterator[str]:
    """An extension in brackets (RFC 5280, 4.2): name, OID, whether it is critical, its values."""
    yield "  ["
    yield f"     Extension: {extension.name or 'Unknown'} (OID.{extension.oid})"
    yield f"     Critical: {str(extension.critical).lower()}"
    for line in extension.lines:
        if line.listed:
            items = "".join(f"{safe(item)}, " for item in line.items)
        else:
            items = safe(line.items[0], limit=None if line.label == "Value" else 1024)
        yield f"     {line.label}: {items}"
    yield "  ]"


def dump(octets: bytes) -> Iterator[str]:
    """Sixteen octets a line: offset, hexadecimal, and as characters where they are printable."""
    for at in range(0, len(octets), 16):
        piece = octets[at : at + 16]
        text = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in piece)
        yield f"  {at:04x}: {piece.hex(' '):<47} [{text}]"


def certificate_data(description: Description, pem: str) -> dict[str, Any]:
    """The JSON form: keys `version`, `serial`, `signature_algorithm`, `issuer`, `subject`,
    `common_name`, `not_before`, `not_after`, `key`, `sha256`, `ca`, `alternative_names`,
    `extensions`, `pem`."""
    key = description.key
    return {
        "version": description.version,
        "serial": f"{description.serial:x}",
        "signature_algorithm": description.signature_name,
        "issuer": name_text(description.issuer),
        "subject": name_text(description.subject),
        "common_name": description.common_name,
        "not_before": iso_time(description.not_before),
        "not_after": iso_time(description.not_after),
        "key": {"kind": key.kind, "size": key.size, "curve": key.curve, "value": key.value.hex()},
        "sha256": description.sha256,
        "ca": bool(description.ca),
        "alternative_names": description.alternative_names,
        "extensions": [
            {
                "name": extension.name,
                "oid": extension.oid,
                "critical": extension.critical,
                "fields": [{"label": line.label, "values": line.items} for line in extension.lines],
            }
            for extension in description.extensions
        ],
        "pem": pem,
    }
