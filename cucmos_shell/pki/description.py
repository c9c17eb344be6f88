"""What a certificate says, as plain values, and how that is kept beside it.

Nothing here reads a certificate (`certs` does), so who only shows one needs no library for it.
Strings are foreign text, to be made safe by whoever shows them.
"""

from __future__ import annotations

from cucmos_shell.results import row_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple

    # Relative names in DER order; each a tuple of (label, value).
    DistinguishedName = tuple[tuple[tuple[str, str], ...], ...]

    class ExtensionLine(NamedTuple):
        """One line: `label: item`, or with `listed` all items, a comma and a blank after each."""

        label: str
        items: tuple[str, ...]
        listed: bool

    class Extension(NamedTuple):
        """One extension; `name` is empty for one that nobody has named."""

        name: str
        oid: str
        critical: bool
        lines: tuple[ExtensionLine, ...]

    class KeyDescription(NamedTuple):
        """A public key. `kind` such as "RSA", `size` in bits, `value` the octets of its BIT STRING.

        `curve` and `curve_oid` are empty for keys without a curve; `text` is as lists have it:
        `RSA 2048`, `EC 256`, `Ed25519`.
        """

        kind: str
        oid: str
        size: int
        value: bytes
        curve: str
        curve_oid: str
        text: str

    class Description(NamedTuple):
        """Everything the node says about a certificate.

        Times are seconds since the epoch. `ca` is None without BasicConstraints; `key_usage` is
        None without KeyUsage, `path_length` without a limit. `alternative_names` are `DNS:…`,
        `IP:…`. `common_name` and `issuer_name` are common names, or where there is none the most
        specific part. `self_issued`: subject and issuer are the same octets.
        """

        sha256: str
        version: int
        serial: int
        signature_name: str
        signature_oid: str
        signature_hash: str
        issuer: DistinguishedName
        issuer_name: str
        subject: DistinguishedName
        common_name: str
        not_before: int
        not_after: int
        key: KeyDescription
        extensions: tuple[Extension, ...]
        signature: bytes
        ca: bool | None
        path_length: int | None
        key_usage: tuple[str, ...] | None
        purposes: tuple[str, ...]
        alternative_names: tuple[str, ...]
        ocsp_uris: tuple[str, ...]
        subject_hash: str
        self_issued: bool
else:
    ExtensionLine = row_type("ExtensionLine", "label items listed")
    Extension = row_type("Extension", "name oid critical lines")
    KeyDescription = row_type("KeyDescription", "kind oid size value curve curve_oid text")
    Description = row_type(
        "Description",
        "sha256 version serial signature_name signature_oid signature_hash issuer issuer_name "
        "subject common_name not_before not_after key extensions signature ca path_length "
        "key_usage purposes alternative_names ocsp_uris subject_hash self_issued",
    )

# Another number whenever a certificate is described otherwise, or is kept in another form.
FORM = 1


def most_specific(parts: DistinguishedName) -> str:
    """The common name in a name, or where it has none its most specific part."""
    values = [pair for part in reversed(parts) for pair in part]
    named = [value for attribute, value in values if attribute == "CN" and value]
    return next(iter(named or [value for _, value in values if value]), "")


def name_text(parts: DistinguishedName, safe: Callable[[str], str] = str) -> str:
    """A name as the CLI prints it, in reverse of the DER order: `L=GB, CN=host, O=HSBC, C=GB`.

    Values with characters that mean something in it stand in quotation marks. `safe` is applied
    to each value.
    """
    return ", ".join(
        " + ".join(f"{attribute}={_quoted(value, safe)}" for attribute, value in part)
        for part in reversed(parts)
    )


def _quoted(value: str, safe: Callable[[str], str]) -> str:
    shown = safe(value)
    if value != value.strip() or any(c in value for c in ',+"=<>;#'):
        return '"' + shown.replace('"', '\\"') + '"'
    return shown


def serial_text(serial: int) -> str:
    """A serial number as the CLI prints it: upper-case hexadecimal in whole octets."""
    digits = f"{abs(serial):X}"
    return ("-" if serial < 0 else "") + digits.zfill(len(digits) + len(digits) % 2)


# --- how it is kept ------------------------------------------------------------------------------


def packed(one: Description) -> bytes:
    """A JSON object of all of it."""
    import json

    key = one.key._asdict()
    key["value"] = one.key.value.hex()
    data = {**one._asdict(), "key": key, "signature": one.signature.hex()}
    return json.dumps({"form": FORM, "certificate": data}).encode("ascii") + b"\n"


def unpacked(data: Any) -> Description | None:
    """What `packed` was made of, from its JSON; None if that is of another form.

    What is not of the form that it says raises what such data raises: KeyError, TypeError,
    ValueError, AttributeError.
    """
    if data["form"] != FORM:
        return None
    one, key = dict(data["certificate"]), dict(data["certificate"]["key"])
    key["value"] = bytes.fromhex(key["value"])
    one["key"] = KeyDescription(**key)
    one["signature"] = bytes.fromhex(one["signature"])
    one["extensions"] = tuple(map(_extension, one["extensions"]))
    for name in ("issuer", "subject"):
        one[name] = tuple(tuple((label, text) for label, text in part) for part in one[name])
    for name in ("purposes", "alternative_names", "ocsp_uris"):
        one[name] = tuple(one[name])
    one["key_usage"] = None if one["key_usage"] is None else tuple(one["key_usage"])
    return Description(**one)


def _extension(row: Any) -> Extension:
    name, oid, critical, lines = row
    kept = (ExtensionLine(label, tuple(items), listed) for label, items, listed in lines)
    return Extension(name, oid, critical, tuple(kept))
