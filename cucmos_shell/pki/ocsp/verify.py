"""One question to a responder, and whether its answer may be believed (RFC 6960, 3.2 and 4.2.2.2).

The library decodes answers and verifies nothing. Believed are the issuer of the certificate, a
responder that the issuer has directly certified for OCSP signing, and of the trust store a
certificate for OCSP signing or that of a CA above the issuer.
"""

from __future__ import annotations

import hashlib
import itertools

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.der import SEQUENCE, element, encode
from cucmos_shell.pki.description import name_text
from cucmos_shell.pki.extensions import UNDERSTOOD, name_parts
from cucmos_shell.pki.ocsp.verdict import GOOD, REVOKED, UNKNOWN, OcspVerdict
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.pki.untrusted import reading
from cucmos_shell.text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import Protocol

    class Trusted(Protocol):
        """Certificates that were put where responders are trusted."""

        def by_name(self, name: x509.Name) -> Iterator[x509.Certificate]:
            """Those with that subject."""

        def by_key(self, key_hash: bytes) -> Iterator[x509.Certificate]:
            """Those whose key has that SHA-1."""

        def holds(self, certificate: x509.Certificate) -> bool:
            """Whether the certificate is one of them; decodes none."""


MAX_ANSWER = 64 * 1024
# Seconds that an answer may be old which does not say until when it holds.
MAX_AGE = 24 * 3600.0
SKEW = 300.0
CANDIDATES = 16
_UNDERSTOOD = UNDERSTOOD | {x509.OCSPNoCheck.oid}
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384,
           "sha512": hashlib.sha512}  # fmt: skip
_STATUS = {
    ocsp.OCSPResponseStatus.MALFORMED_REQUEST: "malformedRequest",
    ocsp.OCSPResponseStatus.INTERNAL_ERROR: "internalError",
    ocsp.OCSPResponseStatus.TRY_LATER: "tryLater",
    ocsp.OCSPResponseStatus.SIG_REQUIRED: "sigRequired",
    ocsp.OCSPResponseStatus.UNAUTHORIZED: "unauthorized",
}


class _Disbelieved(Exception):
    """Why an answer says nothing."""


class Question:
    """Is `certificate`, issued by `issuer`, revoked? `nonce` tells the answer from older ones.

    `above` are the certificates that lead from the issuer to its root, as far as they are known.
    Raises Refused for certificates that no question can be made of.
    """

    def __init__(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        nonce: bytes,
        above: Sequence[x509.Certificate] = (),
    ) -> None:
        self.certificate = certificate
        self._above = above
        self.issuer = issuer
        self.nonce = nonce
        with reading():
            self.serial = certificate.serial_number
            self.issuer_subject = issuer.subject
            self.issuer_key = issuer.public_key()
            tbs = Tbs(certs.to_der(certificate))
            self._name = encode(SEQUENCE, tbs.issuer)
            self._key = key_bits(issuer)

    def request(self) -> bytes:
        """The request in DER; SHA-1 in it identifies, and every responder knows it (RFC 5019)."""
        with reading():
            builder = ocsp.OCSPRequestBuilder().add_certificate(
                self.certificate,
                self.issuer,
                hashes.SHA1(),  # noqa: S303
            )
            builder = builder.add_extension(x509.OCSPNonce(self.nonce), critical=False)
            return builder.build().public_bytes(Encoding.DER)

    def concerns(self, single: ocsp.OCSPSingleResponse) -> bool:
        """Whether a single response is about this certificate (RFC 6960, 4.1.1, CertID)."""
        if single.serial_number != self.serial:
            return False
        digest = _HASHES.get(single.hash_algorithm.name)
        return (
            digest is not None
            and single.issuer_name_hash == digest(self._name).digest()
            and single.issuer_key_hash == digest(self._key).digest()
        )

    def is_issuer(self, candidate: x509.Certificate) -> bool:
        """Whether a certificate is the issuer's, this one or another for the same key."""
        return candidate == self.issuer or (
            candidate.subject == self.issuer_subject and candidate.public_key() == self.issuer_key
        )

    def is_above(self, candidate: x509.Certificate) -> bool:
        """Whether a certificate is that of a CA above the issuer, as `is_issuer` takes it."""
        return _is_ca(candidate) and any(
            candidate.subject == one.subject and candidate.public_key() == one.public_key()
            for one in self._above
        )


