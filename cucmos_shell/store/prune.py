"""Old states cleared away: by count and age, on request, and what killed changes have left behind.

Called under the lock, after a change is made. Nothing here touches what the current state needs,
nor a pinned version: one that a service has loaded.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re

from cucmos_shell.store import paths
from cucmos_shell.store.durable import FILE_MODE, NEW_FLAGS, read, remove_tree, sync_folder
from cucmos_shell.store.rows import TrustIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    # Unit or trust store → numbers of versions that stay, worked out when it is asked.
    Pins = Callable[[], Mapping[str, set[int]]]

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
    """Unit to version number of a head. Raises OSError: a link not read would be one not needed."""
    found: dict[str, int] = {}
    for name in os.listdir(layout.head(head)):
        try:
            number = paths.parse_version(os.readlink(layout.head(head, name)), name)
        except OSError as error:
            if error.errno == errno.EINVAL:
                continue  # a file
            raise
        if number is not None:
            found[name] = number
    return found


def _changes(layout: paths.Layout, head: int, key: str) -> set[str]:
    """The certificates that a change has `added` or `dropped`. Raises OSError, ValueError."""
    try:
        return set(json.loads(read(layout.head(head, paths.CHANGES)))[key])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no list of what was {key}") from error


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


def prune(layout: paths.Layout, current: int, pins: Pins) -> None:
    """Clear expired heads away, and what only they needed. Raises OSError, and what `pins` raises.

    Done for several at a time, so that most changes do not pay for it.
    """
    expired, oldest = _expired(layout, current)
    if len(expired) < BATCH:
        return
    pinned, first, last = pins(), _links(layout, expired[0]), _links(layout, oldest)
    going = {
        (unit, old): old < first.get(unit, 0)
        for unit, number in last.items()
        for old in numbers(layout.unit(unit))
        if old < number and old not in pinned.get(unit, ())
    }
    gone: set[str] = set()
    for head in (*expired[1:], oldest):
        with contextlib.suppress(OSError, ValueError):
            gone |= _changes(layout, head, "dropped")
    for (unit, old), was_pinned in going.items():
        if was_pinned:
            gone.update(map(bytes.decode, _SHA256.findall(_index(layout, unit, old))))
    # The order matters: a kill in the middle leaves the heads, from which the next one goes on.
    staying = [*last.items(), *((unit, old) for unit in pinned for old in pinned[unit])]
    _collect(layout, gone, staying, range(oldest + 1, current + 1))
    for unit, old in going:
        remove_tree(layout.version(unit, old))
    for head in expired:
        remove_tree(layout.head(head))


def purge(layout: paths.Layout, current: int, pins: Pins = dict) -> None:
    """Clear all earlier heads away, with their secrets. Raises OSError, and what `pins` raises."""
    pins()
    # Whoever finds it finishes what a kill has left undone.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(layout.purging, NEW_FLAGS, FILE_MODE))
    sync_folder(layout.store)
    for head in numbers(layout.heads):
        if head != current:
            remove_tree(layout.head(head))
    # No head may come back without its versions.
    sync_folder(layout.heads)
    sweep(layout, current, pins)


def forget(layout: paths.Layout, current: int, files: Iterable[tuple[str, str]]) -> None:
    """Remove files, `(unit, name)`, durably from every version but that of head `current`."""
    links = _links(layout, current) if files else {}
    for unit, name in files:
        for number in numbers(layout.unit(unit)):
            if number != links.get(unit):
                path = layout.version(unit, number, name)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                    sync_folder(os.path.dirname(path))


def _collect(
    layout: paths.Layout,
    gone: set[str],
    staying: Iterable[tuple[str, int]],
    later: Iterable[int],
) -> None:
    """Remove those of the certificates `gone` that none of the versions that stay names.

    `later` are the heads that came after those versions.
    """
    for head in later if gone else ():
        gone -= _changes(layout, head, "added")
    for unit, version in staying:
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
        for extension in ("pem", "der", "json"):
            try:
                os.unlink(layout.pool_file(sha256, extension))
            except FileNotFoundError:
                continue


def sweep(layout: paths.Layout, current: int, pins: Pins) -> None:
    """Clear away what changes that came to nothing have left: heads, versions, certificates.

    Reads every index there is, so it is for the first change after such an accident only. A power
    cut afterwards brings nothing back.
    """
    parents = _line(layout, current)
    heads = [number for number in numbers(layout.heads) if number in parents]
    used: dict[str, set[int]] = {unit: set(versions) for unit, versions in pins().items()}
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
    units = [layout.unit(unit) for unit in os.listdir(layout.versions)]
    for folder in (*units, layout.pool, layout.heads):
        sync_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.purging)
        sync_folder(layout.store)


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
        except (ValueError, KeyError, TypeError):
            break
    return line
