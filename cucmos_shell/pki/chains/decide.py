"""Whether a certificate's chain ends in the trust store, decided by `cryptography`'s verifier.

    index = AnchorIndex(ders)                      # or any function: name → certificates in DER
    verdict = decide(leaf, pasted, index, profile.policy, world.now(), store="NAME")
    if not verdict.accepted:
        raise verdict.refusal()

The verifier searches the paths (RFC 5280, 6) with the profile's policy inside the search, so a path
that the policy refuses does not hide one that it takes. `rules` and `names` then hold
the path to what the verifier leaves out. Nothing is ever accepted that the verifier has not
accepted; the words for a refusal come from `explain`.

Only certificates of the trust store that name themselves as issuer end a chain; others in it are
intermediates, and above one that is in the trust store only such are looked for, as OpenSSL does:
what was accepted verifies with the trust store later, when what came with it is gone. A
self-signed certificate that is in the trust store itself is its own chain.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import itertools

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from cucmos_shell.errors import PolicyRefused, Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.explain import Candidates, Walk, gather, missing
from cucmos_shell.pki.chains.names import forbidden, names_trouble
from cucmos_shell.pki.chains.rules import (
    UNREADABLE,
    ChainProblem,
    Member,
    Rules,
    constraint_trouble,
    hash_name,
    identifier_trouble,
)
from cucmos_shell.pki.der import BIT_STRING, SEQUENCE, children, element, encode
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.pki.untrusted import reading
from cucmos_shell.results import Value
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cucmos_shell.pki.chains.rules import ChainPolicy

    Anchors = Callable[[bytes], Iterable[bytes]]

DEPTH = 10
_RETRIES = 4


class Link(Value):
    """One certificate of a chain; `words` is its name in few words, foreign text.

    `trusted`: it is in the trust store. `anchor`: the chain may end here.
    """

    certificate: x509.Certificate
    der: bytes
    words: str
    trusted: bool
    anchor: bool


class ChainVerdict(Value):
    """`chain` goes from the leaf to the anchor, or to where it breaks for `trouble`.

    `notes` say what was let pass because the profile allows it; whole sentences, made safe.
    """

    accepted: bool
    chain: tuple[Link, ...]
    trouble: ChainProblem | None = None
    notes: tuple[str, ...] = ()

    def refusal(self) -> Refused:
        """The error to raise for a chain that is not accepted."""
        trouble = self.trouble or ChainProblem("unknown", "the chain is not valid")
        kind = PolicyRefused if trouble.weak else Refused
        return kind(trouble.template, details=trouble.details, **trouble.fields)


class AnchorIndex:
    """A trust store's certificates by subject name, for `decide`; none is parsed before its turn.

    A name is the contents of its SEQUENCE, as `tbs.Tbs` cuts it out.
    """

    def __init__(self, ders: Iterable[bytes]) -> None:
        self._by_subject: dict[bytes, list[bytes]] = {}
        for der in ders:
            self._by_subject.setdefault(Tbs(der).subject, []).append(der)

    def __call__(self, name: bytes) -> Sequence[bytes]:
        return self._by_subject.get(name, ())


def decide(
    leaf: x509.Certificate,
    intermediates: Iterable[x509.Certificate],
    anchors: Anchors,
    policy: ChainPolicy,
    when: float,
    *,
    store: str = "the trust store",
    ends_in: bytes = b"",
    depth: int = DEPTH,
    partial: bool = False,
    purpose: str = "",
    name: str = "",
) -> ChainVerdict:
    """The verdict on `leaf` at `when` (seconds since the epoch); never raises for bad certificates.

    `anchors` gives the certificates (DER) of the trust store with that subject name. `store` is how
    sentences call it. `ends_in` (DER, one of the trust store) must be in the chain. `depth` limits
    the CA certificates between leaf and anchor. With `partial`, any certificate of the trust store
    may end a chain. Where there are extended key usages, `purpose` (a dotted OID) must be one of
    them. With `name`, the leaf must carry that DNS name or IP address.
    """
    rules = Rules(policy, when, depth, purpose)
    try:
        with reading():
            decision = _Decision(leaf, rules, store, name)
            return decision.run(intermediates, anchors, ends_in, partial)
    except Refused as error:
        return ChainVerdict(False, (), ChainProblem("malformed", error.template, error.fields))


class _Decision:
    """One call of `decide`."""

    def __init__(
        self,
        leaf: x509.Certificate,
        rules: Rules,
        store: str,
        name: str,
    ) -> None:
        self._leaf = Member(leaf, certs.to_der(leaf), False)
        self._rules = rules
        self._store = store
        self._name = _host(name) if name else None
        self._roots: set[bytes] = set()
        # The verifier's certificates and what they stand for; it hands back the same objects.
        self._members: dict[x509.Certificate, Member] = {}

    def run(
        self,
        intermediates: Iterable[x509.Certificate],
        anchors: Anchors,
        ends_in: bytes,
        partial: bool,
    ) -> ChainVerdict:
        def trusted(name: bytes) -> Iterable[Member]:
            for der in anchors(name):
                with contextlib.suppress(*UNREADABLE):
                    yield Member(x509.load_der_x509_certificate(der), der, True)

        given = [Member(one, certs.to_der(one), False) for one in intermediates]
        candidates = gather(self._leaf, given, trusted, self._rules.depth, partial)
        if ends_in:
            candidates = candidates.only(ends_in)
        refused: ChainVerdict | None = None
        for _ in range(_RETRIES):
            chain, words = self._verified(candidates)
            if not chain:
                return refused or self._explained(candidates, words)
            trouble = self._left_out(chain, ends_in)
            links = self._links(chain, candidates)
            if trouble is None:
                return ChainVerdict(True, links, None, tuple(_notes(chain)))
            refused = refused or ChainVerdict(False, links, trouble)
            if not trouble.issuer:
                break
            candidates = candidates.without(trouble.issuer)
        return refused or ChainVerdict(False, ())

    # --- the verifier ------------------------------------------------------------------------

    def _verified(self, candidates: Candidates) -> tuple[list[Member], str]:
        """The path the verifier finds, leaf first, or its words against it."""
        self._roots = {one.der for one in candidates.roots}
        roots = [self._presented(one) for one in candidates.roots if _checkable(one)]
        if not roots:
            return [], ""
        # The leaf is the very object the store holds where it is an anchor itself.
        leaf = next(
            (one for one in roots if self._members[one].der == self._leaf.der),
            self._leaf.certificate,
        )
        self._members[leaf] = self._leaf
        usable = [one for one in candidates.others if _checkable(one)]
        others = [one.certificate for one in usable]
        self._members.update(zip(others, usable, strict=True))
        try:
            chain = self._search(roots, leaf, others)
        except VerificationError as error:
            return [], str(error)
        return [self._members[one] for one in chain], ""

    def _search(
        self,
        roots: list[x509.Certificate],
        leaf: x509.Certificate,
        others: list[x509.Certificate],
    ) -> list[x509.Certificate]:
        agnostic = Criticality.AGNOSTIC
        authority = ExtensionPolicy.permit_all().require_present(
            x509.BasicConstraints, agnostic, self._judge_authority
        )
        end = ExtensionPolicy.permit_all().may_be_present(
            x509.BasicConstraints, agnostic, self._judge_leaf
        )
        if self._name:
            end = end.require_present(x509.SubjectAlternativeName, agnostic, None)
        builder = (
            PolicyBuilder()
            .store(Store(roots))
            .time(datetime.datetime.fromtimestamp(int(self._rules.when), datetime.UTC))
            .max_chain_depth(self._rules.depth)
            .extension_policies(ca_policy=authority, ee_policy=end)
        )
        if self._name:
            return builder.build_server_verifier(self._name).verify(leaf, others)
        return builder.build_client_verifier().verify(leaf, others).chain

    def _judge_authority(self, _policy: object, certificate: x509.Certificate, _: object) -> None:
        # Path lengths are the verifier's own business: it knows how deep it is.
        self._judge(self._members[certificate], 0)

    def _judge_leaf(self, _policy: object, certificate: x509.Certificate, _: object) -> None:
        self._judge(self._members[certificate], None)

    def _judge(self, member: Member, below: int | None) -> None:
        for trouble in self._rules.troubles(member, member.der in self._roots, below):
            raise ValueError(trouble.code)

    def _presented(self, root: Member) -> x509.Certificate:
        """A root as the verifier takes it.

        An anchor is a name, a key and their constraints (RFC 5280, 6.1.1 d); the verifier wants
        them in a version 3 certificate, so that of version 1 is put into a new envelope. Its own
        signature is looked at by nobody, there or here.
        """
        certificate = root.certificate
        if certificate.version is x509.Version.v1 and self._rules.policy.allow_v1_roots:
            certificate = x509.load_der_x509_certificate(_version_3(root.der))
        self._members[certificate] = root
        return certificate

    # --- what the verifier leaves out --------------------------------------------------------

    def _left_out(self, chain: list[Member], ends_in: bytes) -> ChainProblem | None:
        for child, issuer in itertools.pairwise(chain):
            if child.trusted and not issuer.trusted:
                lacking: ChainProblem = missing(issuer.words, self._store).replace(
                    issuer=issuer.der
                )
                return lacking
            if trouble := identifier_trouble(child, issuer):
                return trouble
        if ends_in and all(member.der != ends_in for member in chain):
            return ChainProblem(
                "elsewhere",
                "the chain does not end in the CA certificate given but in {who}",
                {"who": chain[-1].words},
            )
        return names_trouble(chain)

    def _explained(self, candidates: Candidates, words: str) -> ChainVerdict:
        """The verifier said no: in our words where the walk knows why, else in its own."""
        walk = Walk(candidates, self._rules, self._store)
        path, trouble = walk.explain(self._leaf)
        if trouble is None and "name constraint" in words.lower():
            bound = [one for one in path[1:] if one.extension(x509.NameConstraints)]
            trouble = forbidden(bound[0], path[0]) if bound else None
        if trouble is None and self._name and "subjectAltName" in words:
            fields: dict[str, object] = {"who": self._leaf.words, "name": str(self._name.value)}
            trouble = ChainProblem("other-name", "{who} is not a certificate for {name}", fields)
        if trouble is None:
            fields = {"reason": _verifier_words(words)}
            trouble = ChainProblem("verifier", "the chain is not valid: {reason}", fields)
        return ChainVerdict(False, self._links(path, candidates), trouble)

    def _links(self, path: Sequence[Member], candidates: Candidates) -> tuple[Link, ...]:
        roots = {one.der for one in candidates.roots}
        return tuple(
            Link(
                member.certificate,
                member.der,
                member.words,
                member.trusted or member.der in roots,
                member.der in roots,
            )
            for member in path
        )


def _checkable(member: Member) -> bool:
    """Whether the verifier can go on after meeting it; some constraints make it give up at once."""
    try:
        return constraint_trouble(member) is None
    except UNREADABLE:
        return False


def _verifier_words(text: str) -> str:
    """The verifier's reason without its frame: what it tried, which object it was at."""
    reason = text.partition("validation failed: ")[2] or text
    for end in (" (encountered", ": AlgorithmIdentifier"):
        reason = reason.partition(end)[0]
    return reason.removeprefix("candidates exhausted: ")


