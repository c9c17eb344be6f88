"""Links for people and for OpenSSL: derived from the state, never read by this program.

view/UNIT/UNIT.pem, .der          -> the unit's own certificate
view/STORE/NAME.pem, NAME.der     -> a trust certificate in the pool
view/STORE/HASH.n                 -> NAME.pem, as `openssl rehash` would make it
view/.head                        -> HEAD.BOOT, HEAD being the number of the head it shows

Nothing here is synced: a power cut may leave any of it. So `BOOT`, a name of the machine's start,
stands in the stamp, which says nothing after the next one.
"""

from __future__ import annotations

import contextlib
import os

from cucmos_shell.store import paths
from cucmos_shell.store.draft import FEW
from cucmos_shell.store.durable import FOLDER_MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.store.rows import CertificateRow, TrustIndex
    from cucmos_shell.store.snapshot import Snapshot

    Change = tuple[TrustIndex, TrustIndex, Mapping[str, CertificateRow | None]]


def stamped(layout: paths.Layout, boot: str) -> int | None:
    """The head that the view shows; None when it shows none, or nobody knows since `boot`."""
    try:
        head, _, made = os.readlink(layout.stamp).partition(".")
    except OSError:
        return None
    return int(head) if made == boot and head.isascii() and head.isdigit() else None


def refresh(
    layout: paths.Layout,
    head: int,
    boot: str,
    units: Mapping[str, int],
    stores: Mapping[str, Change],
) -> None:
    """Bring a view that shows the state before `head` to `head`.

    `units` gives the version of each changed unit; `stores`, for each changed trust store, the
    index that is, the one that was, and the changes by name. Raises OSError.
    """
    _begin(layout)
    for unit, version in units.items():
        _links(layout, unit, _own_links(unit, version))
    for store, (after, before, changes) in stores.items():
        folder = _folder(layout, store)
        removed, links = _changed_links(after, before, changes)
        for name in removed:
            _unlink(os.path.join(folder, name))
        for name, target in links.items():
            _put(os.path.join(folder, name), target)
    _end(layout, head, boot)


def rebuild(layout: paths.Layout, boot: str, snapshot: Snapshot) -> None:
    """Make the view show `snapshot`, whatever it showed; touches only what differs."""
    _begin(layout)
    for unit in snapshot.units:
        _links(layout, unit, _own_links(unit, snapshot.version(unit)))
    for store in snapshot.stores:
        rows = snapshot.trust(store)
        links = {name: target for row in rows for name, target in _row_links(row)}
        links.update(_hash_links(rows))
        _links(layout, store, links)
    _end(layout, snapshot.head, boot)


def _begin(layout: paths.Layout) -> None:
    try:
        os.mkdir(layout.view, FOLDER_MODE)
    except FileExistsError:
        _unlink(layout.stamp)


def _end(layout: paths.Layout, head: int, boot: str) -> None:
    name = paths.head_name(head)
    os.symlink(f"{name}.{boot}" if boot else name, layout.stamp)


def _folder(layout: paths.Layout, unit: str) -> str:
    folder = layout.links(unit)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
    return folder


def _own_links(unit: str, version: int) -> dict[str, str]:
    base = f"../../versions/{unit}/{version}"
    return {
        f"{unit}.pem": f"{base}/{paths.own_pem(unit)}",
        f"{unit}.der": f"{base}/{paths.own_der(unit)}",
    }


def _row_links(row: CertificateRow) -> Iterable[tuple[str, str]]:
    for extension in ("pem", "der"):
        yield f"{row.name}.{extension}", f"../../pool/{row.sha256}.{extension}"


def _hash_links(rows: Iterable[CertificateRow]) -> dict[str, str]:
    """`HASH.n` for rows; a certificate that is there twice gets one link, as OpenSSL does it."""
    links: dict[str, str] = {}
    seen: dict[str, tuple[str, ...]] = {}
    for row in rows:
        known = seen.get(row.subject_hash, ())
        if row.subject_hash and row.sha256 not in known:
            links[f"{row.subject_hash}.{len(known)}"] = f"{row.name}.pem"
            seen[row.subject_hash] = (*known, row.sha256)
    return links


def _changed_links(
    after: TrustIndex, before: TrustIndex, changes: Mapping[str, CertificateRow | None]
) -> tuple[list[str], dict[str, str]]:
    """File names to remove, and links to put, for `changes` to a trust store."""
    few = len(changes) <= FEW
    old_rows = {} if few else {row.name: row for row in before.rows()}
    removed: list[str] = []
    links: dict[str, str] = {}
    hashes: set[str] = set()
    for name, row in changes.items():
        old = before.find(name) if few else old_rows.get(name)
        if old is not None and old.name == name:
            hashes.add(old.subject_hash)
            if row is None:
                removed += [link for link, _ in _row_links(old)]
        if row is not None:
            hashes.add(row.subject_hash)
            links.update(_row_links(row))
    hashed = _hash_links(_hashed(after, hashes, few))
    removed += [name for name in _hash_links(_hashed(before, hashes, few)) if name not in hashed]
    links.update(hashed)
    return removed, links


def _hashed(index: TrustIndex, hashes: set[str], few: bool) -> Iterable[CertificateRow]:
    """The rows with one of these subject hashes."""
    if few:
        return (r for h in sorted(hashes) for r in index.search(h) if r.subject_hash == h)
    return (row for row in index.each() if row.subject_hash in hashes)


def _links(layout: paths.Layout, unit: str, wanted: Mapping[str, str]) -> None:
    """Make the links in the unit's folder be `wanted`; other kinds of files are left alone."""
    folder = _folder(layout, unit)
    with os.scandir(folder) as entries:
        there = {entry.name: os.readlink(entry.path) for entry in entries if entry.is_symlink()}
    for name in there:
        if name not in wanted:
            os.unlink(os.path.join(folder, name))
    for name, target in wanted.items():
        if there.get(name) != target:
            _put(os.path.join(folder, name), target)


def _put(path: str, target: str) -> None:
    try:
        os.symlink(target, path)
    except FileExistsError:
        if os.path.islink(path) and os.readlink(path) == target:
            return
        temporary = f"{path}.new"
        _unlink(temporary)
        os.symlink(target, temporary)
        os.replace(temporary, path)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
