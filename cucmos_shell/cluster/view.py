"""What a node reads of the log of its cluster, and which of it a member has written.

What no member wrote takes the place of what one did, and nothing more: of each key the last value
of a member counts, as long as the history that is read has it.
"""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cucmos_shell.cluster.entries import LogLine, Meta, Report, Shared
    from cucmos_shell.cluster.membership import NodeRecord
    from cucmos_shell.cluster.peering import PeeringRecord
    from cucmos_shell.cluster.rules import Entry, Wish
    from cucmos_shell.world.bus import Changes, Item


# Only a stranger takes these away. Deletions are collected by members, sealed keys are taken away.
LASTING = ("nodes/", "copies/", "own/", "csr/", "applied/", "peers/", "feeds/")


class Sorted(Value):
    """What came: the last item of each key that a member wrote, even where it is gone, and the keys
    that are gone; the revisions of those that no member wrote and that are there now (`strange`, 0
    for what no member has taken away) or were (`foreign`). `touched` are all that came."""

    items: Mapping[str, Item]
    strange: Mapping[str, int]
    foreign: Mapping[str, int]
    gone: frozenset[str]
    touched: frozenset[str]


def sort_out(
    genuine: Callable[[Item, int], bool], changes: Iterable[Changes], known: Callable[[str], int]
) -> Sorted:
    """Tell what members wrote from what else came, in order.

    `genuine` says so of an item, where a revision of it is known already; `known` gives that of a
    key, 0 for none.
    """
    items: dict[str, Item] = {}
    strange: dict[str, int] = {}
    foreign: dict[str, int] = {}
    gone: set[str] = set()
    touched: set[str] = set()
    for change in changes:
        for item in change.items:
            name = item.key
            touched.add(name)
            gone.discard(name)
            before = items[name].revision if name in items else known(name)
            if genuine(item, before):
                items[name] = item
                strange.pop(name, None)
            else:
                strange[name] = foreign[name] = item.revision
        for name in change.gone:
            strange.pop(name, None)
            gone.add(name)
            if name.startswith(LASTING):
                strange[name], foreign[name] = 0, change.revision
    return Sorted(items, strange, foreign, frozenset(gone), frozenset(touched))


class View(Value):
    """What a node reads of the log: all of it (`full`), or what is new to it, up to `revision`.

    `lines` maps store and SHA-256 to an entry, `gone` holds those collected. `copies` maps node and
    unit to certificates, None if gone. `news`: there is something that concerns the node, not only
    what others report of themselves. `things` are multi-server certificates and requests by their
    keys. `seen` maps the keys of nodes, copies and things to their revisions and marks. `strange`
    are those that no member has written and that are there, 0 for what no member has taken away;
    `foreign` those, too, that were there meanwhile. `records` are peers and accounts by their keys.
    """

    revision: int
    full: bool
    meta: Meta
    lines: Mapping[tuple[str, str], LogLine]
    gone: frozenset[tuple[str, str]]
    nodes: Mapping[str, NodeRecord]
    reports: Mapping[str, Report]
    copies: Mapping[tuple[str, str], bytes | None]
    things: Mapping[str, Shared]
    news: bool
    seen: Mapping[str, tuple[int, str]]
    strange: Mapping[str, int]
    foreign: Mapping[str, int]
    records: Mapping[str, PeeringRecord] = {}

    def entry(self, key: tuple[str, str], known: Entry | None, *, all_seen: bool) -> Entry | None:
        """The entry of a store's certificate, where the node knows `known`.

        What is present is never collected: where it is absent, a node that has seen all that was
        (`all_seen`) knows that it was lost, and goes on with what it knows.
        """
        if key in self.lines:
            entry = self.lines[key].entry
            # The revision is not signed: what is known of it already stays what it was.
            return known if known is not None and known.revision == entry.revision else entry
        if not self.absent(key) or (all_seen and known is not None and known.present):
            return known
        return None

    def aimed(self, key: tuple[str, str], wish: Wish) -> Wish:
        """The wish, aimed at what was told anew where it was aimed at what that repeats."""
        line = self.lines.get(key)
        again = line is not None and line.was and line.was == wish.seen
        return wish._replace(seen=line.entry.revision) if line and again else wish

    def absent(self, key: tuple[str, str]) -> bool:
        """Whether the log is known to have no entry for a store's certificate."""
        return key in self.gone or (self.full and key not in self.lines)

    def hostname(self, node: str) -> str:
        """What a member is called; its random name where it is not known."""
        return self.nodes[node].hostname if node in self.nodes else node
