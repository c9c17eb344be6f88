"""Old states cleared away: by count and age, and what killed changes have left behind.

Called under the lock, after a change is made. Nothing here touches what the current state needs.
"""

from __future__ import annotations

import json
import os
import re

from cucmos_shell.store import paths
from cucmos_shell.store.durable import read, remove_tree
from cucmos_shell.store.rows import TrustIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The newest states are kept for going back; of the others, those a reader may still be reading.
MIN_HEADS = 10
MAX_HEADS = 32
BATCH = 8
READING_SECONDS = 60.0
_SHA256 = re.compile(rb'"([0-9a-f]{64})"')


def numbers(folder: str) -> list[int]:
    """The numbers that entries of `folder` have for names, in order; none if it is missing."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def _links(layout: paths.Layout, head: int) -> dict[str, int]:
    """Unit to version number of a head, as far as its links can be read."""
    found: dict[str, int] = {}
    for name in os.listdir(layout.head(head)):
        try:
            number = paths.parse_version(os.readlink(layout.head(head, name)), name)
        except OSError:
            continue
        if number is not None:
            found[name] = number
    return found


def _changes(layout: paths.Layout, head: int, key: str) -> set[str]:
    try:
        data = json.loads(read(layout.head(head, paths.CHANGES)))
        return set(data[key])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _expired(layout: paths.Layout, current: int) -> tuple[list[int], int]:
    """The heads to clear away, oldest first, and the oldest one that stays."""
    heads = [number for number in numbers(layout.heads) if number <= current]
    candidates, kept = heads[:-MIN_HEADS], heads[-MIN_HEADS:]
    if not candidates:
        return [], kept[0]
    # Both times are the file system's, whatever the node's clock says.
    now = os.stat(layout.head(current)).st_mtime
    while candidates and len(kept) < MAX_HEADS:
        # A state stops being current when its successor is made.
        if now - os.stat(layout.head(kept[0])).st_mtime > READING_SECONDS:
            break
        kept.insert(0, candidates.pop())
    return candidates, kept[0]


def prune(layout: paths.Layout, current: int) -> None:
    """Clear expired heads away, and what only they needed. Raises OSError.

    Done for several at a time, so that most changes do not pay for it.
    """
    expired, oldest = _expired(layout, current)
    if len(expired) < BATCH:
        return
    # The order matters: a kill in the middle leaves the heads, from which the next one goes on.
    _collect(layout, [*expired[1:], oldest], oldest, current)
    for unit, number in _links(layout, oldest).items():
        for old in numbers(layout.unit(unit)):
            if old < number:
                remove_tree(layout.version(unit, old))
    for head in expired:
        remove_tree(layout.head(head))


def _collect(layout: paths.Layout, dropping: Iterable[int], oldest: int, current: int) -> None:
    """Remove the certificates that the changes leading to `dropping` dropped for good."""
    gone: set[str] = set()
    for head in dropping:
        gone |= _changes(layout, head, "dropped")
    if not gone:
        return
    for head in numbers(layout.heads):
        if oldest < head <= current:
            gone -= _changes(layout, head, "added")
    for unit, version in _links(layout, oldest).items():
        if gone:
            gone -= _named(_index(layout, unit, version), gone)
    _remove_certificates(layout, gone)


def _index(layout: paths.Layout, unit: str, version: int) -> bytes:
    """The index of a trust store; nothing for other kinds of units."""
    try:
        raw = read(layout.version(unit, version, paths.INDEX))
    except FileNotFoundError:
        return b""
    return raw if raw.startswith(TrustIndex.HEAD) else b""


def _named(raw: bytes, wanted: set[str]) -> set[str]:
    """Those of `wanted` that the index names."""
    if len(wanted) > 8:
        return wanted & {match.decode("ascii") for match in _SHA256.findall(raw)}
    return {sha256 for sha256 in wanted if raw.find(f'"{sha256}"'.encode("ascii")) >= 0}


def _remove_certificates(layout: paths.Layout, hashes: Iterable[str]) -> None:
    for sha256 in hashes:
        for extension in ("pem", "der"):
            try:
                os.unlink(layout.pool_file(sha256, extension))
            except FileNotFoundError:
                continue


def sweep(layout: paths.Layout, current: int) -> None:
    """Clear away what changes that came to nothing have left: heads, versions, certificates.

    Reads every index there is, so it is for the first change after such an accident only.
    """
    parents = _line(layout, current)
    heads = [number for number in numbers(layout.heads) if number in parents]
    used: dict[str, set[int]] = {}
    for head in heads:
        for unit, version in _links(layout, head).items():
            used.setdefault(unit, set()).add(version)
    for unit in os.listdir(layout.versions):
        for number in numbers(layout.unit(unit)):
            if number not in used.get(unit, ()):
                remove_tree(layout.version(unit, number))
    for head in numbers(layout.heads):
        if head not in parents:
            remove_tree(layout.head(head))
    named: set[bytes] = set()
    for unit, versions in used.items():
        for version in versions:
            named.update(_SHA256.findall(_index(layout, unit, version)))
    for name in os.listdir(layout.pool):
        if name.partition(".")[0].encode("ascii", "replace") not in named:
            os.unlink(os.path.join(layout.pool, name))


def _line(layout: paths.Layout, current: int) -> set[int]:
    """`current` and the heads it came from, as far as they are kept."""
    line: set[int] = set()
    head = current
    while head and head not in line:
        line.add(head)
        try:
            note = json.loads(read(layout.head(head, paths.NOTE)))
            head = int(note["parent"])
        except FileNotFoundError:
            line.discard(head)
            break
    return line
