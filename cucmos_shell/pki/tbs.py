"""Parts of a certificate as the octets that stand in it, and OpenSSL's hash of a name."""

from __future__ import annotations

from cucmos_shell.pki.der import SEQUENCE, SET, children, element, encode


class Tbs:
    """Issuer and subject (the contents of their SEQUENCE), and SubjectPublicKeyInfo.

    ValueError or IndexError for what has not the outline of a certificate (RFC 5280, 4.1).
    """

    __slots__ = ("issuer", "key", "subject")

    def __init__(self, der: bytes) -> None:
        _, start, end = element(der)
        _, start, end = element(der, start, end)
        fields = list(children(der, start, end))
        if fields[0][0] == 0xA0:
            fields.pop(0)
        # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
        self.issuer = der[fields[2][1] : fields[2][2]]
        self.subject = der[fields[4][1] : fields[4][2]]
        self.key = encode(SEQUENCE, der[fields[5][1] : fields[5][2]])


# String types that X509_NAME_hash brings into one form, with how their octets are to be read.
_CANONICAL = {
    0x0C: "utf-8", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1A: "latin-1",
    0x1C: "utf-32-be", 0x1E: "utf-16-be",
}  # fmt: skip


def name_hash(name: bytes) -> str:
    """OpenSSL's X509_NAME_hash of the contents of a Name.

    SHA-1 over the canonical form of its parts; the first four octets, reversed.
    """
    from hashlib import sha1

    canonical = b""
    for _, start, end in children(name, 0, len(name)):
        pairs = sorted(_canonical_pair(name, s, e) for _, s, e in children(name, start, end))
        canonical += encode(SET, b"".join(pairs))
    digest = sha1(canonical, usedforsecurity=False).digest()
    return digest[3::-1].hex()


def _canonical_pair(name: bytes, start: int, end: int) -> bytes:
    oid, value = list(children(name, start, end))[:2]
    contents = name[value[1] : value[2]]
    tag = value[0]
    if tag in _CANONICAL:
        # Blanks at the ends go, those within become one, ASCII letters become small.
        text = contents.decode(_CANONICAL[tag]).encode("utf-8")
        contents, tag = b" ".join(text.lower().split()), 0x0C
    return encode(SEQUENCE, encode(oid[0], name[oid[1] : oid[2]]) + encode(tag, contents))
