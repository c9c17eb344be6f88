"""One folder made equal to another, by touching no more than what differs.

Files get their names whole, links and files after the folders beside them, and what is too much
goes last: whoever reads meanwhile by a link finds either state.
"""

from __future__ import annotations

import os
import stat

from cucmos_shell.store.durable import SECRET_FOLDER_MODE, read, remove_tree, write_all

_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
# What a file is called until it is whole.
DRAFT = ".mirrored"


def mirror(
    source: str,
    target: str,
    kept: frozenset[str] = frozenset(),
    steady: frozenset[str] = frozenset(),
) -> None:
    """Make `target` equal to `source`: contents, permissions, times of files. Raises OSError.

    Paths in `kept`, relative to both, and locks are left alone on both sides. Below those in
    `steady` a file never changes: two of one size and time are equal.
    """
    surplus: list[str] = []
    _folder(source, target, "", kept, steady, surplus)
    for path in surplus:
        remove_tree(path)


def _folder(
    source: str,
    target: str,
    path: str,
    kept: frozenset[str],
    steady: frozenset[str],
    surplus: list[str],
) -> None:
    there = _entries(target, path, kept)
    here = _entries(source, path, kept)
    surplus += [f"{target}/{name}" for name in there if name not in here]
    for name, status in sorted(here.items(), key=lambda one: not stat.S_ISDIR(one[1].st_mode)):
        one, other = f"{source}/{name}", f"{target}/{name}"
        before = there.get(name)
        if before is not None and stat.S_IFMT(before.st_mode) != stat.S_IFMT(status.st_mode):
            remove_tree(other)
            before = None
        below = f"{path}/{name}".lstrip("/")
        if stat.S_ISDIR(status.st_mode):
            if before is None:
                os.mkdir(other, SECRET_FOLDER_MODE)
            _folder(one, other, below, kept, steady, surplus)
            if before is None or before.st_mode != status.st_mode:
                os.chmod(other, stat.S_IMODE(status.st_mode))
        elif stat.S_ISLNK(status.st_mode):
            if before is None or os.readlink(other) != os.readlink(one):
                _link(os.readlink(one), other)
        elif stat.S_ISREG(status.st_mode):
            sure = below.partition("/")[0] in steady
            if before is None or not _equal(one, status, other, before, sure):
                _file(one, status, other)


def _entries(folder: str, path: str, kept: frozenset[str]) -> dict[str, os.stat_result]:
    with os.scandir(folder) as found:
        return {
            entry.name: entry.stat(follow_symlinks=False)
            for entry in found
            if not entry.name.endswith(".lock")
            if f"{path}/{entry.name}".lstrip("/") not in kept
        }


def _equal(
    one: str, status: os.stat_result, other: str, before: os.stat_result, sure: bool
) -> bool:
    if (status.st_size, status.st_mode) != (before.st_size, before.st_mode):
        return False
    if sure:
        return status.st_mtime_ns == before.st_mtime_ns
    return read(one) == read(other)


def _link(text: str, target: str) -> None:
    draft = target + DRAFT
    remove_tree(draft)
    os.symlink(text, draft)
    os.rename(draft, target)


def _file(source: str, status: os.stat_result, target: str) -> None:
    draft = target + DRAFT
    descriptor = os.open(draft, _NEW_FLAGS, stat.S_IMODE(status.st_mode))
    try:
        write_all(descriptor, read(source))
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
    finally:
        os.close(descriptor)
    os.rename(draft, target)
