"""What a certificate's extensions say, as plain text (RFC 5280, section 4.2).

Each extension becomes a heading and lines of `(label, items, is a list)`. Items are as they stand
in the certificate: foreign text, to be made safe by whoever shows them.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from cucmos_shell.pki.description import Extension, ExtensionLine, name_text, serial_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from cucmos_shell.pki.description import DistinguishedName

# Extensions that are honoured wherever a certificate is judged, and so may be critical.
UNDERSTOOD = frozenset(
    extension.oid
    for extension in (
        x509.AuthorityInformationAccess,
        x509.AuthorityKeyIdentifier,
        x509.SubjectKeyIdentifier,
        x509.KeyUsage,
        x509.SubjectAlternativeName,
        x509.BasicConstraints,
        x509.NameConstraints,
        x509.ExtendedKeyUsage,
    )
)
# Bits of KeyUsage in order (RFC 5280, 4.2.1.3), as the product spells them.
KEY_USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}
PURPOSES = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsecEndSystem": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsecTunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsecUser": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
}
_METHODS = {
    AuthorityInformationAccessOID.OCSP: "ocsp",
    AuthorityInformationAccessOID.CA_ISSUERS: "caIssuers",
    x509.ObjectIdentifier("1.3.6.1.5.5.7.48.5"): "caRepository",
}
_ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.4": "SURNAME", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C",
    "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
    "2.5.4.12": "T", "2.5.4.42": "GIVENNAME", "2.5.4.43": "INITIALS", "2.5.4.44": "GENERATION",
    "2.5.4.46": "DNQ", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAILADDRESS",
}  # fmt: skip
ATTRIBUTE_OIDS = {label: x509.ObjectIdentifier(oid) for oid, label in _ATTRIBUTES.items()}


def name_parts(name: x509.Name) -> DistinguishedName:
    """A name as labels and values. Attributes without a label are called `OID.1.2.3`."""
    return tuple(
        tuple((label(a.oid.dotted_string), _text(a.value)) for a in part) for part in name.rdns
    )


def label(oid: str) -> str:
    """What the product calls a name attribute."""
    return _ATTRIBUTES.get(oid, f"OID.{oid}")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else "#" + value.hex()


def general_name(name: x509.GeneralName) -> str:
    """`DNS:host`, `IP:10.0.0.1`, `URI:…`, `email:…`, `DirName:…`, `RID:…`, `othername:OID;HEX`."""
    if isinstance(name, x509.DNSName):
        return f"DNS:{name.value}"
    if isinstance(name, x509.IPAddress):
        return f"IP:{name.value}"
    if isinstance(name, x509.UniformResourceIdentifier):
        return f"URI:{name.value}"
    if isinstance(name, x509.RFC822Name):
        return f"email:{name.value}"
    if isinstance(name, x509.DirectoryName):
        return f"DirName:{name_text(name_parts(name.value))}"
    if isinstance(name, x509.RegisteredID):
        return f"RID:{name.value.dotted_string}"
    if isinstance(name, x509.OtherName):
        return f"othername:{name.type_id.dotted_string};{name.value.hex()}"
    raise ValueError(f"a general name of the kind {type(name).__name__}")


def key_usages(value: x509.KeyUsage) -> tuple[str, ...]:
    """The names of the bits that are set."""
    # The last two can only be asked for when keyAgreement is set.
    bits = list(KEY_USAGES.items())[: None if value.key_agreement else -2]
    return tuple(name for name, attribute in bits if getattr(value, attribute))


def decode(extension: x509.Extension[Any]) -> Extension:
    """One extension with every field read. What it raises, `certs` knows to expect."""
    oid, value = extension.oid.dotted_string, extension.value
    for kind, name, lines in _DECODERS:
        if isinstance(value, kind):
            return Extension(name, oid, extension.critical, tuple(lines(value)))
    raw = value.value if isinstance(value, x509.UnrecognizedExtension) else value.public_bytes()
    return Extension("", oid, extension.critical, (_one("Value", raw.hex()),))


def _one(heading: str, item: str) -> ExtensionLine:
    return ExtensionLine(heading, (item,), False)


def _all(heading: str, items: Iterable[str]) -> ExtensionLine:
    return ExtensionLine(heading, tuple(items), True)


def _key_usage(value: x509.KeyUsage) -> Iterator[ExtensionLine]:
    yield _all("Usages", key_usages(value))


def _purposes(value: x509.ExtendedKeyUsage) -> Iterator[ExtensionLine]:
    yield _all("Usage oids", (oid.dotted_string for oid in value))


def _subject_key(value: x509.SubjectKeyIdentifier) -> Iterator[ExtensionLine]:
    yield _one("keyID", value.digest.hex())


def _names(value: Iterable[x509.GeneralName]) -> Iterator[ExtensionLine]:
    yield _all("Names", map(general_name, value))


def _constraints(value: x509.BasicConstraints) -> Iterator[ExtensionLine]:
    yield _one("CA", str(value.ca).lower())
    if value.path_length is not None:
        yield _one("PathLen", str(value.path_length))


def _access(value: Iterable[x509.AccessDescription]) -> Iterator[ExtensionLine]:
    for description in value:
        oid = description.access_method
        method = _METHODS.get(oid)
        yield _one(
            "accessMethod", f"{method} ({oid.dotted_string})" if method else oid.dotted_string
        )
        yield _one("accessLocation", general_name(description.access_location))


def _authority_key(value: x509.AuthorityKeyIdentifier) -> Iterator[ExtensionLine]:
    if value.key_identifier is not None:
        yield _one("keyID", value.key_identifier.hex())
    if value.authority_cert_issuer is not None:
        yield _all("Issuer", map(general_name, value.authority_cert_issuer))
    if value.authority_cert_serial_number is not None:
        yield _one("Serial Number", serial_text(value.authority_cert_serial_number))


def _points(value: Iterable[x509.DistributionPoint]) -> Iterator[ExtensionLine]:
    for point in value:
        if point.full_name is not None:
            yield _all("DistributionPoint", map(general_name, point.full_name))
        if point.relative_name is not None:
            parts = tuple((label(a.oid.dotted_string), _text(a.value)) for a in point.relative_name)
            yield _one("RelativeName", name_text((parts,)))
        if point.reasons is not None:
            yield _all("Reasons", sorted(reason.value for reason in point.reasons))
        if point.crl_issuer is not None:
            yield _all("Issuer", map(general_name, point.crl_issuer))


def _policies(value: Iterable[x509.PolicyInformation]) -> Iterator[ExtensionLine]:
    for policy in value:
        yield _one("Policy", policy.policy_identifier.dotted_string)
        for qualifier in policy.policy_qualifiers or ():
            if isinstance(qualifier, str):
                yield _one("CPS", qualifier)
                continue
            if qualifier.explicit_text is not None:
                yield _one("User Notice", qualifier.explicit_text)
            notice = qualifier.notice_reference
            if notice is not None:
                numbers = ", ".join(map(str, notice.notice_numbers))
                yield _one("Notice", f"{notice.organization or ''} {numbers}".strip())


def _name_constraints(value: x509.NameConstraints) -> Iterator[ExtensionLine]:
    if value.permitted_subtrees is not None:
        yield _all("Permitted", map(general_name, value.permitted_subtrees))
    if value.excluded_subtrees is not None:
        yield _all("Excluded", map(general_name, value.excluded_subtrees))


_DECODERS: tuple[tuple[type, str, Callable[[Any], Iterator[ExtensionLine]]], ...] = (
    (x509.KeyUsage, "KeyUsage", _key_usage),
    (x509.ExtendedKeyUsage, "ExtKeyUsageSyntax", _purposes),
    (x509.SubjectKeyIdentifier, "SubjectKeyIdentifier", _subject_key),
    (x509.SubjectAlternativeName, "SubjectAlternativeName", _names),
    (x509.IssuerAlternativeName, "IssuerAlternativeName", _names),
    (x509.BasicConstraints, "BasicConstraints", _constraints),
    (x509.AuthorityInformationAccess, "AuthorityInfoAccessSyntax", _access),
    (x509.SubjectInformationAccess, "SubjectInfoAccessSyntax", _access),
    (x509.AuthorityKeyIdentifier, "AuthorityKeyIdentifier", _authority_key),
    (x509.CRLDistributionPoints, "CRLDistributionPoints", _points),
    (x509.FreshestCRL, "FreshestCRL", _points),
    (x509.CertificatePolicies, "CertificatePolicies", _policies),
    (x509.NameConstraints, "NameConstraints", _name_constraints),
)
