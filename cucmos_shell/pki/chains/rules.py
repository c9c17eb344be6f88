"""What may stand in a chain: the rules for one certificate, for two that follow, for all of them.

The verifier of the library enforces RFC 5280 on its own. These rules are used three times: inside
its search, for what only the profile knows (keys, hashes, old roots); on the path it found, for
what it leaves out (names in the subject, key identifiers); and by the walk that explains a refusal.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cucmos_shell.pki.extensions import UNDERSTOOD
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.results import Value
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Protocol, TypeVar

    E = TypeVar("E", bound=x509.ExtensionType)

    class ChainPolicy(Protocol):
        """The part of a profile's policy that chains are held to."""

        @property
        def min_rsa_bits(self) -> int:
            """The size of the shortest RSA key that is accepted."""

        @property
        def curves(self) -> Sequence[str]:
            """The elliptic curves that are accepted, as `ec256`, …."""

        @property
        def hashes(self) -> Sequence[str]:
            """The hashes that are accepted in signatures, as `sha256`, …."""

        @property
        def allow_sha1_roots(self) -> bool:
            """Whether a root may have signed itself with SHA-1."""

        @property
        def allow_v1_roots(self) -> bool:
            """Whether a root may be a certificate of X.509 version 1."""


CURVES = {"secp256r1": "ec256", "secp384r1": "ec384", "secp521r1": "ec521"}
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
)
_ANY_PURPOSE = "2.5.29.37.0"


class ChainProblem(Value):
    """One reason against a chain. `weak` ones are the policy's (exit status 3), not RFC 5280's.

    `issuer` is the DER of the CA certificate whose use is the trouble, where it is one's.
    """

    code: str
    template: str
    fields: Mapping[str, object] = {}
    details: tuple[str, ...] = ()
    weak: bool = False
    issuer: bytes = b""


