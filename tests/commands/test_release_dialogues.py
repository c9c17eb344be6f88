"""What commands ask and say in later releases, and what these do not take."""

import json
import pathlib
import re

import pytest
from cryptography import x509
from harness import Conversation, Keys, clock_world
from quick_authority import Authority, pem
from wrong_profiles import mistake

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.pki import certs

SU5 = pathlib.Path(__file__).parents[1] / "transcripts" / "ucm-15su5.yaml"
OU = "Include OU in CSR (yes|no)?"


@pytest.fixture
def tell(ucm_15_node):
    return Conversation(ucm_15_node)


@pytest.fixture
def authority(tell):
    """A CA that tomcat trusts."""
    made = Authority("Example Root CA")
    tell("set cert import trust tomcat", pem(made.certificate))
    return made


def answered(tell, authority, unit, **changes):
    """What is said of the CA's answer to the pending request."""
    request = tell.node.snapshot().request_pem(unit)
    return tell(f"set cert import own {unit}", pem(authority.answer(request, **changes)))


def test_a_script_answers_the_question_for_the_organizational_unit(tell):
    """A program that knows nothing of it is told, and nothing is made."""
    script = Conversation(tell.node, interactive=False)
    assert "Successfully" not in script("set csr gen tomcat")
    assert script.asked == [OU]
    assert script.status == 1
    assert tell("show csr list") == "No CSR found\n"
    assert script("set csr gen tomcat", "yes") == "Successfully Generated CSR  for tomcat\n"
    assert "OU=Collaboration" in tell("show csr own tomcat")


def test_in_json_too(ucm_15_node):
    tell = Conversation(ucm_15_node)
    tell("set output json")
    made = json.loads(tell("set csr gen tomcat", "no"))
    assert made["data"]["subject"].count("OU=") == 0
    assert made["data"]["common_name"] == "cucm-pub.example.com"


def test_the_sentence_of_a_request_is_the_profiles(tell):
    """Releases differ by one blank or two, and a dot."""
    words = tell.node.profile.dialogues.replace(
        csr_generated="Successfully Generated CSR for {unit}."
    )
    tell.node.profile = tell.node.profile.replace(dialogues=words)
    assert tell("set csr gen tomcat", "no") == "Successfully Generated CSR for tomcat.\n"


def test_nothing_is_asked_where_nothing_can_be_made(tell):
    assert "has no multi-server certificates" in tell("set csr gen CAPF multi-server")
    assert tell.asked == []


def test_a_certificate_without_the_organizational_unit_answers_a_request_with_it(tell, authority):
    tell("set csr gen tomcat", "yes")
    signed = authority.issue(
        certs.subject_name([("CN", "cucm-pub.example.com")]),
        x509.load_pem_x509_csr(tell.node.snapshot().request_pem("tomcat")).public_key(),
        ["DNS:cucm-pub.example.com"],
    )
    tell("set cert import own tomcat", pem(signed))
    assert tell.status == 0
    assert "OU=" not in tell("show cert own tomcat | include Subject Name")


def test_a_certificate_with_another_curve_answers_none(tell, authority):
    """The key is another, whatever the names are."""
    tell("set csr gen tomcat-ECDSA", "no")
    other = authority.key.public_key()
    said = answered(tell, authority, "tomcat-ECDSA", public=other)
    assert said.startswith("CSR public key and Certificate public key does not match\n")
    assert "Expected: the key of the pending CSR of tomcat-ECDSA: EC 384" in said
    assert "Found: EC 256" in said


def test_a_certificate_for_all_nodes_is_not_pasted(tell, authority):
    """It is taken whole, so that it can become no command; our own command takes it."""
    tell("set csr gen tomcat multi-server", "no")
    said = answered(tell, authority, "tomcat")
    assert said.startswith(
        "A multi-server certificate cannot be uploaded by this command in release 15.0.1.12900-234\n"
    )
    assert "utils cert upload own tomcat FILE" in said
    assert tell.status == 1
    assert tell("show csr list") == "tomcat/tomcat.csr\n"


def test_release_9_1_takes_it_as_before(node):
    say = Conversation(node)
    made = Authority("Example Root CA")
    say("set cert import trust tomcat", pem(made.certificate))
    say("set csr gen tomcat multi-server")
    assert "Successfully imported" in answered(say, made, "tomcat")


def test_the_answer_to_another_release_is_no_answer(tell):
    """Release 15 resets with one word only."""
    for line in ("utils itl reset remotekey", "utils itl reset"):
        assert "Successfully" not in tell(line)
        assert tell.status == 1
    assert "remotekey" not in tell.session.complete("utils itl reset ").candidates


