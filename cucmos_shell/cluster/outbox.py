"""What a command does to trust stores becomes a wish, in the same transaction.

Hangs on the store as what follows every change. What the agent has applied is what it says is held,
so it leaves no wish.
"""

from __future__ import annotations

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.membership import Told
from cucmos_shell.cluster.rules import held, wished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.store.transaction import Transaction


def follow(change: Transaction, stores: Iterable[str], new_id: Callable[[], str]) -> None:
    """Leave a wish for each certificate of `stores` that the change has put in or taken out.

    `new_id` makes the name of an operation, which no other has.
    """
    wishes = None
    for store in stores:
        uploads = change.uploads_changed(store)
        if not uploads:
            continue
        if wishes is None:
            wishes = membership.wishes(change)
        known, rows = membership.known(change, store), wishes.setdefault(store, {})
        for sha256, (present, row) in uploads.items():
            entry, told = known.find(sha256), rows.get(sha256)
            before = told.wish if told else None
            if present != held(entry, before):
                wish = wished(entry, before, present, new_id())
                rows.pop(sha256, None)
                rows[sha256] = Told(wish, row.name, row.description, change.who, change.now)
    if wishes is not None:
        membership.put_wishes(change, wishes)
