"""The part of a product profile that says what trust lists there are, and its checks."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.lists import TrustListSpec
from cucmos_shell.profile.source import Path, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Role = Literal["sast", "ccm", "ccm+tftp", "tftp", "capf", "https", "tvs"]
SIGNS = "sast"
# RSA keys whose size the lists have a number for.
SIGNER_KEYS = ("rsa1024", "rsa2048", "rsa4096")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_Record = Annotated[list[str], Meta(min_length=2, max_length=2)]


class TrustListForm(schema.Section):
    """A list. `records` are pairs of role and unit, in the order of the file."""

    title: schema.Name
    digest: Literal["sha1", "sha512"]
    signer: schema.Text
    local_signer: schema.Text
    records: Annotated[list[_Record], Meta(min_length=1)]
    service: str = ""
    mixed_mode: bool = False
    emptied: list[Role] = []  # noqa: RUF012
    recovery: str = ""
    never_together: list[_Record] = []  # noqa: RUF012


def trust_lists(
    source: Source, profile: schema.ProfileForm, units: Mapping[str, schema.UnitForm]
) -> dict[str, TrustListSpec]:
    """The lists by file name, after noting every mistake in them."""
    rows = schema.sections(TrustListForm, source, profile.trust_lists, ("trust_lists",))
    for name, row in rows.items():
        _check(source, name, row, units, profile.services)
    titles = [row.title.casefold() for row in rows.values()]
    if len(set(titles)) < len(titles):
        source.mistake(("trust_lists",), "two lists have one title")
    return {
        name: TrustListSpec(
            name=name,
            title=row.title,
            digest=row.digest,
            signer=row.signer,
            local_signer=row.local_signer,
            records=_pairs(row.records),
            service=row.service,
            mixed_mode=row.mixed_mode,
            emptied=tuple(row.emptied),
            recovery=row.recovery,
            never_together=_pairs(row.never_together),
        )
        for name, row in rows.items()
    }


def _pairs(rows: Iterable[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in rows)


def _check(
    source: Source,
    name: str,
    row: TrustListForm,
    units: Mapping[str, schema.UnitForm],
    services: Mapping[str, object],
) -> None:
    at: Path = ("trust_lists", name)
    if not _FILE.match(name):
        source.mistake(at, "cannot be the name of a file")
    if row.service and row.service not in services:
        source.mistake((*at, "service"), f"there is no service {row.service}")
    roles = Role.__args__  # type: ignore[attr-defined]
    for i, (role, unit) in enumerate(row.records):
        if role not in roles:
            source.mistake((*at, "records", i, 0), f"there is no role {role}")
        if unit not in units:
            source.mistake((*at, "records", i, 1), f"there is no unit {unit}")
    for i, pair in enumerate(row.never_together):
        for j, unit in enumerate(pair):
            if unit not in units:
                source.mistake((*at, "never_together", i, j), f"there is no unit {unit}")
    able = [unit for role, unit in row.records if role == SIGNS]
    for key, unit in (
        ("signer", row.signer),
        ("local_signer", row.local_signer),
        *([("recovery", row.recovery)] if row.recovery else []),
    ):
        if unit not in able:
            source.mistake((*at, key), f"{unit} has no record with the role {SIGNS}")
        elif unit in units and units[unit].key not in SIGNER_KEYS:
            source.mistake((*at, key), f"the key of {unit} cannot sign: {', '.join(SIGNER_KEYS)}")
