"""Reading and verifying a trust list, against parsing its certificates and one RSA verification;
and `show itl` as a whole process.

    python benchmarks/trust_lists.py [--rounds N]

A real list has most certificates twice, once as a signer; the worst case has forty different ones.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from measure import process_time, ratio
from report import Row, table

from cucmos_shell.node.install import install
from cucmos_shell.pki import certs
from cucmos_shell.pki.trust_lists import build, read
from cucmos_shell.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS = 40
GOAL = 3.0
SHOW_GOAL = 1.6
SCRIPT = os.path.join(os.path.dirname(sys.executable), "cucmos-shell")
TIMES = 20


def certificates(key: rsa.RSAPrivateKey) -> list[bytes]:
    """As many self-signed certificates of one key, in DER."""
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    made = []
    for number in range(RECORDS):
        pairs = [("C", "US"), ("ST", "California"), ("L", "San Jose"), ("O", "Example")]
        name = certs.subject_name([*pairs, ("OU", "Voice"), ("CN", f"cucm-{number:02d}")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(0x7000_0000_0000_0000 + number)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=1825))
            .add_extension(certs.key_usage_extension(("digitalSignature",)), critical=False)
        )
        made.append(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    return made


def timed(work: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        begin = time.perf_counter()
        for _ in range(TIMES):
            work()
        return (time.perf_counter() - begin) / TIMES

    return run


def measure(what: str, ders: list[bytes], key: rsa.RSAPrivateKey, rounds: int) -> Row:
    """One kind of list."""
    signer = build.Signer(ders[0], certs.key_pem(key))
    parties = [build.Party(2 if i else 0, der, "cucm", bytes(4)) for i, der in enumerate(ders)]
    raw = build.build("ITLFile.tlv", parties, signer, digest="sha1", timestamp=1_700_000_000)
    signature = key.sign(raw, padding.PKCS1v15(), hashes.SHA1())

    def yardstick() -> None:
        parsed = [x509.load_der_x509_certificate(der) for der in ders]
        public = parsed[0].public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        public.verify(signature, raw, padding.PKCS1v15(), hashes.SHA1())

    got = ratio(timed(lambda: read.verify(read.read(raw))), timed(yardstick), rounds)
    return Row(
        f"read and verify a list of {RECORDS} records, {what}",
        "parse its certificates, one RSA verification",
        *got,
        GOAL,
    )


def show(folder: str, rounds: int) -> Row:
    """`show itl` from start to end."""
    state = os.path.join(folder, "node")
    install(state, "ucm-9.1", World.real(), speed=0)
    line = [SCRIPT, "--state", state, "-c", "show itl"]
    parse = [sys.executable, "-I", "-c", "import cryptography.x509"]
    found = ratio(lambda: process_time(line), lambda: process_time(parse), rounds)
    return Row("`show itl`", "import cryptography.x509", *found, SHOW_GOAL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ders = certificates(key)
    real = [der for der in ders[: RECORDS // 2] for _ in range(2)]
    rows = [
        measure("each certificate twice", real, key, rounds),
        measure("each certificate once", ders, key, rounds),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows.append(show(folder, rounds))
    print(table(rows))


if __name__ == "__main__":
    main()
