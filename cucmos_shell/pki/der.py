"""DER and PEM as octets: just enough to walk a structure and to put armour around it.

ITU-T X.690 for the encoding, RFC 7468 for the armour. What a certificate means is no concern of
this module.
"""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEQUENCE, SET, OID, BIT_STRING = 0x30, 0x31, 0x06, 0x03


def element(data: bytes, at: int = 0, end: int | None = None) -> tuple[int, int, int]:
    """`(tag, start, end)` of the contents of the element at `at`; ValueError if it is cut short.

    One-octet tags and definite lengths only, which is all that DER certificates hold outside of
    private extensions.
    """
    limit = len(data) if end is None else end
    if at + 2 > limit:
        raise ValueError("DER element is cut short")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("DER tag of several octets")
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or start + count > limit:
            raise ValueError("DER length is not of a usable form")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + length > limit:
        raise ValueError("DER element is cut short")
    return tag, start, start + length


def children(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The elements between `start` and `end`, one after the other."""
    while start < end:
        tag, begin, start = element(data, start, end)
        yield tag, begin, start


def encode(tag: int, contents: bytes) -> bytes:
    """One element around `contents`."""
    size = len(contents)
    if size < 0x80:
        return bytes((tag, size)) + contents
    count = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | count)) + size.to_bytes(count, "big") + contents


def dotted(contents: bytes) -> str:
    """An OBJECT IDENTIFIER's contents as `1.2.840` (X.690, 8.19); ValueError if they are none."""
    numbers, value = [], 0
    for octet in contents:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    if not numbers or contents[-1] & 0x80:
        raise ValueError("an object identifier is cut short")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def to_pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """`der` in PEM armour, 64 characters a line, ended by LF (RFC 7468, section 2)."""
    text = binascii.b2a_base64(der, newline=False)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    name = label.encode("ascii")
    return b"".join(
        (b"-----BEGIN ", name, b"-----\n", b"\n".join(lines), b"\n-----END ", name, b"-----\n")
    )


def from_pem(pem: bytes, label: str = "CERTIFICATE") -> bytes:
    """The octets in one PEM block that `to_pem` has written; ValueError for anything else."""
    head, tail = f"-----BEGIN {label}-----\n".encode(), f"\n-----END {label}-----\n".encode()
    if not pem.startswith(head) or not pem.endswith(tail):
        raise ValueError(f"not a {label} in PEM")
    return binascii.a2b_base64(pem[len(head) : -len(tail)])


def from_pems(pem: bytes) -> list[bytes]:
    """Each certificate of a PEM file in turn. Raises ValueError as `from_pem` does."""
    end = b"-----END CERTIFICATE-----\n"
    return [from_pem(block + end) for block in pem.split(end)[:-1]]


# pkcs7-signedData and pkcs7-data (RFC 2315, 14).
_SIGNED_DATA = encode(OID, bytes.fromhex("2a864886f70d010702"))
_DATA = encode(SEQUENCE, encode(OID, bytes.fromhex("2a864886f70d010701")))


def pkcs7_bundle(ders: Iterable[bytes]) -> bytes:
    """Certificates only, as PKCS#7 (RFC 2315, 9.1: a SignedData that nobody has signed).

    They stand in the order that DER asks of a SET, whatever order they come in.
    """
    certificates = encode(0xA0, b"".join(sorted(ders)))
    nobody = encode(SET, b"")
    body = encode(SEQUENCE, b"\x02\x01\x01" + nobody + _DATA + certificates + nobody)
    return encode(SEQUENCE, _SIGNED_DATA + encode(0xA0, body))
