"""A certificate that a CA has signed for a unit: whether it fits, and its way into the store.

`check` decides on a snapshot, without the lock; `stage` puts the result into a transaction after
looking once more that the request is still the one that was answered.
"""

from __future__ import annotations

import contextlib

from cucmos_shell.errors import Damaged, Refused
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.certificates.anchors import anchors
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import Link, decide
from cucmos_shell.pki.der import SEQUENCE, children, element, encode, from_pem
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.results import Value
from cucmos_shell.store import CertificateRow
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cucmos_shell.pki.bundle import Candidate
    from cucmos_shell.pki.description import Description
    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import RequestRow, Snapshot
    from cucmos_shell.store.transaction import Transaction

REQUEST_LABEL = "CERTIFICATE REQUEST"


class Accepted(Value):
    """A certificate that answers the unit's request. `chain` goes from it to its anchor."""

    unit: str
    request: RequestRow
    found: Candidate
    chain: tuple[Link, ...]
    unused: tuple[Candidate, ...]
    notes: tuple[str, ...]


def request_key(der: bytes) -> bytes:
    """SubjectPublicKeyInfo of a PKCS#10 request in DER (RFC 2986, 4.1); ValueError if none."""
    _, start, end = element(der)
    _, start, end = element(der, start, end)
    fields = list(children(der, start, end))
    return encode(SEQUENCE, der[fields[2][1] : fields[2][2]])


def check(
    profile: Profile,
    snapshot: Snapshot,
    unit: str,
    found: Sequence[Candidate],
    *,
    now: float,
    ends_in: bytes = b"",
) -> Accepted:
    """The one of `found` that answers the unit's request, with its chain.

    `ends_in` is the CA certificate (DER) that the chain must lead through. The refusals come in the
    order of the command's documentation; each says what was expected and what was found.
    Raises Refused, PolicyRefused.
    """
    request = _request(snapshot, unit, found)
    leaf = _answering(snapshot, unit, request, found)
    _check_names(leaf.description, request)
    _check_dates(leaf.description, now)
    store = profile.units[unit].trust_store
    verdict = decide(
        leaf.certificate,
        [one.certificate for one in found if one is not leaf],
        anchors(snapshot, store),
        profile.policy,
        now,
        store=store,
        ends_in=ends_in,
    )
    if not verdict.accepted:
        raise verdict.refusal()
    used = {link.der for link in verdict.chain}
    unused = tuple(one for one in found if one.der not in used)
    return Accepted(unit, request, leaf, verdict.chain, unused, verdict.notes)


def _request(snapshot: Snapshot, unit: str, found: Sequence[Candidate]) -> RequestRow:
    """The unit's pending request. Raises Refused where there is none."""
    request = snapshot.own(unit).request
    if request is None:
        raise Refused(
            "CSR does not exist for {unit}",
            unit=unit,
            details=(
                f"Expected: a CSR made by set csr gen {unit}",
                "Found: none",
                *_belongs(snapshot, _likely(found)),
            ),
        )
    return request


def _answering(
    snapshot: Snapshot, unit: str, request: RequestRow, found: Sequence[Candidate]
) -> Candidate:
    """The one of `found` that has the key of the unit's pending `request`. Raises Refused."""
    wanted = _requested_key(snapshot, unit)
    for one in found:
        if Tbs(one.der).key == wanted:
            return one
    likely = _likely(found)
    raise Refused(
        "CSR public key and Certificate public key does not match",
        details=(
            f"Expected: the key of the pending CSR of {unit}: {request.key_type},"
            f" key SHA-256 {_fingerprint(wanted)}",
            f"Found: {likely.description.key.text},"
            f" key SHA-256 {_fingerprint(Tbs(likely.der).key)}"
            f" in {safe(likely.description.common_name) or 'a certificate without a name'}",
            *_belongs(snapshot, likely),
        ),
    )


def _likely(found: Sequence[Candidate]) -> Candidate:
    """The one of `found` that was probably meant to be the unit's."""
    return next((one for one in found if not one.description.ca), found[0])


def _requested_key(snapshot: Snapshot, unit: str) -> bytes:
    return request_key(from_pem(snapshot.request_pem(unit), REQUEST_LABEL))


def _belongs(snapshot: Snapshot, candidate: Candidate) -> Iterator[str]:
    """Whose key the candidate has, a line each: of a pending request, or of an own certificate."""
    key = Tbs(candidate.der).key
    for unit in snapshot.units:
        # What is damaged beside the unit in question is nobody's.
        with contextlib.suppress(Damaged):
            own = snapshot.own(unit)
            if own.request is not None and _requested_key(snapshot, unit) == key:
                yield f"That is the key of the pending CSR of {unit}"
            if own.row is not None and Tbs(snapshot.own_der(unit)).key == key:
                yield f"That is the key of the certificate that {unit} has now"


def _fingerprint(key: bytes) -> str:
    import hashlib

    return hashlib.sha256(key).hexdigest()


def _check_names(description: Description, request: RequestRow) -> None:
    wanted = {name.casefold() for name in request.alternative_names}
    there = {name.casefold() for name in description.alternative_names}
    if wanted and wanted != there:
        raise Refused(
            "CSR SAN and Certificate SAN does not match",
            details=(
                f"Expected: {_listed(request.alternative_names)}",
                f"Found: {_listed(description.alternative_names)}",
            ),
        )


def _listed(names: Iterable[str]) -> str:
    return safe(", ".join(sorted(names))) or "no alternative names"


def _check_dates(description: Description, now: float) -> None:
    expected = f"Expected: a certificate that is valid at {iso_time(now)}"
    if now > description.not_after:
        raise Refused(
            "The certificate has expired",
            details=(expected, f"Found: valid until {iso_time(description.not_after)}"),
        )
    if now < description.not_before:
        raise Refused(
            "The certificate is not yet valid",
            details=(expected, f"Found: valid from {iso_time(description.not_before)}"),
        )


def stage(
    transaction: Transaction,
    profile: Profile,
    accepted: Accepted,
    text: str = "",
    client: str = "",
) -> CertificateRow:
    """Make it the unit's own: key, certificate and chain in one version, and the request is gone.

    `text` is its description in lists; the unit `client` gets the same, if there is one. Returns
    the certificate's row. Raises Refused when the request is no longer the one that was answered.
    """
    unit = accepted.unit
    request = transaction.own(unit).request
    if request is None or request.sha256 != accepted.request.sha256:
        raise Refused(
            "The CSR of {unit} has changed meanwhile; nothing was imported",
            unit=unit,
            details=("Expected: the CSR that this certificate answers", "Found: another, or none"),
        )
    description = accepted.found.description
    signed_by = f"Certificate Signed by {description.issuer_name}"
    credential = issuing.Credential(
        CertificateRow(**certs.row(description, unit, text or signed_by)),
        accepted.found.der,
        transaction.request_key_pem(unit),
        description,
    )
    between = [link.der for link in accepted.chain[1:] if not link.anchor]
    shared = request.multi_server
    issuing.stage(transaction, profile, credential, between, multi_server=shared)
    transaction.drop_request(unit)
    if client:
        issuing.stage(transaction, profile, credential.of(client), between)
        transaction.drop_request(client)
    return credential.row
