"""The CAs that the product knows by itself, as its profile lists them, and which are trusted."""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import ProfileError, Refused
from cucmos_shell.node.certificates import trust_import
from cucmos_shell.pki import bundle
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.node.certificates.trust_import import Ready
    from cucmos_shell.pki.bundle import Candidate
    from cucmos_shell.profile.lists import CaGroupSpec
    from cucmos_shell.profile.profile import Profile, TrustStoreSpec
    from cucmos_shell.store import CertificateRow, Snapshot
    from cucmos_shell.store.transaction import Transaction

DESCRIPTION = "Trust Certificate"


class DefaultCa(Value):
    """A CA of the list, with the group that says where it belongs."""

    group: CaGroupSpec
    candidate: Candidate

    @property
    def common_name(self) -> str:
        """What it is called by."""
        return self.candidate.description.common_name

    @property
    def sha256(self) -> str:
        """The SHA-256 of its certificate."""
        return self.candidate.description.sha256


def read(profile: Profile) -> list[DefaultCa]:
    """The list of the profile, in its order; none where it names no certificates.

    Raises ProfileError for what is no certificate, and for two of one common name.
    """
    found: list[DefaultCa] = []
    for group in profile.default_cas.groups if profile.default_cas else ():
        try:
            some = bundle.read_paste(group.certificates) if group.certificates else ()
        except Refused as error:
            raise _wrong(profile, group, error.message()) from error
        for one in some:
            ca = DefaultCa(group, one)
            if any(ca.common_name == other.common_name for other in found):
                raise _wrong(profile, group, f"{ca.common_name} is in the list twice")
            found.append(ca)
    return found


def _wrong(profile: Profile, group: CaGroupSpec, reason: str) -> ProfileError:
    return ProfileError(
        "{name}: default_cas.groups.{group}.file: {reason}",
        name=profile.name,
        group=group.name,
        reason=reason,
    )


def ready(profile: Profile, ca: DefaultCa, now: float) -> list[tuple[TrustStoreSpec, Ready]]:
    """The certificate as each of its trust stores is to have it. Raises Refused for a bad one."""
    stores = [profile.trust_stores[name] for name in ca.group.trust_stores]
    return [
        (store, one)
        for store in stores
        for one in trust_import.read(
            (ca.candidate,), store, profile.policy, now=now, text=DESCRIPTION
        )
    ]


def deliver(change: Transaction, profile: Profile, cas: list[DefaultCa]) -> None:
    """Trust all of the list that may be trusted, as the product does when it is installed."""
    for ca in cas:
        with contextlib.suppress(Refused):
            for store, one in ready(profile, ca, change.now):
                trust_import.stage(change, store, (one,))


def trusted(state: Snapshot, ca: DefaultCa) -> Iterator[tuple[str, CertificateRow]]:
    """Trust stores that have the certificate, each with its row; copies of own ones are none."""
    for store in ca.group.trust_stores:
        for row in state.index(store).search(ca.sha256):
            if row.sha256 == ca.sha256 and not row.owner:
                yield store, row
