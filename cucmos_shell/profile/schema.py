"""The form of a product profile: every section's keys, their types and their limits."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from cucmos_shell.profile.source import Path, Source

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_VERSION = r"^[0-9]+(\.[0-9]+){3}-[0-9]+$"
_NO_VERSION = r"^([0-9]+(\.[0-9]+){3}-[0-9]+)?$"
_FORMS = {
    _NAME: "a name of letters, digits and . _ -",
    _VERSION: "a version such as 9.1.1.10000-8",
    _NO_VERSION: "a version such as 9.1.1.10000-8, or empty",
}
Name = Annotated[str, Meta(pattern=_NAME)]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Names = Annotated[list[Text], Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]
Line = Annotated[str, Meta(min_length=1, max_length=2000)]
Version = Annotated[str, Meta(pattern=_VERSION)]
KeyKind = Literal[
    "rsa1024", "rsa2048", "rsa3072", "rsa4096", "ec256", "ec384", "ec521"
]  # what World.new_key can make
Hash = Literal["sha1", "sha256", "sha384", "sha512"]
KeyUsage = Literal[
    "digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment",
    "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
]  # fmt: skip
Purpose = Literal[
    "serverAuth", "clientAuth", "codeSigning", "emailProtection", "timeStamping",
    "OCSPSigning", "ipsecEndSystem", "ipsecTunnel", "ipsecUser",
]  # fmt: skip
Role = Literal["Publisher", "Subscriber"]


class Section(Struct):
    """Base of all sections; `section` makes them, and refuses keys they do not have."""


class PeerForm(Section):
    """Another node of the cluster, as `show network cluster` knows it."""

    hostname: Text
    ip: Text
    role: Role


class CpuForm(Section):
    """The shares of the processor's time, in percent."""

    idle: Percent
    system: Percent
    user: Percent
    iowait: Percent
    irq: Percent
    soft: Percent


class MemoryForm(Section):
    """The sizes of memory, in KiB."""

    total: Count
    free: Count
    used: Count
    cached: Count
    shared: Count
    buffers: Count


class DiskForm(Section):
    """The sizes of a disk partition, in KiB."""

    total: Count
    free: Count
    used: Count


class StatusForm(Section):
    """What `show status` says of the machine; `load_average` is over 1, 5 and 15 minutes."""

    users: Count
    load_average: Annotated[list[Annotated[float, Meta(ge=0)]], Meta(min_length=3, max_length=3)]
    cpu: dict[str, Any]
    memory: dict[str, Any]
    disks: dict[str, Any]


class EthernetForm(Section):
    """The network interface, as `show network eth0` knows it."""

    dhcp: Literal["enabled", "disabled"]
    status: Literal["up", "down"]
    link: Literal["yes", "no"]
    mode: Text
    duplicate: Literal["yes", "no"]


class PolicyForm(Section):
    """What certificates the node accepts and makes."""

    min_rsa_bits: Annotated[int, Meta(ge=1024, le=4096)]
    curves: list[Literal["ec256", "ec384", "ec521"]]
    hashes: Annotated[list[Hash], Meta(min_length=1)]
    allow_sha1_roots: bool
    allow_v1_roots: bool
    multi_server: bool
    client_auth: Literal["ignore", "advise"] = "ignore"


class DefaultsForm(Section):
    """The settings as delivered, the times of a restart in seconds, and the product's advice."""

    speed: Annotated[float, Meta(ge=0, le=1_000_000)]
    pagination: bool
    session_limit: Annotated[int, Meta(ge=1, le=10)]
    session_timeout_minutes: Annotated[int, Meta(ge=5, le=99_999)]
    account_locking: bool
    account_locking_count: Annotated[int, Meta(ge=2, le=5)]
    account_unlock_seconds: Annotated[int, Meta(ge=30, le=3600)]
    ocsp_mode: Literal["disable", "certificate-uri", "configured-uri"]
    ocsp_unknown: Literal["refuse", "accept"]
    ocsp_deadline_seconds: Annotated[float, Meta(gt=0, le=300)]
    monitor_start_days: Annotated[int, Meta(ge=1, le=3650)]
    monitor_frequency: Annotated[int, Meta(ge=1, le=1000)]
    monitor_frequency_unit: Literal["hours", "days"]
    monitor_email: bool
    shutdown_seconds: Seconds
    boot_seconds: Seconds
    restart_advice_regenerated: Text
    restart_advice_imported: Text


class BasicConstraintsForm(Section):
    """The extension (RFC 5280, 4.2.1.9); without `path_length` there is no limit."""

    ca: bool
    path_length: Annotated[int, Meta(ge=0, le=32)] | None = None


class UnitForm(Section):
    """A certificate unit: what its certificates and requests are like, and who uses them."""

    key: KeyKind
    hash: Hash
    subject: Annotated[
        list[Annotated[list[str], Meta(min_length=2, max_length=2)]], Meta(min_length=1)
    ]
    key_usage: Annotated[list[KeyUsage], Meta(min_length=1)]
    extended_key_usage: list[Purpose]
    csr_key_usage: Annotated[list[KeyUsage], Meta(min_length=1)]
    csr_extended_key_usage: list[Purpose]
    validity_days: Annotated[int, Meta(ge=1, le=36_500)]
    trust_store: Text
    alternative_names: list[Text] = []
    basic_constraints: dict[str, Any] | None = None
    services: list[Text] = []
    multi_server: bool = False
    alarm: str = ""
    warning: Line | Literal[""] = ""
    advice: list[str] = []
    client: str = ""
    copies: list[Text] = []


