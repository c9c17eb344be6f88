"""The tables of the node's database that statements may be asked of, filled from the node.

There is no database: each table is made from what the node knows when somebody asks for it. Names
of tables and columns are the product's, and so are the keys between them.
"""

from __future__ import annotations

from cucmos_shell.node.members import GROUP, members
from cucmos_shell.profile.cluster import LATER
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.store.paths import MEMBERSHIP
from cucmos_shell.store.snapshot import sha256_hex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.node.node import Node
    from cucmos_shell.store import CertificateRow, Snapshot

    Cell = str | int | None
    Rows = Iterator[tuple[Cell, ...]]

# The product's row for what holds for all nodes.
EVERYBODY = "EnterpriseWideData"
EVERYBODY_KEY = "00000000-1111-0000-0000-000000000000"
FIRST_NODE = 2
THIS_SERVER, MULTI_SERVER = 1, 2
CERTIFICATES = "certificate"
# The certificate itself and its subject cost reading a file: `query` makes them of the column
# `sha256` where they are asked for.
CERTIFICATE_COLUMNS = (
    "pkid", "subjectname", "issuername", "serialnumber", "certificate", "ipv4address",
    "ipv6address", "timetolive", "servername", "tkcertificatedistribution",
)  # fmt: skip
_COLUMNS = {
    "processnode": (
        "pkid", "name", "description", "isactive", "nodeid", "tknodeusage", "tkprocessnoderole",
        "ipv6name",
    ),
    "processconfig": ("pkid", "paramname", "paramvalue", "fkprocessnode"),
    "typenodeusage": ("enum", "name", "moniker"),
    "typecertificateservice": ("enum", "name", "moniker"),
    "typecertificatedistribution": ("enum", "name", "moniker"),
    "certificateservicecertificatemap": ("pkid", "fkcertificate", "tkcertificateservice"),
    "certificateprocessnodemap": (
        "pkid", "fkcertificate", "fkprocessnode", "servername", "ipv4address",
    ),
    "device": ("pkid", "name", "description", "tkclass", "tkmodel", "tkdeviceprotocol"),
}  # fmt: skip
# Where nodes stand in for each other.
_GROUPS = {
    "enterprisenode": ("id", "name", "subclusterid", "isprimary", "tkhaserverstate"),
    "enterprisesubcluster": ("id", "name", "haenabled"),
}
GROUP_ID, UNKNOWN_STATE = 1, 0


def key(*what: str) -> str:
    """The key of a row, the same whenever it is asked for."""
    text = sha256_hex("\n".join(what).encode())
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))


def database_name(text: str) -> str:
    """A name as the database has it: `L=San Jose, ST=California` without the blanks."""
    return text.replace(", ", ",")


