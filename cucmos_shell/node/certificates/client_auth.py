"""Certificates that are for servers only, as public CAs issue them by now.

A unit that connects to others with one is refused by these. It is said before such a certificate
is used, and never refused: whether anything connects so, only its owner knows.
"""

from __future__ import annotations

from cucmos_shell.pki import certs
from cucmos_shell.pki.extensions import PURPOSES
from cucmos_shell.results import Finding
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.pki.description import Description
    from cucmos_shell.profile.profile import Policy, Profile

CLIENT = "clientAuth"
ADVISE = "advise"
_ALLOWS = {PURPOSES[CLIENT].dotted_string, "2.5.29.37.0"}  # RFC 5280, 4.2.1.12: any purpose


def for_servers_only(policy: Policy, description: Description) -> bool:
    """Whether the certificate names purposes without that of clients, and the policy minds."""
    purposes = description.purposes
    return policy.client_auth == ADVISE and bool(purposes) and not _ALLOWS.intersection(purposes)


def importing(profile: Profile, unit: str, chain: Iterable[bytes]) -> Iterator[Finding]:
    """What it breaks that the certificate of `unit` leads through `chain` (DER, from itself)."""
    if CLIENT not in profile.units[unit].csr_extended_key_usage:
        return
    for der in chain:
        description = certs.describe(certs.load_der(der))
        if for_servers_only(profile.policy, description):
            yield _finding(description.common_name, (unit,))
            return


def trusting(profile: Profile, store: str, names: Iterable[str]) -> Iterator[Finding]:
    """What it breaks that CAs of these names, for servers only, sign for the units of `store`."""
    units = tuple(
        unit
        for unit, spec in profile.units.items()
        if spec.trust_store == store and CLIENT in spec.csr_extended_key_usage
    )
    if units:
        for name in names:
            yield _finding(name, units)


def _finding(name: str, units: tuple[str, ...]) -> Finding:
    text = (
        f"{safe(name)} is for servers only (no {CLIENT}). What connects to others with a",
        f"certificate by it is refused there: {', '.join(units)}",
    )
    return Finding("no-client-auth", text, {"common_name": name, "units": units})
