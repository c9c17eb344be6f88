"""The feed as a value: what is offered is what is read, and what lies is no feed."""

import hashlib
import json
from base64 import b64encode

import pytest

from cucmos_shell.cluster import feed
from cucmos_shell.cluster.entries import LogLine, Meta
from cucmos_shell.cluster.feed import FeedMistake, made, read, words
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.taking import Heard, Marks, PeerWord

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


def test_what_is_offered_is_read():
    """With its words, and nothing that has come from elsewhere."""
    lines = {
        ("tomcat-trust", SHA): line(),
        ("tomcat-trust", OTHER): line(present=False, revision=11),
        ("cup-trust", SHA): line(marks=Marks("cafebabe")),
    }
    found = read(json.dumps(offered(lines)).encode())
    assert (found.cluster, found.number, found.revision, found.full) == ("0badcafe", 2, 12, True)
    rows = {entry.key: entry for entry in found.entries}
    assert rows.keys() == {("tomcat-trust", SHA), ("tomcat-trust", OTHER)}
    assert rows["tomcat-trust", SHA].word == PeerWord(2, 9, True)
    assert rows["tomcat-trust", SHA].der == DER
    assert rows["tomcat-trust", OTHER].word == PeerWord(2, 11, False)
    assert rows["tomcat-trust", OTHER].der == b""


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (line(was=4), PeerWord(2, 9, True, True)),
        (line(was=7, begun=7), PeerWord(2, 7, True)),
        (line(revision=3), PeerWord(2, 3, True, True)),
        (line(was=3, begun=3), PeerWord(2, 3, True, True)),
    ],
    ids=("told anew", "noted", "of a former era", "of a former era, noted"),
)
def test_when_a_life_began(row, word):
    """And whether that was in this era."""
    found = read(json.dumps(offered({("tomcat-trust", SHA): row})).encode())
    assert found.entries[0].word == word


def test_words_that_count():
    """Of its own cluster and of stores that are here; what a whole feed lacks was deleted."""
    own = read(changed())
    key = ("tomcat-trust", SHA)
    assert words(own, {}, ("tomcat-trust",)) == {key: PeerWord(2, 9, True)}
    assert words(own, {}, ("cup-trust",)) == {}
    assert words(read(changed(entry={"origin": "cafebabe"})), {}, ("tomcat-trust",)) == {}
    heard = {("tomcat-trust", OTHER): Heard(2, 5, True), ("cup-trust", OTHER): Heard(2, 5, False)}
    gone = {("tomcat-trust", OTHER): PeerWord(2, 12, False)}
    assert words(own, heard, ("tomcat-trust",)) == {key: PeerWord(2, 9, True), **gone}
    assert words(own.replace(full=False), heard, ("tomcat-trust",)) == {key: PeerWord(2, 9, True)}


def test_foreign_text_is_made_safe_and_cut():
    """A name may not steer a screen, nor fill it."""
    (entry,) = read(changed(entry={"name": "\x1b[2Jadmin:" + "x" * 9999})).entries
    assert entry.name.isprintable()
    assert "\x1b" not in entry.name
    assert len(entry.name) < 400


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


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_what_lies_is_no_feed(octets):
    """Said in a sentence, whatever it is."""
    with pytest.raises(FeedMistake) as found:
        read(octets)
    assert str(found.value).isprintable()


def test_a_feed_has_its_limits(monkeypatch):
    """In octets, in entries, and each certificate once."""
    data = offered({("tomcat-trust", SHA): line()})
    twice = {**data, "entries": data["entries"] * 2}
    with pytest.raises(FeedMistake, match="twice"):
        read(json.dumps(twice).encode())
    many = {**data, "entries": [None] * (feed.MAX_ENTRIES + 1)}
    with pytest.raises(FeedMistake, match="20000 entries"):
        read(json.dumps(many).encode())
    monkeypatch.setattr(feed, "MAX_FEED", 100)
    with pytest.raises(FeedMistake, match="larger"):
        read(json.dumps(data).encode())
