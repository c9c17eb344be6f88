"""The part of a round in which the node tells what is wished on it of trust stores."""

from __future__ import annotations

from itertools import chain

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.batches import batches
from cucmos_shell.cluster.known import entry_of
from cucmos_shell.cluster.membership import Told
from cucmos_shell.cluster.peering import all_marks
from cucmos_shell.cluster.rules import Wish, meet
from cucmos_shell.cluster.taking import Marks
from cucmos_shell.node.tasks.presence import new_id
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.cluster.log import Log, Wanted
    from cucmos_shell.cluster.membership import Membership
    from cucmos_shell.cluster.rules import Entry
    from cucmos_shell.cluster.view import View
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot


class Telling(Value):
    """What was told: entries by store and SHA-256; whether that is all; up to which revision the
    log is known, what was told included."""

    told: dict[tuple[str, str], Entry]
    complete: bool
    reached: int


def tell(node: Node, log: Log, snapshot: Snapshot, member: Membership, view: View) -> Telling:
    """Tell what may be told of trust stores, and anew what a stranger has written over."""
    told: dict[tuple[str, str], Entry] = {}
    reached = view.revision
    wanted = chain(_wanted(snapshot, member, view), _written_over(node, snapshot, member, view))
    for batch in batches(wanted):
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
        known, marks = membership.known(snapshot, store), all_marks(snapshot, store)
        for sha256, told in rows.items():
            key = store, sha256
            entry = view.entry(key, known.find(sha256), all_seen=all_seen)
            if meet(entry, view.aimed(key, told.wish), all_seen=all_seen).tell:
                der = snapshot.certificate_der(sha256) if told.wish.present else b""
                replaced = entry.revision if entry and not view.absent(key) else 0
                line = view.lines.get(key)
                said = line.marks if line else marks.get(sha256, Marks())
                told = told.replace(marks=said.replace(origin=""))
                yield store, sha256, replaced, told, der, 0


def _written_over(
    node: Node, snapshot: Snapshot, member: Membership, view: View
) -> Iterator[Wanted]:
    """What members said before a stranger took its place.

    Not after a full read, which does not tell whether another has said something in between.
    """
    wishes = membership.wishes(snapshot)
    for key in () if view.full else sorted(view.strange):
        store, sha256 = entry_of(key) or ("", "")
        if not store or sha256 in wishes.get(store, ()):
            continue
        line = view.lines.get((store, sha256))
        entry = line.entry if line else membership.known(snapshot, store).find(sha256)
        if entry is None:
            continue
        wish = Wish(entry.present, entry.revision, (new_id(node, member),))
        if line is not None:
            told = Told(
                wish, line.name, line.description, line.account, line.when, line.reason, line.marks
            )
            yield store, sha256, 0, told, line.der, line.was or entry.revision
            continue
        row = next((r for r in snapshot.index(store).search(sha256) if not r.owner), None)
        if row is not None or not entry.present:
            name, text = (row.name, row.description) if row else ("", "")
            marks = all_marks(snapshot, store).get(sha256, Marks())
            told = Told(wish, name, text, "cluster", node.now(), "told anew", marks)
            der = snapshot.certificate_der(sha256) if entry.present else b""
            yield store, sha256, 0, told, der, entry.revision
