"""PKCS#12 files (RFC 7292) of somebody else: what they would cost is read before they are opened.

A file says itself how often a password is to be hashed, up to 2^31 times, for each thing in it. The
library does so without letting anybody else run; and the first key it meets, be it in something
that has to be decrypted first. So nothing is asked of it but this: one key that stands in the open
with a count within bounds, before anything else.
"""

from __future__ import annotations

from cucmos_shell.pki.der import OID, SEQUENCE, children, element, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Of all counts of a file together; OpenSSL writes 2,048, and twice that for a file.
MAX_ITERATIONS = 2_000_000
MAX_ELEMENTS = 100_000
# Octets of a key and what is said about it: an RSA key of 4,096 bits takes 2,500. The library looks
# whether its factors are primes, which takes a second for these and hours for the largest.
MAX_KEY_BAG = 4000

_INTEGER, _OCTETS, _CONTEXT_0 = 0x02, 0x04, 0xA0
_CONSTRUCTED = 0x20
_DATA = bytes.fromhex("2a864886f70d010701")
_ENCRYPTED = bytes.fromhex("2a864886f70d010706")
_KEY_BAGS = (
    bytes.fromhex("2a864886f70d010c0a0101"),  # 1.2.840.113549.1.12.10.1.1, keyBag
    bytes.fromhex("2a864886f70d010c0a0102"),  # pkcs8ShroudedKeyBag
)
_CERT_BAG = bytes.fromhex("2a864886f70d010c0a0103")
_SCRYPT = bytes.fromhex("2b06010401da47040b")  # 1.3.6.1.4.1.11591.4.11

Place = tuple[int, int, int]


def tame(data: bytes, *, encrypted: bool = True) -> bytes:
    """The file `data` with what is to be opened first in front, and without its check sum.

    Whether the password is right shows when the key is decrypted. Raises ValueError where `data`
    is no such file in DER, costs more than MAX_ITERATIONS, holds too large a key or none in the
    open beside what is encrypted, or is encrypted though it must not be.
    """
    version, authenticated = _fields(data, 0, len(data), SEQUENCE)[:2]
    content = _content(data, authenticated)
    safe = element(data, *_octets(content))
    if safe[0] != SEQUENCE:
        raise ValueError("no list of contents")
    first: list[bytes] = []
    later: list[bytes] = []
    cost = 0
    for place in children(data, *safe[1:]):
        kind, _ = parts = _pair(data, place)
        whole = encode(place[0], data[place[1] : place[2]])
        name = data[kind[1] : kind[2]]
        if name == _ENCRYPTED and encrypted:
            later.append(whole)
            cost += _cost(data, place[1:])
        elif name == _DATA:
            inner = _octets(_inside(data, parts[1]))
            cost += _cost(data, inner)
            (first if _has_key(data, inner) else later).append(whole)
        else:
            raise ValueError("a content that is not to be opened")
    if cost > MAX_ITERATIONS or (not first and encrypted):
        raise ValueError("it costs too much, or holds no key in the open")
    inside = encode(SEQUENCE, b"".join([*first, *later]))
    wrapped = encode(_CONTEXT_0, encode(_OCTETS, inside))
    outer = encode(SEQUENCE, encode(OID, _DATA) + wrapped)
    return encode(SEQUENCE, encode(version[0], data[version[1] : version[2]]) + outer)


def _fields(data: bytes, at: int, end: int, tag: int) -> list[Place]:
    found = element(data, at, end)
    if found[0] != tag:
        raise ValueError("another structure")
    return list(children(data, *found[1:]))


def _pair(data: bytes, place: Place) -> list[Place]:
    """The kind of a content, and the content."""
    parts = list(children(data, *place[1:]))
    if place[0] != SEQUENCE or [tag for tag, _, _ in parts] != [OID, _CONTEXT_0]:
        raise ValueError("no content")
    return parts


def _content(data: bytes, place: Place) -> Place:
    kind, content = _pair(data, place)
    if data[kind[1] : kind[2]] != _DATA:
        raise ValueError("a content that is not to be opened")
    return _inside(data, content)


def _inside(data: bytes, place: Place) -> Place:
    return element(data, *place[1:])


def _octets(place: Place) -> tuple[int, int]:
    if place[0] != _OCTETS:
        raise ValueError("no octets")
    return place[1:]


def _has_key(data: bytes, inner: tuple[int, int]) -> bool:
    found = False
    for tag, start, end in _fields(data, *inner, SEQUENCE):
        kind = element(data, start, end)
        name = data[kind[1] : kind[2]]
        if name != _CERT_BAG and end - start > MAX_KEY_BAG:
            raise ValueError("a key that is too large")
        found = found or (tag == SEQUENCE and name in _KEY_BAGS)
    return found


def _cost(data: bytes, place: tuple[int, int]) -> int:
    """All numbers there together: counts of iterations are among them, and little else."""
    total, seen = 0, 0
    open_places: list[Any] = [place]
    while open_places:
        for tag, start, end in children(data, *open_places.pop()):
            seen += 1
            if seen > MAX_ELEMENTS:
                raise ValueError("too many elements")
            if tag & _CONSTRUCTED:
                open_places.append((start, end))
            elif tag == _INTEGER:
                total += abs(int.from_bytes(data[start : min(end, start + 9)], "big", signed=True))
            elif tag == OID and data[start:end] == _SCRYPT:
                # Its costs are multiplied, and nobody's files have it.
                raise ValueError("scrypt")
    return total
