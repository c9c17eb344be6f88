"""The log of a cluster as it lies on its bus: which keys there are, and what a node reads of them.

meta                    format, cluster, floor, the check of the security password; the era, which
                        a rebuild begins, and the revision after which it does
nodes/ID                a member: host name, address, role, product; or that it was removed
applied/ID              what the member has applied, and the how-manieth time it says so
trust/STORE/SHA256      an entry: present with the certificate, or deleted
copies/ID/UNIT          the own certificate of a member, for others' trust stores
"""

from __future__ import annotations

import contextlib
import json
from base64 import b64decode, b64encode

from cucmos_shell.cluster.membership import NodeRecord
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.errors import Refused
from cucmos_shell.results import Value
from cucmos_shell.world.bus import MAX_CHANGE, At, BusDamaged, BusWentBack, Compacted, Put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from cucmos_shell.cluster.membership import Membership, Told
    from cucmos_shell.world.bus import Bus, Item

FORMAT = 1
META = "meta"
# How many entries are told or dropped in one change at most.
BATCH = 100
# The last second that can be shown as a date.
LAST_SECOND = 253_402_300_799
# The most that a revision may be for a node to keep it in `known`.
MAX_REVISION = 1 << 60

Wanted = tuple[str, str, int, "Told", bytes, int]


class Report(Value):
    """What a member says of itself: up to where it has applied the log. `turn` counts reports."""

    applied: int
    turn: int
    mark: str


class LogLine(Value):
    """An entry with all that is said along with it. `der` is empty where it was deleted."""

    entry: Entry
    name: str
    description: str
    account: str
    node: str
    when: float
    reason: str
    der: bytes
    was: int = 0


class View(Value):
    """What a node reads of the log: all of it (`full`), or what is new to it, up to `revision`.

    `era` began after revision `since`: what was said earlier and is not on the bus was lost.
    `lines` maps store and SHA-256 to an entry, `gone` holds those collected; `floor` and
    `meta_revision` are of the key META. `copies` maps node and unit to certificates, None if gone.
    `news`: there is something that concerns the node, not only what others report of themselves.
    """

    revision: int
    full: bool
    floor: int
    meta_revision: int
    lines: Mapping[tuple[str, str], LogLine]
    gone: frozenset[tuple[str, str]]
    nodes: Mapping[str, NodeRecord]
    reports: Mapping[str, Report]
    copies: Mapping[tuple[str, str], bytes | None]
    news: bool
    era: str
    since: int

    def hostname(self, node: str) -> str:
        """What a member is called; its random name where it is not known."""
        return self.nodes[node].hostname if node in self.nodes else node


def look(bus: Bus, member: Membership) -> View:
    """What is new on the bus to `member`. Raises what `Bus` raises, Refused if it went back."""
    if bus.identity() != member.identity:
        raise BusWentBack(member.url)
    with _understanding():
        return _look(bus, member)


