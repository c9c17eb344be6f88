"""What an index says about certificates, and how it is written.

The index of a trust store is JSON with one row a line, sorted by name. So it is read in one go
for a listing, and searched and changed as octets where one certificate of many is wanted.
"""

from __future__ import annotations

from cucmos_shell.results import (
    MOMENT,
    SERIAL,
    SHA256,
    TEXT,
    Value,
    each,
    maybe,
    one_of,
    record,
    row_type,
)
from cucmos_shell.store.json_text import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, NamedTuple

    class CertificateRow(NamedTuple):
        """One certificate. Times are seconds since the epoch, `serial` and hashes hexadecimal.

        `name` is the file name without extension, `issuer` the whole name as the CLI prints it,
        `issuer_name` the issuer's common name, `subject_hash` OpenSSL's X509_NAME_hash. `owner` is
        the unit whose own certificate this is a copy of, or empty. `subject` is None, and
        `alternative_names` say nothing, in a row of an earlier version (see `described`).
        """

        name: str
        common_name: str
        issuer: str
        issuer_name: str
        serial: str
        not_before: int
        not_after: int
        key_type: str
        sha256: str
        description: str
        subject_hash: str
        ca: bool
        owner: str
        subject: str | None = None
        alternative_names: Sequence[str] = ()

    class HistoryEntry(NamedTuple):
        """An own certificate that was current: version of the unit, head and time it came with."""

        version: int
        head: int
        when: float
        sha256: str
else:
    CertificateRow = row_type(
        "CertificateRow",
        "name common_name issuer issuer_name serial not_before not_after key_type sha256 "
        "description subject_hash ca owner subject alternative_names",
        subject=None,
        alternative_names=(),
    )
    HistoryEntry = row_type("HistoryEntry", "version head when sha256")

# What every list of certificates says of each. Here, since a listing as text loads no view.
LISTED = record(
    name=TEXT,
    type=one_of("own", "trust"),
    unit=maybe(TEXT),
    store=maybe(TEXT),
    common_name=TEXT,
    subject=TEXT,
    alternative_names=each(TEXT),
    issuer=TEXT,
    serial=SERIAL,
    not_before=MOMENT,
    not_after=MOMENT,
    key_type=TEXT,
    sha256=SHA256,
    description=TEXT,
    # As `CopyOf.form`.
    copy_of=maybe(record(hostname=TEXT, name=TEXT)),
)

# What rows of earlier versions lack; it follows from the certificate.
LATER = frozenset(("subject", "alternative_names"))
MAX_HISTORY = 64


def _encode(value: object) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))


def sort_key(name: str) -> tuple[str, str]:
    """Listing order: case-blind, ties by the name itself."""
    return name.lower(), name


def _line_key(line: bytes) -> tuple[str, str]:
    # A line begins with `["NAME",`, and a cleaned name needs no JSON escapes.
    return sort_key(line[2 : line.index(b'"', 2)].decode("ascii"))


