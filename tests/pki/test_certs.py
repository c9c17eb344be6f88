"""Certificates: what OpenSSL says of them we say too, and no malformed one gets past the guard."""

import datetime
import subprocess
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import NameAttribute
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from places import LIMBO

from cucmos_shell.errors import Refused
from cucmos_shell.pki import certs
from cucmos_shell.pki.der import dotted, element, encode, from_pem, to_pem
from cucmos_shell.pki.description import name_text, serial_text
from cucmos_shell.pki.tbs import Tbs
from cucmos_shell.pki.untrusted import reading

SUBJECT = [("C", "US"), ("ST", "California"), ("O", "Example, Inc."), ("OU", "A"), ("CN", "host")]


def make(keys, kind="rsa2048", **changes):
    wanted = {
        "subject": certs.subject_name(SUBJECT),
        "alternative_names": certs.alternative_names(["DNS:host.example.com", "IP:192.0.2.1"]),
        "key_usage": ["digitalSignature", "keyCertSign"],
        "extended_key_usage": ["serverAuth", "ipsecEndSystem"],
        "basic_constraints": None,
        "days": 1825,
        "hash_name": "sha256",
        "now": 1_531_051_519.75,
        "serial": 0x523C32C09694B0A60168D6EE36A3B96E,
        **changes,
    }
    return certs.self_signed(keys(kind), **wanted)


def openssl(certificate, *words):
    done = subprocess.run(
        ["openssl", "x509", "-noout", *words],
        input=certificate.public_bytes(Encoding.PEM),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


# --- making ------------------------------------------------------------------------------------


def test_a_self_signed_certificate_is_what_the_profile_says(keys):
    """Five years less a second from the whole second, usages that are not critical, key identifiers."""
    described = certs.describe(make(keys))
    assert described.not_before == 1_531_051_519
    assert described.not_after == 1_531_051_519 + 1825 * 86400 - 1
    assert openssl(make(keys), "-enddate") == "notAfter=Jul  7 12:05:18 2023 GMT\n"
    assert [(e.name, e.critical) for e in described.extensions] == [
        ("KeyUsage", False),
        ("ExtKeyUsageSyntax", False),
        ("SubjectKeyIdentifier", False),
        ("AuthorityKeyIdentifier", False),
        ("SubjectAlternativeName", False),
    ]
    assert described.key_usage == ("digitalSignature", "keyCertSign")
    assert described.purposes == ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.5")
    assert described.alternative_names == ("DNS:host.example.com", "IP:192.0.2.1")
    assert described.self_issued
    assert (described.ca, described.common_name, described.issuer_name) == (None, "host", "host")


@pytest.mark.parametrize(
    ("kind", "hash_name", "signature", "text"),
    [
        ("rsa2048", "sha1", "SHA256withRSA", "RSA 2048"),
        ("rsa2048", "sha512", "SHA512withRSA", "RSA 2048"),
        ("ec256", "sha256", "SHA256withECDSA", "EC 256"),
        ("ec384", "sha384", "SHA384withECDSA", "EC 384"),
    ],
)
def test_keys_and_hashes(keys, kind, hash_name, signature, text):
    """Every kind of key; SHA-1, which nobody signs any more, becomes SHA-256."""
    certificate = make(keys, kind, hash_name=hash_name)
    described = certs.describe(certificate)
    assert (described.signature_name, described.key.text) == (signature, text)
    assert described.signature_hash == ("sha256" if hash_name == "sha1" else hash_name)
    assert openssl(certificate, "-serial") == "serial=523C32C09694B0A60168D6EE36A3B96E\n"


def test_constraints_are_critical(keys):
    """BasicConstraints with a path length, as later releases have it."""
    described = certs.describe(make(keys, basic_constraints=(True, 0)))
    assert (described.ca, described.path_length) == (True, 0)
    assert [e.critical for e in described.extensions if e.name == "BasicConstraints"] == [True]


def test_a_key_is_pkcs8(keys, tmp_path):
    """`openssl pkey` reads it, and it is the certificate's."""
    pem = certs.key_pem(keys("ec256"))
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    done = subprocess.run(["openssl", "pkey", "-noout"], input=pem, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_cannot_be_a_name_is_a_bug():
    """Profiles are checked; only DNS and IP addresses are alternative names."""
    with pytest.raises(ValueError, match="DNS: or IP:"):
        certs.alternative_names(["email:a@example.com"])
    assert certs.alternative_names([]) is None


# --- describing --------------------------------------------------------------------------------


def test_names_are_printed_in_reverse_of_their_encoding(keys):
    """Values with commas stand in quotation marks."""
    described = certs.describe(make(keys))
    assert name_text(described.subject) == 'CN=host, OU=A, O="Example, Inc.", ST=California, C=US'
    assert certs.row(described, "n", "t")["issuer"] == name_text(described.issuer)


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([("O", "Example"), ("CN", "a"), ("CN", "b")], "b"),
        ([("O", "Example"), ("OU", "Class 3 CA")], "Class 3 CA"),
        ([("CN", "early"), ("O", "Example")], "early"),
        ([], ""),
    ],
)
def test_the_common_name_is_the_most_specific(keys, pairs, name):
    """The last CN of the encoding, else the last value of all."""
    described = certs.describe(make(keys, "ec256", subject=certs.subject_name(pairs)))
    assert described.common_name == name


