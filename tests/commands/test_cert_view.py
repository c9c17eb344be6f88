"""The commands about certificates as an admin and a program see them, character by character."""

import datetime
import hashlib
import json
import re
import subprocess
import warnings

import pytest
from certificate_authority import CertificateAuthority
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from harness import Conversation

from cucmos_shell.commands.cert_show import CertificateShown
from cucmos_shell.commands.impact import node_impact
from cucmos_shell.commands.views.certificate import dump
from cucmos_shell.node import Node
from cucmos_shell.node.members import ClusterMember
from cucmos_shell.pki import certs
from cucmos_shell.profile.cluster import DistributionSpec
from cucmos_shell.store import CertificateRow, RequestRow

# The product's own output (release 11), as its users have published it; key and signature cut.
HEAD = """\
[
  Version: V3
  Serial Number: 523C32C09694B0A60168D6EE36A3B96E
  SignatureAlgorithm: SHA256withRSA (1.2.840.113549.1.1.11)
  Issuer Name: L=GB, ST=LN, CN=HSBC-LAB-GBCUC01-PUB, OU=LAB, O=HSBC, C=GB
  Validity From: Sun Jul 08 13:05:19 BST 2018
           To:   Fri Jul 07 13:05:18 BST 2023
  Subject Name: L=GB, ST=LN, CN=HSBC-LAB-GBCUC01-PUB, OU=LAB, O=HSBC, C=GB
  Key: RSA (1.2.840.113549.1.1.1)
    Key value: {key}
  Extensions: 3 present
  [
     Extension: KeyUsage (OID.2.5.29.15)
     Critical: false
     Usages: digitalSignature, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign,\x20
  ]
  [
     Extension: ExtKeyUsageSyntax (OID.2.5.29.37)
     Critical: false
     Usage oids: 1.3.6.1.5.5.7.3.1, 1.3.6.1.5.5.7.3.2, 1.3.6.1.5.5.7.3.5,\x20
  ]
  [
     Extension: SubjectKeyIdentifier (OID.2.5.29.14)
     Critical: false
     keyID: {identifier}
  ]

  Signature:
"""


def the_products_own(keys):
    """A certificate with the fields of that sample, and another key."""
    key = keys("rsa2048")
    name = certs.subject_name(
        [("C", "GB"), ("O", "HSBC"), ("OU", "LAB"), ("CN", "HSBC-LAB-GBCUC01-PUB"), ("ST", "LN"), ("L", "GB")]
    )  # fmt: skip
    start = datetime.datetime(2018, 7, 8, 12, 5, 19, tzinfo=datetime.UTC)
    end = datetime.datetime(2023, 7, 7, 12, 5, 18, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 0x523C32C09694B0A60168D6EE36A3B96E, start, end
    )
    usages = [
        "digitalSignature", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign",
    ]  # fmt: skip
    purposes = [x509.ObjectIdentifier(f"1.3.6.1.5.5.7.3.{n}") for n in (1, 2, 5)]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        builder.add_extension(certs.key_usage_extension(usages), critical=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    ), identifier.digest.hex()


def laid_out(certificate, zone="UTC"):
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return CertificateShown("", certs.describe(certificate), pem, zone).lines(), pem


def test_the_layout_is_the_products(keys):
    """Line for line, to the bracket that is glued to the PEM."""
    certificate, identifier = the_products_own(keys)
    lines, pem = laid_out(certificate, "Europe/London")
    text = "\n".join(lines) + "\n"
    numbers = certificate.public_key().public_numbers()
    key = f"3082010a0282010100{numbers.n:0512x}0203010001"
    head = HEAD.format(key=key, identifier=identifier)
    assert text.startswith(head)
    dumped, _, rest = text.removeprefix(head).partition("\n\n")
    assert rest == "]" + pem
    assert [line[:8] for line in dumped.split("\n")] == [f"  {16 * i:04x}: " for i in range(16)]
    pattern = re.compile(r"  [0-9a-f]{4}: ([0-9a-f]{2} ){15}[0-9a-f]{2} \[[ -~]{16}\]")
    assert all(map(pattern.fullmatch, dumped.split("\n")))
    octets = bytes.fromhex("".join(line[8:55] for line in dumped.split("\n")))
    assert octets == certificate.signature


