"""Feeds of a cluster for tests: one that is right, and many that are none."""

import hashlib
import json
from base64 import b64encode

from cucmos_shell.cluster.entries import LogLine, Meta
from cucmos_shell.cluster.feed import made
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.taking import Marks

META = Meta("0badcafe", "era", 3, 0, b"", number=2)
DER = b"\x30\x03not a certificate, which is for others to find"
SHA = hashlib.sha256(DER).hexdigest()
NO_MARKS = Marks()
OTHER = hashlib.sha256(b"other").hexdigest()


def line(*, present=True, revision=9, marks=NO_MARKS, **more):
    entry = Entry(present, revision, "by")
    return LogLine(
        entry, "Root", "text", "admin", "node", 1.0, "", DER if present else b"",
        marks=marks, **more,
    )  # fmt: skip


def offered(lines, *, full=True):
    return made(META, 12, lines, full=full)


def changed(*, entry=None, **keys):
    """The octets of a feed that has other values at some keys."""
    data = offered({("tomcat-trust", SHA): line()})
    data |= keys
    data["entries"] = [{**row, **(entry or {})} for row in data["entries"]]
    return json.dumps(data).encode()


HOSTILE = {
    "nothing": b"",
    "no JSON": b"<html>",
    "no UTF-8": b'{"format": "\xff"}',
    "deep": b"[" * 100_000,
    "a long number": b'{"format": ' + b"9" * 5000 + b"}",
    "a list": b"[]",
    "no format": b"{}",
    "of another format": changed(format=2),
    "no truth": changed(full=1),
    "no era": changed(era=None),
    "a negative era": changed(era=-1),
    "an era of no end": changed(era=1 << 61),
    "a revision that is true": changed(revision=True),
    "no cluster": changed(cluster=""),
    "a cluster of two words": changed(cluster="a b"),
    "a cluster without end": changed(cluster="a" * 65),
    "a cluster that is a path": changed(cluster="../x"),
    "a cluster that steers": changed(cluster="a\x1b"),
    "entries are a number": changed().replace(b'"entries": [', b'"entries": 7, "x": ['),
    "a store that is a path": changed(entry={"store": "../node"}),
    "a store that is no text": changed(entry={"store": 5}),
    "no SHA-256": changed(entry={"sha256": SHA[:-1]}),
    "a SHA-256 in capitals": changed(entry={"sha256": SHA.upper()}),
    "a SHA-256 that is a list": changed(entry={"sha256": [SHA]}),
    "another certificate": changed(entry={"sha256": OTHER}),
    "no base64": changed(entry={"der": "*"}),
    "a certificate that is none": changed(entry={"der": None}),
    "too large a certificate": changed(
        entry={
            "der": b64encode(b"x" * 65_537).decode(),
            "sha256": hashlib.sha256(b"x" * 65_537).hexdigest(),
        }
    ),
    "present in a way": changed(entry={"present": "yes"}),
    "later than the whole": changed(entry={"revision": 13}),
    "a life after itself": changed(entry={"life": 10}),
    "a name that is none": changed(entry={"name": 7}),
    "half a character": changed(entry={"name": "\ud800"}),
    "no origin": changed(entry={"origin": ""}),
    "an entry that is a number": json.dumps({**offered({}), "entries": [7]}).encode(),
}  # fmt: skip