@pytest.mark.parametrize(
    ("serial", "text"), [(1, "01"), (0xABC, "0ABC"), (0xFF00, "FF00"), (0, "00"), (-0x1F, "-1F")]
)
def test_serial_numbers_are_whole_octets(serial, text):
    """Upper-case hexadecimal without separators."""
    assert serial_text(serial) == text


NAMES = st.lists(
    st.tuples(
        st.sampled_from(["CN", "O", "OU", "L", "ST", "DC", "UID", "EMAILADDRESS"]),
        st.text(
            alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
            min_size=1,
            max_size=12,
        ),
    ),
    max_size=5,
)


@settings(max_examples=5, deadline=None)
@given(st.lists(NAMES, min_size=12, max_size=12))
def test_subject_hashes_are_those_of_openssl(keys, tmp_path_factory, names):
    """Whatever letters, blanks and string types a name has."""
    folder, made = tmp_path_factory.mktemp("hashes"), {}
    for i, pairs in enumerate(names):
        pairs = [(k, v if k not in ("DC", "EMAILADDRESS") else "a B" + v[:0]) for k, v in pairs]
        subject = certs.subject_name(pairs)
        made[f"{i}.pem"] = make(
            keys, "ec256", subject=subject, alternative_names=None, serial=i + 1
        )
        (folder / f"{i}.pem").write_bytes(made[f"{i}.pem"].public_bytes(Encoding.PEM))
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
    links = {link.readlink().name: link.stem for link in folder.iterdir() if link.is_symlink()}
    assert links == {name: certs.describe(one).subject_hash for name, one in made.items()}


@pytest.mark.parametrize(
    "kind", ["ASN1:BMP", "UTF8", "T61", "IA5", "PRINTABLESTRING", "UNIV", "NUMERICSTRING"]
)
def test_subject_hashes_of_every_string_type(kind, keys, tmp_path):
    """As `openssl asn1parse -genconf` encodes them."""
    text = "4 2  7" if kind == "NUMERICSTRING" else " Two  Words "
    config = tmp_path / "name.cnf"
    config.write_text(
        f"asn1=SEQUENCE:name\n[name]\na=SET:set\n[set]\nb=SEQUENCE:pair\n[pair]\n"
        f'c=OID:2.5.4.3\nd={kind.removeprefix("ASN1:")}:"{text}"\n'
    )
    subprocess.run(
        ["openssl", "asn1parse", "-genconf", config, "-noout", "-out", tmp_path / "name.der"],
        check=True,
    )
    name = (tmp_path / "name.der").read_bytes()
    der = certs.to_der(make(keys, "ec256", subject=certs.subject_name([]), alternative_names=None))
    spliced = splice_subject(der, name)
    done = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject_hash"],
        input=spliced,
        capture_output=True,
        check=True,
    )
    outline = Tbs(spliced)
    assert certs.name_hash(outline.subject) + "\n" == done.stdout.decode()


