"""What kind of node this is: a product profile as plain values.

A profile is written as YAML (`etc/*.yaml`), read and checked once by `load`, and kept
with the node as JSON (`to_json`, `from_json`), so that a command neither parses YAML nor imports a
validator. No unit, trust store or service is named anywhere in the program: they come from here.
"""

from __future__ import annotations

import os

from cucmos_shell.errors import ProfileError
from cucmos_shell.profile.cluster import DatabaseSpec, DistributionSpec, NetworkClusterSpec
from cucmos_shell.profile.dialogues import DialogueSpec, FipsSpec, TlsSpec
from cucmos_shell.profile.lists import BulkSpec, CaGroupSpec, DefaultCaSpec, TrustListSpec
from cucmos_shell.profile.machine import ListenSpec, MachineSpec, TimeSourceSpec
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    T = TypeVar("T", bound=Value)

FORMAT = 1
SUBJECT_ATTRIBUTES = ("C", "ST", "L", "O", "OU")
TEMPLATE_FIELDS = (*SUBJECT_ATTRIBUTES, "hostname", "domain", "fqdn", "ip", "unit", "id")
PUBLISHER = "Publisher"
ALL_BULK = "all"  # every word of the bulk exchange
RESERVED_WORDS = ("delete", "pending")  # no unit, trust store or service begins with one


class Peer(Value):
    """Another node of the cluster, as `show network cluster` knows it."""

    hostname: str
    ip: str
    role: str


class Policy(Value):
    """What certificates the node accepts and makes.

    `client_auth` is `advise` where it warns of certificates that are for servers only.
    """

    min_rsa_bits: int
    curves: tuple[str, ...]
    hashes: tuple[str, ...]
    allow_sha1_roots: bool
    allow_v1_roots: bool
    multi_server: bool
    client_auth: str = "ignore"


class UnitSpec(Value):
    """A certificate unit: one own certificate, its key and its request.

    `subject` holds `(attribute, template)` in the order of the DER encoding; templates are
    `str.format` texts over TEMPLATE_FIELDS. `basic_constraints` is `(ca, path length or None)`,
    None for no such extension. `services` must restart for a new certificate to be used.
    `warning` and `advice` (templates over `unit`) are said of a regeneration in the place of the
    usual sentences. `client` is a unit for connections to others, which may have the same
    certificate. `copies` are trust stores of the node that have a copy beside `trust_store`.
    """

    name: str
    key: str
    hash: str
    subject: tuple[tuple[str, str], ...]
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    csr_key_usage: tuple[str, ...]
    csr_extended_key_usage: tuple[str, ...]
    validity_days: int
    trust_store: str
    alternative_names: tuple[str, ...] = ()
    basic_constraints: tuple[bool, int | None] | None = None
    services: tuple[str, ...] = ()
    multi_server: bool = False
    alarm: str = ""
    warning: str = ""
    advice: tuple[str, ...] = ()
    client: str = ""
    copies: tuple[str, ...] = ()


class TrustStoreSpec(Value):
    """A trust store; `base` is the word imports call it by, `naming` is `cn` or `cn_serial`.

    Common names that begin with one of `no_serial` have none in their file names all the same.
    `services` are the ones to advise about after an upload. With `publisher_only` the publisher
    alone takes uploads and deletions; `limit` is how many certificates there may be, 0 for any.
    """

    name: str
    base: str
    naming: str = "cn"
    services: tuple[str, ...] = ()
    no_serial: tuple[str, ...] = ()
    publisher_only: bool = False
    limit: int = 0


class ServiceSpec(Value):
    """A service: what it loads, what it needs, how long it takes (seconds at speed 1).

    A `feature` service must be activated before it runs; `started` is its state as delivered.
    `units` are those whose own certificates it loads. `auto_restart` says whether
    `utils service auto-restart` knows it. `controls` are the service commands it takes. One that
    `listens` shows at these ports what it has loaded; of a unit that it does not load, the current.
    """

    name: str
    feature: bool = False
    started: bool = True
    needs: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    stop_seconds: float = 2
    start_seconds: float = 4
    auto_restart: bool = False
    platform: bool = False
    controls: tuple[str, ...] = ("start", "stop", "restart")
    listens: tuple[ListenSpec, ...] = ()


