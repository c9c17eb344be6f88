"""Certificates on their way into a trust store: one, or a list of ten thousand.

`read` turns what was uploaded into rows, one certificate at a time, so that a list costs little
memory; `stage` puts them into a transaction by the store's rules: one certificate for each common
name, the one that begins later stays.
"""

from __future__ import annotations

from cucmos_shell.errors import PolicyRefused, Refused
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.certificates.client_auth import for_servers_only
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.rules import CURVES
from cucmos_shell.results import SHA256, TEXT, Value, each, one_of, record
from cucmos_shell.store import CertificateRow
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.pki.bundle import Candidate
    from cucmos_shell.pki.description import Description, KeyDescription
    from cucmos_shell.profile.profile import Policy, TrustStoreSpec
    from cucmos_shell.store.transaction import Transaction

IMPORTED, REPLACED, PRESENT, KEPT = "imported", "replaced", "present", "kept"
CHANGES = (IMPORTED, REPLACED)


class Ready(Value):
    """A certificate that may be trusted, as it is to be stored.

    `for_servers`: one of a CA that is for servers only, where the policy minds.
    """

    row: CertificateRow
    der: bytes
    place: str
    notes: tuple[str, ...]
    for_servers: bool = False


class Outcome(Value):
    """What became of one certificate. `name` is its file name in the store, without extension.

    `outcome`: IMPORTED; REPLACED an older one of its common name; PRESENT before; or KEPT out by
    one of its common name that begins later, which `name` is.
    """

    form = record(
        name=TEXT,
        common_name=TEXT,
        sha256=SHA256,
        outcome=one_of(IMPORTED, REPLACED, PRESENT, KEPT),
        notes=each(TEXT),
    )

    name: str
    common_name: str
    sha256: str
    outcome: str
    notes: tuple[str, ...] = ()

    def data_in(self, store: str) -> dict[str, object]:
        """The JSON form of what became of a certificate for `store`."""
        return {**self.__dict__, "name": f"{store}/{self.name}.pem"}


def read(
    found: Iterable[Candidate], spec: TrustStoreSpec, policy: Policy, *, now: float, text: str
) -> Iterator[Ready]:
    """What of `found` is to be stored, with `text` as its description in lists.

    Raises Refused for an expired certificate and PolicyRefused for a root that the profile does not
    allow: of a list all are taken, or none.
    """
    for one in found:
        description = one.description
        if now > description.not_after:
            raise Refused(
                "{place}: the certificate of {name} has expired",
                place=one.place,
                name=description.common_name,
                details=(
                    f"Expected: a certificate that is valid at {iso_time(now)}",
                    f"Found: valid until {iso_time(description.not_after)}",
                ),
            )
        notes = tuple(_notes(description, policy, one.place, now))
        row = CertificateRow(**certs.row(description, issuing.file_name(spec, description), text))
        servers = bool(description.ca) and for_servers_only(policy, description)
        yield Ready(row, one.der, one.place, notes, servers)


def _notes(description: Description, policy: Policy, place: str, now: float) -> Iterator[str]:
    """What is remarkable, but no reason to refuse. Raises PolicyRefused for what is one."""
    if description.self_issued and description.version == 1:
        _allow(policy.allow_v1_roots, place, "an X.509 version 1 root")
        yield "an X.509 version 1 root"
    elif not description.ca:
        yield "not a CA certificate (CA:TRUE is missing)"
    if description.self_issued and description.signature_hash == "sha1":
        _allow(policy.allow_sha1_roots, place, "a root signed with SHA-1")
        yield "a root signed with SHA-1"
    elif description.signature_hash not in policy.hashes:
        yield f"its signature ({description.signature_name}) is too weak for a chain"
    if _weak(description.key, policy):
        yield f"its key ({description.key.text}) is too weak for a chain"
    if now < description.not_before:
        yield f"not valid before {iso_time(description.not_before)}"


def _weak(key: KeyDescription, policy: Policy) -> bool:
    """Whether the policy refuses chains through a certificate with that key."""
    if key.kind == "RSA":
        return key.size < policy.min_rsa_bits or key.size % 8 != 0
    return CURVES.get(key.curve) not in policy.curves


def _allow(allowed: bool, place: str, what: str) -> None:
    if not allowed:
        raise PolicyRefused(
            "{place} is {what}, which the policy does not allow", place=place, what=what
        )


def stage(transaction: Transaction, spec: TrustStoreSpec, ready: Iterable[Ready]) -> list[Outcome]:
    """Put the certificates into the trust store; what became of each, in their order.

    Raises Refused for more than the store takes.
    """
    outcomes = [_stage(transaction, spec, one) for one in ready]
    if spec.limit and len(transaction.trust(spec.name)) > spec.limit:
        raise Refused(
            "{store} takes {limit} certificates", store=spec.name, limit=spec.limit,
            details=("Delete one first: set cert delete",),
        )  # fmt: skip
    return outcomes


def _stage(transaction: Transaction, spec: TrustStoreSpec, one: Ready) -> Outcome:
    row, store = one.row, spec.name
    same = transaction.named(store, row.common_name)
    if spec.naming == "cn_serial":
        # Where names have serials, two of one common name may stand; two of one subject may not.
        same = [other for other in same if other.subject_hash == row.subject_hash]
    for other in same:
        if other.sha256 == row.sha256:
            return Outcome(other.name, row.common_name, row.sha256, PRESENT, one.notes)
    # Copies of own certificates belong to their units and stand beside the rule.
    rivals = [other for other in same if not other.owner]
    for rival in rivals:
        if rival.not_before > row.not_before:
            return Outcome(rival.name, row.common_name, row.sha256, KEPT, one.notes)
    for rival in rivals:
        transaction.remove_trust(store, rival.name)
    row = row._replace(name=transaction.free_name(store, row.name))
    transaction.put_trust(store, row, one.der)
    return Outcome(
        row.name, row.common_name, row.sha256, REPLACED if rivals else IMPORTED, one.notes
    )