class TrustStoreForm(Section):
    """A trust store: its word in imports, how it names files, and who uses it."""

    base: Name
    naming: Literal["cn", "cn_serial"] = "cn"
    services: list[Text] = []
    no_serial: list[Text] = []
    publisher_only: bool = False
    limit: Count = 0


class ServiceTimesForm(Section):
    """How long services take that do not say so themselves, in seconds."""

    stop_seconds: Seconds
    start_seconds: Seconds


class ServiceForm(Section):
    """A service of an application; without `started`, all but a `feature` are delivered started."""

    feature: bool = False
    started: bool | None = None
    needs: list[Text] = []
    units: list[Text] = []
    stop_seconds: Seconds | None = None
    start_seconds: Seconds | None = None
    auto_restart: bool = False
    listens: list[Any] = []


class PlatformServiceForm(Section):
    """A service of the platform; `controls` are the service commands it takes."""

    stop_seconds: Seconds | None = None
    start_seconds: Seconds | None = None
    auto_restart: bool = False
    controls: Annotated[list[Literal["start", "stop", "restart"]], Meta(min_length=1)] = (
        msgspec.field(default_factory=lambda: ["start", "stop", "restart"])
    )


class ProfileForm(Section):
    """A whole profile; `Parts` checks the sections in it."""

    format: Literal[1]
    name: Name
    product: Text
    version: Version
    inactive_version: Annotated[str, Meta(pattern=_NO_VERSION)]
    software_options: list[Text]
    os_label: Text
    os_version: Text
    hardware: list[Text]
    hostname: Text
    domain: str
    ip: Text
    netmask: Text
    gateway: Text
    dns: Annotated[list[Text], Meta(max_length=2)]
    ethernet: dict[str, Any]
    timezone: Text
    timezone_name: Text
    timezone_version: Text
    locale: Text
    role: Role
    peers: list[dict[str, Any]]
    subject: dict[str, str]
    status: dict[str, Any]
    policy: dict[str, Any]
    defaults: dict[str, Any]
    units: dict[str, Any]
    trust_stores: dict[str, Any]
    service_times: dict[str, Any]
    platform_services: dict[str, Any]
    services: dict[str, Any]
    expiry_monitor_service: Text
    node_trust_store: Text
    not_simulated: list[Line]
    levels: dict[Line, Literal[1, 4]] = {}
    trust_lists: dict[str, Any] = {}
    bulk: dict[str, Any] = {}
    distribution: dict[str, Any] | None = None
    network_cluster: dict[str, Any] | None = None
    database: dict[str, Any] | None = None
    commands: list[Line] = []
    lacks: list[Line] = []
    dialogues: dict[str, Any] = {}
    fips: dict[str, Any] | None = None
    tls: dict[str, Any] | None = None
    default_cas: dict[str, Any] | None = None
    machine: dict[str, Any] | None = None
    ntp: dict[str, Any] | None = None


# --- checking ----------------------------------------------------------------------------------

_KINDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false",
    "array": "a list", "object": "a map", "null": "nothing",
}  # fmt: skip


def words_of(message: str) -> tuple[str, Path]:
    """A validator's message as `(reason, path below the value)`."""
    reason, _, where = message.partition(" - at `$")
    path: list[str | int] = [
        int(index) if index else name
        for name, index in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", where)
    ]
    reason = re.sub(
        r"`([^`]+)`",
        lambda m: " or ".join(_KINDS.get(k.strip(), k.strip()) for k in m[1].split("|")),
        reason,
    )
    for pattern, form in _FORMS.items():
        reason = reason.replace(f"text matching regex {pattern!r}", form)
    reason = reason.replace("Expected", "must be").replace(", got ", ", not ")
    return re.sub(r"^Invalid enum value ", "cannot be ", reason), tuple(path)


def section(kind: type[Section], source: Source, data: Any, path: Path) -> Any:
    """`data` as a `kind`; None after noting every mistake in it."""
    if not isinstance(data, dict):
        source.mistake(path, f"must be a map, not {_described(data)}")
        return None
    before = len(source.mistakes)
    fields = _fields(kind)
    for name in data:
        if name not in fields:
            source.mistake((*path, name), f"is no key of this section{near(name, fields)}")
    values = {}
    for name, field in fields.items():
        if name not in data:
            if field.required:
                source.mistake((*path, name), "is missing")
            continue
        try:
            values[name] = msgspec.convert(data[name], field.type)
        except msgspec.ValidationError as error:
            reason, below = words_of(str(error))
            source.mistake((*path, name, *below), reason)
    return kind(**values) if len(source.mistakes) == before else None


@functools.cache
def _fields(kind: type[Section]) -> dict[str, msgspec.structs.FieldInfo]:
    # Asked for every unit and service of a profile, where finding out costs as much as the rest.
    return {field.name: field for field in msgspec.structs.fields(kind)}


def sections(kind: type[Section], source: Source, data: Any, path: Path) -> dict[str, Any]:
    """A map of `kind`s by name; the ones with mistakes, which are noted, are left out."""
    if not isinstance(data, dict):
        return {}
    found = {name: section(kind, source, row, (*path, name)) for name, row in data.items()}
    return {name: row for name, row in found.items() if row is not None}


def is_name(text: object) -> bool:
    """Whether `text` may be a name: letters, digits and . _ -."""
    return isinstance(text, str) and re.match(_NAME, text) is not None


def _described(data: Any) -> str:
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(data, kind):
            return _KINDS[name]
    return "a list" if isinstance(data, list) else "nothing"


def near(name: str, names: Iterable[str]) -> str:
    """The one of `names` that may have been meant by `name`, as words in brackets, or nothing."""
    import difflib

    found = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {found[0]}?)" if found else ""
