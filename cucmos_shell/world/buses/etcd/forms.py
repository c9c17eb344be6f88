"""What is said to an etcd and what it says, as JSON: questions made, answers looked at.

Octets are base64, 64-bit numbers are text, and what is empty or zero is left out.
"""

from __future__ import annotations

import itertools
import json
from base64 import b64decode, b64encode
from typing import NamedTuple

from cucmos_shell.world.buses.etcd.wire import EtcdNonsense

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FORMAT = 1
_MAX_NUMBER = (1 << 63) - 1

Form = dict[str, "Any"]


class EtcdKey(NamedTuple):
    """A key of etcd, the value it has, and the revision that wrote it."""

    key: bytes
    value: bytes
    revision: int


class EtcdHead(NamedTuple):
    """What each change of a bus writes, so that its revision is that of the bus.

    `was` is the revision of the change before, `by` a random name of the change, `keys` how many
    keys it has put or dropped.
    """

    revision: int
    value: bytes
    format: int
    identity: str
    was: int
    by: str
    keys: int


def head_value(identity: str, was: int, by: str, keys: int) -> bytes:
    """The octets of a head."""
    data = {"format": FORMAT, "identity": identity, "was": was, "by": by, "keys": keys}
    return json.dumps(data).encode("ascii")


def head_of(row: EtcdKey) -> EtcdHead:
    """The head that a key holds. Raises EtcdNonsense."""
    try:
        data = json.loads(row.value)
        head = EtcdHead(row.revision, row.value, *(data[name] for name in EtcdHead._fields[2:]))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise EtcdNonsense("its head is none") from None
    texts, numbers = (head.identity, head.by), (head.format, head.was, head.keys)
    if not all(type(one) is str for one in texts) or not all(type(n) is int for n in numbers):
        raise EtcdNonsense("its head is none")
    if head.format <= FORMAT and not 0 <= head.was < head.revision:
        raise EtcdNonsense("its head is of no revision")
    return head


# --- questions ---------------------------------------------------------------------------------


def b64(octets: bytes) -> str:
    """Octets as a form has them."""
    return b64encode(octets).decode("ascii")


def prefixed(prefix: bytes) -> Form:
    """All keys with that prefix, as the fields of a question: 0xFF is in no UTF-8."""
    return {"key": b64(prefix), "range_end": b64(prefix + b"\xff")}


def is_at(key: bytes, revision: int) -> Form:
    """A comparison: the key was written by this revision, or is absent (0)."""
    return {"key": b64(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def has_value(key: bytes, value: bytes) -> Form:
    """A comparison: the key has this value."""
    return {"key": b64(key), "target": "VALUE", "result": "EQUAL", "value": b64(value)}


def putting(key: bytes, value: bytes, lease: int = 0) -> Form:
    """A step that puts a key."""
    form = {"key": b64(key), "value": b64(value)}
    return {"request_put": {**form, "lease": str(lease)} if lease else form}


def dropping(key: bytes) -> Form:
    """A step that deletes a key."""
    return {"request_delete_range": {"key": b64(key)}}


def reading(key: bytes, *, keys_only: bool = False) -> Form:
    """A step that reads a key."""
    return {"request_range": {"key": b64(key), "keys_only": keys_only}}


def transaction(compare: Iterable[Form], success: list[Form], failure: Iterable[Form] = ()) -> Form:
    """Steps that are taken together, depending on comparisons."""
    return {"compare": list(compare), "success": success, "failure": list(failure)}


def within(steps: list[Form], compare: Iterable[Form] = ()) -> Form:
    """A transaction as a step of another one: each takes a limited number of steps."""
    return {"request_txn": transaction(compare, steps)}


# --- answers -----------------------------------------------------------------------------------


def number(form: Form, name: str) -> int:
    """A number of an answer, 0 if it is not there. Raises EtcdNonsense."""
    raw = form.get(name, "0")
    if type(raw) is str and len(raw) <= 19 and raw.isascii() and raw.isdigit():
        found = int(raw)
        if found <= _MAX_NUMBER:
            return found
    raise EtcdNonsense(f"{name} is no number")


def part(form: Form, name: str) -> Form:
    """An object within an answer. Raises EtcdNonsense."""
    found = form.get(name)
    if not isinstance(found, dict):
        raise EtcdNonsense(f"there is no {name}")
    return found


def parts(form: Form, name: str) -> list[Form]:
    """Objects within an answer, none if they are not there. Raises EtcdNonsense."""
    found = form.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise EtcdNonsense(f"{name} is no list")
    return found


def revision_of(answer: Form) -> int:
    """The revision of the etcd as a whole at an answer. Raises EtcdNonsense."""
    found = number(part(answer, "header"), "revision")
    if not found:
        raise EtcdNonsense("an answer of no revision")
    return found


def octets(form: Form, name: str) -> bytes:
    """Octets of an answer, none if they are not there. Raises EtcdNonsense."""
    try:
        return b64decode(form.get(name, ""), validate=True)
    except (ValueError, TypeError):
        raise EtcdNonsense(f"{name} is no base64") from None


def row_of(kv: Form) -> EtcdKey:
    """A key as an answer has it. Raises EtcdNonsense."""
    revision = number(kv, "mod_revision")
    if not revision:
        raise EtcdNonsense("a key of no revision")
    return EtcdKey(octets(kv, "key"), octets(kv, "value"), revision)


def rows_of(answer: Form) -> list[EtcdKey]:
    """The keys of an answer, each after the one before. Raises EtcdNonsense."""
    rows = [row_of(kv) for kv in parts(answer, "kvs")]
    if any(one.key >= other.key for one, other in itertools.pairwise(rows)):
        raise EtcdNonsense("keys in no order")
    return rows


def text_of(key: bytes, prefix: bytes) -> str:
    """What follows the prefix in a key. Raises EtcdNonsense."""
    if not key.startswith(prefix):
        raise EtcdNonsense("a key that was not asked for")
    try:
        return key[len(prefix) :].decode()
    except UnicodeDecodeError:
        raise EtcdNonsense("a key that is not UTF-8") from None


def steps_of(answer: Form, count: int) -> list[Form]:
    """The answers to the steps of a transaction. Raises EtcdNonsense unless there are `count`."""
    found = parts(answer, "responses")
    if len(found) != count:
        raise EtcdNonsense("an answer to other steps")
    return found


def succeeded(answer: Form) -> bool:
    """Whether the comparisons of a transaction held. Raises EtcdNonsense."""
    found = answer.get("succeeded", False)
    if type(found) is not bool:
        raise EtcdNonsense("succeeded is neither true nor false")
    return found
