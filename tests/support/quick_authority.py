"""A CA inside the test process, for tests that need many certificates soon."""

import datetime
import hashlib
import itertools

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from harness import START

from cucmos_shell.pki import certs

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.fromtimestamp(START, datetime.UTC)


def sha256(certificate):
    """The fingerprint as lists have it."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def pem(certificate):
    """The text that is pasted."""
    return certificate.public_bytes(Encoding.PEM).decode()


class Authority:
    """A CA with a key of its own; `certificate` says who it is."""

    numbers = itertools.count(1)

    def __init__(self, name, start=-9 * DAY, key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = certs.subject_name([("CN", name)])
        self.start = start
        self.certificate = self.issue(self.name, self.key.public_key(), (), start=start, ca=True)

    def issue(self, name, public, names, *, start=-DAY, end=300 * DAY, ca=False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(next(self.numbers))
            .not_valid_before(NOW + start)
            .not_valid_after(NOW + end)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(certs.alternative_names(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def answer(self, request, **changes):
        """A certificate for a request (PEM)."""
        csr = x509.load_pem_x509_csr(request)
        names = [f"DNS:{name.value}" for name in alternative(csr)]
        changes = {"public": csr.public_key(), "names": names, **changes}
        return self.issue(csr.subject, **changes)


def alternative(csr):
    """The alternative names that a request asks for."""
    found = [
        one.value for one in csr.extensions if isinstance(one.value, x509.SubjectAlternativeName)
    ]
    return [name for names in found for name in names]