class TestForServersOnly:
    """Public CAs stop issuing certificates that clients may show."""

    WORDS = "is for servers only (no clientAuth). What connects to others with a\n"

    def test_an_own_certificate(self, tell, outside_ca):
        root = outside_ca.root()
        tell("set cert import trust tomcat", root.pem.decode())
        tell("set csr gen tomcat", "no")
        request = tell.node.snapshot().request_pem("tomcat")
        extensions = ["basicConstraints = CA:FALSE", "extendedKeyUsage = serverAuth"]
        signed = outside_ca.sign(
            request, root, copy_extensions=False,
            extensions=[*extensions, "subjectAltName = DNS:cucm-pub.example.com"],
        )  # fmt: skip
        tell("set output json")
        said = json.loads(tell("set cert import own tomcat", signed.pem.decode()))
        (warning,) = said["warnings"]
        assert said["ok"]
        assert (warning["kind"], warning["units"]) == ("no-client-auth", ["tomcat"])
        assert warning["common_name"] == "cucm-pub.example.com"

    def test_a_ca(self, tell, outside_ca):
        """All units are named whose certificates it may sign."""
        only = outside_ca.root("Only Servers", extensions=["extendedKeyUsage = serverAuth"])
        said = tell("set cert import trust tomcat", only.pem.decode())
        assert tell.status == 0
        assert f"WARNING: Only Servers {self.WORDS}" in said
        assert "certificate by it is refused there: tomcat, tomcat-ECDSA\n" in said
        # Nobody shows a certificate of this store to anybody.
        assert "for servers only" not in tell("set cert import trust Phone-VPN", only.pem.decode())

    def test_one_for_any_purpose(self, tell, outside_ca):
        every = outside_ca.root(
            "Every", extensions=["extendedKeyUsage = serverAuth,anyExtendedKeyUsage"]
        )
        assert "for servers only" not in tell("set cert import trust tomcat", every.pem.decode())

    def test_release_9_1_says_nothing(self, say, outside_ca):
        only = outside_ca.root("Only Servers", extensions=["extendedKeyUsage = serverAuth"])
        assert "for servers only" not in say("set cert import trust tomcat", only.pem.decode())


MISTAKES = {
    "another manner": ("dialogues: {power: loud}", "dialogues.power: cannot be 'loud'"),
    "another key": ("dialogues: {csr_ou: true}", "dialogues.csr_ou: is no key of this section"),
    "another template": (
        'dialogues: {csr_generated: "Made {x}"}',
        "dialogues.csr_generated: is no template: {x} is none of its fields",
    ),
    "a client that there is not": (
        "units: {tomcat: {client: tomcat-clint}}",
        "units.tomcat.client: there is no other unit tomcat-clint",
    ),
    "its own client": (
        "units: {tomcat: {client: tomcat}}", "units.tomcat.client: there is no other unit tomcat",
    ),
    "a copy in the same store": (
        "units: {CAPF: {copies: [CAPF-trust]}}", "units.CAPF.copies: CAPF-trust has one already",
    ),
    "a copy in an unknown store": (
        "units: {CAPF: {copies: [CAP-trust]}}", "units.CAPF.copies[0]: there is no trust store CAP-trust",
    ),
    "another template of advice": (
        'units: {tomcat: {advice: ["{service}"]}}', "units.tomcat.advice[0]: is no template",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_what_is_said_is_named(case, tmp_path):
    text, expected = MISTAKES[case]
    assert f"mine.yaml:4: {expected}" in mistake(tmp_path, f"{text}\n")


class TestAUnitForConnectionsToOthers:
    """Release 15SU5: it may have the certificate of the server, or one of its own."""

    @pytest.fixture
    def tell(self, tmp_path):
        world, _ = clock_world(Keys())
        install(str(tmp_path / "node"), str(SU5), world, speed=0)
        return Conversation(Node.open(str(tmp_path / "node"), world))

    def copies(self, tell):
        """The names of the files of tomcat-trust that are copies of the two; each file once."""
        snapshot = tell.node.snapshot()
        own = {snapshot.own(unit).row.sha256 for unit in ("tomcat", "tomcat-client")}
        rows = [row for row in snapshot.trust("tomcat-trust") if row.sha256 in own]
        assert {row.sha256 for row in rows} == own
        assert len(rows) == len(own)
        return [row.name for row in rows]

    def test_one_file_does_for_both(self, tell):
        """It is called by name and serial number alone, and belongs to who still has it."""
        assert len(self.copies(tell)) == 2
        for answer, files in (("yes", 1), ("no", 2), ("yes", 1), ("yes", 1), ("no", 2), ("no", 2)):
            tell("set cert regen tomcat", "yes", answer)
            names = self.copies(tell)
            assert len(names) == files
            for name in names:
                assert re.fullmatch(r"cucm-pub\.example\.com_[0-9a-f]+", name)

    def test_the_client_alone(self, tell):
        tell("set cert regen tomcat", "yes", "yes")
        (shared,) = self.copies(tell)
        tell("set cert regen tomcat-client", "yes")
        names = self.copies(tell)
        assert len(names) == 2
        assert shared in names

    def test_the_copy_for_both_is_not_deleted(self, tell):
        tell("set cert regen tomcat", "yes", "yes")
        (shared,) = self.copies(tell)
        assert "cannot be deleted" in tell(f"set cert delete tomcat-trust {shared}.pem")
        tell("set cert regen tomcat", "yes", "no")
        assert "cannot be deleted" in tell(f"set cert delete tomcat-trust {shared}.pem")
