"""What members vouch for of the log, so that a node that joins takes no old value for a new one.

To a node that knows nothing, what a stranger has kept and written once more is as good as new: only
a revision tells them apart, and nobody signs that. So a report of a member has a digest of each
area: of the certificates of a trust store that are present, and of the rest, always with their
revisions, and marks of the values: a value may be put in the place of another of the same revision.
No revision comes twice, so a digest that fits fits only what was there when a member said so. What
a stranger has overwritten the members tell anew, and vouch for that.
"""

from __future__ import annotations

import json

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.known import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.cluster.membership import NodeRecord
    from cucmos_shell.cluster.view import View
    from cucmos_shell.store.transaction import Reader

# The area of all that is in no trust store.
REST = "cluster"


def digests(reader: Reader, stores: Iterable[str]) -> dict[str, str]:
    """The digest of each area as a node knows it."""
    found = {store: _of_store(membership.known(reader, store)) for store in stores}
    return {**found, REST: _of_rest(membership.seen(reader), membership.nodes(reader))}


def unvouched(view: View, stores: Iterable[str], node: str) -> list[str]:
    """The areas of a full view that no member but `node` vouches for."""
    others = [one.id for one in view.nodes.values() if not one.removed and one.id != node]
    said = [view.reports[one].knows for one in others if one in view.reports]
    # That has the record of the node itself: no report from before it joined fits.
    rest = _of_rest(view.seen, view.nodes.values())
    said = [one for one in said if one.get(REST) == rest]
    lacking = []
    for store in stores:
        entries = {h: line.entry for (s, h), line in view.lines.items() if s == store}
        here = Known(Known().changed(entries))
        if here.present() and _of_store(here) not in [one.get(store) for one in said]:
            lacking.append(store)
    return lacking if said else [*lacking, REST]


def _of_store(known: Known) -> str:
    return _digest(known.those_present())


def _of_rest(seen: Mapping[str, tuple[int, str]], nodes: Iterable[NodeRecord]) -> str:
    # Nobody reads the copies of a node that was removed, nor tells them anew.
    gone = tuple(f"copies/{one.id}/" for one in nodes if one.removed)
    rows = [row for row in seen.items() if not row[0].startswith(gone)]
    return _digest(json.dumps(sorted(rows)).encode("ascii"))


def _digest(octets: bytes) -> str:
    import hashlib

    return hashlib.sha256(octets).hexdigest()
