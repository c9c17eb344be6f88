"""Which chains are accepted, and in which words the others are refused. The CA is openssl."""

from __future__ import annotations

import time

import pytest
from certificate_authority import DAY, YEAR, CertificateAuthority, Issued
from hypothesis import given, settings
from hypothesis import strategies as st
from limbo_table import POLICY

from cucmos_shell.errors import PolicyRefused, Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import AnchorIndex, ChainVerdict, decide
from cucmos_shell.profile.profile import Policy

STORE = "unit-trust"


@pytest.fixture(scope="module")
def issuing(authority: CertificateAuthority, root: Issued) -> Issued:
    return authority.intermediate(root, "Issuing")


@pytest.fixture(scope="module")
def leaf(authority: CertificateAuthority, issuing: Issued) -> Issued:
    return authority.leaf(issuing, "host.example.com", alternative_names=["DNS:host.example.com"])


def judge(
    leaf: Issued,
    given: list[Issued],
    trusted: list[Issued],
    *,
    policy: Policy = POLICY,
    when: float | None = None,
    **options: object,
) -> ChainVerdict:
    return decide(
        leaf.certificate,
        [one.certificate for one in given],
        AnchorIndex(one.der for one in trusted),
        policy,
        time.time() if when is None else when,
        store=STORE,
        **options,  # type: ignore[arg-type]
    )


def names(verdict: ChainVerdict) -> list[str]:
    return [link.words.removeprefix("CN=") for link in verdict.chain]


def reason(verdict: ChainVerdict) -> str:
    assert not verdict.accepted
    assert verdict.trouble is not None
    return verdict.trouble.code


def words(verdict: ChainVerdict) -> str:
    refusal = verdict.refusal()
    return "\n".join((refusal.message(), *refusal.details))


# --- accepted --------------------------------------------------------------------------------------


def test_chain_through_a_pasted_intermediate(root, issuing, leaf):
    verdict = judge(leaf, [issuing], [root])
    assert verdict.accepted
    assert names(verdict) == ["host.example.com", "Issuing", "Root"]
    assert [link.trusted for link in verdict.chain] == [False, False, True]
    assert [link.anchor for link in verdict.chain] == [False, False, True]
    assert verdict.notes == ()


def test_intermediate_of_the_trust_store_is_used_and_is_no_anchor(root, issuing, leaf):
    assert judge(leaf, [], [issuing, root]).accepted
    alone = judge(leaf, [], [issuing])
    assert reason(alone) == "missing"
    assert "issuer CN=Root is not in unit-trust; import it first" in words(alone)
    assert judge(leaf, [], [issuing], partial=True).accepted


def test_order_and_duplicates_of_the_paste_do_not_matter(root, issuing, leaf):
    assert judge(leaf, [root, leaf, issuing, issuing, root], [root]).accepted


def test_self_signed_leaf_in_the_trust_store_is_its_own_chain(authority):
    own = authority.leaf(None, "own")
    verdict = judge(own, [], [own])
    assert verdict.accepted
    assert names(verdict) == ["own"]
    assert verdict.chain[0].anchor
    assert "issuer CN=own is not in unit-trust" in words(judge(own, [], []))


def test_ca_certificate_as_leaf(authority, root, issuing):
    assert judge(issuing, [], [root]).accepted


def test_expired_cross_signed_and_rekeyed_namesakes_hide_no_valid_path(authority, root):
    other = authority.root("Other root")
    good = authority.intermediate(root, "Shared")
    crossed = authority.cross_sign(good, other)
    expired = authority.cross_sign(good, root, end=-60)
    rekeyed = authority.intermediate(root, "Shared")
    leaf = authority.leaf(good)
    for pasted in ([expired, rekeyed, crossed, good], [good, crossed, rekeyed, expired]):
        assert names(judge(leaf, pasted, [root])) == ["host.example.com", "Shared", "Root"]
        assert names(judge(leaf, pasted, [other])) == ["host.example.com", "Shared", "Other root"]
    stale = judge(leaf, [expired], [root])
    assert reason(stale) == "expired"
    assert words(stale).startswith("CN=Shared expired on ")


def test_old_root_key_beside_the_new_one(authority):
    old, new = authority.root("Same"), authority.root("Same")
    leaf = authority.leaf(new)
    assert judge(leaf, [], [old, new]).accepted
    verdict = judge(leaf, [], [old])
    assert reason(verdict) in ("bad-signature", "key-identifier")
    assert "CN=Same" in words(verdict)


