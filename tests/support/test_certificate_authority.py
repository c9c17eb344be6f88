"""The test authority does what its callers rely on."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificate_authority import DAY, YEAR, CertificateAuthority
from cryptography import x509


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(Path(tmp_path_factory.mktemp("authority")))


def test_chain_of_three_verifies(authority: CertificateAuthority) -> None:
    root = authority.root()
    issuing = authority.intermediate(root)
    leaf = authority.leaf(issuing, alternative_names=["DNS:host.example.com"])
    assert authority.verify(leaf, [issuing], [root])[0]
    assert not authority.verify(leaf, [], [root])[0]


def test_dates_are_as_asked(authority: CertificateAuthority) -> None:
    root = authority.root(start=-2 * YEAR, end=-DAY)
    seconds = root.certificate.not_valid_after_utc.timestamp()
    assert abs(seconds - (authority.now - DAY)) < 2
    accepted, words = authority.verify(root, [], [root])
    assert not accepted
    assert "expired" in words


def test_old_kinds_of_roots(authority: CertificateAuthority) -> None:
    assert authority.root(version=1).certificate.version is x509.Version.v1
    algorithm = authority.root(hash_name="sha1", key="rsa2048").certificate.signature_hash_algorithm
    assert algorithm is not None
    assert algorithm.name == "sha1"


def test_request_extensions_are_copied_or_dropped(authority: CertificateAuthority) -> None:
    root = authority.root()
    key = authority.new_key()
    request = authority.request("/CN=a", key, extensions=["subjectAltName = DNS:a.example.com"])
    kept = authority.sign(request, root).certificate.extensions
    dropped = authority.sign(request, root, copy_extensions=False).certificate.extensions
    assert x509.SubjectAlternativeName.oid in [e.oid for e in kept]
    assert x509.SubjectAlternativeName.oid not in [e.oid for e in dropped]


def test_cross_signed_has_the_same_name_and_key(authority: CertificateAuthority) -> None:
    first, second = authority.root("First"), authority.root("Second")
    crossed = authority.cross_sign(first, second)
    assert crossed.certificate.subject == first.certificate.subject
    assert crossed.certificate.public_key() == first.certificate.public_key()
    assert crossed.certificate.issuer == second.certificate.subject
