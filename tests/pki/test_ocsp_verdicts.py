"""Which OCSP answers are believed: how old they are, and whose certificate has signed them."""

import datetime
import hashlib
import time
import warnings

import pytest
from certificate_authority import CertificateAuthority
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from harness import Conversation, clock_world

from cucmos_shell.node import Node
from cucmos_shell.node.certificates.anchors import Issuers, TrustedStore
from cucmos_shell.pki.ocsp.verdict import GOOD, UNKNOWN
from cucmos_shell.pki.ocsp.verify import SKEW, Question, verify
from cucmos_shell.text import counted

HOUR = 3600.0
EKU = "extendedKeyUsage = OCSPSigning"
CRITICAL = "1.2.3.4.5 = critical,DER:0500"
NONCE = b"n" * 16


class Trust:
    """A trust store with these certificates."""

    def __init__(self, *certificates):
        self._all = certificates

    def by_name(self, name):
        return (one for one in self._all if one.subject == name)

    def by_key(self, key_hash):
        return iter(())

    def holds(self, certificate):
        return certificate in self._all


class Chain:
    """A root, a CA above the issuer, the issuer, and a leaf; answers about the leaf."""

    def __init__(self, folder):
        self.ca = CertificateAuthority(folder)
        self.root = self.ca.root("Verdict Root")
        self.middle = self.ca.intermediate(self.root, "Verdict Middle CA")
        self.issuer = self.ca.intermediate(self.middle, "Verdict Issuing CA")
        self.leaf = self.ca.leaf(self.issuer, "leaf")
        self.other = self.ca.root("Another Root")
        self.now = time.time()

    def signer(self, issuer, *extensions, **more):
        return self.ca.leaf(issuer, "Responder", extensions=extensions, **more)

    def question(self):
        above = (self.middle.certificate, self.root.certificate)
        return Question(self.leaf.certificate, self.issuer.certificate, NONCE, above)

    def answer(self, signer, *, age=0.0, until=None, nonce=None, subject=None):
        """An answer in DER that the leaf is good, true `age` seconds ago."""

        def moment(seconds):
            return datetime.datetime.fromtimestamp(self.now + seconds, datetime.UTC)

        builder = ocsp.OCSPResponseBuilder().add_response(
            self.leaf.certificate, self.issuer.certificate, hashes.SHA1(),
            ocsp.OCSPCertStatus.GOOD, moment(-age), None if until is None else moment(until),
            None, None,
        )  # fmt: skip
        certificate = signer.certificate
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, certificate)
        builder = builder.certificates([certificate])
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), False)
        key = load_pem_private_key(signer.key.read_bytes(), None)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def verdict(self, answer, *trusted, **more):
        store = Trust(*(one.certificate for one in trusted))
        return verify(answer, self.question(), self.now, store, **more)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("chain"))


AGES = (-HOUR, -SKEW - 2, -SKEW + 2, 0, SKEW + 2, HOUR, 24 * HOUR - 2, 24 * HOUR + 2, 168 * HOUR,
        169 * HOUR, 10_000 * HOUR)  # fmt: skip
LIMITS = (HOUR, 24 * HOUR, 168 * HOUR)


class TestAnAnswerIsOfNow:
    """Whatever its nonce says of when it was signed."""

    @pytest.mark.parametrize("nonce", [None, NONCE], ids=["bare", "nonce"])
    @pytest.mark.parametrize("limit", LIMITS)
    @pytest.mark.parametrize("age", AGES)
    def test_without_next_update_it_is_no_older_than_is_set(self, chain, age, limit, nonce):
        answer = chain.answer(chain.issuer, age=age, nonce=nonce)
        # A response has whole seconds.
        found = chain.verdict(answer, max_age=limit)
        if age < -SKEW:
            assert (found.status, found.reason) == (UNKNOWN, "its answer is from the future")
        elif age < limit:
            assert found.status == GOOD
        elif age > limit:
            assert found.status == UNKNOWN
            assert f"older than {counted(int(limit / HOUR), 'hour')} and" in found.reason

    def test_exactly_that_age_is_no_older(self, chain):
        now = float(int(chain.now))
        answer = chain.answer(chain.issuer, age=chain.now - now + HOUR)
        assert verify(answer, chain.question(), now, Trust(), HOUR).status == GOOD
        assert verify(answer, chain.question(), now + 1, Trust(), HOUR).status == UNKNOWN

    @pytest.mark.parametrize("nonce", [None, NONCE], ids=["bare", "nonce"])
    @pytest.mark.parametrize(
        ("age", "until", "reason"),
        [
            (10_000 * HOUR, HOUR, ""),
            (HOUR, -SKEW + 2, ""),
            (HOUR, -SKEW - 2, "out of date"),
            (HOUR, -2 * HOUR, "ends before it begins"),
            (-HOUR, 2 * HOUR, "from the future"),
        ],
    )
    def test_with_next_update_that_decides(self, chain, age, until, reason, nonce):
        answer = chain.answer(chain.issuer, age=age, until=until, nonce=nonce)
        found = chain.verdict(answer, max_age=HOUR)
        assert found.status == (UNKNOWN if reason else GOOD)
        assert reason in found.reason