def test_given_ca_certificate_must_be_in_the_chain(authority, root):
    other = authority.root("Other root")
    good = authority.intermediate(root, "Shared")
    crossed = authority.cross_sign(good, other)
    leaf = authority.leaf(good)
    trusted = [root, other, good, crossed]
    for end, expected in ((root, "Root"), (other, "Other root"), (crossed, "Other root")):
        verdict = judge(leaf, [], trusted, ends_in=end.der)
        assert verdict.accepted
        assert names(verdict)[-1] == expected
    elsewhere = judge(leaf, [], trusted, ends_in=authority.root("Third").der)
    assert reason(elsewhere) == "elsewhere"


def test_keys_and_hashes_of_every_kind(authority):
    for kind, hash_name in (("rsa2048", "sha256"), ("ec384", "sha384"), ("ec521", "sha512")):
        top = authority.root(f"Root {kind}", key=kind, hash_name=hash_name)
        leaf = authority.leaf(top, key=kind, hash_name=hash_name)
        assert judge(leaf, [], [top]).accepted


# --- old roots -------------------------------------------------------------------------------------


def test_version_1_root_is_trusted_where_the_profile_allows(authority):
    old = authority.root("Old", version=1)
    issuing = authority.intermediate(old, "Below", path_length=0)
    leaf = authority.leaf(issuing)
    verdict = judge(leaf, [issuing], [old])
    assert verdict.accepted
    assert verdict.chain[-1].der == old.der
    assert "version 1" in verdict.notes[0]
    refused = judge(leaf, [issuing], [old], policy=POLICY.replace(allow_v1_roots=False))
    assert reason(refused) == "version"
    assert isinstance(refused.refusal(), PolicyRefused)


def test_version_1_certificate_is_no_intermediate(authority, root):
    old = authority.root("Old", version=1)
    leaf = authority.leaf(old)
    assert reason(judge(leaf, [old], [root])) == "missing"
    impostor = authority.root("Old", version=1)
    assert not judge(leaf, [], [impostor]).accepted


def test_sha1_root_is_trusted_where_the_profile_allows(authority):
    old = authority.root("Old", key="rsa2048", hash_name="sha1")
    leaf = authority.leaf(old)
    verdict = judge(leaf, [], [old])
    assert verdict.accepted
    assert "SHA-1" in verdict.notes[0]
    refused = judge(leaf, [], [old], policy=POLICY.replace(allow_sha1_roots=False))
    assert reason(refused) == "weak-hash"


# --- refused ---------------------------------------------------------------------------------------


def test_missing_issuer_is_named(root, issuing, leaf):
    nothing = judge(leaf, [], [root])
    assert words(nothing) == (
        "CA certificate is not available in the trust-store\n"
        "issuer CN=Issuing is not in unit-trust; import it first"
    )
    assert names(nothing) == ["host.example.com"]
    rootless = judge(leaf, [issuing, root], [])
    assert "issuer CN=Root is not in unit-trust; import it first" in words(rootless)
    assert type(rootless.refusal()) is Refused


def test_dates(authority, root, issuing, leaf):
    late = judge(leaf, [issuing], [root], when=time.time() + 2 * YEAR)
    assert reason(late) == "expired"
    assert words(late).startswith("CN=host.example.com expired on 20")
    early = judge(leaf, [issuing], [root], when=time.time() - 2 * DAY)
    assert reason(early) == "not-yet-valid"
    future = authority.intermediate(root, "Future", start=DAY)
    verdict = judge(authority.leaf(future), [future], [root])
    assert words(verdict).startswith("CN=Future is not valid before 20")


def test_bad_signature(authority, root, issuing):
    forged = authority.intermediate(root, "Issuing")
    leaf = authority.leaf(forged, extensions=["basicConstraints = CA:FALSE"])
    verdict = judge(leaf, [issuing], [root])
    assert reason(verdict) == "bad-signature"
    assert words(verdict) == (
        "the signature on CN=host.example.com was not made with the key of CN=Issuing"
    )


def test_not_a_ca(authority, root):
    end = authority.leaf(root, "End")
    verdict = judge(authority.leaf(end, "Below"), [end], [root])
    assert reason(verdict) == "not-a-ca"
    assert "CN=End is not a CA certificate" in words(verdict)
    mute = authority.intermediate(root, "Mute", extensions=["keyUsage = critical,cRLSign"])
    assert reason(judge(authority.leaf(mute), [mute], [root])) == "key-usage"


def test_path_length(authority):
    short = authority.root("Short", path_length=0)
    below = authority.intermediate(short, "Below")
    verdict = judge(authority.leaf(below), [below], [short])
    assert words(verdict) == "CN=Short allows 0 CA certificates below it, the chain has 1"
    assert judge(authority.leaf(short), [], [short]).accepted


