"""A certificate authority for labs: a root, an issuing CA below it, and what they sign.

Its keys are for tests; they lie in the state folder of a node that uses it, for its user alone.
"""

from __future__ import annotations

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from cucmos_shell.errors import BadValue, Refused, from_os
from cucmos_shell.pki import certs
from cucmos_shell.pki.untrusted import reading
from cucmos_shell.results import Value
from cucmos_shell.store.durable import SECRET_FILE_MODE, read, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DAY = 86_400.0
# An authority began this long ago, so that what it signs may have begun before today.
EARLIER, LASTS = 3650 * DAY, 7300 * DAY


class CaCertificate(Value):
    """A certificate of the authority with its key."""

    certificate: x509.Certificate
    key: Any

    def __repr__(self) -> str:
        return f"<CaCertificate {self.certificate.serial_number:x}>"

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return certs.to_der(self.certificate)

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")


class Authority:
    """A root and an issuing CA. `ocsp_url` is what certificates say of their responder."""

    def __init__(self, root: CaCertificate, issuing: CaCertificate, ocsp_url: str = "") -> None:
        self.root = root
        self.issuing = issuing
        self.ocsp_url = ocsp_url

    @staticmethod
    def make(name: str = "Lab", *, now: float, ocsp_url: str = "") -> Authority:
        """A new one; its certificates are called NAME Root CA and NAME Issuing CA."""
        root = _ca(f"{name} Root CA", None, now)
        return Authority(root, _ca(f"{name} Issuing CA", root, now), ocsp_url)

    @property
    def chain(self) -> tuple[bytes, bytes]:
        """What is between a certificate and its end, in DER: the issuing CA and the root."""
        return self.issuing.der, self.root.der

    @property
    def chain_pem(self) -> str:
        """The certificates that a node must trust, in PEM: the issuing CA and the root."""
        return self.issuing.pem + self.root.pem

    def sign(self, csr_pem: str | bytes, *, days: float = 47, now: float) -> str:
        """A certificate (PEM) for a request, with its subject and alternative names.

        It ends `days` after `now`, and began a day before, or before its end if that has come.
        Raises BadValue for what is no request.
        """
        text = csr_pem.encode() if isinstance(csr_pem, str) else csr_pem
        try:
            with reading():
                request = x509.load_pem_x509_csr(text)
                names = [one.value for one in request.extensions]
                key = request.public_key()
                subject = request.subject
        except Refused:
            raise BadValue("This is no certificate signing request in PEM") from None
        kept = [one for one in names if isinstance(one, _KEPT)]
        made = self.issue(subject, key, kept, ends=now + days * DAY, now=now)
        return made.public_bytes(Encoding.PEM).decode("ascii")

    def issue(
        self,
        subject: x509.Name,
        public_key: Any,
        extensions: Sequence[x509.ExtensionType],
        *,
        ends: float,
        now: float,
    ) -> x509.Certificate:
        """A certificate for a key, with these extensions and those that a CA adds."""
        above = self.issuing.certificate
        builder = _begun(subject, above.subject, public_key, min(now, ends) - DAY, ends)
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(_key_of(above), critical=False)
        if self.ocsp_url:
            access = x509.AccessDescription(
                x509.oid.AuthorityInformationAccessOID.OCSP,
                x509.UniformResourceIdentifier(self.ocsp_url),
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.issuing.key, SHA256())

    # --- on disk ----------------------------------------------------------------------------------

    def save(self, path: str) -> None:
        """Keep it with its keys in a file for its owner alone. Raises Unavailable."""
        parts = [part for ca in (self.root, self.issuing) for part in (ca.pem, _key_pem(ca.key))]
        try:
            replace(path, "".join(parts).encode("ascii"), SECRET_FILE_MODE, durable=False)
        except OSError as error:
            raise from_os(error, "written") from error

    @staticmethod
    def load(path: str, *, now: float, ocsp_url: str = "") -> Authority:
        """The one that was saved, or a new one that is. Raises Unavailable, Refused."""
        if not os.path.lexists(path):
            made = Authority.make(now=now, ocsp_url=ocsp_url)
            made.save(path)
            return made
        try:
            text = read(path)
        except OSError as error:
            raise from_os(error, "read") from error
        with reading():
            first, second = x509.load_pem_x509_certificates(text)
            keys = [load_pem_private_key(part, None) for part in _keys_in(text)]
        return Authority(CaCertificate(first, keys[0]), CaCertificate(second, keys[1]), ocsp_url)


_KEPT = (x509.SubjectAlternativeName, x509.KeyUsage, x509.ExtendedKeyUsage)


def load_key(pem: bytes) -> Any:
    """A private key from PEM. Raises Refused."""
    with reading():
        return load_pem_private_key(pem, None)


def plain_root(name: str, key: Any, *, now: float, ends: float) -> bytes:
    """A root (DER) of that common name for a key, signed by it."""
    subject = certs.subject_name([("CN", name)])
    builder = _begun(subject, subject, key.public_key(), min(now, ends) - DAY, ends)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    return certs.to_der(builder.sign(key, SHA256()))


def _ca(name: str, above: CaCertificate | None, now: float) -> CaCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = certs.subject_name([("O", "Lab"), ("CN", name)])
    issuer = subject if above is None else above.certificate.subject
    builder = _begun(subject, issuer, key.public_key(), now - EARLIER, now + LASTS)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    usage = certs.key_usage_extension(("keyCertSign", "cRLSign", "digitalSignature"))
    builder = builder.add_extension(usage, critical=True)
    if above is not None:
        builder = builder.add_extension(_key_of(above.certificate), critical=False)
    return CaCertificate(builder.sign(key if above is None else above.key, SHA256()), key)


def _begun(
    subject: x509.Name, issuer: x509.Name, public_key: Any, begins: float, ends: float
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.fromtimestamp(int(begins), datetime.UTC))
        .not_valid_after(datetime.datetime.fromtimestamp(int(ends), datetime.UTC))
        .add_extension(identifier, critical=False)
    )


def _key_of(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _key_pem(key: Any) -> str:
    return certs.key_pem(key).decode("ascii")


def _keys_in(text: bytes) -> list[bytes]:
    begin, end = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"
    return [begin + part.partition(end)[0] + end for part in text.split(begin)[1:]]