class Tables:
    """The rows of the tables, as the node is now."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._snapshot: Snapshot = node.snapshot()
        self._rows: dict[str, tuple[CertificateRow, str]] = {}
        self._fill: dict[str, Callable[[], Rows]] = {
            "processnode": self._nodes,
            "processconfig": self._settings,
            "enterprisenode": self._group_nodes,
            "enterprisesubcluster": self._groups,
            "typenodeusage": self._usages,
            "typecertificateservice": self._services,
            "typecertificatedistribution": self._distributions,
            "certificateservicecertificatemap": self._uses,
            "certificateprocessnodemap": self._places,
            # Nothing has registered with this node: it has no devices.
            "device": lambda: iter(()),
        }

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of each table but CERTIFICATES."""
        database = self._node.profile.database
        return {**_COLUMNS, **_GROUPS} if database and database.subclusters else _COLUMNS

    def rows(self, table: str) -> Rows:
        """The rows of one of `columns`."""
        return self._fill[table]()

    # --- nodes -----------------------------------------------------------------------------------

    def _members(self) -> Iterator[tuple[int, str, ClusterMember]]:
        """Number and name of each node, and what is known of it."""
        full = self._node.profile.network_cluster.layout == LATER
        for number, one in enumerate(members(self._node), FIRST_NODE):
            yield number, one.fqdn if full else one.hostname, one

    def _nodes(self) -> Rows:
        yield EVERYBODY_KEY, EVERYBODY, None, "f", 1, None, None, None
        for number, name, one in self._members():
            usage = 0 if one.role == PUBLISHER else 1
            yield key("node", one.hostname), name, one.hostname, "t", number, usage, 1, None

    def _group_nodes(self) -> Rows:
        for number, name, one in self._members():
            primary = "t" if one.role == PUBLISHER else "f"
            yield number, name, GROUP_ID, primary, UNKNOWN_STATE

    def _groups(self) -> Rows:
        yield GROUP_ID, GROUP, "f"

    def _settings(self) -> Rows:
        lists = self._node.profile.trust_lists.values()
        mixed = "0"
        if any(spec.mixed_mode for spec in lists):
            from cucmos_shell.node.certificates.trust_lists import MIXED

            mixed = str(int(self._node.lists.mode(self._snapshot) == MIXED))
        name = "StandAloneCluster"
        if self._snapshot.has(MEMBERSHIP):
            from cucmos_shell.cluster import membership

            place = membership.member(self._snapshot)
            name = place.cluster if place is not None else name
        for setting, value in (("ClusterID", name), ("ClusterSecurityMode", mixed)):
            yield key("setting", setting), setting, value, EVERYBODY_KEY

    def _usages(self) -> Rows:
        yield 0, PUBLISHER, "NODE_USAGE_PUBLISHER"
        yield 1, "Subscriber", "NODE_USAGE_SUBSCRIBER"

    # --- certificates ----------------------------------------------------------------------------

    def _kinds(self) -> dict[str, int]:
        """Units and trust stores with their numbers: the product's, others after them."""
        profile, kinds = self._node.profile, list[str]()
        if profile.database is not None:
            kinds += profile.database.certificate_services
        for unit, spec in profile.units.items():
            kinds += (name for name in (unit, spec.trust_store) if name not in kinds)
        kinds += (name for name in profile.trust_stores if name not in kinds)
        return {name: number for number, name in enumerate(kinds, 1)}

    def _services(self) -> Rows:
        for name, number in self._kinds().items():
            yield number, name, f"CERT_SERVICE_{name.upper().replace('-', '_')}"

    def _distributions(self) -> Rows:
        yield THIS_SERVER, "this-server", "this-server"
        yield MULTI_SERVER, "multi-server", "multi-server"

    def _all(self) -> Iterator[tuple[str, CertificateRow, str]]:
        """Each certificate with the unit or trust store it is in, and its key."""
        owns = {}
        for unit in self._snapshot.units:
            row = self._snapshot.own(unit).row
            if row is not None:
                owns[row.sha256] = key("own", self._node.hostname, unit)
                yield unit, row, owns[row.sha256]
        for store in self._snapshot.stores:
            for row in self._snapshot.trust(store):
                yield store, row, owns.get(row.sha256) or key("certificate", row.sha256)

    def certificates(self) -> Rows:
        """What `certificate` is made of: `sha256`, then its columns but the two that are read."""
        profile, seen = self._node.profile, set()
        shared = {u for u in self._snapshot.units if self._snapshot.own(u).multi_server}
        for kind, row, pkid in self._all():
            if row.sha256 not in seen:
                seen.add(row.sha256)
                far = MULTI_SERVER if kind in shared else THIS_SERVER
                yield (
                    row.sha256, pkid, database_name(row.issuer), row.serial.lower(), profile.ip,
                    None, 0, self._server(row), far,
                )  # fmt: skip

    def _server(self, row: CertificateRow) -> str:
        """The host name of the node whose certificate it is; this one's, where nobody else's."""
        place, _, _ = row.owner.rpartition("/")
        if not place:
            return self._node.hostname
        from cucmos_shell.cluster import membership

        known = membership.nodes(self._snapshot)
        return next((one.hostname for one in known if one.id == place), self._node.hostname)

    def _uses(self) -> Rows:
        kinds = self._kinds()
        for kind, _, pkid in self._all():
            yield key("use", pkid, kind), pkid, kinds[kind]

    def _places(self) -> Rows:
        here, ip = key("node", self._node.hostname), self._node.profile.ip
        for sha256, pkid, *_ in self.certificates():
            yield key("place", str(sha256)), pkid, here, self._node.hostname, ip

    # --- what a file may have to be read for -----------------------------------------------------

    def _row(self, sha256: str) -> tuple[CertificateRow, str]:
        """The row of a certificate, and the unit whose own one it is, or nothing."""
        if not self._rows:
            for kind, row, _ in self._all():
                unit = kind if kind in self._snapshot.units else ""
                self._rows.setdefault(row.sha256, (row, unit))
        return self._rows[sha256]

    def pem(self, sha256: str) -> str:
        """A certificate in PEM. Raises Damaged, Unavailable."""
        _, unit = self._row(sha256)
        snapshot = self._snapshot
        pem = snapshot.own_pem(unit) if unit else snapshot.certificate_pem(sha256)
        return pem.decode("ascii").rstrip()

    def subject(self, sha256: str) -> str:
        """The subject of a certificate. Raises Damaged, Unavailable, Refused."""
        row, unit = self._row(sha256)
        if row.subject is None:
            from cucmos_shell.store.described import whole

            row = whole(self._snapshot, row, unit)
        return database_name(row.subject or "")
