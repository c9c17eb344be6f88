"""A chain of four against a trust store, against the library's own verifier on the same chain.

    python benchmarks/chains.py [--rounds N]

The library is given its best case: all anchors parsed, the verifier built, once and before the
clock runs. The node finds its anchors by name and builds everything for each decision. The second
table is the same with the anchors looked up in a node's store: its index is searched for each name
of the chain, and the certificate that fits is read from its file.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store
from measure import ratio
from populate import certificates
from report import Row, machine, table

from cucmos_shell import store
from cucmos_shell.node.certificates.anchors import anchors as anchors_of
from cucmos_shell.node.install import install
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import AnchorIndex, decide
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find
from cucmos_shell.world import World
from cucmos_shell.world.world import new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.profile.profile import Policy
    from cucmos_shell.world.world import PrivateKey

PROFILE = "imp-9.1"
TRUST_STORE = "tomcat-trust"
KINDS = ("rsa2048", "ec256")
SIZES = (1000, 10000)
GOAL = 5.0
TIMES = 50
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def chain(kind: str) -> list[x509.Certificate]:
    """Leaf, two intermediates and root, each with a key of that kind."""
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} {kind}")])
        for name in ("Root", "Policy", "Issuing", "Leaf")
    ]
    keys: list[PrivateKey] = [new_key(kind) for _ in names]
    made = []
    for i, (name, key) in enumerate(zip(names, keys, strict=True)):
        above = max(0, i - 1)
        is_ca = i < len(names) - 1
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[above].public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[above])
            .public_key(key.public_key())
            .serial_number(i + 1)
            .not_valid_before(WHEN - datetime.timedelta(days=30))
            .not_valid_after(WHEN + datetime.timedelta(days=300))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )
        usages = ("keyCertSign", "cRLSign") if is_ca else ("digitalSignature",)
        builder = builder.add_extension(certs.key_usage_extension(usages), critical=True)
        made.append(builder.sign(keys[above], certs.HASHES["sha256"]))
    return made[::-1]


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Seconds of one call, over TIMES calls."""

    def run() -> float:
        begin = time.perf_counter()
        for _ in range(TIMES):
            work()
        return (time.perf_counter() - begin) / TIMES

    return run


def library(
    leaf: x509.Certificate, given: list[x509.Certificate], anchors: list[x509.Certificate]
) -> Callable[[], object]:
    """The verifier alone, ready to run."""
    constraints = ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, Criticality.AGNOSTIC, None
    )
    verifier = (
        PolicyBuilder()
        .store(Store(anchors))
        .time(WHEN)
        .extension_policies(ca_policy=constraints, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    return lambda: verifier.verify(leaf, given)


def fill(state: str, ders: Iterable[bytes]) -> store.Snapshot:
    """A node whose trust store holds `ders`."""
    install(state, PROFILE, World.real(), speed=0)
    kept = store.Store(state)
    lock = kept.try_lock()
    assert lock is not None
    with lock:
        change = kept.begin(lock, who="benchmark", what="fill", now=kept.snapshot().when + 1)
        for der in ders:
            description = certs.describe(certs.load_der(der))
            name = description.common_name.replace(" ", "_")
            change.put_trust(
                TRUST_STORE,
                store.CertificateRow(**certs.row(description, name, certs.TRUSTED)),
                der,
            )
        change.commit()
    return kept.snapshot()


def compare(size: int, policy: Policy, rounds: int) -> tuple[list[Row], list[Row]]:
    """Rows for an index in memory, and for a node's store, of `size` anchors."""
    chains = {kind: chain(kind) for kind in KINDS}
    parsed = [*certificates(size - len(KINDS)), *(made[-1] for made in chains.values())]
    ders = [one.public_bytes(Encoding.DER) for one in parsed]
    index = AnchorIndex(ders)
    in_memory: list[Row] = []
    in_store: list[Row] = []
    with tempfile.TemporaryDirectory() as state:
        files = anchors_of(fill(state, ders), TRUST_STORE)
        for kind, (leaf, *given, _) in chains.items():
            yardstick = timed(library(leaf, given, parsed))
            what = f"chain of four, {kind}, {size:,} anchors"
            for anchors, rows in ((index, in_memory), (files, in_store)):
                decision = timed(lambda a=anchors, c=leaf, g=given: _accepted(c, g, a, policy))
                found = ratio(decision, yardstick, rounds)
                rows.append(Row(what, "the library's verifier alone", *found, GOAL))
    return in_memory, in_store


def _accepted(
    leaf: x509.Certificate,
    given: list[x509.Certificate],
    anchors: Callable[[bytes], Iterable[bytes]],
    policy: Policy,
) -> None:
    assert decide(leaf, given, anchors, policy, WHEN.timestamp()).accepted


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    policy = load_yaml(find(PROFILE)).policy
    pairs = [compare(size, policy, rounds) for size in SIZES]
    print(machine(tempfile.gettempdir()))
    print(table(row for rows, _ in pairs for row in rows))
    print("\nAnchors looked up in a node's store:\n")
    for _, rows in pairs:
        for row in rows:
            print(f"- {row.what}: {row.seconds * 1e3:.2f} ms, {row.value:.1f} x the library")


if __name__ == "__main__":
    main()
