"""PKCS#10 certificate signing requests (RFC 2986): made, described, checked for odd characters."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cucmos_shell.errors import BadValue
from cucmos_shell.pki import certs
from cucmos_shell.pki.extensions import PURPOSES, decode, general_name
from cucmos_shell.pki.extensions import name_parts as parts_of
from cucmos_shell.pki.untrusted import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cucmos_shell.pki.certs import PrivateKey
    from cucmos_shell.pki.description import DistinguishedName, Extension, KeyDescription

LABEL = "CERTIFICATE REQUEST"
# Signatures that are as strong as the key (RFC 5480, 4); RSA keys take any.
_EC_HASHES = {
    "ec256": ("sha256", "sha384", "sha512"),
    "ec384": ("sha384", "sha512"),
    "ec521": ("sha512",),
}
_RSA_HASHES = ("sha256", "sha384", "sha512")
ODD = frozenset('!@#$%^*()~?<>&/\\"')


class RequestDescription(NamedTuple):
    """What a request says, as plain values; strings are foreign text."""

    sha256: str
    version: int
    subject: DistinguishedName
    key: KeyDescription
    signature_name: str
    signature_oid: str
    extensions: tuple[Extension, ...]
    signature: bytes
    alternative_names: tuple[str, ...]


def hash_for(key_kind: str, wanted: str, preferred: str) -> str:
    """The hash to sign with: `wanted`, or without a wish `preferred` if it fits the key.

    Raises BadValue for a hash that is weaker than the key.
    """
    fitting = _EC_HASHES.get(key_kind, _RSA_HASHES)
    if wanted and wanted not in fitting:
        raise BadValue(
            "{wanted} is too weak for {key}: {fitting}",
            wanted=wanted,
            key=key_kind,
            fitting=" or ".join(fitting),
        )
    return wanted or (preferred if preferred in fitting else fitting[0])


def make(
    key: PrivateKey,
    *,
    subject: Iterable[tuple[str, str]],
    alternative_names: Iterable[str],
    key_usage: Iterable[str],
    extended_key_usage: Iterable[str],
    hash_name: str,
) -> bytes:
    """A request in DER for `key`, with the extensions it asks for (RFC 2985, 5.4.2).

    `subject` is `(attribute, value)` in DER order. ValueError for what cannot be a name.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(certs.subject_name(subject))
    names = certs.alternative_names(alternative_names)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    usage = certs.key_usage_extension(key_usage)
    builder = builder.add_extension(usage, critical=False)
    purposes = [PURPOSES[name] for name in extended_key_usage]
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(key, certs.HASHES[hash_name]).public_bytes(Encoding.DER)


def describe(der: bytes) -> RequestDescription:
    """Every field of a request in DER. Raises Refused."""
    with reading():
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        oid = request.signature_algorithm_oid.dotted_string
        names: list[x509.GeneralName] = []
        for extension in request.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                names.extend(extension.value)
        return RequestDescription(
            sha256=hashlib.sha256(der).hexdigest(),
            version=1,
            subject=parts_of(request.subject),
            key=certs.describe_key(key, spki),
            signature_name=certs.SIGNATURES.get(oid, oid),
            signature_oid=oid,
            extensions=tuple(map(decode, request.extensions)),
            signature=request.signature,
            alternative_names=tuple(map(general_name, names)),
        )


def odd_characters(values: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """`(attribute, value, characters)` where public CAs are known to refuse a request.

    In DNS names that is the underscore (CA/Browser Forum, Baseline Requirements 7.1.4.2.1).
    """
    found = []
    for attribute, value in values:
        odd = {"_"} if attribute == "DNS" else ODD
        characters = "".join(dict.fromkeys(c for c in value if c in odd))
        if characters:
            found.append((attribute, value, characters))
    return found