class TestADelegateMaySign:
    """One that the issuer has certified for OCSP signing."""

    @pytest.mark.parametrize(
        ("extensions", "reason"),
        [
            ((), ""),
            (("keyUsage = digitalSignature",), ""),
            (("keyUsage = critical,digitalSignature,keyEncipherment",), ""),
            (("noCheck = critical,ignored",), ""),
            (("1.2.3.4.5 = DER:0500",), ""),
            (("keyUsage = keyEncipherment",), "does not allow signatures"),
            (("keyUsage = critical,keyCertSign",), "does not allow signatures"),
            ((CRITICAL,), "critical extension that is not known"),
        ],
    )
    def test_by_its_key_usage_and_what_it_holds_critical(self, chain, extensions, reason):
        signer = chain.signer(chain.issuer, EKU, *extensions)
        for trusted in ((), (signer,)):
            found = chain.verdict(chain.answer(signer, until=HOUR), *trusted)
            assert found.status == (UNKNOWN if reason else GOOD), found
            assert reason in found.reason


class TestATrustedResponderAnswersForItsOwn:
    """In the trust store: a CA of the chain, or a certificate for OCSP signing."""

    @pytest.mark.parametrize("place", ["root", "middle"])
    def test_a_ca_of_the_chain(self, chain, place):
        signer = getattr(chain, place)
        answer = chain.answer(signer, until=HOUR)
        assert chain.verdict(answer, signer).status == GOOD
        assert "not from the issuer" in chain.verdict(answer).reason

    def test_not_a_ca_of_another_chain(self, chain):
        found = chain.verdict(chain.answer(chain.other, until=HOUR), chain.other)
        assert found.status == UNKNOWN
        assert "not for OCSP signing, nor that of a CA of this chain" in found.reason

    @pytest.mark.parametrize(
        "extensions", [(), ("extendedKeyUsage = serverAuth",), ("keyUsage = digitalSignature",)]
    )
    def test_not_a_certificate_for_nothing_or_something_else(self, chain, extensions):
        for issuer in (chain.other, chain.root, chain.middle, None):
            signer = chain.signer(issuer, *extensions)
            found = chain.verdict(chain.answer(signer, until=HOUR), signer)
            assert found.status == UNKNOWN
            assert "not for OCSP signing" in found.reason

    def test_anybodys_for_ocsp_signing(self, chain):
        for issuer in (chain.other, None):
            signer = chain.signer(issuer, EKU)
            answer = chain.answer(signer, until=HOUR)
            assert chain.verdict(answer, signer).status == GOOD
            assert chain.verdict(answer).status == UNKNOWN

    def test_a_name_like_that_of_a_ca_above_is_not_enough(self, chain):
        namesake = chain.ca.root("Verdict Root")
        found = chain.verdict(chain.answer(namesake, until=HOUR), namesake)
        assert found.status == UNKNOWN

    def test_the_way_up_is_found_in_the_upload_and_in_all_trust_stores(self, chain, node_dir, keys):
        world, _ = clock_world(keys, start=chain.now)
        say = Conversation(Node.open(str(node_dir), world))
        say("set cert import trust cup", chain.root.pem.decode())
        upload = [chain.leaf.certificate, chain.issuer.certificate, chain.middle.certificate]
        issuers = Issuers(upload, say.node.snapshot())
        issuer = issuers.of(chain.leaf.certificate)
        assert issuer == chain.issuer.certificate
        assert issuers.above(issuer) == (chain.middle.certificate, chain.root.certificate)


class TestForeignNamesAreReadUnderTheGuard:
    """What the library remarks on them is nobody's business."""

    def test_of_a_trusted_responder(self, chain, node_dir, keys, tmp_path):
        world, _ = clock_world(keys, start=chain.now)
        say = Conversation(Node.open(str(node_dir), world))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            odd = x509.Name(
                [
                    x509.NameAttribute(NameOID.COUNTRY_NAME, "XYZ", _validate=False),
                    x509.NameAttribute(NameOID.COMMON_NAME, "c" * 80, _validate=False),
                ]
            )
            key = load_pem_private_key(chain.other.key.read_bytes(), None)
            start = datetime.datetime.fromtimestamp(chain.now - HOUR, datetime.UTC)
            made = (
                x509.CertificateBuilder().subject_name(odd).issuer_name(odd).serial_number(7)
                .public_key(key.public_key()).not_valid_before(start)
                .not_valid_after(start + datetime.timedelta(days=9)).sign(key, hashes.SHA256())
            )  # fmt: skip
        say("set cert import trust tomcat", made.public_bytes(Encoding.PEM).decode())
        assert say.status == 0, "imported"
        store = TrustedStore(say.node.snapshot(), "tomcat-trust")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = list(store.by_name(odd))
        assert [one.fingerprint(hashes.SHA256()) for one in found] == [
            hashlib.sha256(made.public_bytes(Encoding.DER)).digest()
        ]
