"""What certificates and requests have in common, laid out as the product lays it out.

Programs read these lines: the labels, the indents and the commas at the ends of lists are what
clients in the field match.
"""

from __future__ import annotations

from cucmos_shell.pki.description import name_text
from cucmos_shell.results import TEXT, TRUTH, WHOLE, each, maybe, record
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from cucmos_shell.pki.description import DistinguishedName, Extension, KeyDescription


KEY = record(kind=TEXT, size=maybe(WHOLE), curve=maybe(TEXT), value=TEXT)
EXTENSION = record(
    extension=maybe(TEXT),
    oid=TEXT,
    critical=TRUTH,
    fields=each(record(label=TEXT, values=each(TEXT))),
)


def key_lines(key: KeyDescription) -> Iterator[str]:
    """A public key: its kind and OID, its curve where there is one, its value in hexadecimal."""
    yield f"  Key: {key.kind} ({key.oid})"
    if key.curve:
        yield f"    Curve: {key.curve} ({key.curve_oid})"
    yield f"    Key value: {key.value.hex()}"


def safe_name(parts: DistinguishedName) -> str:
    """A distinguished name fit for a screen."""
    return name_text(parts, safe)


def rest_lines(extensions: Sequence[Extension], signature: bytes) -> Iterator[str]:
    """Extensions and signature, and the blank line that ends them."""
    yield f"  Extensions: {len(extensions)} present"
    for extension in extensions:
        yield from _extension_lines(extension)
    yield from ("", "  Signature:", *dump(signature), "")


def _extension_lines(extension: Extension) -> Iterator[str]:
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


def key_data(key: KeyDescription) -> dict[str, Any]:
    """The JSON form of a public key, `KEY`: its size in bits."""
    return {
        "kind": key.kind,
        "size": key.size or None,
        "curve": key.curve or None,
        "value": key.value.hex(),
    }


def extension_data(extensions: Iterable[Extension]) -> list[dict[str, Any]]:
    """The JSON form: an `EXTENSION` each."""
    return [
        {
            "extension": extension.name or None,
            "oid": extension.oid,
            "critical": extension.critical,
            "fields": [{"label": line.label, "values": line.items} for line in extension.lines],
        }
        for extension in extensions
    ]