class Member:
    """A certificate that may take part: parsed, with its names as they are encoded.

    Two names are the same name when their octets are: RFC 5280, 4.1.2.6 asks issuers to write their
    name in the certificates they sign exactly as it stands in their own.
    """

    __slots__ = ("_extensions", "certificate", "der", "issuer", "subject", "trusted")

    def __init__(self, certificate: x509.Certificate, der: bytes, trusted: bool) -> None:
        self.certificate = certificate
        self.der = der
        self.trusted = trusted
        tbs = Tbs(der)
        self.subject, self.issuer = tbs.subject, tbs.issuer
        self._extensions: dict[x509.ObjectIdentifier, x509.Extension[Any]] | None = None

    @property
    def extensions(self) -> dict[x509.ObjectIdentifier, x509.Extension[Any]]:
        """By OID; raises one of UNREADABLE."""
        if self._extensions is None:
            self._extensions = {one.oid: one for one in self.certificate.extensions}
        return self._extensions

    def extension(self, kind: type[E]) -> E | None:
        """The value of one extension, None where there is none; raises one of UNREADABLE."""
        found = self.extensions.get(kind.oid)
        return None if found is None else found.value

    @property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name (RFC 5280, 6.1)."""
        return self.subject == self.issuer

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return name_words(self.certificate.subject)


def name_words(name: x509.Name) -> str:
    """A name in few words: its common name, else all of it in the form of RFC 4514."""
    try:
        for attribute in name.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
            return f"CN={attribute.value!s}"
        return name.rfc4514_string() or "(no name)"
    except UNREADABLE:
        return "(unreadable name)"


def is_root(member: Member) -> bool:
    """Whether a trusted certificate can end a chain: it names itself as the one who made it."""
    if not member.self_issued:
        return False
    try:
        wanted, own = _key_identifiers(member, member)
    except UNREADABLE:
        return False
    return wanted is None or own is None or wanted == own


def _key_identifiers(child: Member, issuer: Member) -> tuple[bytes | None, bytes | None]:
    authority = child.extension(x509.AuthorityKeyIdentifier)
    subject = issuer.extension(x509.SubjectKeyIdentifier)
    return (
        authority.key_identifier if authority else None,
        subject.digest if subject else None,
    )


# --- one certificate -----------------------------------------------------------------------------


def date_trouble(member: Member, when: float) -> ChainProblem | None:
    """Expired or not yet valid at `when`, seconds since the epoch."""
    start = member.certificate.not_valid_before_utc.timestamp()
    end = member.certificate.not_valid_after_utc.timestamp()
    if when > end:
        return ChainProblem(
            "expired", "{who} expired on {date}", {"who": member.words, "date": iso_time(end)}
        )
    if when < start:
        return ChainProblem(
            "not-yet-valid",
            "{who} is not valid before {date}",
            {"who": member.words, "date": iso_time(start)},
        )
    return None


def extension_trouble(member: Member) -> ChainProblem | None:
    """Extensions that cannot be read, or are critical and unknown (RFC 5280, 4.2)."""
    try:
        extensions = member.extensions
    except UNREADABLE:
        return ChainProblem(
            "malformed", "the extensions of {who} cannot be read", {"who": member.words}
        )
    for oid, extension in extensions.items():
        if extension.critical and oid not in UNDERSTOOD:
            return ChainProblem(
                "critical-extension",
                "{who} has a critical extension this node does not know ({oid})",
                {"who": member.words, "oid": oid.dotted_string},
            )
    return None


def form_trouble(member: Member, leaf: bool, root: bool) -> ChainProblem | None:
    """What RFC 5280 says a certificate MUST or MUST NOT be, and the verifier lets pass.

    Only rules that private CAs are known to keep; a root is taken as it is. Raises one of
    UNREADABLE.
    """
    extensions = member.extensions
    fault = ""
    for kind in (x509.AuthorityKeyIdentifier, x509.AuthorityInformationAccess):
        found = extensions.get(kind.oid)
        if found is not None and found.critical:
            fault = f"its {kind.__name__} is critical"  # 4.2.1.1, 4.2.2.1
    if not root and member.certificate.serial_number <= 0:
        fault = "its serial number is not positive"  # 4.1.2.2
    if leaf and x509.NameConstraints.oid in extensions and not _is_ca(member):
        fault = "it has name constraints and is no CA"  # 4.2.1.10
    names = extensions.get(x509.SubjectAlternativeName.oid)
    if leaf and names is not None and not names.critical and not member.subject:
        fault = "its alternative names stand for an empty subject and are not critical"  # 4.2.1.6
    if not fault:
        return None
    fields = {"who": member.words, "fault": fault}
    return ChainProblem("form", "{who} breaks RFC 5280: {fault}", fields, issuer=member.der)


def constraint_trouble(member: Member) -> ChainProblem | None:
    """Critical name constraints on directory names: the verifier gives up on meeting them."""
    found = member.extensions.get(x509.NameConstraints.oid)
    if found is None or not found.critical:
        return None
    bases = (*(found.value.permitted_subtrees or ()), *(found.value.excluded_subtrees or ()))
    if not any(isinstance(base, x509.DirectoryName) for base in bases):
        return None
    template = "{who} has critical name constraints on directory names, which cannot be checked"
    fields: dict[str, object] = {"who": member.words}
    return ChainProblem("unsupported-constraint", template, fields, issuer=member.der)


def _is_ca(member: Member) -> bool:
    constraints = member.extension(x509.BasicConstraints)
    return constraints is not None and constraints.ca


def purpose_trouble(member: Member, purpose: str, leaf: bool) -> ChainProblem | None:
    """An extended key usage without `purpose` (dotted OID); a CA may also have the one for any."""
    usages = member.extension(x509.ExtendedKeyUsage) if purpose else None
    if usages is None:
        return None
    allowed = {usage.dotted_string for usage in usages}
    if purpose in allowed or (not leaf and _ANY_PURPOSE in allowed):
        return None
    template = "the extended key usage of {who} does not include {purpose}"
    fields = {"who": member.words, "purpose": purpose}
    return ChainProblem("purpose", template, fields, issuer=member.der)


def ca_trouble(member: Member, below: int) -> ChainProblem | None:
    """Whether it may certify, with `below` CA certificates under it (RFC 5280, 4.2.1.9 and 3)."""
    constraints = member.extension(x509.BasicConstraints)
    usage = member.extension(x509.KeyUsage)
    if constraints is None or not constraints.ca:
        code, template = "not-a-ca", "{who} is not a CA certificate (CA:TRUE is missing)"
    elif usage is not None and not usage.key_cert_sign:
        code, template = "key-usage", "the key usage of {who} does not allow signing certificates"
    elif constraints.path_length is not None and below > constraints.path_length:
        code = "path-length"
        template = "{who} allows {limit} CA certificates below it, the chain has {below}"
    else:
        return None
    limit = constraints.path_length if constraints else None
    fields = {"who": member.words, "limit": limit, "below": below}
    return ChainProblem(code, template, fields, issuer=member.der)


def key_trouble(member: Member, policy: ChainPolicy) -> ChainProblem | None:
    """A key that the policy does not take."""
    try:
        key = member.certificate.public_key()
    except UNREADABLE:
        return _weak_key(member, "a kind or form that this node does not know")
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < policy.min_rsa_bits:
            return _weak_key(member, f"RSA {key.key_size}; {policy.min_rsa_bits} bits at least")
        if key.key_size % 8:
            return _weak_key(member, f"RSA {key.key_size}; a multiple of 8 bits is asked")
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        if CURVES.get(key.curve.name) not in policy.curves:
            return _weak_key(member, f"EC {key.curve.name}; {', '.join(policy.curves)} are allowed")
        return None
    return _weak_key(member, f"{type(key).__name__.removesuffix('PublicKey')}; RSA or EC is asked")


def _weak_key(member: Member, words: str) -> ChainProblem:
    fields = {"who": member.words, "words": words}
    template = "the policy does not allow the key of {who} ({words})"
    return ChainProblem("weak-key", template, fields, weak=True, issuer=member.der)


def hash_trouble(member: Member, policy: ChainPolicy, root: bool) -> ChainProblem | None:
    """A signature whose hash the policy does not take; a root's own proves nothing either way."""
    name = hash_name(member.certificate)
    if name in policy.hashes or (root and name == "sha1" and policy.allow_sha1_roots):
        return None
    fields = {"who": member.words, "hash": name or "no known hash"}
    template = "the policy does not allow the signature of {who} ({hash})"
    return ChainProblem("weak-hash", template, fields, weak=True, issuer=member.der)


