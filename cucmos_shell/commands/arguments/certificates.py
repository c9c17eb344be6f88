"""How people name certificates: as the lists print them, in any case, with or without ending."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.near import unknown
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.profile.profile import PUBLISHER, RESERVED_WORDS
from cucmos_shell.results import Value
from cucmos_shell.store import CertificateRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.profile.profile import TrustStoreSpec
    from cucmos_shell.store import Snapshot

EXTENSIONS = (".pem", ".der")


class TrustName(Value):
    """A certificate of a trust store."""

    store: str
    row: CertificateRow

    @property
    def listed(self) -> str:
        """The name that `show cert list trust` prints."""
        return f"{self.store}/{self.row.name}.pem"


class Stored(Value):
    """A certificate of the node as it is listed, and the trust store that it is judged by.

    `unit` is whose own it is, empty for one of a trust store.
    """

    listed: str
    der: bytes
    store: str
    unit: str = ""


def listed_own(unit: str) -> str:
    """The name that `show cert list own` prints."""
    return f"{unit}/{unit}.pem"


def _stem(name: str) -> str:
    for extension in EXTENSIONS:
        if name.lower().endswith(extension):
            return name[: -len(extension)]
    return name


def parse_unit(node: Node, name: str, refusal: str = "{store} has no own certificate") -> str:
    """The unit of that name. Raises NotFound, or Refused for a store without own certificate."""
    for unit in node.profile.units:
        if unit.lower() == name.lower():
            return unit
    not_here(node, name)
    if spec := find_store(node, name):
        raise Refused(refusal, store=spec.name, base=spec.base)
    raise unknown(name, node.profile.units, "a certificate unit")


def not_here(node: Node, name: str) -> None:
    """Raise Refused if only the publisher of the cluster has a unit of that name."""
    profile = node.profile
    for unit in profile.distribution.publisher_only:
        if unit.lower() == name.lower() and unit not in profile.units:
            where = [peer.hostname for peer in profile.peers if peer.role == PUBLISHER]
            raise Refused(
                "{unit} is a certificate of the publisher; this node is a subscriber",
                unit=unit,
                details=tuple(f"Type the command on {host}" for host in where),
            )


def find_store(node: Node, base: str) -> TrustStoreSpec | None:
    """The trust store of that base name in any case, None if there is none."""
    for spec in node.profile.trust_stores.values():
        if spec.base.lower() == base.lower():
            return spec
    return None


def take_changes(node: Node, store: str) -> None:
    """Raise Refused if the trust store changes on the publisher only, and the node is none."""
    if node.profile.trust_stores[store].publisher_only and not node.profile.publisher:
        raise Refused(
            "{store} is changed on the publisher only; this node is a subscriber", store=store
        )


def parse_own(node: Node, name: str) -> str:
    """The unit that `tomcat`, `tomcat.pem` or `tomcat/tomcat.der` means. Raises NotFound."""
    units = {unit.lower(): unit for unit in node.profile.units}
    parts = _stem(name).lower().split("/")
    if len(set(parts)) == 1 and len(parts) <= 2:
        if parts[0] in units:
            return units[parts[0]]
        not_here(node, parts[0])
    known = [listed_own(unit) for unit in units.values()]
    raise unknown(name, [*units.values(), *known], "an own certificate of this node")


def complete_own(node: Node, _: Typed) -> list[Offer]:
    """All own certificates, as `show cert list own` prints them."""
    return [offer.replace(text=listed_own(offer.text)) for offer in complete_unit(node, _)]


def complete_unit(node: Node, _: Typed) -> list[Offer]:
    """All units, each with what its certificate is."""
    snapshot = node.snapshot()
    rows = {unit: snapshot.own(unit).row for unit in node.profile.units}
    return [
        Offer(unit, row.description, until=row.not_after) if row else Offer(unit)
        for unit, row in rows.items()
    ]


def parse_trust(node: Node, name: str) -> TrustName:
    """The certificate that `tomcat-trust/NAME.pem` means, or `NAME` alone where that is clear.

    Raises NotFound.
    """
    found = list(_trust(node, name))
    if len(found) == 1:
        return found[0]
    if found:
        places = tuple(f"\t{one.listed}" for one in found)
        raise NotFound(
            "{name} is in several trust stores", name=name, details=("Name one of:", *places)
        )
    raise unknown(name, listed_trust(node), "a certificate of a trust store")


def _trust(node: Node, name: str) -> Iterator[TrustName]:
    snapshot = node.snapshot()
    store, slash, file = name.rpartition("/")
    for candidate in snapshot.stores:
        if slash and candidate.lower() != store.lower():
            continue
        if row := _in_store(snapshot, candidate, file):
            yield TrustName(candidate, row)


def _in_store(snapshot: Snapshot, store: str, file: str) -> CertificateRow | None:
    # A name may itself end like a file name: what is listed under the whole of it comes first.
    return snapshot.find_trust(store, _stem(file)) or snapshot.find_trust(store, file)


def parse_in_store(node: Node, store: str, file: str) -> TrustName:
    """The certificate of `store` that `FILE` or `STORE/FILE` means. Raises NotFound."""
    folder, slash, name = file.rpartition("/")
    if slash and folder.lower() != store.lower():
        raise NotFound("{file} is not in {store}", file=file, store=store)
    snapshot = node.snapshot()
    row = _in_store(snapshot, store, name)
    if row is None:
        there = [f"{row.name}.pem" for row in snapshot.trust(store)]
        raise unknown(name or file, there, f"a certificate of {store}")
    return TrustName(store, row)


def offer_in_store(store: str, rows: Iterable[CertificateRow], part: str) -> Iterator[Offer]:
    """The certificates `rows` of `store` as FILE, or as STORE/FILE if `part` has the slash."""
    folder = f"{store}/" if "/" in part else ""
    for row in rows:
        yield Offer(f"{folder}{row.name}.pem", row.description, until=row.not_after)


def listed_trust(node: Node) -> list[str]:
    """All trust certificates, as `show cert list trust` prints them."""
    snapshot = node.snapshot()
    return [f"{store}/{row.name}.pem" for store in snapshot.stores for row in snapshot.trust(store)]


def complete_trust(node: Node, typed: Typed) -> list[Offer]:
    """All trust certificates as they are listed; by their bare names if it begins like one."""
    snapshot, begin = node.snapshot(), typed.part.casefold()
    bare = "/" not in begin and not any(s.casefold().startswith(begin) for s in snapshot.stores)
    return [
        Offer(
            f"{row.name}.pem" if bare else f"{store}/{row.name}.pem",
            store if bare else "",
            until=row.not_after,
        )
        for store in snapshot.stores
        for row in snapshot.trust(store)
    ]


def stored(node: Node, name: str, snapshot: Snapshot | None = None) -> Stored:
    """The own or trust certificate of that name, in `snapshot` or as it is. Raises NotFound."""
    snapshot = snapshot or node.snapshot()
    try:
        unit = parse_own(node, name)
    except NotFound:
        found = parse_trust(node, name)
        return Stored(found.listed, snapshot.certificate_der(found.row.sha256), found.store)
    store = node.profile.units[unit].trust_store
    return Stored(listed_own(unit), snapshot.own_der(unit), store, unit)


def complete_any(node: Node, typed: Typed) -> list[Offer]:
    """All own and trust certificates, as the lists print them."""
    return [*complete_own(node, typed), *complete_trust(node, typed)]


UNIT = Argument(
    "unit", "certificate unit",
    choices=lambda node: node.profile.units, absent=not_here, complete=complete_unit,
    reserves=RESERVED_WORDS,
)  # fmt: skip
OWN_NAME = Argument(
    "name", "own certificate, as show cert list own prints it, or its unit",
    parse=parse_own, complete=complete_own, kind="own certificate",
)  # fmt: skip
TRUST_NAME = Argument(
    "name", "trust certificate, as show cert list trust prints it",
    parse=parse_trust, complete=complete_trust, kind="trust certificate",
)  # fmt: skip
