"""What a peer's feed comes to: how its words meet the log here, and what is told of them.

See `cluster.taking`.
"""

from __future__ import annotations

import io

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.batches import batches
from cucmos_shell.cluster.feed import words
from cucmos_shell.cluster.membership import Told
from cucmos_shell.cluster.peer_log import lines
from cucmos_shell.cluster.rules import Entry, Wish
from cucmos_shell.cluster.taking import DROP, NOTHING, PUT, Marks, brakes, take, went_back
from cucmos_shell.errors import Busy, Refused, ShellError
from cucmos_shell.node.tasks.agent import joined
from cucmos_shell.node.tasks.presence import new_id
from cucmos_shell.node.tasks.reports import look, refuse_unvouched
from cucmos_shell.pki import bundle
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cucmos_shell.cluster.entries import LogLine
    from cucmos_shell.cluster.feed import Feed, FeedEntry
    from cucmos_shell.cluster.log import Log, Wanted
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.peer_log import LogLines
    from cucmos_shell.cluster.peering import PeerCluster, PeerStatus
    from cucmos_shell.cluster.taking import Heard, Taking
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

    Key = tuple[str, str]

TRIES = 3


class Lie(Refused):
    """A peer, or its feed, is not as it must be; `details` are further lines."""


class _Here(Value):
    """What the log here says, and what this node knows besides of what was collected."""

    lines: Mapping[Key, LogLine]
    known: Mapping[str, Any]
    kept: Mapping[str, Mapping[str, Marks]]

    @staticmethod
    def read(node: Node, snapshot: Snapshot, found: LogLines) -> _Here:
        stores = node.profile.distribution.stores
        return _Here(
            found.lines,
            {store: membership.known(snapshot, store) for store in stores},
            {store: peering.all_marks(snapshot, store) for store in stores},
        )

    def entry(self, key: Key) -> Entry | None:
        store, sha256 = key
        found: Entry | None = (
            self.lines[key].entry if key in self.lines else self.known[store].find(sha256)
        )
        return found

    def marks(self, key: Key) -> Marks:
        store, sha256 = key
        return self.lines[key].marks if key in self.lines else self.kept[store].get(sha256, Marks())

    def heard(self, peer: str) -> dict[Key, Heard]:
        keys = {(s, h) for s, rows in self.kept.items() for h in rows} | self.lines.keys()
        found = {key: self.marks(key).heard.get(peer) for key in keys}
        return {key: heard for key, heard in found.items() if heard is not None}


def tell_words(
    node: Node, log: Log, peer: PeerCluster, feed: Feed, before: PeerStatus, confirmed: bool
) -> dict[Key, tuple[str, str]]:
    """Tell the log what is new in a feed. By store and SHA-256 what was done, and the name there.

    Raises Lie for a feed that has gone back, or takes too much away; Busy, and as `Bus` does.
    """
    if went_back((before.number, before.revision), (feed.number, feed.revision)):
        raise Lie(
            "Its feed is older than it was", details=("Once its cluster is rebuilt, it goes on",)
        )
    done: dict[Key, tuple[str, str]] = {}
    for _ in range(TRIES):
        snapshot = node.snapshot()
        member = joined(snapshot)
        view = look(node, log, snapshot, member, full=False)
        if member.unsure:
            refuse_unvouched(node, member, view)
        found = lines(log, membership.revisions(snapshot))
        here = _Here.read(node, snapshot, found)
        takings = _takings(node, here, feed)
        _refuse_loss(peer, here, takings, confirmed)
        # What is told replaces entries as they were read now.
        view = view.replace(revision=found.revision, meta=found.meta)
        wanted = _wanted(node, member, peer, feed, here, takings)
        done |= _named(feed, here, takings)
        if all(log.tell(member.node, view, batch) is not None for batch in batches(wanted)):
            return done
    raise Busy("Other nodes are telling the cluster much at this moment; try again")


def _takings(node: Node, here: _Here, feed: Feed) -> dict[Key, Taking]:
    said = words(feed, here.heard(feed.cluster), node.profile.distribution.stores)
    every = {
        key: take(here.entry(key), here.marks(key), feed.cluster, word)
        for key, word in said.items()
    }
    usable = {entry.key for entry in feed.entries if entry.der and _is_certificate(entry)}
    return {
        key: one
        for key, one in every.items()
        if one.what != NOTHING and (one.what != PUT or key in usable)
    }


def _is_certificate(entry: FeedEntry) -> bool:
    try:
        return len(list(bundle.read_file(io.BytesIO(entry.der)))) == 1
    except ShellError:
        return False


def _refuse_loss(
    peer: PeerCluster, here: _Here, takings: Mapping[Key, Taking], confirmed: bool
) -> None:
    """Raise Lie where the feed takes more away than goes without a person."""
    for store in here.known if not confirmed else ():
        lost = sum(one.what == DROP for (s, _), one in takings.items() if s == store)
        present = sum(line.entry.present for (s, _), line in here.lines.items() if s == store)
        if brakes(lost, present):
            raise Lie(
                "It would take away {lost} of {all} certificates of {store}",
                lost=lost, all=present, store=store,
                details=(f"To let them go: utils cluster peer sync {peer.name} confirm",),
            )  # fmt: skip


def _wanted(
    node: Node,
    member: Membership,
    peer: PeerCluster,
    feed: Feed,
    here: _Here,
    takings: Mapping[Key, Taking],
) -> Iterator[Wanted]:
    """What is to be told; what goes makes room for names before anything comes."""
    offered = {entry.key: entry for entry in feed.entries}
    who, now = f"peer {peer.name}", node.now()
    for key, taking in sorted(takings.items(), key=lambda one: (one[1].what == PUT, one[0])):
        store, sha256 = key
        line, entry = here.lines.get(key), here.entry(key)
        replaced = line.entry.revision if line else 0
        wish = Wish(taking.what == PUT, replaced, (new_id(node, member),))
        if taking.what == PUT:
            one = offered[key]
            told = Told(wish, one.name, one.description, who, now, marks=taking.marks)
            yield store, sha256, replaced, told, one.der, 0
        elif taking.what == DROP and line is not None:
            told = Told(wish, line.name, line.description, who, now, marks=taking.marks)
            yield store, sha256, replaced, told, b"", 0
        elif entry is not None:
            yield store, sha256, replaced, *_noted(entry, line, taking, who, now)


def _noted(
    entry: Entry, line: LogLine | None, taking: Taking, who: str, now: float
) -> tuple[Told, bytes, int]:
    """An entry as it was, but for what it says of peers."""
    if line is None:
        wish = Wish(entry.present, entry.revision, (entry.by or who,))
        return Told(wish, "", "", "cluster", now, marks=taking.marks), b"", entry.revision
    wish = Wish(entry.present, entry.revision, (entry.by,))
    begun = line.begun or (0 if line.was else entry.revision)
    told = Told(
        wish, line.name, line.description, line.account, line.when, line.reason, taking.marks, begun
    )
    return told, line.der, line.was or entry.revision


def _named(feed: Feed, here: _Here, takings: Mapping[Key, Taking]) -> dict[Key, tuple[str, str]]:
    names = {entry.key: entry.name for entry in feed.entries}
    return {
        key: (one.what, here.lines[key].name if key in here.lines else names.get(key, ""))
        for key, one in takings.items()
    }
