"""Installed folders to be copied: each is made once, whichever process asks first."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cucmos_shell.testing.cluster import install_cluster
from cucmos_shell.testing.node import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.testing.cluster import LabCluster
    from cucmos_shell.testing.node import LabNode


class Templates:
    """Folders of installed nodes below `root`, which processes may share."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[str, Path] = {}

    def folder(self, profile: str, **options: Any) -> Path:
        """The folder of a node that was installed so (see `install`); it is not to be changed."""
        return self._made("", install, profile, options)

    def cluster(self, profile: str, **options: Any) -> Path:
        """The folder of a cluster that was installed so (see `install_cluster`)."""
        return self._made("cluster-", install_cluster, profile, options)

    def _made(
        self,
        kind: str,
        make: Callable[..., LabNode | LabCluster],
        profile: str,
        options: dict[str, Any],
    ) -> Path:
        name = kind + _name(profile, options)
        if name not in self._found:
            self._root.mkdir(parents=True, exist_ok=True)
            with _locked(self._root / f"{name}.lock"):
                folder = self._root / name
                if not folder.exists():
                    fresh = self._root / f"{name}.new"
                    shutil.rmtree(fresh, ignore_errors=True)
                    make(fresh, profile, **options).close()
                    fresh.rename(folder)
            self._found[name] = folder
        return self._found[name]


def copy(source: Path, target: Path) -> None:
    """Make `target` a copy of a folder that nobody changes meanwhile."""
    from cucmos_shell.node.lab.mirror import mirror

    target.mkdir(mode=0o700)
    mirror(str(source), str(target))


def _name(profile: str, options: dict[str, Any]) -> str:
    """A file name for a way to install, with the contents of the files that it names."""
    contents = b""
    for file in (profile, options.get("scenario") or ""):
        if os.path.sep in file:
            with contextlib.suppress(OSError):
                contents += Path(file).read_bytes()
    told = repr((profile, sorted(options.items()))).encode() + contents
    shown = re.sub(r"[^A-Za-z0-9.]+", "-", Path(profile).name)
    return f"{shown}-{hashlib.sha256(told).hexdigest()[:12]}"


_threads = threading.Lock()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    from cucmos_shell.store.locks import lock_file

    with _threads, lock_file(str(path)):
        yield
