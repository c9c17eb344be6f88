"""Who may read which of the node's areas: one table, for commands and for SFTP."""

from __future__ import annotations

import os

from cucmos_shell.node.areas import (
    ACTIVELOG,
    CERTS,
    DOWNLOAD,
    UNFINISHED,
    UPLOAD,
    CertificateArea,
    FolderArea,
    split,
)
from cucmos_shell.node.logs.audit import MAX_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.areas import Area, Path
    from cucmos_shell.store import Store
    from cucmos_shell.store.paths import Layout

# The least level that may read an area, and that may write where files are taken. Of the logs, the
# audit log is not there for who has no `show audit`; other people's uploads may be keys.
READERS = {ACTIVELOG: 0, CERTS: 1, DOWNLOAD: 0, UPLOAD: 1}
AUDIT_READER = WRITER = 1


def areas_for(store: Store, level: int) -> dict[str, Area]:
    """The areas of the node by name, as far as an account of that level may read them."""
    every: dict[str, Area] = {
        ACTIVELOG: FolderArea(store.layout.logs, hidden=_hidden_logs(store.layout, level)),
        CERTS: CertificateArea(store),
        DOWNLOAD: FolderArea(store.layout.download, hidden={(UNFINISHED,)}),
        UPLOAD: FolderArea(store.layout.upload, writable=level >= WRITER),
    }
    return {name: area for name, area in every.items() if level >= READERS[name]}


def _hidden_logs(layout: Layout, level: int) -> frozenset[Path]:
    """The audit log's files, older ones too, unless who asks may see it."""
    if level >= AUDIT_READER:
        return frozenset()
    files = (os.path.relpath(layout.audit_log(age), layout.logs) for age in range(MAX_FILES))
    return frozenset(split(file) for file in files)
