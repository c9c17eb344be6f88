"""Reads a product profile from YAML and checks all of it, before a node is made from it.

Every mistake is named with file, line and key; all of a file's mistakes are told at once.
"""

from __future__ import annotations

from cucmos_shell.profile import schema
from cucmos_shell.profile.base import read_all
from cucmos_shell.profile.checks import Parts, spread
from cucmos_shell.profile.profile import (
    Peer,
    Policy,
    Profile,
    ServiceSpec,
    TrustStoreSpec,
    UnitSpec,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load_yaml(path: str) -> Profile:
    """The profile in the file `path`. Raises ProfileError, which names every mistake in it."""
    source = read_all(path)
    form = schema.section(schema.ProfileForm, source, source.data, ())
    parts = Parts(source)
    profile = None
    if form is not None:
        parts.check(form)
        if not source.mistakes:
            profile = _profile(parts, form)
    source.verdict()
    assert profile is not None
    return profile


def _profile(parts: Parts, form: schema.ProfileForm) -> Profile:
    """The profile as the program uses it; nothing in it is wrong."""
    loads = _loads(parts, form)
    plain: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value
        for field in Profile._fields
        if (value := getattr(form, field, None)) is not None
    }
    plain.update(
        peers=tuple(Peer(p.hostname, p.ip, p.role) for p in parts.peers),
        policy=_value(Policy, parts.policy),
        units={name: _unit(parts, name, row) for name, row in parts.units.items()},
        trust_stores={
            name: _value(TrustStoreSpec, row, name=name) for name, row in parts.stores.items()
        },
        services={
            name: _service(parts, name, row, units=tuple(loads[name]))
            for name, row in parts.services.items()
        },
        platform_services=tuple(
            _service(parts, name, row, platform=True) for name, row in parts.platform.items()
        ),
        trust_lists=parts.lists,
        bulk=parts.bulk,
        distribution=parts.distribution,
        network_cluster=parts.network_cluster,
        database=parts.database,
        dialogues=parts.dialogues,
        fips=parts.fips,
        tls=parts.tls,
        default_cas=parts.default_cas,
        machine=parts.machine,
        ntp=parts.ntp,
        not_simulated=tuple(name for line in form.not_simulated for name in spread(line)),
    )
    return Profile(**plain)


def _loads(parts: Parts, form: schema.ProfileForm) -> dict[str, list[str]]:
    """The units that each service loads."""
    loads: dict[str, list[str]] = {name: [] for name in form.services}
    for name, unit in parts.units.items():
        for service in unit.services:
            loads[service].append(name)
    for service, row in parts.services.items():
        loads[service] += [unit for unit in row.units if unit not in loads[service]]
    return loads


def _unit(parts: Parts, name: str, row: schema.UnitForm) -> UnitSpec:
    constraints = parts.constraints.get(name)
    unit: UnitSpec = _value(
        UnitSpec, row,
        name=name,
        subject=tuple((attribute, template) for attribute, template in row.subject),
        basic_constraints=constraints and (constraints.ca, constraints.path_length),
        multi_server=row.multi_server and parts.policy.multi_server,
    )  # fmt: skip
    return unit


def _service(
    parts: Parts, name: str, row: schema.ServiceForm | schema.PlatformServiceForm, **known: Any
) -> ServiceSpec:
    for key in ("stop_seconds", "start_seconds"):
        seconds = getattr(row, key)
        known[key] = getattr(parts.times, key) if seconds is None else seconds
    started = getattr(row, "started", True)
    known["started"] = not getattr(row, "feature", False) if started is None else started
    known["listens"] = parts.listens.get(name, ())
    service: ServiceSpec = _value(ServiceSpec, row, name=name, **known)
    return service


def _value(kind: Any, row: Any, **known: Any) -> Any:
    """A `kind` from the fields that `row` has as well, lists as tuples, and from `known`."""
    for field in kind._fields:
        if field not in known and hasattr(row, field):
            value = getattr(row, field)
            known[field] = tuple(value) if isinstance(value, list) else value
    return kind(**known)