def key_bits(certificate: x509.Certificate) -> bytes:
    """The contents of subjectPublicKey, which key hashes are made of. ValueError for no key."""
    try:
        spki = Tbs(certs.to_der(certificate)).key
    except IndexError as error:
        raise ValueError("not the outline of a certificate") from error
    _, start, end = element(spki)
    _, _, after = element(spki, start, end)
    _, start, end = element(spki, after, end)
    return spki[start + 1 : end]


def verify(
    answer: bytes, question: Question, now: float, trusted: Trusted, max_age: float = MAX_AGE
) -> OcspVerdict:
    """What `answer` says about the certificate of `question`, if it may be believed.

    `max_age` is how many seconds old one may be that does not say until when it holds. Never raises
    for anything in `answer`: what cannot be believed is `unknown` with the reason.
    """
    if len(answer) > MAX_ANSWER:
        return OcspVerdict(UNKNOWN, f"its answer is larger than {MAX_ANSWER // 1024} KiB")
    try:
        _whole(answer)
        with reading():
            response = ocsp.load_der_ocsp_response(answer)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise _Disbelieved(f"it answered {_STATUS[response.response_status]}")
            found = list(_enclosed(response, question))
            signer = _of_key(found, response)
        if signer is None:
            signer = _kept(response, trusted, bool(found))
        with reading():
            return _judge(response, question, signer, now, trusted, max_age)
    except _Disbelieved as error:
        return OcspVerdict(UNKNOWN, str(error))
    except Refused:
        return OcspVerdict(UNKNOWN, "its answer cannot be decoded")


def _whole(answer: bytes) -> None:
    try:
        _, _, end = element(answer)
    except ValueError:
        raise _Disbelieved("its answer cannot be decoded") from None
    if end != len(answer):
        raise _Disbelieved("octets follow its answer")


def _judge(
    response: ocsp.OCSPResponse,
    question: Question,
    signer: x509.Certificate,
    now: float,
    trusted: Trusted,
    max_age: float,
) -> OcspVerdict:
    """What an answer says that was signed by the key of `signer`."""
    responder = name_text(name_parts(signer.subject))
    try:
        _authorised(signer, question, now, trusted)
        _check_extensions(response, question.nonce)
        produced = response.produced_at_utc.timestamp()
        if produced > now + SKEW:
            raise _Disbelieved("its answer is from the future")
        mine = [single for single in response.responses if question.concerns(single)]
        if not mine:
            raise _Disbelieved("its answer is about another certificate")
        # Where it contradicts itself, the worse is true.
        mine.sort(key=lambda one: one.certificate_status is not ocsp.OCSPCertStatus.REVOKED)
        return _verdict(mine[0], responder, produced, now, max_age)
    except _Disbelieved as error:
        return OcspVerdict(UNKNOWN, str(error), responder)


# --- who signed --------------------------------------------------------------------------------


def _enclosed(response: ocsp.OCSPResponse, question: Question) -> Iterator[x509.Certificate]:
    """The issuer and the certificates in the answer, as far as it says that they signed it."""
    name, key_hash = response.responder_name, response.responder_key_hash
    for candidate in (question.issuer, *response.certificates[:CANDIDATES]):
        if name is not None:
            first = candidate is question.issuer
            if (question.issuer_subject if first else candidate.subject) == name:
                yield candidate
        elif hashlib.sha1(key_bits(candidate), usedforsecurity=False).digest() == key_hash:
            yield candidate


def _kept(response: ocsp.OCSPResponse, trusted: Trusted, found: bool) -> x509.Certificate:
    """The signer's certificate from the trust store, where the answer does not bring it."""
    with reading():
        name, key_hash = response.responder_name, response.responder_key_hash
    kept = trusted.by_name(name) if name is not None else trusted.by_key(key_hash or b"")
    for candidate in itertools.islice(kept, CANDIDATES):
        found = True
        with reading():
            if _of_key((candidate,), response):
                return candidate
    if found:
        raise _Disbelieved("the signature of its answer is wrong")
    raise _Disbelieved("the certificate of its signer is not known")