class TrustIndex:
    """The rows of one version of a trust store, from the octets of its index.

    `ValueError` (also from the lazily parsing methods) means that this is no index.
    """

    __slots__ = ("_body", "_rows", "raw")

    HEAD, TAIL = b"[\n", b"\n]\n"

    def __init__(self, raw: bytes = HEAD + TAIL) -> None:
        whole = len(raw) >= len(self.HEAD) + len(self.TAIL)
        if not (whole and raw.startswith(self.HEAD) and raw.endswith(self.TAIL)):
            raise ValueError("not an index of a trust store")
        self.raw = raw
        self._body = len(raw) - len(self.TAIL)
        self._rows: tuple[CertificateRow, ...] | None = None

    def rows(self) -> tuple[CertificateRow, ...]:
        """All rows, in listing order."""
        if self._rows is None:
            data = loads(self.raw.decode("ascii"))
            self._rows = tuple(map(CertificateRow._make, data))
        return self._rows

    def each(self) -> Iterator[CertificateRow]:
        """The same one by one, for who keeps none of them."""
        at = len(self.HEAD)
        while at < self._body:
            start, end = self._line_at(at)
            yield _parse(self.raw[start:end])
            at = end + 1

    def _line_at(self, at: int) -> tuple[int, int]:
        start = self.raw.rfind(b"\n", 0, at) + 1
        end = self.raw.find(b"\n", at, self._body)
        return max(start, len(self.HEAD)), self._body if end < 0 else end

    def _position(self, key: tuple[str, str]) -> int:
        """Where the first line that is not before `key` begins; the body's end if there is none."""
        low, high = len(self.HEAD), self._body
        while low < high:
            start, end = self._line_at((low + high) // 2)
            if _line_key(self.raw[start:end]) < key:
                low = end + 1
            else:
                high = start
        return min(low, self._body)

    def variants(self, name: str) -> list[CertificateRow]:
        """The rows whose names differ from `name` by case at most."""
        found: list[CertificateRow] = []
        at = self._position((name.lower(), ""))
        while at < self._body:
            start, end = self._line_at(at)
            line = self.raw[start:end]
            if _line_key(line)[0] != name.lower():
                break
            found.append(_parse(line))
            at = end + 1
        return found

    def find(self, name: str) -> CertificateRow | None:
        """The row of that name: the exact one, else the first that differs by case only."""
        return best(self.variants(name), name)

    def search(self, text: str) -> Iterator[CertificateRow]:
        """The rows that hold `text` as a whole JSON string; the caller looks in which column."""
        needle = _encode(text).encode("ascii")
        at = self.raw.find(needle, len(self.HEAD))
        while at >= 0:
            start, end = self._line_at(at)
            yield _parse(self.raw[start:end])
            at = self.raw.find(needle, end)

    def holds(self, sha256: str) -> bool:
        """Whether a row names that certificate."""
        return self.raw.find(b'"' + sha256.encode("ascii") + b'"') >= 0

    def lacking(self) -> list[CertificateRow]:
        """The rows of an earlier version, which say less than those of today."""
        # A line of today ends with the list of alternative names.
        body = self.raw[: self._body] + b",\n"
        if body == self.HEAD + b",\n" or body.count(b"]],\n") == body.count(b"],\n"):
            return []
        return [row for row in self.rows() if row.subject is None]

    def changed(self, changes: Mapping[str, CertificateRow | None]) -> bytes:
        """The octets of the index with rows put in, replaced or (None) taken out, by name."""
        pieces: list[bytes] = []
        at = len(self.HEAD)
        for name in sorted(changes, key=sort_key):
            row, key = changes[name], sort_key(name)
            start = self._position(key)
            if start > at:
                pieces.append(self.raw[at : start - 2 if start < self._body else start])
            at = start
            if start < self._body:
                end = self._line_at(start)[1]
                if _line_key(self.raw[start:end]) == key:
                    at = min(end + 1, self._body)
            if row is not None:
                pieces.append(_encode(row).encode("ascii"))
        if at < self._body:
            pieces.append(self.raw[at : self._body])
        return self.HEAD + b",\n".join(pieces) + self.TAIL


def best(rows: list[CertificateRow], name: str) -> CertificateRow | None:
    """The row of exactly that name, else the first."""
    return next((row for row in rows if row.name == name), rows[0] if rows else None)


def _parse(line: bytes) -> CertificateRow:
    return CertificateRow._make(loads(line.rstrip(b",").decode("ascii")))


class RequestRow(Value):
    """A pending certificate signing request; `sha256` is of its DER, `created` epoch seconds.

    `multi_server`: its certificate is for all nodes of the cluster.
    """

    name: str
    subject: str
    common_name: str
    alternative_names: tuple[str, ...]
    key_type: str
    sha256: str
    created: float
    multi_server: bool = False


class Own(Value):
    """A unit's own certificate, its pending request, and which certificates it had before.

    `version` is the number of the unit's folder in the store. `history` is oldest first: it begins
    with the certificate of the installation and ends with the current one. `multi_server`: the
    certificate is for all nodes of the cluster.
    """

    row: CertificateRow | None = None
    request: RequestRow | None = None
    history: tuple[HistoryEntry, ...] = ()
    version: int = 0
    multi_server: bool = False


def shortened(history: tuple[HistoryEntry, ...]) -> tuple[HistoryEntry, ...]:
    """The first entry and the last ones: a service never restarted still uses the first."""
    if len(history) <= MAX_HISTORY:
        return history
    return (history[0], *history[1 - MAX_HISTORY :])


def own_to_json(own: Own) -> bytes:
    """The index of a unit's version."""
    data = {
        "certificate": own.row and own.row._asdict(),
        "request": own.request and own.request.__dict__,
        "history": own.history,
        "multi_server": own.multi_server,
    }
    import json

    return json.dumps(data).encode("ascii") + b"\n"


def own_from_json(raw: bytes, version: int) -> Own:
    """The reverse of `own_to_json`; ValueError, KeyError or TypeError if it is none."""
    data: dict[str, Any] = loads(raw)
    row, request = data["certificate"], data["request"]
    if request:
        request = RequestRow(
            **{**request, "alternative_names": tuple(request["alternative_names"])}
        )
    return Own(
        row=CertificateRow(**row) if row else None,
        request=request or None,
        history=tuple(map(HistoryEntry._make, data["history"])),
        version=version,
        multi_server=data.get("multi_server", False),
    )


def by_name(rows: Iterable[CertificateRow]) -> list[CertificateRow]:
    """`rows` in listing order."""
    return sorted(rows, key=lambda row: sort_key(row.name))
