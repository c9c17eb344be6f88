"""Names of responders are anybody's: each is a verdict, and nothing of Python's is ever said of it."""

import datetime
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness import Conversation, clock_world

from cucmos_shell.errors import Refused
from cucmos_shell.node import Node
from cucmos_shell.node.certificates.anchors import TrustedStore
from cucmos_shell.pki import certs
from cucmos_shell.pki.der import SEQUENCE, SET, children, element, encode, to_pem
from cucmos_shell.pki.ocsp.verdict import GOOD, REVOKED, UNKNOWN
from cucmos_shell.pki.ocsp.verify import Question, may_respond, verify
from cucmos_shell.text import safe

NOW = 1_795_000_000.0
NONCE = b"n" * 16
CN, COUNTRY, OTHER = b"\x55\x04\x03", b"\x55\x04\x06", b"\x2a\x03\x04\x05"
UTF8, PRINTABLE, TELETEX, BMP, UNIVERSAL = 0x0C, 0x13, 0x14, 0x1E, 0x1C


def name(*values):
    """A Name of one attribute a part: `(object identifier, type, octets)`."""
    parts = (
        encode(SET, encode(SEQUENCE, encode(0x06, oid) + encode(kind, octets)))
        for oid, kind, octets in values
    )
    return encode(SEQUENCE, b"".join(parts))


NAMES = {
    "empty": encode(SEQUENCE, b""),
    "an empty part": encode(SEQUENCE, encode(SET, b"")),
    "no common name": name((CN, UTF8, b"")),
    "a long common name": name((CN, UTF8, b"c" * 5000)),
    "a country of three letters": name((COUNTRY, PRINTABLE, b"XYZ")),
    "no country": name((COUNTRY, PRINTABLE, b"")),
    "a country in UTF-8": name((COUNTRY, UTF8, "ÖÖ".encode())),
    "no UTF-8": name((CN, UTF8, b"\xff\xfe")),
    "a surrogate": name((CN, UTF8, b"\xed\xa0\x80")),
    "teletex": name((CN, TELETEX, b"caf\xe9")),
    "half a character": name((CN, BMP, b"\x00a\x00")),
    "a lone half": name((CN, BMP, b"\xd8\x00")),
    "beyond the planes": name((CN, UNIVERSAL, b"\x7f\xff\xff\xff")),
    "control characters": name((CN, UTF8, b"\x1b[2J\x00\r\nadmin:")),
    "another direction": name((CN, UTF8, "\u202egnp.exe".encode())),
    "nothing": name((CN, 0x05, b"")),
    "a number": name((CN, 0x02, b"\x01")),
    "bits": name((CN, 0x03, b"\x00\xff")),
    "a structure": name((CN, SEQUENCE, encode(0x02, b"\x01"))),
    "an attribute of nobody": name((OTHER, UTF8, b"x")),
    "no identifier": name((b"", UTF8, b"x")),
    "an identifier cut short": name((b"\x55\x84", UTF8, b"x")),
    "twice": name((CN, UTF8, b"a"), (CN, UTF8, b"a")),
    "a thousand parts": name(*((CN, UTF8, b"%d" % i) for i in range(1000))),
    "two in a part": encode(
        SEQUENCE,
        encode(
            SET,
            encode(SEQUENCE, encode(0x06, CN) + encode(UTF8, b"a"))
            + encode(SEQUENCE, encode(0x06, COUNTRY) + encode(PRINTABLE, b"USA")),
        ),
    ),
}  # fmt: skip


def whole(der, tag, start, end):
    """An element with its head."""
    return encode(tag, der[start:end])


def parts(der, at=0):
    """The elements within the one at `at`."""
    _, start, end = element(der, at)
    return [whole(der, *one) for one in children(der, start, end)]


def signed(key, tbs, algorithm, *more):
    """What was to be signed, signed."""
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return encode(SEQUENCE, b"".join((tbs, algorithm, encode(0x03, b"\0" + signature), *more)))


class Made:
    """A certificate of that subject for OCSP signing (or a CA's), by `issuer` or by itself."""

    def __init__(self, subject, issuer=None, ca=False):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name, by = subject, issuer or self
        start = datetime.datetime.fromtimestamp(NOW - 9000, datetime.UTC)
        plain = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plain")])
        builder = (
            x509.CertificateBuilder().subject_name(plain).issuer_name(plain).serial_number(7)
            .public_key(self.key.public_key()).not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=900))
        )  # fmt: skip
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
        added = x509.BasicConstraints(True, None) if ca else purposes
        built = builder.add_extension(added, ca).sign(by.key, hashes.SHA256())
        tbs, algorithm, _ = parts(built.public_bytes(Encoding.DER))
        fields = parts(tbs)
        fields[3], fields[5] = by.name, subject
        self.der = signed(by.key, encode(SEQUENCE, b"".join(fields)), algorithm)


