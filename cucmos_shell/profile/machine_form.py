"""The sections of a profile about the machine and its time, and their checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.machine import PORTS, MachineSpec, TimeSourceSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.profile.source import Source


_PORT = r"^[a-z0-9]+ (tcp|udp) [0-9]{1,5} (public|translated|clustered|private) (-|[0-9]{1,5}) \S"


class MachineForm(schema.Section):
    """The machine under the node."""

    platform: schema.Text = MachineSpec.platform
    object_id: schema.Text = MachineSpec.object_id
    bios: schema.Text = MachineSpec.bios
    serial: str = MachineSpec.serial
    backup_service: str = MachineSpec.backup_service
    service_group: str = MachineSpec.service_group
    processes: dict[schema.Text, schema.Name] = {}  # noqa: RUF012
    ports: list[Annotated[schema.Text, Meta(pattern=_PORT)]] | None = None


class TimeSourceForm(schema.Section):
    """Where the node has its time from."""

    daemon: Literal["ntpd", "chronyd"] = "ntpd"
    service: str = ""
    servers: list[schema.Text] = []  # noqa: RUF012
    stratum: Annotated[int, Meta(ge=1, le=14)] = 2


def machine(source: Source, profile: schema.ProfileForm) -> MachineSpec:
    """The machine, after noting every mistake in it; a usual one without the section."""
    row = schema.section(MachineForm, source, profile.machine or {}, ("machine",))
    if row is None:
        return MachineSpec()
    # Processes may be named for services that the product does not have: it may stand on a base.
    known, service = profile.services, row.backup_service
    if service and service not in known:
        reason = f"there is no service {service}{schema.near(service, known)}"
        source.mistake(("machine", "backup_service"), reason)
    ports = PORTS if row.ports is None else tuple(row.ports)
    fields = {name: getattr(row, name) for name in MachineSpec._fields}
    return MachineSpec(**{**fields, "processes": dict(row.processes), "ports": ports})


def time_source(source: Source, profile: schema.ProfileForm) -> TimeSourceSpec:
    """The source of time, after noting every mistake in it; a usual one without the section."""
    row: Any = schema.section(TimeSourceForm, source, profile.ntp or {}, ("ntp",))
    if row is None:
        return TimeSourceSpec()
    known = profile.platform_services
    if row.service and row.service not in known:
        reason = f"there is no platform service {row.service}{schema.near(row.service, known)}"
        source.mistake(("ntp", "service"), reason)
    return TimeSourceSpec(row.daemon, row.service, tuple(row.servers), row.stratum)