class Profile(Value):
    """A whole profile. The keys of `status` and `defaults` are those of the YAML file.

    `commands` begin the commands that it has though not every product does, `lacks` those that it
    has not though most do.
    """

    name: str
    product: str
    version: str
    inactive_version: str
    software_options: tuple[str, ...]
    os_label: str
    os_version: str
    hardware: tuple[str, ...]
    hostname: str
    domain: str
    ip: str
    netmask: str
    gateway: str
    dns: tuple[str, ...]
    ethernet: Mapping[str, str]
    timezone: str
    timezone_name: str
    timezone_version: str
    locale: str
    role: str
    peers: tuple[Peer, ...]
    subject: Mapping[str, str]
    status: Mapping[str, Any]
    policy: Policy
    defaults: Mapping[str, Any]
    units: Mapping[str, UnitSpec]
    trust_stores: Mapping[str, TrustStoreSpec]
    platform_services: tuple[ServiceSpec, ...]
    services: Mapping[str, ServiceSpec]
    expiry_monitor_service: str
    node_trust_store: str
    not_simulated: tuple[str, ...]
    levels: Mapping[str, int] = {}
    trust_lists: Mapping[str, TrustListSpec] = {}
    bulk: Mapping[str, BulkSpec] = {}
    distribution: DistributionSpec = DistributionSpec()
    network_cluster: NetworkClusterSpec = NetworkClusterSpec()
    database: DatabaseSpec | None = None
    commands: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    dialogues: DialogueSpec = DialogueSpec()
    fips: FipsSpec | None = None
    tls: TlsSpec | None = None
    default_cas: DefaultCaSpec | None = None
    machine: MachineSpec = MachineSpec()
    ntp: TimeSourceSpec = TimeSourceSpec()

    @property
    def fqdn(self) -> str:
        """The host name, with the domain where there is one."""
        return f"{self.hostname}.{self.domain}" if self.domain else self.hostname

    @property
    def publisher(self) -> bool:
        """Whether the node is the first one of its cluster."""
        return self.role == PUBLISHER

    def as_it_is_here(self) -> Profile:
        """The profile without the units that only a publisher has, unless the node is one.

        It still says where copies of these go, which come from the publisher.
        """
        missing = set() if self.publisher else set(self.distribution.publisher_only)
        if not missing:
            return self

        def kept(rows: Mapping[str, T]) -> dict[str, T]:
            return {name: row for name, row in rows.items() if name not in missing}

        def of_kept(rows: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: row.replace(units=tuple(unit for unit in row.units if unit not in missing))
                for name, row in rows.items()
            }

        bulk = of_kept(self.bulk)
        here: Profile = self.replace(
            units=kept(self.units),
            services=of_kept(self.services),
            bulk={word: row for word, row in bulk.items() if row.units},
            trust_lists={name: row.without(missing) for name, row in self.trust_lists.items()},
        )
        return here

    def all_services(self) -> dict[str, ServiceSpec]:
        """Every service by name: the platform's first, then the applications'."""
        return {**{spec.name: spec for spec in self.platform_services}, **self.services}

    def multi_server_units(self) -> list[str]:
        """The units that may have a multi-server certificate."""
        allowed = self.policy.multi_server
        return [name for name, spec in self.units.items() if spec.multi_server and allowed]

    def trust_store(self, base: str) -> TrustStoreSpec | None:
        """The trust store that imports call `base`."""
        for spec in self.trust_stores.values():
            if spec.base == base:
                return spec
        return None

    def bulk_words(self) -> dict[str, BulkSpec]:
        """What the bulk exchange knows by which word: the profile's, then the units in none."""
        grouped = {unit for spec in self.bulk.values() for unit in spec.units}
        alone = {
            name: BulkSpec(name, (name,), (spec.trust_store,))
            for name, spec in self.units.items()
            if name not in grouped
        }
        return {**self.bulk, **alone}

    def facts(self, unit: str, serial: int = 0, **other: str) -> dict[str, str]:
        """The values of TEMPLATE_FIELDS; `id` is eight digits of the certificate's serial number.

        `other` overrides them, for a node that was renamed or given another subject.
        """
        known = {
            **self.subject,
            "hostname": self.hostname,
            "domain": self.domain,
            "ip": self.ip,
            "unit": unit,
            "id": f"{serial:08x}"[:8],
            **other,
        }
        known.setdefault(
            "fqdn",
            f"{known['hostname']}.{known['domain']}" if known["domain"] else known["hostname"],
        )
        return known

    def subject_of(self, unit: str, facts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """`(attribute, value)` of the unit's subject in DER order; empty values are left out."""
        filled = [(name, text.format_map(facts)) for name, text in self.units[unit].subject]
        return tuple((name, value) for name, value in filled if value)

    def alternative_names_of(self, unit: str, facts: Mapping[str, str]) -> tuple[str, ...]:
        """The unit's alternative names as `DNS:…` and `IP:…`, each once; empty ones left out."""
        names = [text.format_map(facts) for text in self.units[unit].alternative_names]
        return tuple(dict.fromkeys(n for n in names if n.partition(":")[2]))


def find(name_or_file: str) -> str:
    """The path of a profile: a file as given, else `etc/NAME.yaml` of the program.

    Raises ProfileError with the known names.
    """
    if os.path.isfile(name_or_file):
        return name_or_file
    if os.sep not in name_or_file:
        for folder in folders():
            path = os.path.join(folder, f"{name_or_file}.yaml")
            if os.path.isfile(path):
                return path
    raise ProfileError(
        "there is no profile {name}",
        details=("Profiles: " + ", ".join(names()),),
        name=name_or_file,
    )


def names() -> list[str]:
    """The profiles that come with the program."""
    found: set[str] = set()
    for folder in folders():
        found.update(f[:-5] for f in os.listdir(folder) if f.endswith(".yaml"))
    return sorted(found)


def folders() -> list[str]:
    """Where profiles are: inside an installed package, beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = (os.path.join(package, "etc"), os.path.join(os.path.dirname(package), "etc"))
    return [place for place in places if os.path.isdir(place)]


# --- the kept form -----------------------------------------------------------------------------


def to_json(profile: Profile) -> dict[str, Any]:
    """`profile` as JSON data; fields that have their default value are left out."""
    return {"format": FORMAT, **_plain(profile)}


def from_json(kept: Mapping[str, Any]) -> Profile:
    """The profile that `to_json` described; the data was checked when it was kept."""
    data = dict(kept)
    if data.pop("format", None) != FORMAT:
        raise ProfileError("the node's profile is of a format that this program does not know")
    data["peers"] = tuple([_make(Peer, row) for row in data["peers"]])
    data["policy"] = _make(Policy, data["policy"])
    data["units"] = {name: _unit(row) for name, row in data["units"].items()}
    stores = data["trust_stores"]
    data["trust_stores"] = {name: _make(TrustStoreSpec, row) for name, row in stores.items()}
    lists = data.get("trust_lists", {})
    data["trust_lists"] = {name: _list(row) for name, row in lists.items()}
    data["bulk"] = {name: _make(BulkSpec, row) for name, row in data.get("bulk", {}).items()}
    _make_parts(data)
    data["services"] = {name: _service(row) for name, row in data["services"].items()}
    data["platform_services"] = tuple(map(_service, data["platform_services"]))
    return _make(Profile, data)


_SECTIONS: Mapping[str, type[Value]] = {
    "network_cluster": NetworkClusterSpec, "database": DatabaseSpec, "dialogues": DialogueSpec,
    "fips": FipsSpec, "tls": TlsSpec, "machine": MachineSpec, "ntp": TimeSourceSpec,
    "default_cas": DefaultCaSpec,
}  # fmt: skip


def _make_parts(data: dict[str, Any]) -> None:
    """Sections that a profile kept by an earlier version does not have stay as their defaults."""
    if "distribution" in data:
        made = _make(DistributionSpec, data["distribution"])
        copies = {unit: tuple(stores) for unit, stores in made.copies.items()}
        data["distribution"] = made.replace(copies=copies)
    for name, kind in _SECTIONS.items():
        if name in data:
            data[name] = _make(kind, data[name])
    if "fips" in data:
        units = data["fips"].regenerates.items()
        data["fips"] = data["fips"].replace(regenerates={name: tuple(row) for name, row in units})
    if "default_cas" in data:
        groups = tuple([_make(CaGroupSpec, row) for row in data["default_cas"].groups])
        data["default_cas"] = data["default_cas"].replace(groups=groups)


def _plain(value: Any) -> Any:
    if isinstance(value, Value):
        defaults = value._defaults
        return {
            name: _plain(getattr(value, name))
            for name in value._fields
            if name not in defaults or getattr(value, name) != defaults[name]
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _make(cls: type[T], row: Mapping[str, Any]) -> T:
    # Value.__init__ checks its arguments; here they are known, and a hundred are made per command.
    made = object.__new__(cls)
    state = made.__dict__
    state.update(cls._defaults)
    state.update(row)
    for name, item in row.items():
        if item.__class__ is list:
            state[name] = tuple(item)
    return made


def _service(row: Mapping[str, Any]) -> ServiceSpec:
    ports = tuple([_make(ListenSpec, port) for port in row.get("listens", ())])
    return _make(ServiceSpec, {**row, "listens": ports} if ports else row)


def _list(row: Mapping[str, Any]) -> TrustListSpec:
    pairs = {key: tuple(map(tuple, row.get(key, ()))) for key in ("records", "never_together")}
    return _make(TrustListSpec, {**row, **pairs})


def _unit(row: Mapping[str, Any]) -> UnitSpec:
    return _make(UnitSpec, {**row, "subject": tuple([tuple(pair) for pair in row["subject"]])})
