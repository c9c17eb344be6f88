"""How people name trust certificates that may be deleted."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.near import unknown
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.commands.arguments.certificates import TrustName, offer_in_store, parse_in_store
from cucmos_shell.errors import BadValue, IncompleteCommand, Refused
from cucmos_shell.node import impact
from cucmos_shell.text import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot


def _store(node: Node, name: str) -> str:
    """The trust store of that name; an own unit is refused here. Raises NotFound, Refused."""
    known = {store.lower(): store for store in node.profile.trust_stores}
    if name.lower() in known:
        return known[name.lower()]
    for unit, spec in node.profile.units.items():
        if unit.lower() == name.lower():
            raise Refused(
                "{unit} is the node's own certificate and cannot be deleted",
                unit=unit,
                details=(
                    f"Its trust certificates are in {spec.trust_store};"
                    f" set cert regen {unit} makes a new own one.",
                ),
            )
    raise unknown(name, known.values(), "a trust store")


def _parse_store(node: Node, name: str) -> str:
    """The trust store of that name; of STORE/FILE, its store and the file, as they were typed."""
    store, slash, file = name.partition("/")
    return f"{_store(node, store)}{slash}{file}"


def named(node: Node, place: str, file: str) -> TrustName:
    """The certificate that STORE and FILE mean, or `place` alone, which is STORE/FILE.

    Raises NotFound, BadValue, IncompleteCommand.
    """
    store, slash, _ = place.partition("/")
    if slash and file:
        raise BadValue("{file}: {place} names a file already", file=file, place=place)
    if not (slash or file):
        names = listing([offer.text for offer in _may_go(node, store)])
        nothing = [f"\tNo certificate of {store} may be deleted"]
        raise IncompleteCommand("Incomplete command entered", details=names or nothing)
    return parse_in_store(node, store, file or place)


def _stores(node: Node, typed: Typed) -> Iterable[str | Offer]:
    """The trust stores; behind the slash of one, what may be deleted there, with its name."""
    store, slash, _ = typed.part.partition("/")
    if not slash:
        return node.profile.trust_stores
    return _may_go(node, _store(node, store), typed.part)


def _files(node: Node, typed: Typed) -> Iterable[Offer]:
    """What of the store may be deleted; nothing where the file was named along with it."""
    store = typed.bound["store"]
    return () if "/" in store else _may_go(node, store, typed.part)


def _may_go(node: Node, store: str, part: str = "") -> Iterable[Offer]:
    """The certificates of `store` that may be deleted, as `offer_in_store` has them."""
    snapshot = node.snapshot()
    own = {row.sha256 for unit in snapshot.units if (row := snapshot.own(unit).row)}
    rows = (
        row
        for row in snapshot.trust(store)
        if row.sha256 not in own or not _kept(node, snapshot, TrustName(store, row))
    )
    return offer_in_store(store, rows, part)


def _kept(node: Node, snapshot: Snapshot, name: TrustName) -> bool:
    try:
        impact.copied(node, snapshot, name.store, name.row)
    except Refused:
        return True
    return False


STORE = Argument(
    "store", "trust store, or STORE/FILE as it is listed",
    parse=_parse_store, complete=_stores, kind="trust store",
)  # fmt: skip
FILE = Argument(
    "file", "trust certificate of that store",
    complete=_files, kind="certificate that may be deleted",
)  # fmt: skip