def _of_key(
    candidates: Iterable[x509.Certificate], response: ocsp.OCSPResponse
) -> x509.Certificate | None:
    """The first whose key made the signature."""
    return next((one for one in candidates if _signed_by(one.public_key(), response)), None)


def _signed_by(key: object, response: ocsp.OCSPResponse) -> bool:
    """Whether `key` made the signature. Raises _Disbelieved for a kind that is not accepted."""
    algorithm = response.signature_hash_algorithm
    if algorithm is not None and algorithm.name not in ("sha256", "sha384", "sha512"):
        raise _Disbelieved(f"the signature of its answer is too weak ({algorithm.name})")
    signature, octets = response.signature, response.tbs_response_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, octets, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, octets, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and not algorithm:
            key.verify(signature, octets)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _authorised(signer: x509.Certificate, question: Question, now: float, trusted: Trusted) -> None:
    """Whether the signer may speak about the certificate (RFC 6960, 4.2.2.2)."""
    if question.is_issuer(signer):
        return
    purposes = _purposes(signer)
    may_sign = purposes is not None and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
    if not (may_sign and _issued(signer, question)) and not trusted.holds(signer):
        if _issued(signer, question):
            raise _Disbelieved("its certificate is not for OCSP signing")
        raise _Disbelieved("its certificate is not from the issuer of this one")
    if not question.is_above(signer):
        if not may_sign:
            raise _Disbelieved(
                "its certificate is not for OCSP signing, nor that of a CA of this chain"
            )
        if not _signs(signer):
            raise _Disbelieved("the key usage of its certificate does not allow signatures")
    for extension in signer.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _Disbelieved("its certificate has a critical extension that is not known")
    if signer.not_valid_before_utc.timestamp() > now + SKEW:
        raise _Disbelieved("its certificate is not valid yet")
    if signer.not_valid_after_utc.timestamp() < now - SKEW:
        raise _Disbelieved("its certificate has expired")


def _issued(signer: x509.Certificate, question: Question) -> bool:
    """Whether the signer's certificate is from the issuer of the one in question."""
    try:
        signer.verify_directly_issued_by(question.issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _purposes(certificate: x509.Certificate) -> x509.ExtendedKeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _signs(certificate: x509.Certificate) -> bool:
    """Whether its key usage, if it has one, allows signatures (RFC 5280, 4.2.1.3)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def may_respond(certificate: x509.Certificate) -> bool:
    """Whether a certificate is marked for OCSP signing. Raises Refused."""
    with reading():
        purposes = _purposes(certificate)
        return purposes is not None and ExtendedKeyUsageOID.OCSP_SIGNING in purposes


# --- what it says ------------------------------------------------------------------------------


def _check_extensions(response: ocsp.OCSPResponse, nonce: bytes) -> None:
    """A nonce in it must be ours; many responders sign ahead and send none (RFC 5019)."""
    for extension in response.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            if extension.value.nonce != nonce:
                raise _Disbelieved("its answer is to another question (nonce)")
        elif extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            raise _Disbelieved("its answer holds a critical extension that is not known")


def _verdict(
    single: ocsp.OCSPSingleResponse, responder: str, produced: float, now: float, max_age: float
) -> OcspVerdict:
    this_update = single.this_update_utc.timestamp()
    next_update = _seconds(single.next_update_utc)
    if this_update > now + SKEW:
        raise _Disbelieved("its answer is from the future")
    if next_update is None:
        # "Newer information is available all the time" (4.2.2.1): then this must not be old. A
        # nonce says when an answer was signed, not when its contents were true.
        if this_update < now - max_age:
            most = counted(round(max_age / 3600), "hour")
            raise _Disbelieved(
                f"its answer is older than {most} and does not say until when it holds"
            )
    elif next_update < this_update:
        raise _Disbelieved("its answer ends before it begins")
    elif next_update < now - SKEW:
        raise _Disbelieved("its answer is out of date")
    status, reason, revoked_at = GOOD, "", None
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        status, revoked_at = REVOKED, _seconds(single.revocation_time_utc)
        reason = single.revocation_reason.value if single.revocation_reason else ""
    elif single.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        status, reason = UNKNOWN, "the responder does not know the certificate"
    return OcspVerdict(
        status, reason, responder, "", produced, this_update, next_update, revoked_at
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
