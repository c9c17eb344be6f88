"""What lies on disk and how it changes: the certificate store, and the files beside it.

The store is plain files and immutable versions; one rename makes a change true (`store`).
`snapshot` reads by `rows`, `transaction` writes by `draft`, `commit` and `durable`; `described`
keeps what certificates say beside them, `view` makes the links for people, `prune` removes what
nobody names. For the rest of a state folder, `paths` knows every path, `locks` every lock,
`shared_json` and `state_json` the small files, `logfile` the logs that processes share.
"""

from __future__ import annotations

from cucmos_shell.store.locks import Lock
from cucmos_shell.store.rows import CertificateRow, HistoryEntry, Own, RequestRow, TrustIndex
from cucmos_shell.store.snapshot import Snapshot, SnapshotExpired
from cucmos_shell.store.store import Store, per_state

__all__ = [
    "CertificateRow",
    "HistoryEntry",
    "Lock",
    "Own",
    "RequestRow",
    "Snapshot",
    "SnapshotExpired",
    "Store",
    "TrustIndex",
    "per_state",
]