class Plain(Made):
    """One of a name that nobody can object to; `certificate` is it."""

    def __init__(self, text, *more, **options):
        super().__init__(name((CN, UTF8, text.encode())), *more, **options)
        self.certificate = certs.load_der(self.der)


ISSUER = Plain("Name Issuer", ca=True)
LEAF = Plain("leaf", ISSUER)


def answer(signer, responder, enclosed=()):
    """An answer that the leaf is good, signed by `signer`, by what calls itself `responder`."""
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    builder = ocsp.OCSPResponseBuilder().add_response(
        LEAF.certificate, ISSUER.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD,
        moment, None, None, None,
    ).responder_id(ocsp.OCSPResponderEncoding.NAME, ISSUER.certificate)  # fmt: skip
    made = builder.sign(ISSUER.key, hashes.SHA256()).public_bytes(Encoding.DER)
    status, outer = parts(made)
    kind, octets = parts(parts(outer)[0])
    _, start, end = element(octets)
    tbs, algorithm, *_ = parts(octets[start:end])
    fields = parts(tbs)
    fields[:2] = encode(0xA1, responder), encode(0x18, f"{moment:%Y%m%d%H%M%S}Z".encode())
    chain = encode(0xA0, encode(SEQUENCE, b"".join(one.der for one in enclosed)))
    basic = signed(signer.key, encode(SEQUENCE, b"".join(fields)), algorithm, chain)
    body = encode(SEQUENCE, kind + encode(0x04, basic))
    return encode(SEQUENCE, status + encode(0xA0, body))


class Kept:
    """A trust store with what can be read of `certificates`."""

    def __init__(self, *certificates):
        self._all = certificates

    def by_name(self, name):
        return iter(self._all)

    def by_key(self, key_hash):
        return iter(self._all)

    def holds(self, certificate):
        return certificate in self._all


@pytest.fixture
def strict():
    """Whatever Python would say is a mistake."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def verdict(octets, trusted=()):
    """What the answer comes to; its words are fit for a screen once they are made safe."""
    question = Question(LEAF.certificate, ISSUER.certificate, NONCE)
    found = verify(octets, question, NOW, Kept(*trusted))
    assert found.status in (GOOD, UNKNOWN, REVOKED)
    for line in found.lines():
        assert safe(line, None).isprintable() or "\t" in line
    return found


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("odd", NAMES)
class TestAnOddNameIsAVerdict:
    """Wherever it stands."""

    def test_of_a_delegate_in_the_answer(self, odd):
        """It is believed where its name can be read, since the issuer has certified it so."""
        signer = Made(NAMES[odd], ISSUER)
        found = verdict(answer(signer, NAMES[odd], [signer]))
        assert found.status == GOOD or found.reason == "its answer cannot be decoded"

    def test_of_nobody(self, odd):
        """The answer calls itself so, and is signed by the issuer: nobody is called so."""
        assert verdict(answer(ISSUER, NAMES[odd])).status == UNKNOWN

    def test_of_a_delegate_that_did_not_sign(self, odd):
        """It stands beside the one that did."""
        other = Made(NAMES[odd], ISSUER)
        found = verdict(answer(ISSUER, ISSUER.name, [other]))
        assert found.status == GOOD or found.reason == "its answer cannot be decoded"

    def test_of_one_of_the_trust_store(self, odd):
        """That of a certificate that somebody put there."""
        signer = Made(NAMES[odd])
        try:
            certificate = certs.load_der(signer.der)
        except Refused:
            return
        found = verdict(answer(signer, NAMES[odd]), [certificate])
        assert found.status == GOOD or found.reason == "its answer cannot be decoded"

    def test_of_one_put_into_a_node(self, odd, node_dir, keys):
        """It is refused, or found by its name again."""
        world, _ = clock_world(keys, start=NOW)
        say = Conversation(Node.open(str(node_dir), world))
        signer = Made(NAMES[odd])
        say("set cert import trust tomcat", to_pem(signer.der).decode())
        if say.status:
            return
        say("set ocsp enable configured-uri http://127.0.0.1:1/")
        assert say.status == 0
        certificate = certs.load_der(signer.der)
        assert may_respond(certificate)
        store = TrustedStore(say.node.snapshot(), "tomcat-trust")
        question = Question(LEAF.certificate, ISSUER.certificate, NONCE)
        found = verify(answer(signer, NAMES[odd]), question, NOW, store)
        assert found.status == GOOD
        for line in (
            "show cert list trust",
            "show ocsp",
            "set output json",
            "show cert list trust",
        ):
            say(line)
            assert say.status == 0


def test_some_of_these_names_are_read_and_some_are_not(strict):
    """So both ways are gone."""
    signers = {odd: Made(octets, ISSUER) for odd, octets in NAMES.items()}
    found = [verdict(answer(one, one.name, [one])).status for one in signers.values()]
    assert found.count(GOOD) > 8
    assert found.count(UNKNOWN) > 5