def test_the_dump_shows_what_is_printable():
    """The sample's own first and last lines, and a line that is not full."""
    octets = bytes.fromhex("388f5a007700b1f5b24983735c64e054" + "2041")
    assert list(dump(octets)) == [
        "  0000: 38 8f 5a 00 77 00 b1 f5 b2 49 83 73 5c 64 e0 54 [8.Z.w....I.s\\d.T]",
        "  0010: 20 41                                           [ A]",
    ]


def test_other_extensions_are_laid_out_alike(tmp_path):
    """SAN, BasicConstraints, AIA, AKI, CRL distribution points, an unknown one, an EC key."""
    ca = CertificateAuthority(tmp_path / "ca")
    root = ca.root("Example Root")
    leaf = ca.leaf(
        root,
        alternative_names=["DNS:host.example.com", "IP:192.0.2.1"],
        extensions=[
            "basicConstraints = critical,CA:TRUE,pathlen:0",
            "authorityKeyIdentifier = keyid:always,issuer:always",
            "authorityInfoAccess = OCSP;URI:http://ocsp.example.com,caIssuers;URI:http://ca/x",
            "crlDistributionPoints = URI:http://crl.example.com/a.crl",
            "1.2.3.4 = critical,DER:05:00",
        ],
    )
    lines, _ = laid_out(leaf.certificate)
    text = "\n".join(lines)
    assert "  Key: EC (1.2.840.10045.2.1)\n    Curve: secp256r1 (1.2.840.10045.3.1.7)\n" in text
    assert re.search(r"\n    Key value: 04[0-9a-f]{128}\n", text)
    for block in (
        "SubjectAlternativeName (OID.2.5.29.17)\n     Critical: false\n"
        "     Names: DNS:host.example.com, IP:192.0.2.1, \n  ]",
        "BasicConstraints (OID.2.5.29.19)\n     Critical: true\n     CA: true\n     PathLen: 0\n  ]",
        "AuthorityInfoAccessSyntax (OID.1.3.6.1.5.5.7.1.1)\n     Critical: false\n"
        "     accessMethod: ocsp (1.3.6.1.5.5.7.48.1)\n"
        "     accessLocation: URI:http://ocsp.example.com\n"
        "     accessMethod: caIssuers (1.3.6.1.5.5.7.48.2)\n"
        "     accessLocation: URI:http://ca/x\n  ]",
        "CRLDistributionPoints (OID.2.5.29.31)\n     Critical: false\n"
        "     DistributionPoint: URI:http://crl.example.com/a.crl, \n  ]",
        "Unknown (OID.1.2.3.4)\n     Critical: true\n     Value: 0500\n  ]",
    ):
        assert f"  [\n     Extension: {block}" in text
    assert re.search(
        r"AuthorityKeyIdentifier \(OID\.2\.5\.29\.35\)\n     Critical: false\n"
        r"     keyID: [0-9a-f]{40}\n     Issuer: DirName:CN=Example Root, \n"
        r"     Serial Number: ([0-9A-F]{2})+\n  \]",
        text,
    )


def test_hostile_names_reach_no_screen(keys):
    """Escape sequences, the prompt, and a name of 64 KB."""
    name = "\x1b]0;x\x07\u202eadmin:\\ " + "x" * 65_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, name, _validate=False)
    subject = x509.Name([attribute])
    certificate = certs.self_signed(
        keys("ec256"), subject=subject, alternative_names=None, key_usage=["keyCertSign"],
        extended_key_usage=[], basic_constraints=None, days=1, hash_name="sha256", now=0, serial=1,
    )  # fmt: skip
    lines, _ = laid_out(certificate)
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "admin:" not in text
    assert r"\u{1B}]0;x\u{7}\u{202E}admin\u{3A}\\" in text
    assert max(map(len, lines)) < 1000