@pytest.mark.parametrize(
    ("constraint", "subject", "names", "accepted"),
    [
        ("critical,permitted;DNS:example.com", "/CN=x", ["DNS:a.example.com"], True),
        ("critical,permitted;DNS:example.com", "/CN=x", ["DNS:a.example.org"], False),
        ("critical,excluded;DNS:example.com", "/CN=x", ["DNS:a.example.com"], False),
        ("critical,permitted;DNS:example.com", "/CN=a.example.org", [], False),
        ("critical,permitted;DNS:example.com", "/CN=a.example.com", [], True),
        ("critical,permitted;DNS:example.com", "/CN=host", [], True),
        ("critical,permitted;DNS:example.com", "/CN=2001:db8::1", [], True),
        ("critical,permitted;DNS:example.com", "/CN=192.0.2.1.example.net", [], False),
        ("critical,permitted;DNS:example.com", "/CN=192.0.2.999", [], False),
        ("critical,permitted;DNS:example.com", "/CN=192.0.2.1", ["DNS:host.example.net"], False),
        ("critical,permitted;IP:10.0.0.0/255.0.0.0", "/CN=x", ["IP:192.0.2.1"], False),
        ("critical,permitted;email:example.com", "/CN=x/emailAddress=a@example.org", [], False),
        ("critical,permitted;email:example.com", "/CN=x/emailAddress=a@example.com", [], True),
        ("permitted;dirName:place", "/C=PL/CN=x", [], True),
        ("permitted;dirName:place", "/C=US/CN=x", [], False),
        ("excluded;dirName:place", "/C=PL/CN=x", [], False),
    ],
)
def test_name_constraints(authority, root, constraint, subject, names, accepted):
    """As openssl judges them, the names in the subject included."""
    lines = [f"nameConstraints = {constraint}\n[place]\nC = PL"]
    bound = authority.intermediate(root, "/C=PL/CN=Bound", extensions=lines)
    leaf = authority.leaf(bound, subject, alternative_names=names)
    verdict = judge(leaf, [bound], [root])
    assert verdict.accepted is accepted
    assert authority.verify(leaf, [bound], [root])[0] is accepted
    if not accepted:
        assert reason(verdict) == "name-constraint"
        assert "CN=Bound may not certify the names of" in words(verdict)


@pytest.mark.parametrize("name", ["192.0.2.1", "192.0.2.1."])
def test_a_common_name_that_is_an_ip_address_is_no_dns_name(authority, root, name):
    """Openssl takes it for one, for all its digits."""
    for constraint in ("permitted;DNS:example.com", "excluded;DNS:1"):
        lines = [f"nameConstraints = critical,{constraint}"]
        bound = authority.intermediate(root, "Bound by names", extensions=lines)
        assert judge(authority.leaf(bound, f"/CN={name}"), [bound], [root]).accepted


def test_constraints_nobody_can_check_hide_no_other_path(authority, root):
    """The verifier gives up at critical constraints on directory names."""
    lines = ["nameConstraints = critical,permitted;dirName:place\n[place]\nC = PL"]
    bound = authority.intermediate(root, "/C=PL/CN=Bound", extensions=lines)
    leaf = authority.leaf(bound, "/C=PL/CN=x")
    verdict = judge(leaf, [bound], [root])
    assert reason(verdict) == "unsupported-constraint"
    assert "on directory names" in words(verdict)
    assert judge(leaf, [bound, authority.cross_sign(bound, root)], [root]).accepted


def test_policy_on_keys_and_hashes_is_the_last_word(authority, root):
    weak = authority.leaf(root, key="rsa1024")
    verdict = judge(weak, [], [root])
    assert reason(verdict) == "weak-key"
    assert isinstance(verdict.refusal(), PolicyRefused)
    assert "RSA 1024; 2048 bits at least" in words(verdict)
    assert reason(judge(weak, [], [])) == "missing"
    sha1 = authority.leaf(root, hash_name="sha1")
    assert reason(judge(sha1, [], [root])) == "weak-hash"
    curve = judge(authority.leaf(root), [], [root], policy=POLICY.replace(curves=("ec384",)))
    assert "EC secp256r1; ec384 are allowed" in words(curve)
    ed25519 = authority.leaf(root, key="ED25519")
    assert reason(judge(ed25519, [], [root])) == "weak-key"


def test_weak_path_does_not_hide_a_strong_one(authority):
    """The policy is part of the search: a cross-signed CA is reached through the other root."""
    weak = authority.root("Weak", key="rsa1024")
    strong = authority.root("Strong")
    shared = authority.intermediate(weak, "Shared")
    crossed = authority.cross_sign(shared, strong)
    leaf = authority.leaf(shared)
    assert names(judge(leaf, [shared, crossed], [weak, strong]))[-1] == "Strong"


