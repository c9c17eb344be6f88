"""The log of a cluster as it lies on its bus: which keys there are, and what a node reads of them.

meta                    the key of the cluster, locked with the security password; floor; the era,
                        which a rebuild begins, and the revision after which it does
nodes/ID                a member: host name, address, role, product; or that it was removed
applied/ID              what the member has applied, and the how-manieth time it says so
trust/STORE/SHA256      an entry: present with the certificate, or deleted
copies/ID/UNIT          the own certificate of a member, for others' trust stores
own/UNIT, csr/UNIT      a multi-server certificate with its chain, and the request for one
keys/own/UNIT/ID, …     the private key of it, sealed for a member
peers/…, feeds/…        other clusters, see `peering`

Each value is `signed`. What no member has written is nothing, but for being said.
"""

from __future__ import annotations

import os
from base64 import b64encode

from cucmos_shell.cluster import entries, peering
from cucmos_shell.cluster.entries import Meta, Report, Shared, understanding
from cucmos_shell.cluster.known import entry_of
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.shared import KINDS
from cucmos_shell.cluster.signed import KEY_SIZE, genuine, mark, signed, timely
from cucmos_shell.cluster.view import View, sort_out
from cucmos_shell.errors import Busy, Refused
from cucmos_shell.world.bus import At, BusWentBack, Changes, Compacted, Put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from cucmos_shell.cluster.membership import Membership, NodeRecord, Told
    from cucmos_shell.cluster.shared import Asked, Held
    from cucmos_shell.cluster.view import Sorted
    from cucmos_shell.world.bus import Bus, Item

    T = TypeVar("T")

META = "meta"
# Reports have a number of their own, sealed keys fit one certificate: no revision is looked at.
TIMELESS = ("applied/", "keys/", peering.FOLLOWING)
# How often something is said anew when an era begins meanwhile.
TRIES = 3

Wanted = tuple[str, str, int, "Told", bytes, int]


class NotOfMembers(Refused):
    """The head of the log was written by nobody who is a member, or by an earlier version."""

    def __init__(self) -> None:
        super().__init__(
            "The bus does not hold what the members of the cluster have written",
            details=("If an earlier version has made it, or it was lost: utils cluster rebuild",),
        )


