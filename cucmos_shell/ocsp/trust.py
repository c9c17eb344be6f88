"""Certificates of the store, by what an answer or another certificate says about them."""

from __future__ import annotations

import hashlib
import itertools

from cryptography.exceptions import InvalidSignature

from cucmos_shell import certs
from cucmos_shell.der import element
from cucmos_shell.errors import Refused
from cucmos_shell.ocsp.verify import key_bits
from cucmos_shell.outline import Outline, name_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cryptography import x509

    from cucmos_shell.store import Snapshot

ISSUERS_TRIED = 16


class TrustStore:
    """The certificates of a trust store that were put there by somebody.

    Copies of the node's own certificates say nothing about anybody else's.
    """

    def __init__(self, snapshot: Snapshot, store: str) -> None:
        self._snapshot = snapshot
        self._store = store

    def by_name(self, name: x509.Name) -> Iterator[x509.Certificate]:
        """Those with that subject."""
        der = name.public_bytes()
        _, start, end = element(der)
        for found in with_subject(self._snapshot, (self._store,), der[start:end]):
            if found.subject == name:
                yield found

    def by_key(self, key_hash: bytes) -> Iterator[x509.Certificate]:
        """Those whose key has that SHA-1; the index does not know keys, so all are read."""
        for row in self._snapshot.trust(self._store):
            if row.owner:
                continue
            try:
                found = certs.load_der(self._snapshot.certificate_der(row.sha256))
                with certs.guarded():
                    bits = key_bits(found)
            except Refused:
                continue
            if hashlib.sha1(bits, usedforsecurity=False).digest() == key_hash:
                yield found

    def holds(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate is one of them; decodes none."""
        sha256 = hashlib.sha256(certs.to_der(certificate)).hexdigest()
        rows = self._snapshot.index(self._store).search(sha256)
        return any(row.sha256 == sha256 and not row.owner for row in rows)


def with_subject(
    snapshot: Snapshot, stores: Iterable[str], subject: bytes
) -> Iterator[x509.Certificate]:
    """Certificates whose subject has the hash of `subject` (the contents of a Name)."""
    try:
        wanted = name_hash(subject)
    except (ValueError, IndexError):
        return
    for store in stores:
        for row in snapshot.index(store).search(wanted):
            if row.subject_hash == wanted and not row.owner:
                try:
                    yield certs.load_der(snapshot.certificate_der(row.sha256))
                except Refused:
                    continue


def by_subject(certificates: Iterable[x509.Certificate]) -> dict[bytes, list[x509.Certificate]]:
    """Certificates by the contents of their subjects."""
    found: dict[bytes, list[x509.Certificate]] = {}
    for certificate in certificates:
        found.setdefault(Outline(certs.to_der(certificate)).subject, []).append(certificate)
    return found


def issuer_of(
    certificate: x509.Certificate,
    others: Mapping[bytes, Sequence[x509.Certificate]],
    snapshot: Snapshot,
) -> x509.Certificate | None:
    """Who signed a certificate: one of `others`, or one of any trust store; None if unknown."""
    subject = Outline(certs.to_der(certificate)).issuer
    near = others.get(subject, ())
    candidates = itertools.chain(near, with_subject(snapshot, snapshot.stores, subject))
    for candidate in itertools.islice(candidates, ISSUERS_TRIED):
        try:
            with certs.guarded():
                certificate.verify_directly_issued_by(candidate)
            return candidate
        except (InvalidSignature, Refused):
            continue
    return None
