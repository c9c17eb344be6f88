"""Large trust stores for the benchmarks: real certificates, made quickly, one transaction."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cucmos_shell.pki import certs
from cucmos_shell.store import CertificateRow, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta")


def certificates(count: int, first: int = 0) -> Iterator[x509.Certificate]:
    """`count` CA certificates of different common names, all of one EC key."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    for number in range(first, first + count):
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "ZZ"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, NAMES[number % len(NAMES)]),
                x509.NameAttribute(
                    NameOID.COMMON_NAME, f"{NAMES[number % len(NAMES)]} Test Root {number:06d}"
                ),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .serial_number(0x1000_0000 + number)
            .public_key(key.public_key())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=1500 + number % 3000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        yield builder.sign(key, hashes.SHA256())


def fill(state: str, trust_store: str, count: int) -> None:
    """Put `count` certificates into a trust store of the node in `state`."""
    store = Store(state)
    lock = store.try_lock()
    assert lock is not None
    with lock:
        change = store.begin(lock, who="benchmark", what="fill", now=store.snapshot().when + 1)
        for certificate in certificates(count):
            der = certificate.public_bytes(Encoding.DER)
            description = certs.describe(certificate)
            name = description.common_name.replace(" ", "_")
            row = CertificateRow(**certs.row(description, name, "Trust Certificate"))
            change.put_trust(trust_store, row, der)
        change.commit()


def plain_copy(state: str, trust_store: str, folder: str) -> list[str]:
    """The certificates of a trust store as plain PEM files, for programs that parse them all."""
    snapshot = Store(state).snapshot()
    written = []
    for row in snapshot.trust(trust_store):
        path = os.path.join(folder, f"{row.name}.pem")
        with open(path, "wb") as file:
            file.write(snapshot.certificate_pem(row.sha256))
        written.append(path)
    return written
