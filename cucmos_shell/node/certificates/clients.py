"""Units for connections to others (`client`), which may have the certificate of another unit."""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import CertificateRow, Snapshot
    from cucmos_shell.store.transaction import Transaction


def partners(profile: Profile, unit: str) -> list[str]:
    """The client of `unit`, and whose client it is."""
    client = profile.units[unit].client
    return [name for name, spec in profile.units.items() if client == name or spec.client == unit]


def sharing(
    profile: Profile, state: Snapshot | Transaction, unit: str, copy: CertificateRow
) -> list[str]:
    """Those of the partners whose own certificate is the one of `copy`."""
    found = []
    for name in partners(profile, unit):
        with contextlib.suppress(Damaged):
            row = state.own(name).row
            if row is not None and row.sha256 == copy.sha256:
                found.append(name)
    return found