# --- the commands ------------------------------------------------------------------------------


def fingerprint(text):
    """SHA-256 of the PEM in what a command has printed, by openssl."""
    done = subprocess.run(
        ["openssl", "x509", "-outform", "DER"],
        input=text[text.index("-----BEGIN") :].encode(),
        capture_output=True,
        check=True,
    )
    return hashlib.sha256(done.stdout).hexdigest()


def test_the_list_has_one_line_for_each(node, say):
    """Names up to the first colon are what the other commands take."""
    own = say("show cert list own").splitlines()
    assert own == [
        f"{unit}/{unit}.pem: Self-signed certificate generated by system"
        for unit in node.profile.units
    ]
    trusted = say("show cert list trust").splitlines()
    assert len(trusted) == len(node.profile.units)
    for kind, lines in (("own", own), ("trust", trusted)):
        for line in lines:
            shown = say(f"show cert {kind} {line.partition(':')[0]}")
            assert say.status == 0
            assert shown.startswith("[\n  Version: V3\n")
            assert re.search(r"\n\]-----BEGIN CERTIFICATE-----\n", shown)
            assert shown.endswith("-----END CERTIFICATE-----\n")
    assert {line.partition(": ")[2] for line in trusted} == {"Trust Certificate"}


def test_a_store_without_certificates_says_so(node, say):
    """An empty list is a success."""

    def empty(transaction):
        for store in transaction.stores:
            for row in transaction.trust(store):
                transaction.remove_trust(store, row.name)

    commit(node, empty)
    assert say("show cert list trust") == "No certificates found\n"
    assert say.status == 0


def commit(node, function):
    with node.store.try_lock() as lock:
        transaction = node.store.begin(lock, who="test", what="test", now=node.now())
        function(transaction)
        transaction.commit()


@pytest.mark.parametrize("form", ["{u}", "{u}/{u}.pem", "{u}/{u}.der", "{u}.pem", "{u}/{u}"])
def test_own_certificates_go_by_many_names(node, say, form):
    """Bare unit, list form, either ending, any case."""
    unit = next(iter(node.profile.units))
    row = node.snapshot().own(unit).row
    for name in (form.format(u=unit), form.format(u=unit.upper())):
        assert fingerprint(say(f"show cert own {name}")) == row.sha256


def test_trust_certificates_go_by_many_names(node, say):
    """With the store, in any case, with either ending or none; alone where that is clear."""
    store = next(iter(node.profile.trust_stores))
    (row,) = node.snapshot().trust(store)
    for name in (
        f"{store}/{row.name}.pem", f"{store}/{row.name}.der", f"{store}/{row.name}",
        f"{store}/{row.name}.PEM".upper(),
    ):  # fmt: skip
        assert fingerprint(say(f"show cert trust {name}")) == row.sha256
    answer = say(f"show cert trust {row.name}")
    assert say.status == 1
    assert answer.startswith(f"{row.name} is in several trust stores\nName one of:\n\t{store}/")
    der = node.snapshot().certificate_der(row.sha256)
    commit(node, lambda t: t.put_trust(store, row._replace(name="Only.pem"), der))
    assert fingerprint(say("show cert trust only.pem")) == row.sha256
    assert fingerprint(say("show cert trust only.pem.pem")) == row.sha256


@pytest.mark.parametrize(
    "name", ["nothing", "x/y.pem", "../../etc/passwd", "tomcat/ipsec.pem", "/"]
)
def test_unknown_names_are_refused(say, name):
    """One line, perhaps near names, then the failure."""
    for kind in ("own", "trust"):
        answer = say(f"show cert {kind} {name}")
        assert say.status == 1
        assert answer.endswith("\nExecuted command unsuccessfully\n")
        assert name in answer.splitlines()[0]