def test_purpose(authority, root):
    server = authority.leaf(root, extensions=["extendedKeyUsage = serverAuth"])
    assert judge(server, [], [root], purpose="1.3.6.1.5.5.7.3.1").accepted
    assert reason(judge(server, [], [root], purpose="1.3.6.1.5.5.7.3.2")) == "purpose"
    assert judge(authority.leaf(root), [], [root], purpose="1.3.6.1.5.5.7.3.2").accepted


def test_unknown_critical_extension(authority, root):
    line = "1.2.3.4 = critical,DER:0500"
    odd = authority.leaf(root, extensions=[line])
    verdict = judge(odd, [], [root])
    assert reason(verdict) == "critical-extension"
    assert "(1.2.3.4)" in words(verdict)


def test_names_that_attack_the_terminal_stay_in_their_place(authority):
    leaf = authority.leaf(authority.root("\x1b[31mred\r\nadmin:"), "x")
    assert "\x1b" not in words(judge(leaf, [], []))
    assert "\n" not in judge(leaf, [], []).refusal().details[0]
    assert "admin:" not in words(judge(leaf, [], []))


# --- bounds ----------------------------------------------------------------------------------------


def test_circles_end(authority):
    """Two CAs that certify each other, and nobody else."""
    first, second = authority.root("First"), authority.root("Second")
    one, two = authority.cross_sign(first, second), authority.cross_sign(second, first)
    leaf = authority.leaf(one)
    start = time.process_time()
    verdict = judge(leaf, [one, two], [authority.root("Unrelated")])
    assert reason(verdict) == "circle"
    assert "reaches no root in unit-trust" in words(verdict)
    assert judge(leaf, [one, two], [second]).accepted
    assert time.process_time() - start < 1


@pytest.mark.unmeasured
def test_chain_of_a_hundred_ends_quickly(authority, root):
    key = authority.new_key()
    chain = [root]
    for i in range(100):
        chain.append(authority.intermediate(chain[-1], f"CA {i}", key=key))
    leaf = authority.leaf(chain[-1])
    given = [one.certificate for one in chain[1:]]
    index = AnchorIndex([root.der])
    start = time.process_time()
    verdict = decide(leaf.certificate, given, index, POLICY, time.time(), store=STORE)
    assert time.process_time() - start < 0.2
    assert reason(verdict) == "too-long"
    assert "longer than 10 CA certificates" in words(verdict)


def test_depth_counts_the_cas_between_leaf_and_anchor(authority, root):
    chain = [root]
    for i in range(3):
        chain.append(authority.intermediate(chain[-1], f"Step {i}"))
    leaf = authority.leaf(chain[-1])
    assert judge(leaf, chain[1:], [root], depth=3).accepted
    assert reason(judge(leaf, chain[1:], [root], depth=2)) == "too-long"


def test_many_namesakes_end_quickly(authority, leaf, root, issuing):
    """A paste full of impostors: bounded time, and the walk still has words."""
    key = authority.new_key()
    impostors = [authority.intermediate(root, "Issuing", key=key) for _ in range(80)]
    start = time.process_time()
    verdict = judge(leaf, impostors, [root])
    assert time.process_time() - start < 1
    assert not verdict.accepted


def test_anchors_are_parsed_by_name_only(root, issuing, leaf):
    """A decision among many anchors asks for the names of its own chain and no other."""
    asked = []
    index = AnchorIndex([root.der])

    def anchors(name: bytes) -> object:
        asked.append(name)
        return index(name)

    arguments = (leaf.certificate, [issuing.certificate], anchors, POLICY, time.time())
    assert decide(*arguments).accepted
    assert len(asked) == 2


@settings(max_examples=300, deadline=None)
@given(which=st.integers(0, 1), place=st.integers(0, 1 << 12), octet=st.integers(0, 255))
def test_changed_certificates_are_never_accepted_and_never_surprise(
    root, issuing, leaf, which, place, octet
):
    """One octet of the leaf or of the CA above it is another: no exception, no acceptance."""
    ders = [leaf.der, issuing.der]
    at = place % len(ders[which])
    changed = ders[which][:at] + bytes([octet]) + ders[which][at + 1 :]
    # How many bits of the signature's last octet are unused is no part of what is signed.
    unused = len(changed) - len(certs.load_der(ders[which]).signature) - 1
    if changed == ders[which] or at == unused:
        return
    ders[which] = changed
    try:
        certificates = list(map(certs.load_der, ders))
    except Refused:
        return
    arguments = (certificates[0], certificates[1:], AnchorIndex([root.der]), POLICY, time.time())
    verdict = decide(*arguments, store=STORE)
    assert not verdict.accepted
    assert "\n" not in words(verdict).partition("\n")[0]
