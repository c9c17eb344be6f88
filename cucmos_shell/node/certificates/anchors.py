"""Certificates of the store, by what an answer or another certificate says about them."""

from __future__ import annotations

import hashlib
import itertools

from cryptography.exceptions import InvalidSignature

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.der import element
from cucmos_shell.pki.ocsp.verify import key_bits
from cucmos_shell.pki.tbs import Tbs, name_hash
from cucmos_shell.pki.untrusted import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cryptography import x509

    from cucmos_shell.store import Snapshot

ISSUERS_TRIED = 16
MAX_ABOVE = 8


def anchors(
    snapshot: Snapshot, store: str, without: frozenset[str] = frozenset()
) -> Callable[[bytes], Iterable[bytes]]:
    """The certificates of a trust store by subject name, found in its index, for `decide`.

    Those whose files are called as one of `without` are left out.
    """
    index = snapshot.index(store)

    def find(name: bytes) -> Iterable[bytes]:
        hashed = name_hash(name)
        rows = (row for row in index.search(hashed) if row.subject_hash == hashed)
        for sha256 in {row.sha256 for row in rows if row.name not in without}:
            yield snapshot.certificate_der(sha256)

    return find


class TrustedStore:
    """The certificates of a trust store that were put there by somebody.

    Copies of the node's own certificates say nothing about anybody else's.
    """

    def __init__(self, snapshot: Snapshot, store: str) -> None:
        self._snapshot = snapshot
        self._store = store

    def by_name(self, name: x509.Name) -> Iterator[x509.Certificate]:
        """The certificates with that subject."""
        with reading():
            der = name.public_bytes()
        _, start, end = element(der)
        for found in with_subject(self._snapshot, (self._store,), der[start:end]):
            with reading():
                same = found.subject == name
            if same:
                yield found

    def by_key(self, key_hash: bytes) -> Iterator[x509.Certificate]:
        """The certificates whose key has that SHA-1; all are read, since the index has no keys."""
        for row in self._snapshot.trust(self._store):
            if row.owner:
                continue
            try:
                found = certs.load_der(self._snapshot.certificate_der(row.sha256))
                with reading():
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


class Issuers:
    """Finds who signed a certificate: another one of an upload, or one of any trust store."""

    def __init__(self, upload: Iterable[x509.Certificate], snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._above: dict[bytes, tuple[x509.Certificate, ...]] = {}
        self._stored: dict[bytes, list[x509.Certificate]] = {}
        self._upload: dict[bytes, list[x509.Certificate]] = {}
        for certificate in upload:
            subject = Tbs(certs.to_der(certificate)).subject
            self._upload.setdefault(subject, []).append(certificate)

    def of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The issuer's certificate, None if it is not known."""
        subject = Tbs(certs.to_der(certificate)).issuer
        for source in (self._uploaded, self._kept):
            for candidate in source(subject):
                try:
                    with reading():
                        certificate.verify_directly_issued_by(candidate)
                    return candidate
                except (InvalidSignature, Refused):
                    continue
        return None

    def above(self, issuer: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Who issued `issuer`, who issued that one, and so on, as far as they are known."""
        der = certs.to_der(issuer)
        if der not in self._above:
            found: list[x509.Certificate] = [issuer]
            while len(found) <= MAX_ABOVE and (one := self.of(found[-1])) not in (None, *found):
                assert one is not None
                found.append(one)
            self._above[der] = tuple(found[1:])
        return self._above[der]

    def _uploaded(self, subject: bytes) -> list[x509.Certificate]:
        return self._upload.get(subject, [])[:ISSUERS_TRIED]

    def _kept(self, subject: bytes) -> list[x509.Certificate]:
        # A list may hold thousands of one issuer, and each look-up reads whole indexes.
        if subject not in self._stored:
            found = with_subject(self._snapshot, self._snapshot.stores, subject)
            self._stored[subject] = list(itertools.islice(found, ISSUERS_TRIED))
        return self._stored[subject]
