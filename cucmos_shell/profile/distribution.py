"""The part of a product profile that is about its cluster, and its checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.cluster import (
    LATER,
    DatabaseSpec,
    DistributionSpec,
    NetworkClusterSpec,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.profile.lists import TrustListSpec
    from cucmos_shell.profile.source import Path, Source

COLUMNS = 7  # of `utils dbreplication runtimestate`
_Width = Annotated[int, Meta(ge=1, le=100)]


class Distribution(schema.Section):
    """What reaches the other nodes, and by which service."""

    service: schema.Text
    stores: list[schema.Text]
    copies: dict[str, Any] = {}  # noqa: RUF012
    publisher_only: list[schema.Text] = []  # noqa: RUF012
    reconcile_minutes: Annotated[int, Meta(ge=1, le=1444)] = 30


class NetworkCluster(schema.Section):
    """The screen of `show network cluster`."""

    layout: Literal["columns4", "later"] = "columns4"
    server: str = ""
    publisher_role: schema.Role = "Publisher"
    server_table: bool = False


class DatabaseForm(schema.Section):
    """The database, and the figures of its replication."""

    prefix: schema.Name
    service: schema.Text
    stopped: schema.Text
    tables: Annotated[int, Meta(ge=1)]
    last_table: schema.Name
    completed: schema.Text
    check_seconds: schema.Seconds
    timeout_seconds: schema.Count
    process_option: schema.Count
    ping_milliseconds: Annotated[
        list[Annotated[float, Meta(ge=0)]], Meta(min_length=2, max_length=2)
    ]
    widths: Annotated[list[_Width], Meta(min_length=COLUMNS - 1, max_length=COLUMNS - 1)]
    certificate_services: list[schema.Name] = []  # noqa: RUF012
    subclusters: bool = False


def distribution(
    source: Source, profile: schema.ProfileForm, lists: Mapping[str, TrustListSpec]
) -> DistributionSpec:
    """What is distributed, after noting every mistake in it; nothing without the section."""
    if profile.distribution is None:
        return DistributionSpec()
    at: Path = ("distribution",)
    row = schema.section(Distribution, source, profile.distribution, at)
    if row is None:
        return DistributionSpec()
    _check(source, (*at, "service"), row.service, "service", profile.services)
    _check_all(source, (*at, "stores"), row.stores, "trust store", profile.trust_stores)
    _check_all(source, (*at, "publisher_only"), row.publisher_only, "unit", profile.units)
    for i, unit in enumerate(row.publisher_only):
        for spec in lists.values():
            if unit == spec.local_signer:
                reason = f"{unit} signs {spec.name} where there is no other signer"
                source.mistake((*at, "publisher_only", i), reason)
    copies = {}
    for unit, data in row.copies.items():
        path = (*at, "copies", unit)
        _check(source, path, unit, "unit", profile.units)
        copies[unit] = tuple(_names(source, path, data))
        _check_all(source, path, copies[unit], "trust store", profile.trust_stores)
    return DistributionSpec(
        service=row.service,
        stores=tuple(row.stores),
        copies=copies,
        publisher_only=tuple(row.publisher_only),
        reconcile_minutes=row.reconcile_minutes,
    )


def network_cluster(source: Source, profile: schema.ProfileForm) -> NetworkClusterSpec:
    """The screen, after noting every mistake in it; the layout of 9.1 without the section."""
    row = None
    if profile.network_cluster is not None:
        at: Path = ("network_cluster",)
        row = schema.section(NetworkCluster, source, profile.network_cluster, at)
        if row is not None and row.layout == LATER and not schema.is_name(row.server):
            source.mistake((*at, "server"), "the later layout says what server a node is")
    if row is None:
        return NetworkClusterSpec()
    return NetworkClusterSpec(row.layout, row.server, row.publisher_role, row.server_table)


def database(source: Source, profile: schema.ProfileForm) -> DatabaseSpec | None:
    """The database, after noting every mistake in it; None without the section."""
    if profile.database is None:
        return None
    at: Path = ("database",)
    row = schema.section(DatabaseForm, source, profile.database, at)
    if row is None:
        return None
    _check(source, (*at, "service"), row.service, "service", profile.services)
    values: dict[str, Any] = {name: getattr(row, name) for name in DatabaseSpec._fields}
    for name in ("ping_milliseconds", "widths", "certificate_services"):
        values[name] = tuple(values[name])
    return DatabaseSpec(**values)


def _names(source: Source, path: Path, data: Any) -> list[str]:
    try:
        names: list[str] = msgspec.convert(data, schema.Names)
        return names
    except msgspec.ValidationError as error:
        reason, below = schema.words_of(str(error))
        source.mistake((*path, *below), reason)
        return []


def _check(source: Source, path: Path, name: str, kind: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        source.mistake(path, f"there is no {kind} {name}{schema.near(name, known)}")


def _check_all(
    source: Source, path: Path, names: Iterable[str], kind: str, known: Iterable[str]
) -> None:
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            source.mistake((*path, i), f"{name} is named twice")
        seen.add(name)
        _check(source, (*path, i), name, kind, known)