class Log:
    """The log on a bus, with the key of its cluster. Each call raises what `Bus` raises."""

    def __init__(self, bus: Bus, key: bytes) -> None:
        self.bus = bus
        self._key = key
        self._head: Meta | None = None

    # --- reading ---------------------------------------------------------------------------------

    def look(self, member: Membership, known: Callable[[str], int], *, full: bool = False) -> View:
        """What is new on the bus to `member`, or all of it.

        `known` gives the revision of a key that the member knows, 0 for none. Raises NotOfMembers,
        and Refused if the bus went back.
        """
        if self.bus.identity() != member.identity:
            raise BusWentBack(member.url)
        try:
            if member.fresh or full:
                raise Compacted(0)
            changes: Sequence[Changes] = self.bus.since("", member.applied)
            revision = changes[-1].revision if changes else member.applied
        except Compacted:
            reading = self.bus.read("")
            full, revision = True, reading.revision
            changes = (Changes(revision, reading.items, ()),)
        with understanding():
            # After the changes: they were made in this era or in one before it.
            self.meta(known(META))
            came = sort_out(self.genuine, changes, known)
            return self._view(member.node, revision, full, came, known)

    def _view(
        self, node: str, revision: int, full: bool, came: Sorted, known: Callable[[str], int]
    ) -> View:
        lines, copies, seen = {}, {}, {}
        for key, item in came.items.items():
            place = entry_of(key)
            if place:
                lines[place] = entries.line(item)
            elif key.startswith("copies/"):
                _, owner, unit = key.split("/")
                if item.revision != known(key):
                    copies[owner, unit] = entries.copy(item)
                seen[key] = item.revision, mark(item.value)
        records = {key: one for key, one in came.items.items() if peering.is_record(key)}
        seen.update({key: (one.revision, mark(one.value)) for key, one in records.items()})
        things = self._things(node, came, known)
        seen.update({key: (found.revision, found.mark) for key, found in things.items()})
        nodes = self._rows("nodes/", entries.node, known, seen)
        for key in came.strange.keys() & came.items.keys():
            if key.startswith("nodes/"):
                item = came.items[key]
                nodes[key.partition("/")[2]] = entries.node(item)
                seen[key] = item.revision, mark(item.value)
        seen[META] = self._now.revision, self._now.mark
        return View(
            revision,
            full,
            self._now,
            lines,
            frozenset(filter(None, map(entry_of, came.gone))),
            nodes,
            self.reports(),
            copies,
            things,
            full or bool(came.gone or came.foreign) or any(map(is_news, came.touched)),
            seen,
            came.strange,
            came.foreign,
            {key: peering.record(one) for key, one in records.items()},
        )

    def _things(self, node: str, came: Sorted, known: Callable[[str], int]) -> dict[str, Shared]:
        """The things that concern `node` of which something has changed."""
        keys = {_thing_of(key, node) for key in came.touched} - {""}
        found = ((key, self.thing(key, node, known, came.items.get(key))) for key in keys)
        return {key: thing for key, thing in found if thing is not None}

    def thing(
        self, key: str, node: str, known: Callable[[str], int], before: Item | None = None
    ) -> Shared | None:
        """What there is of a thing now, with its key for `node`.

        If no member wrote that, what was there `before` it, which one did, or None.
        """
        item, sealed = self._one(key), self._one(f"keys/{key}/{node}")
        if item is None or not self.genuine(item, before.revision if before else known(key)):
            item = before
        if item is None:
            return None
        with understanding():
            found = entries.shared(item)
        if sealed is not None and self.genuine(sealed):
            found = found.replace(sealed=entries.sealed_key(sealed))
        return found

    def at(self, key: str) -> int:
        """The revision of a key, whoever wrote it; 0 for none."""
        item = self._one(key)
        return item.revision if item else 0

    def _one(self, key: str) -> Item | None:
        return next((item for item in self.bus.read(key).items if item.key == key), None)

    def meta(self, known: int = 0) -> Meta:
        """The head of the log, `known` by that revision already. Raises NotOfMembers."""
        found = self.bus.read(META).items
        if not found or found[0].key != META or not genuine(self._key, found[0], known):
            raise NotOfMembers
        with understanding():
            self._head = entries.meta(found[0])
        return self._head

    @property
    def _now(self) -> Meta:
        """The head as it was read last."""
        return self._head if self._head is not None else self.meta()

    def genuine(self, item: Item, known: int = 0) -> bool:
        """Whether a member wrote it, where a revision of its key is `known` already."""
        if item.key.startswith(TIMELESS):
            return genuine(self._key, item)
        now = self._now
        return timely(item, now.era, now.since) and genuine(self._key, item, known)

    def members(self, known: Callable[[str], int] = lambda key: 0) -> dict[str, NodeRecord]:
        """Every node that is or was a member, by its random name."""
        with understanding():
            return self._rows("nodes/", entries.node, known, {})

    def reports(self) -> dict[str, Report]:
        """What the members say of themselves, by their random names."""
        with understanding():
            return self._rows("applied/", entries.report, lambda key: 0, {})

    def _rows(
        self,
        prefix: str,
        read: Callable[[Item], T],
        known: Callable[[str], int],
        seen: dict[str, tuple[int, str]],
    ) -> dict[str, T]:
        rows = {}
        for item in self.bus.read(prefix).items:
            if self.genuine(item, known(item.key)):
                rows[item.key.partition("/")[2]] = read(item)
                seen[item.key] = item.revision, mark(item.value)
        return rows

    # --- writing ---------------------------------------------------------------------------------

    def _put(self, name: str, seen: int, data: object, era: str = "") -> Put:
        return Put(name, signed(self._key, name, era or self._now.era, seen, data))

    def _put_meta(self, meta: Meta) -> Put:
        data = {
            "cluster": meta.cluster, "era": meta.era, "number": meta.number, "since": meta.since,
            "floor": meta.floor, "locked": b64encode(meta.locked).decode("ascii"),
        }  # fmt: skip
        return self._put(META, meta.revision, data, meta.era)

    def found(self, meta: Meta, node: NodeRecord) -> bool:
        """Begin the log; False if the head is no longer that of `meta.revision` (0: none)."""
        mine = self._put(f"nodes/{node.id}", meta.revision, node.__dict__, meta.era)
        put = [self._put_meta(meta), mine]
        self._head = None
        return self.bus.change([At(META, meta.revision)], put) is not None

    def put_meta(self, meta: Meta) -> None:
        """Replace the head that `meta` was read from. Raises Refused if another did meanwhile."""
        if self.bus.change([At(META, meta.revision)], [self._put_meta(meta)]) is None:
            raise Refused("The bus is being changed at this moment; try again")
        self._head = None

    def begin_era(self, era: str) -> None:
        """Say that what is told anew from here on is from before. Raises Refused as `put_meta`."""
        meta, since = self.meta(), self.bus.read(META).revision
        self.put_meta(meta.replace(era=era, number=meta.number + 1, since=since))

    def put_node(self, node: NodeRecord) -> None:
        """Say that a node is a member, or was."""
        self.put_now(f"nodes/{node.id}", node.__dict__)

    def mend(self, name: str, data: object, view: View) -> None:
        """Say it anew where nobody of the cluster has written over it, if it is still so."""
        put = self._put(name, view.revision, data)
        self.bus.change([At(name, view.strange[name])], [put])

    def put_copy(self, node: str, unit: str, der: bytes) -> None:
        """Give the others a copy of an own certificate; empty: there is none any more."""
        self.put_now(f"copies/{node}/{unit}", {"der": b64encode(der).decode()})

    def report(self, node: str, value: Report) -> None:
        """Say up to where a node has applied the log."""
        self.put_timeless(f"applied/{node}", value.__dict__)

    def put_timeless(self, name: str, data: object) -> None:
        """Say what has a number of its own."""
        self.bus.change([], [self._put(name, 0, data)])

    def put_now(self, name: str, data: object) -> None:
        """Say that at a key, whatever is there. Raises Busy where eras begin over and over."""
        for _ in range(TRIES):
            meta, seen = self.meta(), self.bus.read(name).revision
            if self.bus.change([At(META, meta.revision)], [self._put(name, seen, data)]):
                return
        raise Busy("The cluster is being begun anew at this moment; try again")

    def tell(
        self, node: str, view: View, wanted: Iterable[Wanted]
    ) -> dict[tuple[str, str], Entry] | None:
        """Tell wishes, `(store, SHA-256, revision it replaces, wish, certificate, was)`, at once.

        None if the log is no longer as `view` has it.
        """
        compare, puts, ids = [At(META, view.meta.revision)], [], {}
        for store, sha256, revision, told, der, was in wanted:
            key = f"trust/{store}/{sha256}"
            wish = told.wish
            data = {
                "present": wish.present, "by": wish.ids[-1], "name": told.name, "node": node,
                "description": told.description, "account": told.account, "when": told.when,
                "reason": told.reason, "der": b64encode(der).decode("ascii"), "was": was,
                **entries.marks_data(told.marks), **({"begun": told.begun} if told.begun else {}),
            }  # fmt: skip
            compare.append(At(key, view.strange.get(key, revision)))
            puts.append(self._put(key, view.revision, data))
            ids[store, sha256] = wish
        now = self.bus.change(compare, puts)
        if now is None:
            return None
        return {key: Entry(w.present, now, w.ids[-1]) for key, w in ids.items()}

    def tell_thing(
        self,
        key: str,
        at: int,
        node: str,
        asked: Asked,
        has: Held | None,
        keys: Mapping[str, bytes],
    ) -> tuple[int, str] | None:
        """Say what all nodes have of a thing from now on, with its key for each of them.

        The revision and the mark; None if it has changed meanwhile.
        """
        reading = self.bus.read(key)
        data = {
            "by": asked.wish.ids[-1], "sha256": has.sha256 if has else "",
            "ders": [b64encode(der).decode("ascii") for der in has.ders] if has else [],
            "text": has.text if has else "", "node": node, "account": asked.account,
            "when": asked.when,
        }  # fmt: skip
        puts = [self._put(key, reading.revision, data)]
        puts += [self._sealed(key, one, secret) for one, secret in keys.items()]
        now = self.bus.change([At(key, at)], puts)
        return None if now is None else (now, mark(puts[0].value))

    def _sealed(self, key: str, node: str, secret: bytes) -> Put:
        return self._put(f"keys/{key}/{node}", 0, {"sealed": b64encode(secret).decode("ascii")})

    def give_keys(self, key: str, keys: Mapping[str, bytes]) -> None:
        """Give members the key of a thing that they came too late for."""
        if keys:
            self.bus.change([], [self._sealed(key, one, secret) for one, secret in keys.items()])

    def given(self, key: str) -> dict[str, int]:
        """The nodes for which the key of a thing lies on the bus, since which revision."""
        items = self.bus.read(f"keys/{key}/").items
        there = {item.key.rpartition("/")[2]: item for item in items}
        return {node: item.revision for node, item in there.items() if self.genuine(item)}

    def take_keys(self, node: str) -> list[str]:
        """Take away what was sealed for a node; the things whose keys it knows."""
        found = [item.key for item in self.bus.read("keys/").items if item.key.endswith(f"/{node}")]
        if found:
            self.bus.change([], [], found)
        return [key.removeprefix("keys/").removesuffix(f"/{node}") for key in found]

    def collect(self, up_to: int, tombstones: Iterable[tuple[str, str, int]]) -> bool:
        """Drop tombstones, `(store, SHA-256, revision)`, that everybody has applied.

        The floor rises to `up_to`. False if the log is no longer so.
        """
        meta = self.meta()
        keys = {f"trust/{store}/{sha256}": at for store, sha256, at in tombstones}
        compare = [At(META, meta.revision), *(At(key, at) for key, at in keys.items())]
        raised = self._put_meta(meta.replace(floor=max(meta.floor, up_to)))
        return self.bus.change(compare, [raised], list(keys)) is not None


def _thing_of(key: str, node: str) -> str:
    """The thing that concerns `node` where a key has changed; empty for none."""
    kind, *rest = key.split("/")
    if kind == "keys" and len(rest) == 3 and rest[-1] == node:
        kind, *rest = rest[:-1]
    return f"{kind}/{rest[0]}" if kind in KINDS and len(rest) == 1 else ""


def is_news(key: str) -> bool:
    """Whether a change of that key is more than what a member says of itself, or of a peer."""
    return not key.startswith(("applied/", peering.FOLLOWING))


def new_key() -> bytes:
    """A key for a cluster."""
    return os.urandom(KEY_SIZE)


def head(bus: Bus) -> Meta | None:
    """The head of the log on a bus, whoever wrote it; None where there is none to be read."""
    for item in bus.read(META).items:
        if item.key == META:
            try:
                return entries.meta(item)
            except (LookupError, TypeError, ValueError, RecursionError):
                return None
    return None
