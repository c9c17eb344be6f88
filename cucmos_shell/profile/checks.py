"""The checks of a profile: section by section, and the sections against each other."""

from __future__ import annotations

import ipaddress
import re
import string
import zoneinfo

from cucmos_shell.profile import schema
from cucmos_shell.profile.bulk import bulk
from cucmos_shell.profile.default_cas import default_cas
from cucmos_shell.profile.dialogue_forms import dialogues, fips, tls
from cucmos_shell.profile.distribution import database, distribution, network_cluster
from cucmos_shell.profile.listening import listens
from cucmos_shell.profile.machine_form import machine, time_source
from cucmos_shell.profile.phone_lists import trust_lists
from cucmos_shell.profile.profile import (
    PUBLISHER,
    RESERVED_WORDS,
    SUBJECT_ATTRIBUTES,
    TEMPLATE_FIELDS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any

    from cucmos_shell.profile.source import Path, Source

NAME_ATTRIBUTES = (*SUBJECT_ATTRIBUTES, "CN", "DC", "serialNumber", "emailAddress")
RESERVED_NAMES = (
    "cluster",
    "lists",
    "node",
)  # the store keeps trust lists and settings under these
_STORE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_SERVICE_NAME = re.compile(r'[^\s"|](?:[^\s"|]| (?! ))*(?<! )\Z')


class Parts:
    """The sections of one profile, checked one by one and against each other."""

    def __init__(self, source: Source) -> None:
        self.source = source
        data: Mapping[str, Any] = source.data
        one, many = self._one, self._many
        self.policy = one(schema.PolicyForm, data, "policy")
        self.defaults = one(schema.DefaultsForm, data, "defaults")
        self.ethernet = one(schema.EthernetForm, data, "ethernet")
        self.times = one(schema.ServiceTimesForm, data, "service_times")
        self.status = one(schema.StatusForm, data, "status")
        self.units: dict[str, schema.UnitForm] = many(schema.UnitForm, data, "units")
        self.stores: dict[str, schema.TrustStoreForm] = many(
            schema.TrustStoreForm, data, "trust_stores"
        )
        self.services: dict[str, schema.ServiceForm] = many(schema.ServiceForm, data, "services")
        self.platform: dict[str, schema.PlatformServiceForm] = many(
            schema.PlatformServiceForm, data, "platform_services"
        )
        peers = data.get("peers")
        self.peers: list[schema.PeerForm] = [
            peer
            for i, row in enumerate(peers if isinstance(peers, list) else ())
            if (peer := schema.section(schema.PeerForm, source, row, ("peers", i))) is not None
        ]
        self.constraints: dict[str, schema.BasicConstraintsForm] = {}

    def _one(self, kind: type[schema.Section], data: Mapping[str, Any], name: str) -> Any:
        if not isinstance(data.get(name), dict):
            return None  # the section of the whole profile has said so
        return schema.section(kind, self.source, data[name], (name,))

    def _many(self, kind: type[schema.Section], data: Mapping[str, Any], name: str) -> Any:
        return schema.sections(kind, self.source, data.get(name), (name,))

    def _wrong(self, *path: str | int, reason: str) -> None:
        self.source.mistake(path, reason)

    # --- checks --------------------------------------------------------------------------------

    def check(self, profile: schema.ProfileForm) -> None:
        """Note every mistake in the source."""
        self._check_node(profile)
        self._check_status()
        self._check_names()
        for name, unit in self.units.items():
            self._check_unit(name, unit)
        self._check_stores()
        self._check_services()
        self.listens = listens(self.source, profile, self.services)
        self.lists = trust_lists(self.source, profile, self.units)
        self.bulk = bulk(self.source, profile, self.units)
        self.distribution = distribution(self.source, profile, self.lists)
        self.network_cluster = network_cluster(self.source, profile)
        self.database = database(self.source, profile)
        self.dialogues = dialogues(self.source, profile)
        self.fips, self.tls = fips(self.source, profile), tls(self.source, profile)
        self.default_cas = default_cas(self.source, profile)
        self._check_template(
            ("dialogues", "csr_generated"), self.dialogues.csr_generated, ("unit",)
        )
        self.machine = machine(self.source, profile)
        self.ntp = time_source(self.source, profile)
        if self.database is not None:
            self._check_template(("database", "completed"), self.database.completed, ("tables",))
        if profile.expiry_monitor_service not in profile.services:
            self._unknown(("expiry_monitor_service",), profile.expiry_monitor_service, "service")
        if profile.node_trust_store not in profile.trust_stores:
            self._unknown(("node_trust_store",), profile.node_trust_store, "trust store")
        if self.defaults is not None:
            for key in ("restart_advice_regenerated", "restart_advice_imported"):
                self._check_template(("defaults", key), getattr(self.defaults, key), ("unit",))
        self._check_not_simulated(profile.not_simulated)

    def _check_node(self, profile: schema.ProfileForm) -> None:
        if not _LABEL.match(profile.hostname):
            self._wrong("hostname", reason="is no host name (letters, digits and -, up to 63)")
        if profile.domain and not all(map(_LABEL.match, profile.domain.split("."))):
            self._wrong("domain", reason="is no domain name")
        for key in ("ip", "gateway"):
            self._check_address((key,), getattr(profile, key))
        for i, address in enumerate(profile.dns):
            self._check_address(("dns", i), address)
        try:
            ipaddress.IPv4Network(f"0.0.0.0/{profile.netmask}")
        except ValueError:
            self._wrong("netmask", reason=f"is no network mask: {profile.netmask}")
        try:
            zoneinfo.ZoneInfo(profile.timezone)
        except (KeyError, ValueError, OSError):
            self._wrong("timezone", reason=f"is no time zone: {profile.timezone}")
        for name, value in profile.subject.items():
            if name not in SUBJECT_ATTRIBUTES:
                self._unknown(("subject", name), name, "attribute of a subject")
            elif name == "C" and not re.fullmatch(r"[A-Z]{2}", value):
                self._wrong("subject", "C", reason="must be two capital letters")
        for name in SUBJECT_ATTRIBUTES:
            if name not in profile.subject:
                self._wrong("subject", name, reason="is missing")
        self._check_peers(profile)

    def _check_peers(self, profile: schema.ProfileForm) -> None:
        hosts, addresses = {profile.hostname.casefold()}, {profile.ip}
        for i, peer in enumerate(self.peers):
            self._check_address(("peers", i, "ip"), peer.ip)
            if not _LABEL.match(peer.hostname):
                self._wrong("peers", i, "hostname", reason="is no host name")
            if peer.hostname.casefold() in hosts:
                self._wrong("peers", i, "hostname", reason="is the name of another node")
            if peer.ip in addresses:
                self._wrong("peers", i, "ip", reason="is the address of another node")
            hosts.add(peer.hostname.casefold())
            addresses.add(peer.ip)
        roles: list[str] = [profile.role, *(peer.role for peer in self.peers)]
        if roles.count(PUBLISHER) != 1:
            self._wrong("role", reason="a cluster has one Publisher")

    def _check_address(self, path: Path, text: str) -> None:
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            self.source.mistake(path, f"is no IPv4 address: {text}")

    def _check_status(self) -> None:
        if self.status is not None:
            for name, kind in (("cpu", schema.CpuForm), ("memory", schema.MemoryForm)):
                schema.section(kind, self.source, getattr(self.status, name), ("status", name))
            schema.sections(schema.DiskForm, self.source, self.status.disks, ("status", "disks"))

    def _check_names(self) -> None:
        data = self.source.data
        for key in ("units", "trust_stores"):
            for name in data[key]:
                if not _STORE_NAME.match(name) or name in RESERVED_NAMES:
                    self._wrong(key, name, reason="cannot be the name of a unit or trust store")
                self._check_reserved(key, name)
        for name in data["trust_stores"]:
            if name in data["units"]:
                self._wrong("trust_stores", name, reason="is the name of a unit as well")
        for key in ("services", "platform_services"):
            for name in data[key]:
                if not _SERVICE_NAME.match(name):
                    self._wrong(key, name, reason="cannot be typed as the name of a service")
                self._check_reserved(key, name)
        for keys in (("units",), ("trust_stores",), ("platform_services", "services")):
            seen: dict[str, str] = {}
            for key in keys:
                for name in data[key]:
                    if name.casefold() in seen:
                        other = seen[name.casefold()]
                        self._wrong(key, name, reason=f"differs from {other} in case only")
                    seen[name.casefold()] = name

    def _check_reserved(self, key: str, name: str) -> None:
        """Commands take some words where they take names."""
        word = name.casefold().partition(" ")[0]
        if word in RESERVED_WORDS:
            self._wrong(key, name, reason=f"begins with {word}, a word of commands")

    def _check_unit(self, name: str, unit: schema.UnitForm) -> None:
        at = ("units", name)
        attributes = [pair[0] for pair in unit.subject]
        for i, (attribute, template) in enumerate(unit.subject):
            if attribute not in NAME_ATTRIBUTES:
                self._unknown((*at, "subject", i, 0), attribute, "attribute of a subject")
            elif attribute in attributes[:i] and attribute not in ("OU", "DC"):
                self._wrong(*at, "subject", i, reason=f"{attribute} is given twice")
            self._check_template((*at, "subject", i, 1), template, TEMPLATE_FIELDS)
        if "CN" not in attributes:
            self._wrong(*at, "subject", reason="has no CN")
        for i, template in enumerate(unit.alternative_names):
            if not template.startswith(("DNS:", "IP:")):
                self._wrong(*at, "alternative_names", i, reason="must begin with DNS: or IP:")
            self._check_template((*at, "alternative_names", i), template, TEMPLATE_FIELDS)
        for key in ("key_usage", "extended_key_usage", "csr_key_usage", "csr_extended_key_usage"):
            self._check_twice((*at, key), getattr(unit, key))
        self._check_strength(name, unit)
        if unit.basic_constraints is not None:
            path = (*at, "basic_constraints")
            row = schema.section(
                schema.BasicConstraintsForm, self.source, unit.basic_constraints, path
            )
            if row is not None and row.path_length is not None and not row.ca:
                self._wrong(
                    *path, "path_length", reason="is for certificate authorities (ca: true)"
                )
            if row is not None:
                self.constraints[name] = row
        if unit.trust_store not in self.source.data["trust_stores"]:
            known = self.source.data["trust_stores"]
            self._unknown((*at, "trust_store"), unit.trust_store, "trust store", known)
        self._check_references((*at, "services"), unit.services, "services")
        self._check_references((*at, "copies"), unit.copies, "trust_stores")
        if unit.trust_store in unit.copies:
            self._wrong(*at, "copies", reason=f"{unit.trust_store} has one already")
        for i, line in enumerate(unit.advice):
            self._check_template((*at, "advice", i), line, ("unit",))
        if unit.client and (unit.client == name or unit.client not in self.source.data["units"]):
            self._unknown((*at, "client"), unit.client, "other unit", self.source.data["units"])

    def _check_strength(self, name: str, unit: schema.UnitForm) -> None:
        if self.policy is None:
            return
        if unit.hash not in self.policy.hashes:
            self._wrong("units", name, "hash", reason=f"{unit.hash} is not in policy.hashes")
        if unit.key.startswith("rsa"):
            if int(unit.key[3:]) < self.policy.min_rsa_bits:
                self._wrong("units", name, "key", reason="is below policy.min_rsa_bits")
        elif unit.key not in self.policy.curves:
            self._wrong("units", name, "key", reason=f"{unit.key} is not in policy.curves")

    def _check_stores(self) -> None:
        bases: dict[str, str] = {}
        for name, store in self.stores.items():
            if other := bases.get(store.base.casefold()):
                self._wrong("trust_stores", name, "base", reason=f"is the base of {other} as well")
            bases[store.base.casefold()] = name
            self._check_references(("trust_stores", name, "services"), store.services, "services")

    def _check_services(self) -> None:
        for name, service in self.services.items():
            at = ("services", name)
            self._check_references((*at, "needs"), service.needs, "services")
            self._check_references((*at, "units"), service.units, "units")
        for cycle in _cycles({name: row.needs for name, row in self.services.items()}):
            self._wrong(
                "services", cycle[0], "needs", reason="is a circle: " + " needs ".join(cycle)
            )
        for name, row in self.platform.items():
            self._check_twice(("platform_services", name, "controls"), row.controls)

    def _check_references(self, path: Path, names: list[str], section: str) -> None:
        known = self.source.data[section]
        for i, name in enumerate(names):
            if name not in known:
                kind = section.removesuffix("s").replace("_", " ")
                self._unknown((*path, i), name, kind, known)
        self._check_twice(path, names)

    def _check_twice(self, path: Path, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for i, name in enumerate(names):
            if name in seen:
                self.source.mistake((*path, i), f"{name} is named twice")
            seen.add(name)

    def _unknown(self, path: Path, name: str, kind: str, known: Iterable[str] = ()) -> None:
        self.source.mistake(path, f"there is no {kind} {name}{schema.near(name, known)}")

    def _check_template(self, path: Path, template: str, fields: Collection[str]) -> None:
        try:
            parts = list(string.Formatter().parse(template))
        except ValueError as error:
            self.source.mistake(path, f"is no template: {error}")
            return
        for _, field, form, conversion in parts:
            if field is None:
                continue
            if field not in fields or form or conversion:
                self.source.mistake(path, f"is no template: {{{field}}} is none of its fields")

    def _check_not_simulated(self, lines: list[str]) -> None:
        seen: set[str] = set()
        for i, line in enumerate(lines):
            try:
                names = spread(line)
            except ValueError as error:
                self._wrong("not_simulated", i, reason=str(error))
                continue
            for name in names:
                if name in seen:
                    self._wrong("not_simulated", i, reason=f"{name} is named twice")
                seen.add(name)


def _cycles(needs: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Each circle of needs once, as the names along it with the first at both ends."""
    found: list[list[str]] = []
    done: set[str] = set()

    def follow(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
            return
        if name in done:
            return
        for other in needs.get(name, ()):
            follow(other, [*trail, name])
        done.add(name)

    for name in needs:
        follow(name, [])
    return found


def spread(line: str) -> list[str]:
    """`utils ntp {start|status}` as `utils ntp start`, `utils ntp status`; else ValueError."""
    lines = [""]
    for word in line.split():
        choices = [word]
        if word[0] == "{" or word[-1] == "}":
            choices = word[1:-1].split("|")
        if any(not re.fullmatch(r"[A-Za-z0-9_-]+", choice) for choice in choices):
            raise ValueError(f"is no command: {word}")
        if word[0] == "{" and word[-1] != "}":
            raise ValueError(f"is no command: {word}")
        lines = [f"{head} {choice}".strip() for head in lines for choice in choices]
    return [name for name in lines if name]
