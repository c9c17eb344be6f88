"""A node of each later release, from its installation to renewed certificates; openssl has its say."""

import re
import subprocess

import pytest
from certificate_authority import DAY, CertificateAuthority
from harness import START, Conversation, Keys, clock_world
from quick_authority import DAY as QUICK_DAY
from quick_authority import Authority, pem

from cucmos_shell.node import Node
from cucmos_shell.node.certificates import issuing
from cucmos_shell.node.install import install
from cucmos_shell.pki import certs, csr
from cucmos_shell.pki.der import from_pem
from cucmos_shell.pki.trust_lists.read import read, verify
from cucmos_shell.profile.profile import names

RELEASES = [name for name in names() if not name.endswith("-9.1")]
OF_OPENSSL = {
    "digitalSignature": "Digital Signature", "keyEncipherment": "Key Encipherment",
    "dataEncipherment": "Data Encipherment", "keyCertSign": "Certificate Sign",
    "serverAuth": "TLS Web Server Authentication", "clientAuth": "TLS Web Client Authentication",
    "ipsecEndSystem": "IPSec End System",
}  # fmt: skip


def openssl(*words, data):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, check=True)
    return done.stdout.decode()


def said(text, heading):
    """What stands below a heading of openssl's text, a set."""
    found = re.search(rf"X509v3 {heading}:.*\n\s*(.*)", text)
    return set(found[1].split(", ")) if found else set()


def check(text, spec, facts, usages, purposes, without=()):
    """Key, names and usages, as openssl reads them; the subject is `without` some attributes."""
    assert said(text, "Key Usage") == {OF_OPENSSL[name] for name in usages}
    assert said(text, "Extended Key Usage") == {OF_OPENSSL[name] for name in purposes}
    bits = spec.key.lstrip("rsaec")
    assert f"Public-Key: ({bits} bit)" in text
    assert ("NIST CURVE: P-384" in text) == spec.key.startswith("ec")
    names = {name.format_map(facts) for name in spec.alternative_names}
    assert said(text, "Subject Alternative Name") == names
    subject = re.search(r"Subject: (.*)", text)[1]
    assert [part.partition("=")[0].strip() for part in subject.split(", ")] == [
        attribute for attribute, _ in spec.subject if attribute not in without
    ]


def lists_verify(node):
    """Each list of phones that there is was signed by whom the profile says, with what it has now."""
    for spec in node.profile.trust_lists.values():
        raw = node.lists.raw(node.snapshot(), spec)
        if raw is not None:
            found = read(raw)
            assert verify(found).certificate == node.snapshot().own_der(spec.signer)


@pytest.mark.parametrize("name", RELEASES)
def test_the_life_of_all_certificates_of_a_release(name, tmp_path):
    """Installed, regenerated, requested, signed, imported, loaded; and never a list that lies."""
    world, _ = clock_world(Keys())
    install(str(tmp_path / "node"), name, world, speed=0)
    node = Node.open(str(tmp_path / "node"), world)
    say = Conversation(node)
    ca = CertificateAuthority(tmp_path / "ca", now=START)
    root = ca.root()
    for spec in node.profile.trust_stores.values():
        say(f"set cert import trust {spec.base}", root.pem.decode())
        assert say.status == 0, spec.base
    if node.profile.trust_lists:
        say("utils ctl set-cluster mixed-mode", "y")
        assert say.status == 0
    lists_verify(node)
    fresh = [f"{unit}/{unit}.pem: {certs.SELF_SIGNED}" for unit in node.profile.units]
    assert say("show cert list own").splitlines() == fresh
    for unit, spec in node.profile.units.items():
        facts = node.profile.facts(unit)
        own = node.snapshot().own_der(unit)
        text = openssl("x509", "-inform", "DER", "-noout", "-text", data=own)
        check(text, spec, facts, spec.key_usage, spec.extended_key_usage)
        assert "CA:TRUE, pathlen:0" in text
        say(f"set cert regen {unit}", "yes")
        assert node.snapshot().own_der(unit) != own
        lists_verify(node)
    for unit, spec in node.profile.units.items():
        say(f"set csr gen {unit}", "no")
        request = node.snapshot().request_pem(unit)
        text = openssl("req", "-noout", "-text", "-verify", data=request)
        without = ("OU",) if node.profile.dialogues.csr_asks_ou else ()
        check(
            text,
            spec,
            node.profile.facts(unit),
            spec.csr_key_usage,
            spec.csr_extended_key_usage,
            without,
        )
        constraints = "CA:TRUE,pathlen:0" if "keyCertSign" in spec.csr_key_usage else "CA:FALSE"
        signed = ca.sign(
            request, root, extensions=[f"basicConstraints = {constraints}"], end=300 * DAY
        )
        say(f"set cert import own {unit}", signed.pem.decode())
        assert say.status == 0, unit
        lists_verify(node)
        assert csr.describe(from_pem(request, csr.LABEL)).alternative_names == tuple(
            name.format_map(node.profile.facts(unit)) for name in spec.alternative_names
        )
    listed = say("show cert list own").splitlines()
    assert listed == [
        f"{unit}/{unit}.pem: Certificate Signed by Example Root CA" for unit in node.profile.units
    ]
    say("utils service restart pending", "yes")
    assert not list(node.services.pending(node.snapshot()))
    say("utils system restart", "yes")
    again = Node.open(node.state_dir, world)
    assert not list(again.services.pending(again.snapshot()))
    lists_verify(again)


