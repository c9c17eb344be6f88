"""What lies on disk and how it changes: the certificate store, and the files beside it.

The store is plain files and immutable versions; one rename makes a change true (`store`).
`snapshot` reads by `rows`, `transaction` writes by `draft`, `commit` and `durable`; `view` makes
the links for people, `prune` removes what nobody names, `paths` knows every path. `shared_json` is
a small file that processes share.
"""

from __future__ import annotations

from cucmos_shell.store.rows import Entry, Own, RequestRow, Row, TrustIndex
from cucmos_shell.store.snapshot import Snapshot, Vanished
from cucmos_shell.store.store import Lock, Store, of_state

__all__ = [
    "Entry",
    "Lock",
    "Own",
    "RequestRow",
    "Row",
    "Snapshot",
    "Store",
    "TrustIndex",
    "Vanished",
    "of_state",
]
