"""A certificate authority for tests, which signs what nodes request, and its OCSP responder."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.node.lab.authority import Authority
    from cucmos_shell.testing.responder import Responder

# How long an answer of the responder holds.
_LASTS = datetime.timedelta(days=7)


class LabCA:
    """A root and an issuing CA. What it signs names its OCSP responder, which listens on loopback.

    A node trusts it when it has its certificates:
    `node.run("set cert import trust tomcat", ca.chain_pem)`.
    """

    def __init__(self, authority: Authority, now: Callable[[], float]) -> None:
        self._authority = authority
        self._now = now
        self._statuses: dict[int, datetime.datetime | None] = {}
        self._server: Responder | None = None

    def close(self) -> None:
        """End the responder: nobody answers any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def chain_pem(self) -> str:
        """The certificates to be trusted, in PEM: the issuing CA and the root."""
        return self._authority.chain_pem

    @property
    def ocsp_url(self) -> str:
        """Where its responder listens, which is started at the first use."""
        if self._server is None:
            from cucmos_shell.testing.responder import Responder

            self._server = Responder(self._answer)
        return self._server.url

    def sign(self, csr_pem: str, days: float = 47) -> str:
        """A certificate (PEM) for a request, which ends in so many days.

        It has the request's subject and names. Raises what the program says of what is no request.
        """
        from cryptography import x509

        self._authority.ocsp_url = self.ocsp_url
        made = self._authority.sign(csr_pem, days=days, now=self._now())
        self._statuses[x509.load_pem_x509_certificate(made.encode()).serial_number] = None
        return made

    def revoke(self, certificate_pem: str) -> None:
        """From now on the responder says that a certificate is revoked, because of its key."""
        from cryptography import x509

        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        self._statuses[certificate.serial_number] = self._time()

    def _time(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(int(self._now()), datetime.UTC)

    def _answer(self, request: bytes) -> bytes:
        """What is known of the certificate in question: good, revoked or not at all (RFC 6960)."""
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509 import ocsp

        try:
            asked = ocsp.load_der_ocsp_request(request)
        except ValueError:
            status = ocsp.OCSPResponseStatus.MALFORMED_REQUEST
            return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
        serial, issuing = asked.serial_number, self._authority.issuing
        known, revoked = serial in self._statuses, self._statuses.get(serial)
        status_of = ocsp.OCSPCertStatus
        found = status_of.UNKNOWN if not known else status_of.REVOKED if revoked else status_of.GOOD
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                serial,
                asked.hash_algorithm,
                found,
                self._time(),
                self._time() + _LASTS,
                revoked,
                x509.ReasonFlags.key_compromise if revoked else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, issuing.certificate)
        )
        for extension in asked.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        return builder.sign(issuing.key, SHA256()).public_bytes(Encoding.DER)
