"""What `set cert bulk` calls certificates: a part of a product profile, and its checks."""

from __future__ import annotations

from cucmos_shell.profile import schema
from cucmos_shell.profile.lists import BulkSpec
from cucmos_shell.profile.profile import ALL_BULK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.profile.source import Path, Source


class Bulk(schema.Section):
    """A word: the units whose certificates it means, and the trust stores that take them."""

    units: schema.Names
    trust_stores: list[schema.Text] = []  # noqa: RUF012


def bulk(
    source: Source, profile: schema.ProfileForm, units: Mapping[str, schema.UnitForm]
) -> dict[str, BulkSpec]:
    """The words in their order, after noting every mistake in them."""
    rows = schema.sections(Bulk, source, profile.bulk, ("bulk",))
    taken: dict[str, str] = {}
    for name, row in rows.items():
        at: Path = ("bulk", name)
        for i, unit in enumerate(row.units):
            if unit not in profile.units:
                source.mistake((*at, "units", i), f"there is no unit {unit}")
            elif unit in taken:
                source.mistake((*at, "units", i), f"{unit} is in {taken[unit]} already")
            taken[unit] = name
        for i, store in enumerate(row.trust_stores):
            if store not in profile.trust_stores:
                source.mistake((*at, "trust_stores", i), f"there is no trust store {store}")
    _check_names(source, rows, [unit for unit in profile.units if unit not in taken])
    return {
        name: BulkSpec(
            name=name,
            units=tuple(row.units),
            trust_stores=tuple(row.trust_stores)
            or tuple(dict.fromkeys(units[unit].trust_store for unit in row.units if unit in units)),
        )
        for name, row in rows.items()
    }


def _check_names(source: Source, rows: Iterable[str], units: Iterable[str]) -> None:
    """A word is part of a file name, and must not be taken for another one."""
    known = {unit.casefold() for unit in units} | {ALL_BULK}
    for name in rows:
        if not schema.is_name(name):
            source.mistake(("bulk", name), "cannot be a word of set cert bulk")
            continue
        if name.casefold() in known:
            source.mistake(("bulk", name), "is another word of set cert bulk as well")
        known.add(name.casefold())
