"""The feed of a cluster: what of its log originates there, for the clusters that follow it.

A feed is JSON in ASCII. It is not signed: whoever reads it knows by the certificate of the
connection whose it is, and the offering cluster by an account who reads it.

    {"format": 1, "cluster": NAME, "era": NUMBER, "revision": REVISION, "full": true,
     "entries": [{"store": STORE, "sha256": SHA256, "present": true, "revision": REVISION,
                  "life": REVISION, "again": false, "origin": NAME, "name": …, "description": …,
                  "der": BASE64}, …]}

`der` is empty for what was deleted. What is read is believed in nothing but that form.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

from cucmos_shell.cluster.known import HEX
from cucmos_shell.cluster.taking import PeerWord
from cucmos_shell.errors import Refused
from cucmos_shell.results import Value
from cucmos_shell.store.json_text import loads
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from cucmos_shell.cluster.entries import LogLine, Meta
    from cucmos_shell.cluster.taking import Heard

PATH = "/cluster/v1/feed"
MEDIA = "application/json"
FORMAT = 1
# Octets of a feed: 20,000 certificates of the usual size.
MAX_FEED = 64 << 20
MAX_ENTRIES = 20_000
# Signs of JSON: what it says makes objects of each value, some twenty times as large as the least.
MAX_COMMAS, MAX_BRACKETS = 24 * MAX_ENTRIES, 4 * MAX_ENTRIES
MAX_CERTIFICATE = 64 << 10
MAX_NUMBER = 1 << 60
MAX_ID, MAX_TEXT = 64, 200


class FeedMistake(Refused):
    """What a peer offers is no feed."""

    def __init__(self, reason: str) -> None:
        super().__init__("What it offers is no feed: {reason}", reason=reason)


class FeedEntry(Value):
    """What a feed says of a certificate: the word, and what it is called there."""

    store: str
    sha256: str
    revision: int
    word: PeerWord
    origin: str
    name: str
    description: str
    der: bytes = b""

    @property
    def key(self) -> tuple[str, str]:
        """Its store and SHA-256."""
        return self.store, self.sha256


class Feed(Value):
    """A feed as of `revision` in the `number`-th era of the log of `cluster`.

    `full`: what is not in it is not there; else it is what has changed.
    """

    cluster: str
    number: int
    revision: int
    full: bool
    entries: tuple[FeedEntry, ...]


# --- offering ------------------------------------------------------------------------------------


def made(
    meta: Meta, revision: int, lines: Mapping[tuple[str, str], LogLine], *, full: bool
) -> dict[str, Any]:
    """The JSON of a feed of those `lines` that originate here."""
    return {
        "format": FORMAT,
        "cluster": meta.cluster,
        "era": meta.number,
        "revision": revision,
        "full": full,
        "entries": [
            _row(meta, store, sha256, line)
            for (store, sha256), line in sorted(lines.items())
            if not line.marks.origin
        ],
    }


def _row(meta: Meta, store: str, sha256: str, line: LogLine) -> dict[str, Any]:
    entry = line.entry
    return {
        "store": store,
        "sha256": sha256,
        "present": entry.present,
        "revision": entry.revision,
        "life": line.life,
        "again": line.again or line.life <= meta.since,
        "origin": meta.cluster,
        "name": line.name,
        "description": line.description,
        "der": b64encode(line.der).decode("ascii"),
    }


# --- reading -------------------------------------------------------------------------------------


def read(octets: bytes) -> Feed:
    """The feed that `octets` are, whoever has written them. Raises FeedMistake."""
    if len(octets) > MAX_FEED:
        raise FeedMistake(f"it is larger than {MAX_FEED >> 20} MiB")
    if not octets.isascii():
        raise FeedMistake("it is not in ASCII")
    brackets = octets.count(b"[") + octets.count(b"{")
    if octets.count(b",") > MAX_COMMAS or brackets > MAX_BRACKETS:
        raise FeedMistake(f"it says more than there is to say of {MAX_ENTRIES} certificates")
    try:
        data = loads(octets)
        return _feed(data)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _NoFeed) else "it is not of the form of one"
        raise FeedMistake(reason) from None


class _NoFeed(ValueError):
    """Something that a feed must not be, in words."""


def _feed(data: Any) -> Feed:
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise _NoFeed("it is not of the form of one")
    if data["format"] != FORMAT:
        raise _NoFeed(f"its format is {_number(data, 'format')}, {FORMAT} is known here")
    rows = data["entries"]
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise _NoFeed(f"it has more than {MAX_ENTRIES} entries, or none at all")
    number, revision = _number(data, "era"), _number(data, "revision")
    entries = tuple(_entry(row, number, revision) for row in rows)
    if len({one.key for one in entries}) < len(entries):
        raise _NoFeed("it says something twice of a certificate")
    return Feed(_id(data, "cluster"), number, revision, _truth(data, "full"), entries)


def _entry(row: Any, number: int, most: int) -> FeedEntry:
    sha256, der = row["sha256"], b64decode(row["der"], validate=True)
    present, again = _truth(row, "present"), _truth(row, "again")
    if not isinstance(sha256, str) or len(sha256) != 64 or set(sha256) - HEX:
        raise _NoFeed("a certificate has no SHA-256")
    if present and len(der) > MAX_CERTIFICATE:
        raise _NoFeed(f"a certificate is larger than {MAX_CERTIFICATE >> 10} KiB")
    if present and hashlib.sha256(der).hexdigest() != sha256:
        raise _NoFeed("a certificate is another one than it says")
    revision, life = _number(row, "revision"), _number(row, "life")
    if not life <= revision <= most:
        raise _NoFeed("an entry is later than the whole")
    return FeedEntry(
        _id(row, "store"),
        sha256,
        revision,
        PeerWord(number, life, present, again),
        _id(row, "origin"),
        _text(row, "name"),
        _text(row, "description"),
        der if present else b"",
    )


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise _NoFeed(f"{name} is no number")
    return value


def _truth(data: Mapping[str, Any], name: str) -> bool:
    value = data[name]
    if not isinstance(value, bool):
        raise _NoFeed(f"{name} is neither true nor false")
    return value


def _id(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    if not plain or not 0 < len(value) <= MAX_ID or not set(value).isdisjoint(" /\\"):
        raise _NoFeed(f"{name} is no name")
    return str(value)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise _NoFeed(f"{name} is no text")
    value.encode()  # ValueError for what is not Unicode
    return safe(value, MAX_TEXT) if value else ""


def words(
    feed: Feed, heard: Mapping[tuple[str, str], Heard], stores: Iterable[str]
) -> dict[tuple[str, str], PeerWord]:
    """What a feed says that counts: of what originates at its cluster, in those `stores`.

    `heard` has what it said last, of the certificates of which it said something.
    """
    known = set(stores)
    every = {entry.key for entry in feed.entries}
    said = {
        entry.key: entry.word
        for entry in feed.entries
        if entry.origin == feed.cluster and entry.store in known
    }
    if feed.full:
        gone = PeerWord(feed.number, feed.revision, False)
        absent = {key for key, one in heard.items() if one.present and key not in every}
        said.update(dict.fromkeys(absent, gone))
    return said