def splice_subject(der, name):
    """`der` with another subject, encoded as given; its signature no longer counts."""
    _, start, end = element(der)
    _, first, last = element(der, start, end)
    tbs = der[first:last].replace(b"\x30\x00", name, 2)
    return encode(0x30, encode(0x30, tbs) + der[last:end])


def test_extensions_of_every_kind_are_read(keys):
    """AIA with its locations, key and distribution identifiers, policies, constraints, unknown ones."""
    key = keys("ec256")
    name = certs.subject_name(SUBJECT)
    uri = x509.UniformResourceIdentifier
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    access = x509.oid.AuthorityInformationAccessOID
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start)
        .add_extension(
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(access.OCSP, uri("http://ocsp.example.com")),
                    x509.AccessDescription(access.CA_ISSUERS, x509.DirectoryName(name)),
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier(b"\x01\x02", [x509.DirectoryName(name)], 0xABC),
            critical=False,
        )
        .add_extension(
            x509.CRLDistributionPoints(
                [
                    x509.DistributionPoint(
                        [uri("http://crl.example.com/a.crl"), uri("ldap://x")],
                        None,
                        frozenset([x509.ReasonFlags.key_compromise]),
                        [x509.DirectoryName(name)],
                    )
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.CertificatePolicies(
                [
                    x509.PolicyInformation(
                        x509.ObjectIdentifier("1.2.3"),
                        [
                            "http://cps.example.com",
                            x509.UserNotice(x509.NoticeReference("Org", [1, 2]), "Read this"),
                        ],
                    )
                ]
            ),
            critical=False,
        )
        .add_extension(x509.NameConstraints([x509.DNSName("example.com")], None), critical=True)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), critical=True
        )
    )
    certificate = builder.sign(key, certs.hashes.SHA256())
    described = certs.describe(certificate)
    shown = {
        extension.name or extension.oid: [(line.label, line.items) for line in extension.lines]
        for extension in described.extensions
    }
    directory = f"DirName:{name_text(described.subject)}"
    assert shown == {
        "AuthorityInfoAccessSyntax": [
            ("accessMethod", ("ocsp (1.3.6.1.5.5.7.48.1)",)),
            ("accessLocation", ("URI:http://ocsp.example.com",)),
            ("accessMethod", ("caIssuers (1.3.6.1.5.5.7.48.2)",)),
            ("accessLocation", (directory,)),
        ],
        "AuthorityKeyIdentifier": [
            ("keyID", ("0102",)),
            ("Issuer", (directory,)),
            ("Serial Number", ("0ABC",)),
        ],
        "CRLDistributionPoints": [
            ("DistributionPoint", ("URI:http://crl.example.com/a.crl", "URI:ldap://x")),
            ("Reasons", ("keyCompromise",)),
            ("Issuer", (directory,)),
        ],
        "CertificatePolicies": [
            ("Policy", ("1.2.3",)),
            ("CPS", ("http://cps.example.com",)),
            ("User Notice", ("Read this",)),
            ("Notice", ("Org 1, 2",)),
        ],
        "NameConstraints": [("Permitted", ("DNS:example.com",))],
        "1.3.6.1.5.5.7.48.1.5": [("Value", ("0500",))],
        "1.2.3.4": [("Value", ("0500",))],
    }
    assert described.ocsp_uris == ("http://ocsp.example.com",)


# --- untrusted certificates --------------------------------------------------------------------


def outcome(data, load=certs.load_der):
    """The description, or the one line of the refusal; anything else is raised."""
    try:
        return certs.describe(load(data))
    except Refused as error:
        line = error.message()
    assert "\n" not in line
    assert len(line) < 500
    return line


@pytest.fixture(scope="module")
def sample(keys):
    return certs.to_der(make(keys, "ec256", basic_constraints=(True, 1)))


