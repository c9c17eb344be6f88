"""The part of a product profile that says which CAs the product knows by itself, and its checks.

The certificates stand in files beside the profile. They become a part of what is kept of it, so a
node needs the files no more.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.lists import CaGroupSpec, DefaultCaSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.profile.source import Path, Source

# Octets of a file. Every command reads what is kept of the profile, these with it.
MAX_FILE = 1 << 17
SECTION = "default_cas"


class CaGroupForm(schema.Section):
    """CAs of one purpose. `file` has their certificates; without one the node has none of them."""

    trust_stores: schema.Names
    purpose: schema.Line
    services: list[schema.Text] = []  # noqa: RUF012
    file: str = ""


class DefaultCasForm(schema.Section):
    """The product's own list of CAs."""

    groups: Annotated[dict[str, Any], Meta(min_length=1)]
    services: list[schema.Text] = []  # noqa: RUF012


def default_cas(source: Source, profile: schema.ProfileForm) -> DefaultCaSpec | None:
    """The list, after noting every mistake in it; None without the section."""
    if profile.default_cas is None:
        return None
    form = schema.section(DefaultCasForm, source, profile.default_cas, (SECTION,))
    if form is None:
        return None
    _known(source, (SECTION, "services"), form.services, profile.services, "service")
    rows = schema.sections(CaGroupForm, source, form.groups, (SECTION, "groups"))
    groups = []
    for name, row in rows.items():
        at: Path = (SECTION, "groups", name)
        _known(source, (*at, "services"), row.services, profile.services, "service")
        stores = row.trust_stores
        _known(source, (*at, "trust_stores"), stores, profile.trust_stores, "trust store")
        text = _text(source, (*at, "file"), row.file) if row.file else ""
        groups.append(CaGroupSpec(name, tuple(stores), row.purpose, tuple(row.services), text))
    return DefaultCaSpec(tuple(groups), tuple(form.services))


def _known(
    source: Source, path: Path, named: Iterable[str], known: Iterable[str], kind: str
) -> None:
    for i, name in enumerate(named):
        if name not in known:
            source.mistake((*path, i), f"there is no {kind} {name}{schema.near(name, known)}")


def _text(source: Source, path: Path, file: str) -> str:
    """The text of the file of that name, beside the profile that names it; empty for a mistake."""
    folder = os.path.dirname(source.place(path)[0])
    try:
        with open(os.path.join(folder, file), encoding="ascii") as stream:
            text = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is not text (certificates as PEM)"
        source.mistake(path, f"{file}: {reason}")
        return ""
    if len(text) > MAX_FILE:
        source.mistake(path, f"{file}: is larger than {MAX_FILE} octets")
        return ""
    return text