def test_near_names_are_offered(node, say):
    """A mistyped name is answered with the right one."""
    unit = next(iter(node.profile.units))
    assert f"\t{unit}\n" in say(f"show cert own {unit[:-1]}x")


def test_everything_is_data_too(node, say):
    """JSON has times in ISO 8601 and lower-case hexadecimal."""
    unit = next(iter(node.profile.units))
    row = node.snapshot().own(unit).row
    say("set output json")
    listed = json.loads(say("show cert list own"))["data"][0]
    assert (listed["name"], listed["sha256"]) == (f"{unit}/{unit}.pem", row.sha256)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed["not_after"])
    shown = json.loads(say(f"show cert own {unit}"))["data"]
    assert (shown["name"], shown["sha256"], shown["key"]["size"]) == (
        f"{unit}/{unit}.pem", row.sha256, 2048,
    )  # fmt: skip
    assert fingerprint(shown["pem"]) == row.sha256


# --- regenerate --------------------------------------------------------------------------------


def test_a_certificate_is_regenerated(node, say):
    """The dialogue, word for word; a new key, the same names, the copy replaced."""
    unit, spec = next(iter(node.profile.units.items()))
    before = node.snapshot()
    answer = say(f"set cert regen {unit}", "yes")
    assert answer == (
        "\n"
        "WARNING: This operation will overwrite any CA signed certificate previously imported"
        f" for  {unit}\n"
        "\n"
        f"Successfully Regenerated Certificate for {unit}.\n"
        f"You must restart services related to {unit} for the regenerated certificates to become"
        " active.\n"
        f"Services to restart: {', '.join(spec.services)}\n"
        "show service pending says which still wait for it.\n"
    )
    assert say.asked == ["Proceed with regeneration (yes|no)? "]
    after = node.snapshot()
    old, new = (certs.describe(certs.load_der(s.own_der(unit))) for s in (before, after))
    assert new.subject == old.subject
    assert new.alternative_names == old.alternative_names
    assert new.key.value != old.key.value
    assert len(after.trust(spec.trust_store)) == len(before.trust(spec.trust_store))
    assert after.owned(spec.trust_store, unit).sha256 == new.sha256
    assert after.head == before.head + 1
    key = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=after.private_key_pem(unit), capture_output=True
    ).stdout
    assert key == subprocess.run(
        ["openssl", "x509", "-noout", "-pubkey"], input=after.own_pem(unit), capture_output=True
    ).stdout  # fmt: skip


@pytest.mark.parametrize("answer", ["no", "n", "NO"])
def test_no_changes_nothing(node, say, answer):
    """It is a success, and says so."""
    unit = next(iter(node.profile.units))
    said = say(f"set cert regen {unit}", answer)
    assert said.endswith("Regeneration cancelled\n")
    assert say.status == 0
    assert node.snapshot().head == 1


def test_each_unit_can_be_regenerated(node, say):
    """Copies of units that share a name and a store stay apart."""
    names = {
        store: [(row.name, row.owner) for row in node.snapshot().trust(store)]
        for store in node.profile.trust_stores
    }
    for unit in node.profile.units:
        say(f"set cert regen {unit}", "yes")
        assert say.status == 0
    snapshot = node.snapshot()
    for unit, spec in node.profile.units.items():
        assert snapshot.owned(spec.trust_store, unit).sha256 == snapshot.own(unit).row.sha256
    assert names == {
        store: [(row.name, row.owner) for row in snapshot.trust(store)]
        for store in node.profile.trust_stores
    }


def pending(node, unit):
    request = RequestRow(unit, "CN=x", "x", (), "RSA 2048", "00" * 32, 1.0)
    commit(node, lambda t: t.put_request(unit, request, b"csr", b"key"))


