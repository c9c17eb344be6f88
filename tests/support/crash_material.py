"""A CA, a request of the node's first unit, and the CA's answer: made once, for the crash sweeps."""

from __future__ import annotations

import datetime
import functools
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from cucmos_shell.pki import certs, csr
from cucmos_shell.pki.der import to_pem
from cucmos_shell.store import CertificateRow, RequestRow
from cucmos_shell.store.transaction import Transaction
from cucmos_shell.world.world import new_key

DAY = datetime.timedelta(days=1)
STORE = "tomcat-trust"


class Material(NamedTuple):
    """Everything in DER or PEM, ready for the store and for the upload area."""

    request: bytes
    request_key: bytes
    root: bytes
    signed: bytes
    others: bytes


def _certificate(name, public, issuer, key, ca) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certs.subject_name([("CN", name)]))
        .issuer_name(certs.subject_name([("CN", issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 365 * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


@functools.cache
def material() -> Material:
    """The same for every use in a run."""
    ca, key = new_key("ec256"), new_key("ec256")
    request = csr.make(
        key,
        subject=[("CN", "signed.example.com")],
        alternative_names=(),
        key_usage=("digitalSignature",),
        extended_key_usage=(),
        hash_name="sha256",
    )
    root = _certificate("Crash Root", ca.public_key(), "Crash Root", ca, True)
    signed = _certificate("signed.example.com", key.public_key(), "Crash Root", ca, False)
    others = [_certificate(f"Other {i}", ca.public_key(), f"Other {i}", ca, True) for i in range(3)]
    return Material(
        request,
        certs.key_pem(key),
        certs.to_der(root),
        signed.public_bytes(Encoding.PEM),
        b"".join(one.public_bytes(Encoding.PEM) for one in others),
    )


def with_answer(transaction: Transaction) -> None:
    """A pending request, and the CA in the trust store."""
    made, unit = material(), transaction.units[0]
    description = csr.describe(made.request)
    row = RequestRow(unit, "CN=x", "x", (), description.key.text, description.sha256, 1.0)
    pem = to_pem(made.request, csr.LABEL)
    transaction.put_request(unit, row, pem, made.request_key)
    with_trust(transaction)


def with_trust(transaction: Transaction) -> None:
    """The CA in the trust store."""
    der = material().root
    description = certs.describe(certs.load_der(der))
    row = CertificateRow(**certs.row(description, "Crash_Root", certs.TRUSTED))
    transaction.put_trust(STORE, row, der)


def uploads() -> dict[str, bytes]:
    """Files for the upload area."""
    return {"signed.pem": material().signed, "others.pem": material().others}
