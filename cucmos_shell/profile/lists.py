"""What a profile says of lists: those that phones trust, those of the bulk exchange and of CAs."""

from __future__ import annotations

from cucmos_shell.results import Value


class TrustListSpec(Value):
    """A list that phones trust; `title` is what commands call it.

    `records` are pairs of role and unit, in the order of the file. `signer` signs it, and
    `local_signer` after a reset; `recovery` is the unit whose key can be brought back from
    outside, or empty. `service`, if any, makes it anew when it starts. With `mixed_mode` there is
    none before the cluster was in mixed mode, and records with the roles `emptied` lose their
    certificates when it no longer is. Of units `never_together` one has to stay when the other
    changes, or phones are left without a signer they know.
    """

    name: str
    title: str
    digest: str
    signer: str
    local_signer: str
    records: tuple[tuple[str, str], ...]
    service: str = ""
    mixed_mode: bool = False
    emptied: tuple[str, ...] = ()
    recovery: str = ""
    never_together: tuple[tuple[str, str], ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """The units whose certificates are in the list."""
        return tuple(dict.fromkeys(unit for _, unit in self.records))

    def without(self, missing: set[str]) -> TrustListSpec:
        """The list of a node that has not the units `missing`: the second signer signs it there."""
        pairs = (pair for pair in self.never_together if not missing & {*pair})
        kept: TrustListSpec = self.replace(
            records=tuple((role, unit) for role, unit in self.records if unit not in missing),
            signer=self.local_signer if self.signer in missing else self.signer,
            recovery="" if self.recovery in missing else self.recovery,
            never_together=tuple(pairs),
        )
        return kept


class BulkSpec(Value):
    """A word of the bulk exchange: whose certificates it means, which trust stores take them."""

    name: str
    units: tuple[str, ...]
    trust_stores: tuple[str, ...]


class CaGroupSpec(Value):
    """CAs of the product's own list that are trusted in the same stores, for the same purpose.

    `services` must restart when one of them comes or goes. `certificates` is PEM text, or empty.
    """

    name: str
    trust_stores: tuple[str, ...]
    purpose: str
    services: tuple[str, ...] = ()
    certificates: str = ""


class DefaultCaSpec(Value):
    """The product's own list of CAs; `services` must restart when all of them come or go."""

    groups: tuple[CaGroupSpec, ...]
    services: tuple[str, ...] = ()