def test_a_pending_request_goes_and_it_is_said(node, say):
    """It was for the key before."""
    unit = next(iter(node.profile.units))
    pending(node, unit)
    answer = say(f"set cert regen {unit}", "yes")
    assert answer.endswith(f"\nThe pending CSR of {unit} was deleted.\n")
    assert node.snapshot().own(unit).request is None


def test_names_of_a_signed_certificate_are_kept(node, say, tmp_path):
    """What a CA has made of the subject is the subject from then on."""
    unit = next(iter(node.profile.units))
    install_signed(node, unit, tmp_path)
    signed = certs.describe(certs.load_der(node.snapshot().own_der(unit)))
    assert f"{unit}/{unit}.pem: Certificate Signed by Example Root\n" in say("show cert list own")
    say(f"set cert regen {unit}", "yes")
    own = certs.describe(certs.load_der(node.snapshot().own_der(unit)))
    assert own.subject == signed.subject
    assert own.alternative_names == signed.alternative_names == ("DNS:signed.example.com",)
    assert own.self_issued


def install_signed(node, unit, tmp_path):
    ca = CertificateAuthority(tmp_path / "ca")
    leaf = ca.leaf(
        ca.root("Example Root"),
        "signed",
        key="rsa2048",
        alternative_names=["DNS:signed.example.com"],
    )
    text = "Certificate Signed by Example Root"
    row = CertificateRow(**certs.row(certs.describe(leaf.certificate), unit, text))
    commit(node, lambda t: t.put_own(unit, row, leaf.der, leaf.key.read_bytes()))


# --- brief, and PEM alone ------------------------------------------------------------------------


def test_brief_says_what_most_people_want_to_know(node, say):
    """Names, dates and fingerprints, as OpenSSL has them."""
    text = say("show cert own tomcat brief")
    assert text.startswith("Certificate       : tomcat/tomcat.pem\nSubject           : C")
    assert "Alternative names : DNS:imp-pub.example.com\n" in text
    assert "Valid until       : 2031-11-17T11:06:39Z\n" in text
    pem = node.snapshot().own_pem("tomcat")
    for name in ("sha256", "sha1"):
        words = ["openssl", "x509", "-noout", "-fingerprint", f"-{name}"]
        done = subprocess.run(words, input=pem, capture_output=True, check=True)
        assert done.stdout.decode().strip().partition("=")[2] in text
    assert "Copy of" not in text
    say("set output json")
    data = json.loads(say("show cert own tomcat brief"))["data"]
    assert data["sha256"] == node.snapshot().own("tomcat").row.sha256
    assert data["copy_of"] is None


def test_the_block_alone_is_what_openssl_reads(node, say):
    """Not a byte around it."""
    for line, pem in (
        ("show cert own tomcat pem", node.snapshot().own_pem("tomcat")),
        ("show cert trust tomcat-trust/imp-pub.pem pem", node.snapshot().own_pem("tomcat")),
    ):
        assert say(line) == pem.decode()
    words = ["openssl", "x509", "-noout", "-subject"]
    assert subprocess.run(words, input=say("show cert own cup pem").encode()).returncode == 0
    say("set output json")
    assert json.loads(say("show cert own tomcat pem"))["data"]["pem"].startswith("-----BEGIN")


def test_a_copy_says_whose_it_is(say):
    """In brief, and as data; the lists and screens of the product stay as they are."""
    name = "tomcat-trust/imp-pub.pem"
    assert "Copy of           : tomcat/tomcat.pem\n" in say(f"show cert trust {name} brief")
    assert f"{name}: Trust Certificate\n" in say("show cert list trust")
    assert "opy of" not in say(f"show cert trust {name}")
    say("set output json")
    whose = {"hostname": "imp-pub", "name": "tomcat/tomcat.pem"}
    assert json.loads(say(f"show cert trust {name}"))["data"]["copy_of"] == whose
    assert json.loads(say(f"show cert trust {name} brief"))["data"]["copy_of"] == whose
    rows = {row["name"]: row for row in json.loads(say("show cert list trust"))["data"]}
    assert rows[name]["copy_of"] == whose
    assert {row["copy_of"] for row in json.loads(say("show cert list own"))["data"]} == {None}


