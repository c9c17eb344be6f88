"""The ports that a profile lets its services listen at for TLS, and their checks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.machine import ListenSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cucmos_shell.profile.source import Source


class ListenForm(schema.Section):
    """A port of a service."""

    port: Annotated[int, Meta(ge=1, le=65_535)]
    unit: schema.Text
    speaks: Literal["https", "tls", "starttls-xmpp", "starttls-xmpp-server"] = "tls"


def listens(
    source: Source, profile: schema.ProfileForm, services: Mapping[str, schema.ServiceForm]
) -> dict[str, tuple[ListenSpec, ...]]:
    """The ports of each service that has any, after noting every mistake in them."""
    taken: dict[int, str] = {}
    found: dict[str, tuple[ListenSpec, ...]] = {}
    for name, service in services.items():
        at = ("services", name, "listens")
        rows = []
        for i, data in enumerate(service.listens):
            row = schema.section(ListenForm, source, data, (*at, i))
            if row is None:
                continue
            if row.unit not in profile.units:
                reason = f"there is no unit {row.unit}{schema.near(row.unit, profile.units)}"
                source.mistake((*at, i, "unit"), reason)
            if other := taken.get(row.port):
                source.mistake((*at, i, "port"), f"{row.port} is the port of {other} already")
            taken[row.port] = name
            rows.append(ListenSpec(row.port, row.unit, row.speaks))
        if rows:
            found[name] = tuple(rows)
    return found
