"""Whether a private key belongs to a certificate, by their octets."""

from __future__ import annotations

from cucmos_shell.pki.der import BIT_STRING, children, element, from_pem
from cucmos_shell.pki.tbs import Tbs

INTEGER, OCTET_STRING, PUBLIC = 0x02, 0x04, 0xA1


def belongs(key_pem: bytes, der: bytes) -> bool:
    """Whether the key, PKCS#8 in PEM without a password, is that of the certificate `der`.

    ValueError or IndexError for what is no RSA or EC key, or no certificate.
    """
    key = from_pem(key_pem, "PRIVATE KEY")
    _, start, end = element(key)
    octets = next(key[s:e] for tag, s, e in children(key, start, end) if tag == OCTET_STRING)
    return _public_part(octets) == _certified(Tbs(der).key)


def _public_part(key: bytes) -> bytes:
    """The modulus (RFC 8017, A.1.2), or the point (RFC 5915, 3), of a private key."""
    _, start, end = element(key)
    parts = list(children(key, start, end))
    for tag, s, e in parts:
        if tag == PUBLIC:
            _, s, e = element(key, s, e)
            return key[s + 1 : e]
    if [tag for tag, _, _ in parts[:3]] != [INTEGER] * 3:
        raise ValueError("neither an RSA key nor one with its point")
    return key[parts[1][1] : parts[1][2]]


def _certified(key: bytes) -> bytes:
    """The modulus, or the point, of a SubjectPublicKeyInfo."""
    _, start, end = element(key)
    bits = next(key[s + 1 : e] for tag, s, e in children(key, start, end) if tag == BIT_STRING)
    if bits[:1] != b"\x30":
        return bits
    _, start, end = element(bits)
    _, s, e = next(children(bits, start, end))
    return bits[s:e]
