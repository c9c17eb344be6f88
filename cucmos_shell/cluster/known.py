"""What a node has applied of the log, for one trust store: 40 octets a certificate, sorted.

The SHA-256, and a number: the revision of the entry, twice, plus one where it says present. So one
entry of ten thousand is found and put in without reading the others.
"""

from __future__ import annotations

from bisect import bisect_left

from cucmos_shell.cluster.rules import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SIZE, KEY = 40, 32
HEX = set("0123456789abcdef")


def entry_of(key: str) -> tuple[str, str] | None:
    """Store and SHA-256 of the entry that lies at a key of the log; None where none does."""
    kind, _, rest = key.partition("/")
    store, _, sha256 = rest.partition("/")
    if kind == "trust" and len(sha256) == 2 * KEY and not set(sha256) - HEX:
        return store, sha256
    return None


class Known:
    """The entries in `raw`, read when they are asked for. ValueError if it is none."""

    def __init__(self, raw: bytes = b"") -> None:
        if len(raw) % SIZE:
            raise ValueError("not a list of entries")
        self.raw = raw

    def __len__(self) -> int:
        return len(self.raw) // SIZE

    def _key(self, i: int) -> bytes:
        return self.raw[i * SIZE : i * SIZE + KEY]

    def _entry(self, i: int) -> Entry:
        number = int.from_bytes(self.raw[i * SIZE + KEY : (i + 1) * SIZE], "big")
        return Entry(bool(number & 1), number >> 1, "")

    def _position(self, key: bytes) -> int:
        return bisect_left(range(len(self)), key, key=self._key)

    def find(self, sha256: str) -> Entry | None:
        """The entry of the certificate with that SHA-256, without the operation that left it."""
        key = bytes.fromhex(sha256)
        i = self._position(key)
        return self._entry(i) if i < len(self) and self._key(i) == key else None

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Every certificate's SHA-256 with its entry."""
        for i in range(len(self)):
            yield self._key(i).hex(), self._entry(i)

    def present(self) -> int:
        """How many of them are present."""
        return sum(octet & 1 for octet in self.raw[SIZE - 1 :: SIZE])

    def those_present(self) -> bytes:
        """The octets of those that are present."""
        pieces = (self.raw[at : at + SIZE] for at in range(0, len(self.raw), SIZE))
        return b"".join(piece for piece in pieces if piece[-1] & 1)

    def changed(self, changes: Mapping[str, Entry | None]) -> bytes:
        """The octets with entries put in, replaced or (None) taken out."""
        pieces: list[bytes] = []
        at = 0
        for sha256 in sorted(changes):
            entry, key = changes[sha256], bytes.fromhex(sha256)
            i = self._position(key)
            pieces.append(self.raw[at : i * SIZE])
            at = (i + (i < len(self) and self._key(i) == key)) * SIZE
            if entry is not None:
                pieces.append(key + (entry.revision << 1 | entry.present).to_bytes(8, "big"))
        pieces.append(self.raw[at:])
        return b"".join(pieces)