def _notes(chain: Sequence[Member]) -> Iterable[str]:
    root = chain[-1]
    if root.certificate.version is x509.Version.v1:
        yield f"{safe(root.words)} is an X.509 version 1 certificate, trusted as a root"
    if hash_name(root.certificate) == "sha1":
        yield f"{safe(root.words)} is signed with SHA-1; a root's own signature is not relied on"


def _host(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


# A critical BasicConstraints with CA:TRUE, and ecdsa-with-SHA256 (RFC 5280, 4.2.1.9; RFC 5758).
_IS_CA = bytes.fromhex("300f0603551d130101ff040530030101ff")
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def _version_3(der: bytes) -> bytes:
    """The name, key and validity of a version 1 certificate as a version 3 CA certificate."""
    _, start, end = element(der)
    _, start, end = element(der, start, end)
    fields = [encode(tag, der[at:stop]) for tag, at, stop in children(der, start, end)]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo (RFC 5280, 4.1)
    body = b"".join(
        (
            encode(0xA0, b"\x02\x01\x02"),
            b"\x02\x01\x01",
            _ECDSA_SHA256,
            *fields[2:6],
            encode(0xA3, encode(SEQUENCE, _IS_CA)),
        )
    )
    signature = encode(BIT_STRING, b"\x00")
    return encode(SEQUENCE, encode(SEQUENCE, body) + _ECDSA_SHA256 + signature)
