"""An authority by openssl, and its root, for the tests of a module."""

from __future__ import annotations

import pytest
from certificate_authority import CertificateAuthority, Issued


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Whoever makes certificates."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def root(authority: CertificateAuthority) -> Issued:
    """Its root."""
    return authority.root("Root")
