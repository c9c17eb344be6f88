"""The node, openssl and the library on the same made-up chains: three opinions."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from certificate_authority import CertificateAuthority
from chain_material import World, new_keys, pem, small_key
from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from limbo_table import POLICY
from sweeping import every

from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import AnchorIndex, ChainVerdict, decide

# What the node refuses of its own accord though openssl and the library agree.
OWN_REASONS = {"weak-key"}


class Bench:
    """Asks all three."""

    def __init__(self, folder: Path) -> None:
        self.authority = CertificateAuthority(folder)
        self.now = datetime.datetime.fromtimestamp(int(self.authority.now), datetime.UTC)
        self.keys = new_keys()
        self.small = small_key()

    def world(self, seed: int) -> World:
        return World(seed, self.now, self.keys, self.small)

    def node(self, world: World) -> ChainVerdict:
        index = AnchorIndex(map(certs.to_der, world.trusted))
        return decide(world.leaf, world.given, index, POLICY, self.authority.now)

    def library(self, world: World) -> bool:
        return self._verify_alone(world.leaf, world.given, world.trusted)

    def library_takes(self, verdict: ChainVerdict) -> bool:
        """Whether the library alone verifies the very path the node found."""
        return self._verify_alone(*_path(verdict))

    def _verify_alone(
        self,
        leaf: x509.Certificate,
        given: Iterable[x509.Certificate],
        trusted: Iterable[x509.Certificate],
    ) -> bool:
        roots = [one for one in trusted if one.issuer == one.subject]
        others = [one for one in trusted if one not in roots]
        if not roots:
            return False
        constraints = ExtensionPolicy.permit_all().require_present(
            x509.BasicConstraints, Criticality.AGNOSTIC, None
        )
        builder = PolicyBuilder().store(Store(roots)).time(self.now).max_chain_depth(10)
        builder = builder.extension_policies(
            ca_policy=constraints, ee_policy=ExtensionPolicy.permit_all()
        )
        try:
            builder.build_client_verifier().verify(leaf, [*given, *others])
        except VerificationError:
            return False
        return True

    def openssl(self, world: World) -> bool:
        return self._verify(world.leaf, world.given, world.trusted)

    def openssl_takes(self, verdict: ChainVerdict) -> bool:
        """Whether openssl verifies the very path the node found, and no other."""
        return self._verify(*_path(verdict))

    def _verify(
        self,
        leaf: x509.Certificate,
        given: Iterable[x509.Certificate],
        trusted: Iterable[x509.Certificate],
    ) -> bool:
        return self.authority.verify(pem(leaf), map(pem, given), map(pem, trusted))[0]


def _path(
    verdict: ChainVerdict,
) -> tuple[x509.Certificate, list[x509.Certificate], list[x509.Certificate]]:
    trusted = [link.certificate for link in verdict.chain if link.trusted]
    given = [link.certificate for link in verdict.chain[1:] if not link.trusted]
    return verdict.chain[0].certificate, given, trusted


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(Path(tmp_path_factory.mktemp("bench")))


def compare(bench: Bench, seeds: range) -> Counter[tuple[bool, bool, bool]]:
    opinions: Counter[tuple[bool, bool, bool]] = Counter()
    for seed in seeds:
        world = bench.world(seed)
        verdict = bench.node(world)
        openssl, library = bench.openssl(world), bench.library(world)
        opinions[verdict.accepted, openssl, library] += 1
        if verdict.accepted:
            # Among namesakes openssl goes by the first that fits, and the library gives up at
            # constraints it cannot check: so both are asked about the path, not the heap.
            assert bench.openssl_takes(verdict), f"seed {seed}: openssl refuses the path"
            assert bench.library_takes(verdict), f"seed {seed}: the library refuses the path"
            assert_chain_holds(verdict, world)
        elif openssl and library:
            assert verdict.trouble is not None
            assert verdict.trouble.code in OWN_REASONS, f"seed {seed}: {verdict.trouble}"
        if not verdict.accepted:
            assert verdict.trouble is not None
            assert verdict.trouble.code != "verifier", f"seed {seed}: {verdict.trouble}"
    return opinions


def assert_chain_holds(verdict: ChainVerdict, world: World) -> None:
    """Every link signs the one below; the last is trusted and is its own issuer."""
    for below, above in itertools.pairwise(verdict.chain):
        below.certificate.verify_directly_issued_by(above.certificate)
    top = verdict.chain[-1].certificate
    assert top in world.trusted
    assert top.issuer == top.subject


def test_never_accepts_against_openssl(bench):
    opinions = compare(bench, range(150))
    accepted = sum(count for (node, _, _), count in opinions.items() if node)
    assert 30 < accepted < 120, opinions


@pytest.mark.slow
def test_never_accepts_against_openssl_at_length(bench):
    compare(bench, range(1000, 2500, every(of=4)))