@pytest.fixture(scope="module")
def subscriber(tmp_path_factory):
    """A subscriber of release 15."""
    folder = str(tmp_path_factory.mktemp("sub") / "node")
    world, _ = clock_world(Keys())
    install(folder, "ucm-15", world, speed=0, hostname="third", ip="192.0.2.13", role="Subscriber")
    return Node.open(folder, world)


class TestASubscriber:
    """Some units, and uploads to one trust store, are the publisher's."""

    @pytest.mark.parametrize(
        "line",
        ["set cert regen capf", "show cert own CAPF", "set csr gen ITLRecovery", "show cert impact CAPF",
         "show cert own itlrecovery/itlrecovery.pem"],
    )  # fmt: skip
    def test_a_unit_of_the_publisher_is_refused_by_name(self, subscriber, line):
        say = Conversation(subscriber)
        said = say(line)
        unit = "CAPF" if "capf" in line.casefold() else "ITLRecovery"
        assert said.startswith(
            f"{unit} is a certificate of the publisher; this node is a subscriber\n"
        )
        assert said.endswith("Executed command unsuccessfully\n")
        assert "CAPF" not in say("show cert list own")

    def test_nothing_is_imported_for_one(self, subscriber, outside_ca):
        say = Conversation(subscriber)
        said = say("set cert import own CAPF", outside_ca.root().pem.decode())
        assert "what is pasted will not be kept" in said
        assert said.endswith(
            "CAPF is a certificate of the publisher; this node is a subscriber\n"
            "Type the command on cucm-sub\nExecuted command unsuccessfully\n"
        )  # fmt: skip

    def test_uploads_for_phones_outside_are_the_publishers(self, subscriber, outside_ca):
        say = Conversation(subscriber)
        said = say("set cert import trust Phone-Edge", outside_ca.root().pem.decode())
        assert "Phone-Edge-trust is changed on the publisher only" in said
        assert say.status == 1

    def test_its_lists_are_signed_by_the_second_signer(self, subscriber):
        lists_verify(subscriber)
        assert "CAPF" not in Conversation(subscriber)("show itl")


@pytest.fixture
def tell(ucm_15_node):
    return Conversation(ucm_15_node)


def test_a_store_for_phones_outside_takes_sixteen(tell):
    for i in range(16):
        root = pem(Authority(f"Edge {i}").certificate)
        tell("set cert import trust Phone-Edge", root)
        assert tell.status == 0
    said = tell("set cert import trust Phone-Edge", pem(Authority("Edge 16").certificate))
    assert "Phone-Edge-trust takes 16 certificates\nDelete one first" in said
    assert tell.status == 1
    newer = Authority("Edge 3", start=-2 * QUICK_DAY)
    assert tell("show cert list trust | include Phone-Edge").count("Edge_3_") == 1
    tell("set cert import trust Phone-Edge", pem(newer.certificate))
    assert tell.status == 0


def test_files_are_called_by_the_octets_of_the_serial_number(ucm_15_node):
    """Leading zeros stay; what signs certificates of phones has no number."""
    store = ucm_15_node.profile.trust_stores["CallManager-trust"]
    own = certs.describe(certs.load_der(ucm_15_node.snapshot().own_der("tomcat")))
    for serial, digits in ((1, "01"), (0x0A64, "0a64"), (0x80, "0080"), (0x61096E7D, "61096e7d")):
        one = own._replace(serial=serial)
        assert issuing.file_name(store, one) == f"cucm-pub.example.com_{digits}"
    rows = ucm_15_node.snapshot().trust("CAPF-trust")
    assert re.fullmatch(r"CAPF-[0-9a-f]{8}", rows[0].name)


def test_two_certificates_of_one_name_and_two_subjects_stand_side_by_side(tell, outside_ca):
    """Their file names differ by the serial number; release 9.1 keeps one."""
    for subject in ("/O=One/CN=Same", "/O=Two/CN=Same"):
        tell("set cert import trust tomcat", outside_ca.root(subject).pem.decode())
    assert tell("show cert list trust | include tomcat-trust/Same_ | count") == "Count: 2 lines\n"


def test_what_signs_phones_is_in_two_stores_and_goes_from_both(tell):
    """Of its copies none can be deleted, and a new certificate takes the place of both."""
    snapshot = tell.node.snapshot()
    before = snapshot.own("CAPF").row
    for store in ("CAPF-trust", "CallManager-trust"):
        row = snapshot.owned(store, "CAPF")
        assert row.sha256 == before.sha256
        assert "cannot be deleted" in tell(f"set cert delete {store} {row.name}.pem")
    tell("set cert regen CAPF", "yes")
    for store in ("CAPF-trust", "CallManager-trust"):
        hashes = {row.sha256 for row in tell.node.snapshot().trust(store)}
        assert before.sha256 not in hashes
        assert tell.node.snapshot().own("CAPF").row.sha256 in hashes


def test_a_node_of_a_profile_with_bases_is_up_to_date(tell):
    assert tell("utils profile refresh") == "Nothing about ucm-15 is new\n"


def test_only_where_phones_wait_for_a_list_are_they_left_without_a_signer(tell, tmp_path):
    """Until 12.5 they have the one before until somebody restarts the service; since 14 none waits."""
    world, _ = clock_world(Keys())
    install(str(tmp_path / "node"), "ucm-12.5", world, speed=0)
    before = Conversation(Node.open(str(tmp_path / "node"), world))
    for say in (before, tell):
        say("set cert regen ITLRecovery", "yes")
    assert "WARNING: ITLRecovery has changed, and phones do not have the new one yet" in before(
        "show cert impact TVS"
    )
    assert "WARNING" not in tell("show cert impact TVS")
    before("utils service restart Cisco Tftp")
    assert "WARNING" not in before("show cert impact TVS")
