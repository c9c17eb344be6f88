"""The feed as a value: what is offered is what is read, and what lies is no feed."""

import json
import tracemalloc

import pytest
from feeds import DER, HOSTILE, OTHER, SHA, changed, line, offered

from cucmos_shell.cluster import feed
from cucmos_shell.cluster.feed import FeedMistake, read, words
from cucmos_shell.cluster.taking import Heard, Marks, PeerWord


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


HEAD = b'{"format": 1, "entries": ['
BOMBS = {
    "lists": HEAD + b"[]," * 1_000_000 + b"0]}",
    "objects": HEAD + b"{}," * 1_000_000 + b"0]}",
    "numbers": HEAD + b"9999," * 1_000_000 + b"0]}",
    "texts": HEAD + b'"ab",' * 1_000_000 + b"0]}",
    "nested": HEAD + (b"[" * 900 + b"]" * 900 + b",") * 2_000 + b"0]}",
    "names": b"{" + b",".join(b'"%x":1' % i for i in range(500_000)) + b"}",
    "wide": HEAD + '"\N{GRINNING FACE}'.encode() + b"x" * 4_000_000 + b'"]}',
}


@pytest.mark.parametrize("octets", BOMBS.values(), ids=BOMBS)
def test_what_is_no_feed_takes_no_more_than_it_has_octets(octets):
    """It is refused before anything is made of it."""
    tracemalloc.start()
    try:
        with pytest.raises(FeedMistake):
            read(octets)
        assert tracemalloc.get_traced_memory()[1] < len(octets)
    finally:
        tracemalloc.stop()
