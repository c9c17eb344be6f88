"""Small worlds of certificates with one or more things wrong, made quickly and by a seed."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

DAY = datetime.timedelta(days=1)
FAULTS = (
    "expired", "future", "not-a-ca", "no-cert-sign", "path-length-0", "other-key", "other-identifier",
    "no-identifiers", "directory-names", "excluded-directory", "hosts", "critical", "small-key",
    "no-constraints", "not-critical", "zero-serial", "purpose",
)  # fmt: skip


def new_keys() -> list[ec.EllipticCurvePrivateKey]:
    return [ec.generate_private_key(ec.SECP256R1()) for _ in range(12)]


class World:
    """Certificates around one leaf: what is trusted, what is pasted."""

    def __init__(
        self, seed: int, now: datetime.datetime, keys: Sequence[object], small: object
    ) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.keys = list(keys)
        self.small = small
        self.trusted: list[x509.Certificate] = []
        self.given: list[x509.Certificate] = []
        self._grow()

    def _grow(self) -> None:
        depth = self.random.choice((0, 1, 1, 2, 2, 3))
        names = [self._name(f"CA {i}") for i in range(depth + 1)]
        spare = self._name("Elsewhere")
        authorities = []
        for i, name in enumerate(names):
            issuer = names[i - 1] if i else name
            signer = self.keys[i - 1] if i else self.keys[0]
            fault = self._fault()
            authorities.append(self._ca(name, self.keys[i], issuer, signer, fault))
        chance = self.random.random
        self.leaf = self._leaf(names[-1], self.keys[depth])
        if chance() > 0.07:
            self.trusted.append(authorities[0])
        for authority in authorities[1:]:
            if chance() > 0.1:
                (self.trusted if chance() < 0.3 else self.given).append(authority)
        for i, name in enumerate(names):
            if chance() < 0.3:  # a namesake: cross-signed, re-keyed or renewed
                signer = self.random.choice((self.keys[max(0, i - 1)], self.keys[9]))
                key = self.random.choice((self.keys[i], self.keys[8]))
                issuer = self.random.choice((names[i - 1] if i else name, spare))
                namesake = self._ca(name, key, issuer, signer, self._fault())
                (self.trusted if chance() < 0.3 else self.given).append(namesake)
        if chance() < 0.3:
            self.trusted.append(self._ca(spare, self.keys[9], spare, self.keys[9], self._fault()))
        if chance() < 0.1:
            self.trusted.append(self.leaf)
        self.random.shuffle(self.given)
        self.random.shuffle(self.trusted)

    def _fault(self) -> str:
        return self.random.choice(FAULTS) if self.random.random() < 0.22 else ""

    def _name(self, text: str) -> x509.Name:
        country = self.random.choice(("PL", "PL", "US"))
        return x509.Name(
            [
                x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, text),
            ]
        )

    def _dates(self, builder: x509.CertificateBuilder, fault: str) -> x509.CertificateBuilder:
        start, end = self.now - 30 * DAY, self.now + 300 * DAY
        if fault == "expired":
            end = self.now - DAY
        if fault == "future":
            start = self.now + DAY
        return builder.not_valid_before(start).not_valid_after(end)

    def _ca(
        self, name: x509.Name, key: object, issuer: x509.Name, signer: object, fault: str
    ) -> x509.Certificate:
        if fault == "small-key":
            key = self.small
        if fault == "other-key":
            signer = self.keys[10]
        builder = self._dates(self._begin(name, key, issuer, fault), fault)
        limit = 0 if fault == "path-length-0" else None
        is_ca = fault != "not-a-ca"
        if fault != "no-constraints":
            constraints = x509.BasicConstraints(is_ca, limit if is_ca else None)
            builder = builder.add_extension(constraints, fault != "not-critical")
        signs = fault != "no-cert-sign"
        usage = x509.KeyUsage(True, False, False, False, False, signs, True, False, False)
        builder = builder.add_extension(usage, True)
        builder = self._constrained(builder, fault)
        return self._end(builder, key, issuer, signer, fault)

    def _constrained(self, builder: x509.CertificateBuilder, fault: str) -> x509.CertificateBuilder:
        place = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "PL")]))
        critical = self.random.random() < 0.5
        if fault == "directory-names":
            return builder.add_extension(x509.NameConstraints([place], None), critical)
        if fault == "excluded-directory":
            return builder.add_extension(x509.NameConstraints(None, [place]), critical)
        if fault == "hosts":
            host = x509.DNSName("example.com")
            return builder.add_extension(x509.NameConstraints([host], None), critical)
        return builder

    def _leaf(self, issuer: x509.Name, signer: object) -> x509.Certificate:
        fault = self._fault()
        if fault == "other-key":
            signer = self.keys[10]
        host = self.random.choice(("host.example.com", "host.example.org", "host"))
        key = self.small if fault == "small-key" else self.keys[7]
        builder = self._dates(self._begin(self._name(host), key, issuer, fault), fault)
        if self.random.random() < 0.6:
            name = self.random.choice(("host.example.com", "host.example.org"))
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name)]), False
            )
        if self.random.random() < 0.2:
            builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        return self._end(builder, key, issuer, signer, fault)

    def _begin(
        self, name: x509.Name, key: object, issuer: x509.Name, fault: str
    ) -> x509.CertificateBuilder:
        serial = self.random.getrandbits(100) + 1
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())  # type: ignore[attr-defined]
            .serial_number(serial)
        )

    def _end(
        self,
        builder: x509.CertificateBuilder,
        key: object,
        issuer: x509.Name,
        signer: object,
        fault: str,
    ) -> x509.Certificate:
        if fault == "critical":
            odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
            builder = builder.add_extension(odd, True)
        if fault != "no-identifiers":
            public = key.public_key()  # type: ignore[attr-defined]
            builder = builder.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(public), False
            )
            other = self.keys[11] if fault == "other-identifier" else signer
            public = other.public_key()  # type: ignore[attr-defined]
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
            builder = builder.add_extension(identifier, False)
        return builder.sign(signer, hashes.SHA256())  # type: ignore[arg-type]


def small_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
