"""What a trust list repeats of a certificate, taken from its DER (RFC 5280, 4.1)."""

from __future__ import annotations

# From the start of TBSCertificate's contents: version, serialNumber, signature, issuer, validity,
# subject, subjectPublicKeyInfo. The version is missing in certificates of version 1.
_VERSION_TAG = 0xA0
_BEFORE_KEY = (0, 0, 0, 0)
_TWO_OCTETS = 0x82  # how a length begins that takes two more


def parts(der: bytes) -> tuple[bytes, bytes]:
    """`(serial number, public key)` of a certificate that a parser has accepted.

    The serial number is unsigned, big-endian and in its shortest form. The key is the contents of
    the BIT STRING: RSAPublicKey for RSA keys, the point for EC keys.
    (`der.children` would do; but a list has forty certificates, and this is half of reading it.)
    """
    at = 8 if der[1] == der[5] == _TWO_OCTETS else _enter(der, _enter(der, 0))
    if der[at] == _VERSION_TAG:
        at += 2 + der[at + 1]
    length = der[at + 1]
    start = at + 2 if length < 0x80 else _enter(der, at)
    at = end = start + length if length < 0x80 else _skip(der, at)
    for _ in _BEFORE_KEY:
        length = der[at + 1]
        at += 2
        if length > 0x7F:
            begin, at = at, at + (length & 0x7F)
            length = int.from_bytes(der[begin:at], "big")
        at += length
    key = at + 4 if der[at + 1] == _TWO_OCTETS else _enter(der, at)
    key += 2 + der[key + 1]
    bits = key + 5 if der[key + 1] == _TWO_OCTETS else _enter(der, key) + 1
    return der[start:end].lstrip(b"\0") or b"\0", der[bits : _skip(der, key)]


def _enter(der: bytes, at: int) -> int:
    """Where the contents of the element at `at` begin."""
    length = der[at + 1]
    return at + 2 if length < 0x80 else at + 2 + (length & 0x7F)


def _skip(der: bytes, at: int) -> int:
    """Where the element after the one at `at` begins."""
    start = _enter(der, at)
    length = der[at + 1]
    return start + (length if length < 0x80 else int.from_bytes(der[at + 2 : start], "big"))