@pytest.mark.unmeasured
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_mutation_gets_past_the_guard(sample, data):
    """A certificate with octets changed, cut or put in is described or refused, quickly."""
    der = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(der) - 1))
        kind = data.draw(st.sampled_from(["flip", "set", "cut", "put"]))
        if kind == "flip":
            der[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "set":
            der[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del der[at : at + data.draw(st.integers(1, 9))]
        else:
            der[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        if not der:
            break
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome(bytes(der))
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x80", b"x" * 100_000, b"-----BEGIN"])
def test_what_is_no_certificate_is_refused(data):
    """In either armour."""
    for load in (certs.load_der, certs.load_pem):
        assert "malformed" in outcome(data, load)


@pytest.mark.skipif(not LIMBO.is_dir(), reason="the public test set is not here")
def test_the_public_test_set_is_described_or_refused(capfd):
    """Certificates made to break verifiers; nothing reaches the screen."""
    refused = described = 0
    for path in sorted(LIMBO.glob("*/*.pem")):
        for block in path.read_bytes().split(b"-----END CERTIFICATE-----\n")[:-1]:
            found = outcome(block + b"-----END CERTIFICATE-----\n", certs.load_pem)
            refused += isinstance(found, str)
            described += not isinstance(found, str)
    assert described > 800
    assert refused < 50
    assert capfd.readouterr() == ("", "")


def test_the_guard_may_be_nested():
    """Whoever reads inside a guarded stretch may guard it, too; the innermost one refuses."""
    with reading(), pytest.raises(Refused, match="inner"), reading():
        raise ValueError("inner")


def test_two_threads_are_inside_the_guard_at_once():
    """Nobody waits for another's certificate."""
    meeting = threading.Barrier(4, timeout=20)

    def work():
        with reading():
            meeting.wait()

    with ThreadPoolExecutor(4) as pool:
        assert [task.result(20) for task in [pool.submit(work) for _ in range(4)]] == [None] * 4


def test_the_guard_leaves_the_filters_of_warnings_as_they_are(keys):
    """But for one that stands in front, once, whoever comes first."""
    certificate = make(keys, "ec256")
    certs.describe(certificate)
    before = list(warnings.filters)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: certs.describe(certificate), range(180)))
    assert warnings.filters == before
    assert len(before) == len(set(before))


def test_the_guard_puts_up_with_whoever_turns_warnings_into_errors(keys):
    """What the library remarks on is no failure, and another's warning is not kept quiet."""
    with pytest.warns(UserWarning, match="length"):
        name = NameAttribute(NameOID.COMMON_NAME, "x" * 65, _validate=False)
    certificate = make(keys, "ec256", subject=x509.Name([name]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "x" * 65 in str(certs.describe(certificate).subject)
        with pytest.raises(UserWarning, match="mine"), reading():
            warnings.warn("mine", UserWarning, stacklevel=1)


# --- octets ------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_pem_is_what_it_was(data):
    """Armour on, armour off."""
    assert from_pem(to_pem(data)) == data


def test_pem_is_what_openssl_writes(keys):
    """Octet for octet."""
    certificate = make(keys, "ec256")
    assert to_pem(certs.to_der(certificate)) == certificate.public_bytes(Encoding.PEM)


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 60))
def test_a_walk_never_leaves_the_data(data, at, end):
    """Elements end within what there is, or ValueError."""
    try:
        _, start, stop = element(data, at, min(end, len(data)))
    except ValueError:
        return
    assert at < start <= stop <= len(data)


@pytest.mark.parametrize(
    ("octets", "oid"),
    [
        ("2a864886f70d010101", "1.2.840.113549.1.1.1"),
        ("551d11", "2.5.29.17"),
        ("0992268993f22c640119", "0.9.2342.19200300.100.1.25"),
        ("883701", "2.999.1"),
    ],
)
def test_object_identifiers_are_read(octets, oid):
    """The first octet holds two numbers, the others seven bits each (X.690, 8.19)."""
    assert dotted(bytes.fromhex(octets)) == oid


def test_a_cut_object_identifier_is_refused():
    """Its last octet says that there is more."""
    for contents in (b"", b"\x80", b"\x2a\x86"):
        with pytest.raises(ValueError, match="cut short"):
            dotted(contents)
