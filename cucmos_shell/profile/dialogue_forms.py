"""The forms of what a profile says where releases differ: `dialogues`, `fips` and `tls`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from cucmos_shell.profile import schema
from cucmos_shell.profile.dialogues import DialogueSpec, FipsSpec, TlsSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.profile.source import Source

_DEFAULT = DialogueSpec()
Manner = Literal["early", "later"]


class Dialogues(schema.Section):
    """What is asked and printed; what is left out is as in release 9.1."""

    csr_asks_ou: bool = _DEFAULT.csr_asks_ou
    csr_generated: schema.Text = _DEFAULT.csr_generated
    multi_server_paste: bool = _DEFAULT.multi_server_paste
    itl_reset: Manner = "early"
    power: Manner = "early"


def dialogues(source: Source, profile: schema.ProfileForm) -> DialogueSpec:
    """What is said, after noting every mistake in it."""
    row = schema.section(Dialogues, source, profile.dialogues, ("dialogues",))
    if row is None:
        return _DEFAULT
    return DialogueSpec(**{name: getattr(row, name) for name in DialogueSpec._fields})


class Fips(schema.Section):
    """What FIPS mode regenerates, and what is said of its self-test."""

    regenerates: dict[schema.Text, list[schema.Text]]
    runlevel: schema.Text
    tests: schema.Names


class Tls(schema.Section):
    """The versions of TLS of which one is the least."""

    versions: Annotated[list[Literal["1.0", "1.1", "1.2", "1.3"]], Meta(min_length=1)]
    reboots: bool = False
    client_auth: list[schema.Line] = []  # noqa: RUF012


def fips(source: Source, profile: schema.ProfileForm) -> FipsSpec | None:
    """FIPS mode, after noting every mistake in it; None without the section."""
    if profile.fips is None:
        return None
    row = schema.section(Fips, source, profile.fips, ("fips",))
    if row is None:
        return None
    for label, units in row.regenerates.items():
        for i, unit in enumerate(units):
            if unit not in profile.units:
                hint = schema.near(unit, profile.units)
                path = ("fips", "regenerates", label, i)
                source.mistake(path, f"there is no unit {unit}{hint}")
    listed = {label: tuple(units) for label, units in row.regenerates.items()}
    return FipsSpec(listed, row.runlevel, tuple(row.tests))


def tls(source: Source, profile: schema.ProfileForm) -> TlsSpec | None:
    """The versions of TLS, after noting every mistake in them; None without the section."""
    if profile.tls is None:
        return None
    row = schema.section(Tls, source, profile.tls, ("tls",))
    return row and TlsSpec(tuple(row.versions), row.reboots, tuple(row.client_auth))
