"""What a blob of DER is, told from its outline alone: no trust, no copy, no recursion.

People upload what they have at hand. Saying "this is a signing request" helps them; and a private
key must be known for what it is before anything else looks at it. The outlines are those of
RFC 5280 (certificate, CRL), RFC 2986 (request), RFC 5208 and 5958 (PKCS#8), RFC 8017 (PKCS#1),
RFC 5915 (EC key), RFC 7292 (PKCS#12), RFC 2315 and 5652 (PKCS#7), RFC 6960 (OCSP).
"""

from __future__ import annotations

from cucmos_shell.pki.der import OID, SEQUENCE, children, element

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE, KEY, PKCS7, OTHER = "certificate", "key", "pkcs7", "other"

_INTEGER, _OCTETS, _BITS, _ENUM = 0x02, 0x04, 0x03, 0x0A
_CONTEXT_0 = 0xA0
_TIMES = (0x17, 0x18)
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
_INDEFINITE_PKCS12 = b"\x30\x80\x02\x01\x03"
INDEFINITE_PKCS7 = b"\x30\x80\x06\x09" + SIGNED_DATA
_LOOK = 12  # no outline needs more children than this

_MAGIC = (
    (b"\xfe\xed\xfe\xed", KEY, "a Java keystore"),
    (b"\xce\xce\xce\xce", KEY, "a Java keystore (JCEKS)"),
    (b"PK\x03\x04", OTHER, "a ZIP archive"),
    (b"\x1f\x8b", OTHER, "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", OTHER, "a 7-Zip archive"),
    (b"%PDF-", OTHER, "a PDF document"),
    (b"\x89PNG", OTHER, "a picture"),
    (b"\xff\xd8\xff", OTHER, "a picture"),
    (b"\x7fELF", OTHER, "a program"),
    (b"\x99\x01", OTHER, "a PGP key"),
)


def kind_of(data: bytes) -> tuple[str, str]:
    """`(kind, words)`: kind is CERTIFICATE, KEY, PKCS7 or OTHER, words name the thing.

    Never raises; what has no known outline is `(OTHER, "")`. A certificate's outline is no promise
    that its contents can be read.
    """
    if data.startswith(_INDEFINITE_PKCS12):
        return KEY, "a PKCS#12 file"
    if data.startswith(INDEFINITE_PKCS7):
        return PKCS7, "a PKCS#7 file"
    for magic, kind, words in _MAGIC:
        if data.startswith(magic):
            return kind, words
    try:
        tag, start, end = element(data)
        parts = _first(data, start, end) if tag == SEQUENCE else []
        return _named(data, parts)
    except ValueError:
        return OTHER, ""


def _first(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    found = []
    for part in children(data, start, end):
        found.append(part)
        if len(found) == _LOOK:
            break
    return found


def _named(data: bytes, parts: list[tuple[int, int, int]]) -> tuple[str, str]:
    tags = tuple(tag for tag, _, _ in parts)
    if tags[:1] == (_INTEGER,):
        return _counted(data, parts, tags)
    if tags == (SEQUENCE, SEQUENCE, _BITS):
        return _signed(data, parts[0])
    if tags == (SEQUENCE, _OCTETS):
        return KEY, "an encrypted private key (PKCS#8)"
    if tags == (SEQUENCE, _BITS):
        return OTHER, "a public key"
    if tags[:1] == (_ENUM,):
        return OTHER, "an OCSP response"
    if tags == (OID, _CONTEXT_0):
        return _content(data, parts[0])
    return OTHER, ""


def _counted(
    data: bytes, parts: list[tuple[int, int, int]], tags: tuple[int, ...]
) -> tuple[str, str]:
    """Structures that begin with a version or a number."""
    _, start, end = parts[0]
    version = data[start] if end - start == 1 else -1
    if tags[1:3] == (SEQUENCE, _OCTETS):
        return KEY, "a private key (PKCS#8)"
    if tags[1:2] == (_OCTETS,):
        return KEY, "a private key (EC)"
    if tags[1:2] == (SEQUENCE,) and version == 3:
        return KEY, "a PKCS#12 file"
    if len(tags) >= 9 and set(tags[:9]) == {_INTEGER}:
        return KEY, "a private key (PKCS#1)"
    if tags == (_INTEGER,) * 6:
        return KEY, "a private key (DSA)"
    if tags == (_INTEGER, _INTEGER):
        return OTHER, "a public key"
    return OTHER, ""


def _signed(data: bytes, body: tuple[int, int, int]) -> tuple[str, str]:
    """Body, algorithm, signature: a certificate, a request or a revocation list."""
    tags = [tag for tag, _, _ in _first(data, body[1], body[2])]
    if tags[:1] == [_CONTEXT_0]:
        del tags[0]
    if tags[:6] == [_INTEGER, *[SEQUENCE] * 5]:
        return CERTIFICATE, "a certificate"
    if any(tag in _TIMES for tag in tags[2:4]):
        return OTHER, "a certificate revocation list (CRL)"
    if tags[:3] == [_INTEGER, SEQUENCE, SEQUENCE]:
        return OTHER, "a certificate signing request (CSR)"
    return OTHER, ""


def _content(data: bytes, kind: tuple[int, int, int]) -> tuple[str, str]:
    oid = bytes(data[kind[1] : kind[2]])
    if oid == SIGNED_DATA:
        return PKCS7, "a PKCS#7 file"
    if oid == _ENVELOPED_DATA:
        return OTHER, "an encrypted PKCS#7 message"
    return OTHER, "a PKCS#7 message without certificates"


def pkcs7_certificates(data: bytes) -> Iterator[bytes]:
    """The certificates of a SignedData in DER, in its order; ValueError where it is malformed.

    Whatever else the message holds (content, revocation lists, signers) is passed over: nothing
    but the certificates is taken from it, and nothing is trusted for being in it.
    """
    _, start, end = element(data)
    parts = _first(data, start, end)
    if len(parts) < 2:
        raise ValueError("PKCS#7 without content")
    _, start, end = element(data, parts[1][1], parts[1][2])
    sets = [(at, stop) for tag, at, stop in _first(data, start, end)[3:] if tag == _CONTEXT_0]
    at, end = sets[0] if sets else (0, 0)
    while at < end:
        tag, _, stop = element(data, at, end)
        if tag == SEQUENCE:
            yield bytes(data[at:stop])
        at = stop
