"""What the log of a cluster says for its peers, and of them."""

from __future__ import annotations

from cucmos_shell.cluster import entries, peering
from cucmos_shell.cluster.entries import understanding
from cucmos_shell.cluster.known import entry_of
from cucmos_shell.cluster.log import META
from cucmos_shell.errors import Busy
from cucmos_shell.results import Value
from cucmos_shell.world.bus import Compacted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cucmos_shell.cluster.entries import LogLine, Meta
    from cucmos_shell.cluster.log import Log
    from cucmos_shell.cluster.peering import PeeringRecord, PeerStatus
    from cucmos_shell.world.bus import Item


class LogLines(Value):
    """Entries of trust stores by store and SHA-256, as of `revision`: all of them (`full`), or
    those that have changed."""

    meta: Meta
    revision: int
    full: bool
    lines: Mapping[tuple[str, str], LogLine]


def lines(log: Log, known: Callable[[str], int], since: int | None = None) -> LogLines:
    """The entries, or those that have changed after a revision; all where that is forgotten.

    `known` gives the revision of a key that the node knows, 0 for none. Raises Busy where somebody
    who is no member has written over one, as `Bus` does, NotOfMembers.
    """
    meta = log.meta()
    # Who asks for what has not been yet has read another bus, and knows nothing of this one.
    if since is not None and since <= log.bus.read(META).revision:
        try:
            changes = log.bus.since("trust/", since)
        except Compacted:
            return lines(log, known)
        items = [item for change in changes for item in change.items]
        latest = {item.key: item for item in items}
        revision = max([since, *(change.revision for change in changes)])
        return LogLines(meta, revision, False, _read(log, known, latest.values()))
    reading = log.bus.read("trust/")
    return LogLines(meta, reading.revision, True, _read(log, known, reading.items))


def _read(
    log: Log, known: Callable[[str], int], items: Iterable[Item]
) -> dict[tuple[str, str], LogLine]:
    found = {}
    for item in items:
        place = entry_of(item.key)
        if place is None or not log.genuine(item, known(item.key)):
            raise Busy("Somebody who is no member has written to the bus; try again")
        with understanding():
            found[place] = entries.line(item)
    return found


def put_record(log: Log, record: PeeringRecord) -> None:
    """Say that a cluster is a peer, that an account reads the feed, or that they are no more."""
    log.put_now(record.key, record.__dict__)


def put_following(log: Log, name: str, value: PeerStatus) -> None:
    """Say how the following of a peer goes."""
    log.put_timeless(f"{peering.FOLLOWING}{name}", value.__dict__)


def following(log: Log) -> dict[str, PeerStatus]:
    """How the following of each peer goes, where that was said."""
    items = log.bus.read(peering.FOLLOWING).items
    log.meta()
    with understanding():
        return {
            item.key.removeprefix(peering.FOLLOWING): peering.following(item)
            for item in items
            if log.genuine(item)
        }