def hash_name(certificate: x509.Certificate) -> str:
    """The hash of its signature: `sha256`, …; empty where there is none or it is unknown."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UNREADABLE:
        return ""
    return algorithm.name if algorithm else ""


def version_trouble(member: Member, policy: ChainPolicy, root: bool) -> ChainProblem | None:
    """Version 1 has no extensions, so none says that it is a CA; a root may be trusted as one."""
    if member.certificate.version is x509.Version.v3 or (root and policy.allow_v1_roots):
        return None
    version = member.certificate.version.value + 1
    return ChainProblem(
        "version",
        "{who} is an X.509 version {version} certificate",
        {"who": member.words, "version": version},
        weak=root,
        issuer=member.der,
    )


# --- two that follow each other ------------------------------------------------------------------


def identifier_trouble(child: Member, issuer: Member) -> ChainProblem | None:
    """The child asks for another key of its issuer (RFC 5280, 4.2.1.1)."""
    wanted, own = _key_identifiers(child, issuer)
    if wanted is None or own is None or wanted == own:
        return None
    return ChainProblem(
        "key-identifier",
        "{who} names another key of its issuer than {issuer_words} has",
        {"who": child.words, "issuer_words": issuer.words},
        issuer=issuer.der,
    )


# --- all of it for one certificate ---------------------------------------------------------------


class Rules(Value):
    """What one decision holds certificates to. `when` in seconds since the epoch."""

    policy: ChainPolicy
    when: float
    depth: int
    purpose: str = ""

    def troubles(self, member: Member, root: bool, below: int | None) -> Iterator[ChainProblem]:
        """Everything wrong with a certificate but its dates, what RFC 5280 asks first.

        `below` is the number of CA certificates between it and the leaf, None for the leaf itself.
        """
        leaf = below is None
        yield from filter(None, (version_trouble(member, self.policy, root),))
        if unreadable := extension_trouble(member):
            yield unreadable
            if unreadable.code == "malformed":
                return
        if below is not None and not (root and member.certificate.version is x509.Version.v1):
            yield from filter(None, (ca_trouble(member, below),))
        yield from filter(
            None,
            (
                constraint_trouble(member),
                form_trouble(member, leaf, root),
                purpose_trouble(member, self.purpose, leaf),
                key_trouble(member, self.policy),
                hash_trouble(member, self.policy, root),
            ),
        )
