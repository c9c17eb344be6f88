"""Values on the bus are signed with the key of the cluster, so that only its members write them.

    MAC ERA SEEN JSON

MAC is HMAC-SHA256 over the key of the item and the rest, in hexadecimal. SEEN is the revision up to
which the writer had read the bus: what is written once more later on, by somebody who has kept it,
tells by that that it is from before. ERA is the one that the log was in: after a rebuild the bus
may count its revisions from the beginning, and those of before say nothing any more.
"""

from __future__ import annotations

import hmac
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.world.bus import Item

KEY_SIZE = 32
_MAC, _MARK = 64, 16


def _mac(key: bytes, name: str, rest: bytes) -> bytes:
    digest: bytes = hmac.digest(key, name.encode() + b"\0" + rest, "sha256")
    return digest.hex().encode("ascii")


def signed(key: bytes, name: str, era: str, seen: int, data: object) -> bytes:
    """The value that says `data` at the item `name`."""
    rest = b"%s %d %s" % (era.encode("ascii"), seen, json.dumps(data).encode("ascii"))
    return _mac(key, name, rest) + b" " + rest


def genuine(key: bytes, item: Item, known: int = 0) -> bool:
    """Whether a member wrote it; not the copy of an earlier value, where `known` is the revision of
    the item that is known already."""
    mac, blank, rest = item.value[:_MAC], item.value[_MAC : _MAC + 1], item.value[_MAC + 1 :]
    seen = _parts(item)[1]
    if blank != b" " or not seen.isdigit() or len(seen) > 20:
        return False
    fresh = item.revision == known or known <= int(seen) < item.revision
    return fresh and hmac.compare_digest(mac, _mac(key, item.key, rest))


def timely(item: Item, era: str, since: int) -> bool:
    """Whether it was written in that era, or lay there when it began, after revision `since`."""
    return item.revision <= since or _parts(item)[0] == era.encode("ascii", "replace")


def _parts(item: Item) -> tuple[bytes, bytes, bytes]:
    era, _, rest = item.value[_MAC + 1 :].partition(b" ")
    seen, _, said = rest.partition(b" ")
    return era, seen, said


def mark(value: bytes) -> str:
    """What tells a genuine value from any other one of its key."""
    return value[:_MARK].decode("ascii")


def content(item: Item) -> Any:
    """What the item says, whoever wrote it. Raises ValueError."""
    return json.loads(_parts(item)[2])


def read_up_to(item: Item) -> int:
    """The revision up to which the writer of a genuine value had read the bus."""
    return int(_parts(item)[1])
