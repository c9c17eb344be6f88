"""The rules by which the nodes of a cluster come to hold the same trust certificates.

The cluster keeps a log. For each certificate of a store its latest entry says whether the
certificate is present or was deleted, and the number of the change that said so: its revision. A
node keeps

* what it has applied: the entry of each certificate that it knows, and up to which revision,
* its wishes: what was done on it and has not been told to the log yet.

What its store holds is always what is wished, else what is known (`held`). A command only leaves a
wish. An agent lets each wish meet the log's entry, tells those that may be told, and applies what
the log says under what is left:

1. A wish that the log agrees with is granted: nothing is told.
2. A wish is told if whoever made it knew the entry that it replaces: nobody has said anything about
   the certificate since. So a deletion that was seen can be undone by an upload, and a deletion
   ends the upload that it was aimed at. An entry that the wish itself has left, told just before a
   kill, is one it knows.
3. Any other wish is dropped, and the log holds. That is said: an upload is kept out because the
   certificate was deleted elsewhere; a deletion has no effect because it was uploaded again.
4. What the log has no entry of was never said, or was deleted so long ago that the entry was
   collected. A node that has applied everything up to the floor, below which entries were
   collected, can tell: to it, it was never said. For any other node it was deleted.
5. Of two uploads of one common name the later one holds, by the beginning of its validity, then by
   revision; whoever notices wishes the other one deleted.
6. Of a unit's multi-server certificate, and of the request for one, there is one entry; a wish is
   told if whoever made it knew that entry. Of two certificates the later one holds, as in 5; of
   two requests the one that was told first. A node that gives itself another certificate wishes
   nothing: it has left, until the cluster has a new one.

No clock has a say, and nothing depends on when a node hears of what. No input or output here.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class Entry(NamedTuple):
        """What the log says of a certificate: `present` since `revision`, by operation `by`."""

        present: bool
        revision: int
        by: str

    class Wish(NamedTuple):
        """What was done on a node and is not told yet.

        `seen` is the revision of the entry known when it was first done, 0 for none; `ids` are the
        operations that led to it, the latest last, any of which may have been told before a kill.
        """

        present: bool
        seen: int
        ids: tuple[str, ...]

    class Meeting(NamedTuple):
        """What comes of a wish and an entry.

        `held` is whether the node is to hold the certificate. `tell`: the wish is to be told.
        `refused`: it was dropped, which is to be said.
        """

        held: bool
        tell: bool = False
        refused: bool = False
else:
    Entry = namedtuple("Entry", "present revision by")
    Wish = namedtuple("Wish", "present seen ids")
    Meeting = namedtuple("Meeting", "held tell refused", defaults=(False, False))

NOTHING = Entry(False, 0, "")
UNTOLD = 1 << 60


def held(known: Entry | None, wish: Wish | None) -> bool:
    """Whether a node that knows `known` and has `wish` holds the certificate."""
    return wish.present if wish else bool(known and known.present)


def wished(known: Entry | None, wish: Wish | None, present: bool, operation: str) -> Wish:
    """The wish after a command has put a certificate in, or taken it out."""
    if wish is None:
        return Wish(present, (known or NOTHING).revision, (operation,))
    return Wish(present, wish.seen, (*wish.ids, operation))


def meet(entry: Entry | None, wish: Wish | None, *, all_seen: bool) -> Meeting:
    """What comes of a wish, or of none, and the log's entry, or none.

    `all_seen`: the node has applied everything up to the floor.
    """
    said = entry or NOTHING
    if wish is None or wish.present == said.present:
        return Meeting(said.present)
    if said.by in wish.ids or (said.revision == wish.seen if entry else all_seen):
        return Meeting(wish.present, tell=True)
    return Meeting(said.present, refused=True)


def later(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the first of two uploads of one common name holds.

    Each is `(begin of validity, revision)`; the revision is UNTOLD for what is only wished.
    """
    return one > other


def shared_holds(said: Entry | None, wish: Wish, mine: int, theirs: int) -> bool:
    """Whether what is wished to be shared of a unit is told, or else dropped for what was `said`.

    `mine` and `theirs` are the beginnings of validity; a request has 0.
    """
    if said is None or said.by in wish.ids or said.revision == wish.seen:
        return True
    return said.present and mine > 0 and later((mine, UNTOLD), (theirs, said.revision))