@contextlib.contextmanager
def _understanding() -> Iterator[None]:
    """What is not of the form that a node writes is damage, said as such."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BusDamaged("of the cluster", f"{type(error).__name__}: {error}") from error


def _look(bus: Bus, member: Membership) -> View:
    full = False
    items: dict[str, Item] = {}
    gone: set[str] = set()
    try:
        if member.fresh:
            raise Compacted(0)
        revision = member.applied
        for change in bus.since("", member.applied):
            revision = change.revision
            items.update({item.key: item for item in change.items})
            gone = (gone | set(change.gone)) - {item.key for item in change.items}
    except Compacted:
        reading = bus.read("")
        full, revision = True, reading.revision
        items, gone = {item.key: item for item in reading.items}, set()
    return _view(bus, revision, full, items, gone)


def _view(bus: Bus, revision: int, full: bool, items: dict[str, Item], gone: set[str]) -> View:
    meta = _meta(bus)
    lines, copies = {}, {}
    for key, item in items.items():
        kind, *rest = key.split("/")
        if kind == "trust":
            lines[rest[0], _sha256(rest[1])] = _line(item)
        elif kind == "copies":
            copies[rest[0], rest[1]] = b64decode(_text(json.loads(item.value), "der")) or None
    return View(
        revision,
        full,
        meta[0]["floor"],
        meta[1],
        lines,
        frozenset((s, h) for kind, s, h in (k.split("/") for k in gone if k.count("/") == 2)
                  if kind == "trust"),
        members(bus),
        reports(bus),
        copies,
        full or bool(gone) or any(not key.startswith("applied/") for key in items),
        meta[0]["era"],
        meta[0]["since"],
    )  # fmt: skip


def _sha256(text: str) -> str:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError(f"{text} is no SHA-256")
    return text.lower()


def _meta(bus: Bus) -> tuple[dict[str, Any], int]:
    found = bus.read(META).items
    if not found:
        raise Refused("There is no cluster on this bus")
    data = {"era": "", "since": 0, **json.loads(found[0].value)}
    if _number(data, "format") > FORMAT:
        raise Refused("The cluster belongs to a newer version of this program")
    for name in ("floor", "since"):
        _number(data, name)
    for name in ("cluster", "password", "era"):
        _text(data, name)
    return data, found[0].revision


def _line(item: Item) -> LogLine:
    data = json.loads(item.value)
    if item.revision > MAX_REVISION:
        raise ValueError(f"{item.revision} is no revision")
    entry = Entry(_truth(data, "present"), item.revision, _text(data, "by"))
    name, description, account, node = (
        _text(data, key) for key in ("name", "description", "account", "node")
    )
    return LogLine(
        entry, name, description, account, node, _moment(data, "when"),
        _text(data, "reason"), b64decode(_text(data, "der")), _number(data, "was"),
    )  # fmt: skip


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _truth(data: Mapping[str, Any], name: str) -> bool:
    value = data[name]
    if not isinstance(value, bool):
        raise TypeError(f"{name} is neither true nor false")
    return value


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data[name]
    if not isinstance(value, int) or value is True or not 0 <= value <= MAX_REVISION:
        raise TypeError(f"{name} is no number")
    return value


def _moment(data: Mapping[str, Any], name: str) -> float:
    if type(data[name]) not in (int, float) or not 0 <= data[name] <= LAST_SECOND:
        raise TypeError(f"{name} is no moment")
    return float(data[name])


# --- writing -------------------------------------------------------------------------------------


def found(bus: Bus, member: Membership, password: str, node: NodeRecord) -> None:
    """Begin the cluster of `member` on an empty bus. Raises Refused if there is one already."""
    meta = {
        "format": FORMAT, "cluster": member.cluster, "floor": 0, "password": password,
        "era": member.era, "since": 0,
    }  # fmt: skip
    puts = [_put(META, meta), _put(f"nodes/{node.id}", node.__dict__)]
    if bus.change([At(META, 0)], puts) is None:
        raise Refused("There is a cluster on this bus already: join it")


def begin_era(bus: Bus, era: str) -> None:
    """Say that what is told anew from here on is from before. Raises Refused if another does."""
    meta, at = _meta(bus)
    since = bus.read(META).revision
    if bus.change([At(META, at)], [_put(META, {**meta, "era": era, "since": since})]) is None:
        raise Refused("The bus is being changed at this moment; try again")


def describe(bus: Bus) -> dict[str, Any]:
    """The cluster on the bus: keys `cluster`, `era`, `floor`, `password`, `since`.

    Raises Refused if there is none.
    """
    with _understanding():
        return _meta(bus)[0]


def members(bus: Bus) -> dict[str, NodeRecord]:
    """Every node that is or was a member, by its random name."""
    with _understanding():
        return {row.id: row for row in map(_node, bus.read("nodes/").items)}


def reports(bus: Bus) -> dict[str, Report]:
    """What the members say of themselves, by their random names."""
    with _understanding():
        rows = [(item.key.partition("/")[2], item.value) for item in bus.read("applied/").items]
        return {node: _report(json.loads(value)) for node, value in rows}


def _node(item: Item) -> NodeRecord:
    data = json.loads(item.value)
    for name in ("id", "hostname", "domain", "ip", "role", "product", "server"):
        _text(data, name)
    _moment(data, "when")
    _truth(data, "removed")
    if item.key != f"nodes/{data['id']}":
        raise ValueError(f"{item.key} is of another node")
    return NodeRecord(**data)


def _report(data: dict[str, Any]) -> Report:
    return Report(_number(data, "applied"), _number(data, "turn"), _text(data, "mark"))


def put_node(bus: Bus, node: NodeRecord) -> None:
    """Say that a node is a member, or was."""
    bus.change([], [_put(f"nodes/{node.id}", node.__dict__)])


def report(bus: Bus, node: str, value: Report) -> None:
    """Say up to where a node has applied the log."""
    bus.change([], [_put(f"applied/{node}", value.__dict__)])


def put_copy(bus: Bus, node: str, unit: str, der: bytes) -> None:
    """Give the others a copy of an own certificate; empty: there is none any more."""
    bus.change([], [_put(f"copies/{node}/{unit}", {"der": b64encode(der).decode()})])


def batches(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Wishes for `tell`, as many at a time as one change of a bus takes."""
    batch: list[Wanted] = []
    size = 0
    for one in wanted:
        told, der = one[3], one[4]
        words = (told.name, told.description, told.account, told.reason)
        # JSON in ASCII has up to 12 octets for a character; the rest is names, numbers and the key.
        octets = 1024 + 12 * sum(map(len, words)) + (len(der) + 2) // 3 * 4
        if batch and (len(batch) == BATCH or size + octets > MAX_CHANGE // 2):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += octets
    if batch:
        yield batch


def tell(
    bus: Bus, node: str, view: View, wanted: Iterable[Wanted]
) -> dict[tuple[str, str], Entry] | None:
    """Tell wishes, `(store, SHA-256, revision it replaces, wish, certificate, was)`, as one change.

    None if the log is no longer as `view` has it.
    """
    compare, puts, ids = [At(META, view.meta_revision)], [], {}
    for store, sha256, revision, told, der, was in wanted:
        key = f"trust/{store}/{sha256}"
        wish = told.wish
        data = {
            "present": wish.present, "by": wish.ids[-1], "name": told.name, "node": node,
            "description": told.description, "account": told.account, "when": told.when,
            "reason": told.reason, "der": b64encode(der).decode("ascii"), "was": was,
        }  # fmt: skip
        compare.append(At(key, revision))
        puts.append(_put(key, data))
        ids[store, sha256] = wish
    revision_now = bus.change(compare, puts)
    if revision_now is None:
        return None
    return {key: Entry(w.present, revision_now, w.ids[-1]) for key, w in ids.items()}


def collect(bus: Bus, up_to: int, tombstones: Iterable[tuple[str, str, int]]) -> bool:
    """Drop tombstones, `(store, SHA-256, revision)`, that everybody has applied.

    The floor rises to `up_to`. False if the log is no longer so.
    """
    meta, revision = _meta(bus)
    keys = {f"trust/{store}/{sha256}": at for store, sha256, at in tombstones}
    compare = [At(META, revision), *(At(key, at) for key, at in keys.items())]
    raised = _put(META, {**meta, "floor": max(meta["floor"], up_to)})
    return bus.change(compare, [raised], list(keys)) is not None


def _put(key: str, data: object) -> Put:
    return Put(key, json.dumps(data).encode("ascii"))