# --- impact ------------------------------------------------------------------------------------


def test_impact_names_what_will_be_touched(node, say):
    """Certificate, copy, services with their state, other nodes."""
    unit, spec = next(iter(node.profile.units.items()))
    text = say(f"show cert impact {unit}")
    assert say.status == 0
    copy = node.snapshot().owned(spec.trust_store, unit).name
    assert f": {unit}/{unit}.pem (Self-signed certificate generated by system)\n" in text
    assert f": {spec.trust_store}/{copy}.pem, replaced\n" in text
    assert "CA-signed certificate : none\n" in text
    assert "Pending CSR           : none\n" in text
    for service in spec.services:
        assert f"\t{service}[STARTED]\n" in text
    assert text.startswith(f"What regenerating the certificate of {unit} would touch:\n\n")
    (peer,) = node.profile.peers
    assert text.endswith(
        f"Other nodes:\n\tThis node has joined no cluster: nothing reaches {peer.hostname}.\n"
    )
    (stores,) = node.profile.distribution.copies[unit]
    say("set output json")
    (data,) = json.loads(say(f"show cert impact {unit}"))["data"]["nodes"]
    assert data["receives"] == (
        f"nothing: this node has joined no cluster (in one, a copy for {stores})"
    )


def test_impact_says_what_would_be_lost(node, say, tmp_path):
    """A certificate signed by a CA, and a pending request."""
    unit = next(iter(node.profile.units))
    install_signed(node, unit, tmp_path)
    pending(node, unit)
    text = say(f"show cert impact {unit}")
    assert "CA-signed certificate : signed by Example Root, would be lost\n" in text
    assert f"Pending CSR           : {unit}/{unit}.csr, would be deleted\n" in text
    say("set output json")
    data = json.loads(say(f"show cert impact {unit}"))["data"]
    assert (data["ca"], data["csr_deleted"]) == ("Example Root", [f"{unit}/{unit}.csr"])


def test_impact_names_the_stores_of_a_node_that_has_joined():
    """It receives copies by the profile; where nothing is distributed, nobody does."""
    spec = DistributionSpec(service="S", copies={"one": ("one-trust", "two-trust")})
    for joined, distribution, unit, receives, stores in (
        (True, spec, "one", "a copy for one-trust, two-trust", ("one-trust", "two-trust")),
        (True, spec, "two", "nothing: the certificate of two stays on its node", ()),
        (False, spec, "two", "nothing: the certificate of two stays on its node", ()),
        (True, DistributionSpec(), "one", "not distributed", ()),
        (False, DistributionSpec(), "one", "not distributed", ()),
    ):
        member = ClusterMember("b", "", "192.0.2.9", *["Subscriber"] * 2, "", 0.0, joined=joined)
        found = node_impact(member, distribution, unit, multi_server=False)
        assert (found.receives, found.stores) == (receives, stores)


def test_impact_on_other_nodes_as_data(say):
    """The stores stand apart from the words."""
    say("set output json")
    (other,) = json.loads(say("show cert impact tomcat"))["data"]["nodes"]
    assert (other["hostname"], other["stores"]) == ("imp-sub", [])
    assert other["receives"].startswith("nothing: ")


def test_impact_needs_no_privilege(node_dir, world):
    """Ordinary accounts may look."""
    node = Node.open(str(node_dir), world)
    say = Conversation(node, level=0)
    unit = next(iter(node.profile.units))
    say(f"show cert impact {unit}")
    assert say.status == 0
    say("show cert list own")
    assert say.status == 1
