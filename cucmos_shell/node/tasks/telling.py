"""The part of a round in which the node tells what is wished on it of trust stores."""

from __future__ import annotations

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.log import batches
from cucmos_shell.cluster.rules import meet
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cluster.log import Log, View, Wanted
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.rules import Entry
    from cucmos_shell.store import Snapshot


class Telling(Value):
    """What was told: entries by store and SHA-256; whether that is all; up to which revision the
    log is known, what was told included."""

    told: dict[tuple[str, str], Entry]
    complete: bool
    reached: int


def tell(log: Log, snapshot: Snapshot, member: Membership, view: View) -> Telling:
    """Tell what may be told of trust stores."""
    told: dict[tuple[str, str], Entry] = {}
    reached = view.revision
    for batch in batches(_wanted(snapshot, member, view)):
        done = log.tell(member.node, view, batch)
        if done is None:
            return Telling(told, False, reached)
        told.update(done)
        revision = next(iter(done.values())).revision
        if revision == reached + 1:
            reached = revision  # nobody else has said anything in between
    return Telling(told, True, reached)


def _wanted(snapshot: Snapshot, member: Membership, view: View) -> Iterator[Wanted]:
    all_seen = member.has_seen(view.meta.floor)
    for store, rows in membership.wishes(snapshot).items():
        known = membership.known(snapshot, store)
        for sha256, told in rows.items():
            key = store, sha256
            entry = view.entry(key, known.find(sha256), all_seen=all_seen)
            if meet(entry, told.wish, all_seen=all_seen).tell:
                der = snapshot.certificate_der(sha256) if told.wish.present else b""
                replaced = entry.revision if entry and not view.absent(key) else 0
                yield store, sha256, replaced, told, der, 0
