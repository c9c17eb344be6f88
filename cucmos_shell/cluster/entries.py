"""What stands in the log of a cluster: its forms, and how they are read from a bus.

What is not of these forms is damage: a member has written it, or it would not have been read.
"""

from __future__ import annotations

import contextlib
from base64 import b64decode

from cucmos_shell.cluster.membership import NodeRecord
from cucmos_shell.cluster.rules import Entry
from cucmos_shell.cluster.signed import content, mark, read_up_to
from cucmos_shell.cluster.taking import Heard, Marks
from cucmos_shell.results import Value
from cucmos_shell.world.bus import BusDamaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cucmos_shell.world.bus import Item

# The last second that can be shown as a date.
LAST_SECOND = 253_402_300_799
# The most that a revision may be for a node to keep it in `known`.
MAX_REVISION = 1 << 60


class Meta(Value):
    """The head of the log. `locked` is its key for who knows the security password.

    Entries were collected up to revision `floor`. The `era`, the `number`-th one, began after
    revision `since`: what was said earlier and is not on the bus was lost. `revision` is that of
    the item itself.
    """

    cluster: str
    era: str
    since: int
    floor: int
    locked: bytes
    revision: int = 0
    mark: str = ""
    number: int = 1


class Report(Value):
    """What a member says of itself: up to where it has applied the log. `turn` counts reports.

    `knows` are the digests of `vouched`; `awaits` the things whose key it has not been given.
    """

    applied: int
    turn: int
    mark: str
    knows: Mapping[str, str] = {}
    awaits: tuple[str, ...] = ()


class LogLine(Value):
    """An entry with all that is said along with it. `der` is empty where it was deleted.

    `was` is the revision of the entry that this one tells anew, `begun` that of the same era with
    which what it says began, 0 where that is itself or in a former era. `marks` say of peers.
    """

    entry: Entry
    name: str
    description: str
    account: str
    node: str
    when: float
    reason: str
    der: bytes
    was: int = 0
    seen: int = 0
    marks: Marks = Marks()
    begun: int = 0

    @property
    def life(self) -> int:
        """The revision with which what it says began, as far as that is known in its era."""
        return self.begun or self.entry.revision

    @property
    def again(self) -> bool:
        """Whether it only tells anew what was said in a former era, or nobody knows when."""
        return bool(self.was) and not self.begun


class Shared(Value):
    """What all nodes have of a unit: a multi-server certificate, or the request for one.

    `sha256` is that of the certificate or request, empty where there is none any more. `ders` are
    the certificate, those between it and its root, and the root; or the request. `node` and
    `account` put it there at `when`. `sealed` is its key for the node that reads, or empty.
    """

    revision: int
    by: str
    sha256: str
    ders: tuple[bytes, ...]
    text: str
    node: str
    account: str
    when: float
    sealed: bytes = b""
    seen: int = 0
    mark: str = ""


@contextlib.contextmanager
def understanding() -> Iterator[None]:
    """What is not of the form that a member writes is damage, said as such: raises BusDamaged."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BusDamaged("of the cluster", f"{type(error).__name__}: {error}") from error


def meta(item: Item) -> Meta:
    """The head of the log, which may be of anybody. Raises LookupError, TypeError, ValueError."""
    data = content(item)
    return Meta(
        _text(data, "cluster"),
        _text(data, "era"),
        _number(data, "since"),
        _number(data, "floor"),
        b64decode(_text(data, "locked")),
        item.revision,
        mark(item.value),
        _number(data, "number"),
    )


def line(item: Item) -> LogLine:
    """An entry of a trust store. Raises LookupError, TypeError, ValueError, as all of these do."""
    data = content(item)
    if item.revision > MAX_REVISION:
        raise ValueError(f"{item.revision} is no revision")
    entry = Entry(_truth(data, "present"), item.revision, _text(data, "by"))
    name, description, account, node = (
        _text(data, key) for key in ("name", "description", "account", "node")
    )
    return LogLine(
        entry, name, description, account, node, _moment(data, "when"),
        _text(data, "reason"), b64decode(_text(data, "der")), _number(data, "was"),
        read_up_to(item), marks(data), _number(data, "begun") if "begun" in data else 0,
    )  # fmt: skip


def marks(data: Mapping[str, Any]) -> Marks:
    """What an entry says of peers; one that was never in touch with any says nothing of them."""
    rows = data.get("heard", {})
    heard = {peer: Heard(int(rows[peer][0]), int(rows[peer][1]), bool(rows[peer][2]))
             for peer in rows}  # fmt: skip
    return Marks(_text(data, "origin") if "origin" in data else "", heard)


def marks_data(value: Marks) -> dict[str, Any]:
    """The form in which `marks` reads them; empty where there is nothing to say."""
    data: dict[str, Any] = {"origin": value.origin} if value.origin else {}
    if value.heard:
        data["heard"] = {peer: list(heard) for peer, heard in value.heard.items()}
    return data


def shared(item: Item) -> Shared:
    """What all nodes have of a unit."""
    data = content(item)
    if not isinstance(data["ders"], list):
        raise TypeError("ders are no list")
    by, sha256, text, node, account = (
        _text(data, name) for name in ("by", "sha256", "text", "node", "account")
    )
    ders = tuple(b64decode(one) for one in data["ders"])
    if sha256 and len(bytes.fromhex(sha256)) != 32:
        raise ValueError(f"{sha256} is no SHA-256")
    if item.key.startswith("own/"):
        if not sha256 or len(ders) < 2:
            raise ValueError("a certificate without its SHA-256, or without its root")
    elif len(ders) != bool(sha256):
        raise ValueError("a request without its SHA-256, the reverse, or several")
    return Shared(
        item.revision, by, sha256, ders, text, node, account, _moment(data, "when"),
        seen=read_up_to(item), mark=mark(item.value),
    )  # fmt: skip


def sealed_key(item: Item) -> bytes:
    """A private key, sealed for one member."""
    return b64decode(_text(content(item), "sealed"))


def copy(item: Item) -> bytes | None:
    """The own certificate of a member; None where it gives none any more."""
    return b64decode(_text(content(item), "der")) or None


def node(item: Item) -> NodeRecord:
    """A member."""
    data = content(item)
    for name in ("id", "hostname", "domain", "ip", "role", "product", "server", "sealing"):
        _text(data, name)
    _moment(data, "when")
    _truth(data, "removed")
    bytes.fromhex(data["sealing"])
    if item.key != f"nodes/{data['id']}":
        raise ValueError(f"{item.key} is of another node")
    return NodeRecord(**data)


def report(item: Item) -> Report:
    """What a member says of itself."""
    data = content(item)
    knows, awaits = data.get("knows", {}), data.get("awaits", [])
    if not isinstance(knows, dict) or not isinstance(awaits, list):
        raise TypeError("what it knows or awaits is neither")
    known = {area: _text(knows, area) for area in knows}
    return Report(
        _number(data, "applied"), _number(data, "turn"), _text(data, "mark"), known,
        tuple(map(str, awaits)),
    )  # fmt: skip


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    value.encode()  # ValueError for what is not Unicode
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
