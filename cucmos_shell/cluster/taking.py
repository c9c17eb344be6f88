"""The rules by which a cluster takes certificates from a peer: another cluster that it follows.

A peer offers a feed: for each certificate that originates there the latest word, present or
deleted, and of which life. A life begins when somebody there puts the certificate in; its number is
that of the era of the peer's log, then the revision. The log here keeps with each entry its
`origin` (the peer that it came from; empty if somebody here has made it), and of each peer what was
`heard` of it last.

1. Only what originates at the peer is taken. So nothing goes round, and clusters that are to have
   the same follow each other, each one all others.
2. A word is new if its life is later than the one heard, unless it was only told anew there (by a
   rebuild) and says the same.
3. What is new and present is taken. One that was deleted here stays so until the peer begins a new
   life: nobody who deletes it need fear the next look at the feed. That holds as well where it was
   deleted here before the peer was heard of it for the first time.
4. What is new and deleted goes here, if it came from that peer. If another peer has it, too, it is
   that one's from then on. What somebody here has put in stays.
5. What a whole feed lacks was deleted there so long ago that the entry was collected.
6. A feed that is older than what was heard of the peer has gone back: nothing of it counts.
7. The brake: a feed that would take away more than ten, and more than a fifth, of a store's
   certificates changes nothing before a person has confirmed it.

No clock has a say, and nothing depends on how often a feed is read. No input or output here.
"""

from __future__ import annotations

from collections import namedtuple

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple

    from cucmos_shell.cluster.rules import Entry

    class Heard(NamedTuple):
        """What a peer said last of a certificate: the era's number and the revision of its life,
        and whether it is present there."""

        number: int
        revision: int
        present: bool

    class PeerWord(NamedTuple):
        """What a peer's feed says of a certificate. `again`: it was only told anew there."""

        number: int
        revision: int
        present: bool
        again: bool = False
else:
    Heard = namedtuple("Heard", "number revision present")
    PeerWord = namedtuple("PeerWord", "number revision present again", defaults=(False,))

# More than so many, and more than that share of a store, do not go without a person.
BRAKE_COUNT, BRAKE_SHARE = 10, 0.2
NOTHING, PUT, DROP, NOTE, KEEP_OUT = "nothing", "put", "drop", "note", "keep out"


class Marks(Value):
    """What an entry says of peers: the `origin` it came from, empty for here, and what was `heard`
    of each of them last, by the names of their clusters."""

    origin: str = ""
    heard: Mapping[str, Heard] = {}

    def with_heard(self, peer: str, word: PeerWord) -> Marks:
        """With what `peer` says now."""
        heard = Heard(word.number, word.revision, word.present)
        return Marks(self.origin, {**self.heard, peer: heard})


class Taking(Value):
    """What comes of a word: `what` is to be done, and how the entry is marked then.

    NOTHING; PUT or DROP the certificate; NOTE the marks alone; KEEP_OUT: note them, and say that
    the certificate stays deleted here.
    """

    what: str
    marks: Marks = Marks()


def is_new(heard: Heard | None, word: PeerWord) -> bool:
    """Whether a word says more than what was heard."""
    if heard is None:
        return True
    later = (word.number, word.revision) > (heard.number, heard.revision)
    return later and (word.present != heard.present or not word.again)


def take(entry: Entry | None, marks: Marks, peer: str, word: PeerWord) -> Taking:
    """What comes of a word of `peer`, where the log here has `entry` with `marks`."""
    heard = marks.heard.get(peer)
    if not is_new(heard, word):
        return Taking(NOTHING)
    after = marks.with_heard(peer, word)
    present = entry is not None and entry.present
    if word.present:
        if present:
            return Taking(NOTE, after)
        if entry is not None and heard is None and not marks.origin:
            return Taking(KEEP_OUT, after)
        return Taking(PUT, after.replace(origin=peer))
    if not present:
        return Taking(NOTHING)
    if marks.origin != peer:
        return Taking(NOTE, after) if heard is not None and heard.present else Taking(NOTHING)
    others = sorted(one for one, said in after.heard.items() if said.present)
    return Taking(NOTE, after.replace(origin=others[0])) if others else Taking(DROP, after)


def went_back(known: tuple[int, int], now: tuple[int, int]) -> bool:
    """Whether a feed is older than it was; each is the number of its era, then its revision."""
    return now < known


def brakes(lost: int, all_of_them: int) -> bool:
    """Whether so many of a store's certificates are too many to go without a person."""
    return lost > BRAKE_COUNT and lost > BRAKE_SHARE * all_of_them
