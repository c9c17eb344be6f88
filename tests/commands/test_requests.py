"""Certificate signing requests: what they ask for, as openssl reads them, and their commands."""

import json
import pathlib
import re

import pytest
from cryptography import x509
from harness import Conversation

PEM = re.compile(
    r"-----BEGIN CERTIFICATE REQUEST-----\n.*-----END CERTIFICATE REQUEST-----\n\Z", re.S
)


def csr(say, unit):
    """The request in PEM, cut out as clients do it."""
    return PEM.search(say(f"show csr own {unit}"))[0]


def decoded(ca, pem):
    return ca.openssl("req", "-noout", "-text", "-verify", data=pem.encode()).decode()


def test_the_line_is_exact(say):
    """A public client compares it."""
    assert say("set csr gen tomcat") == "Successfully Generated CSR  for tomcat\n"
    assert say("show csr list own") == "tomcat/tomcat.csr\n"
    assert say("show csr list") == "tomcat/tomcat.csr\n"


def test_openssl_reads_what_is_asked_for(say, outside_ca):
    """Subject in order, extensions of the unit, a good signature."""
    say("set csr gen tomcat")
    text = decoded(outside_ca, csr(say, "tomcat"))
    assert re.search(
        r"Subject: C ?= ?US, ST ?= ?California, L ?= ?San Jose, O ?= ?Example, OU", text
    )
    assert "CN = imp-pub" in text or "CN=imp-pub" in text
    assert "TLS Web Server Authentication, TLS Web Client Authentication, IPSec End System" in text
    assert "Digital Signature, Key Encipherment, Data Encipherment, Key Agreement" in text
    assert "DNS:imp-pub.example.com" in text
    assert "Public-Key: (2048 bit)" in text
    assert "sha256WithRSAEncryption" in text


@pytest.mark.parametrize(
    ("options", "key", "signature"),
    [
        ("key rsa3072 hash sha512", "(3072 bit)", "sha512WithRSAEncryption"),
        ("hash sha384", "(2048 bit)", "sha384WithRSAEncryption"),
        ("key ec256", "(256 bit)", "ecdsa-with-SHA256"),
        ("key ec384", "(384 bit)", "ecdsa-with-SHA384"),
        ("hash sha512 key ec521", "(521 bit)", "ecdsa-with-SHA512"),
    ],
)
def test_key_and_hash_are_chosen(say, outside_ca, options, key, signature):
    """In any order; the hash fits the key."""
    say(f"set csr gen cup {options}")
    text = decoded(outside_ca, csr(say, "cup"))
    assert key in text
    assert signature in text


def test_a_hash_weaker_than_the_key_is_refused(say):
    """What would fit is said."""
    text = say("set csr gen cup key ec384 hash sha256")
    assert text.startswith("sha256 is too weak for ec384: sha384 or sha512\n")
    assert say("show csr list") == "No CSR found\n"


def test_multi_server_names_all_nodes(say, outside_ca):
    """HOST-ms.DOMAIN, every node, the domain."""
    say("set csr gen cup-xmpp multi-server")
    request = x509.load_pem_x509_csr(csr(say, "cup-xmpp").encode())
    assert "CN=imp-pub-ms.example.com" in request.subject.rfc4514_string()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "imp-pub-ms.example.com", "imp-pub.example.com", "imp-sub.example.com", "example.com",
    }  # fmt: skip
    say("set csr gen tomcat key ec256 multi-server")
    assert "imp-pub-EC-ms.example.com" in say("show csr own tomcat | include DNS")
    text = say("set csr gen ipsec multi-server")
    assert text.startswith("ipsec has no multi-server certificates\n")


def test_the_present_certificate_stays_in_use(node, say):
    """Two keys: the one in use, and the one that waits."""
    before = node.snapshot()
    say("set csr gen tomcat")
    after = node.snapshot()
    assert after.own_der("tomcat") == before.own_der("tomcat")
    assert after.private_key_pem("tomcat") == before.private_key_pem("tomcat")
    assert after.request_key_pem("tomcat") != before.private_key_pem("tomcat")
    key = pathlib.Path(after.path("tomcat", "keys/tomcat_csr_priv.pem"))
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_new_one_replaces_the_old(say):
    """One CSR a unit."""
    say("set csr gen tomcat")
    first = csr(say, "tomcat")
    say("set csr gen tomcat")
    assert csr(say, "tomcat") != first
    assert say("show csr list") == "tomcat/tomcat.csr\n"


def test_it_is_shown_decoded_and_then_as_pem(say):
    """Nothing after the END line; by any of its names."""
    say("set csr gen tomcat")
    shown = say("show csr own tomcat")
    assert shown.startswith(
        "[\n  Version: V1\n  SignatureAlgorithm: SHA256withRSA (1.2.840.113549.1.1.11)\n"
    )
    assert "     Extension: KeyUsage (OID.2.5.29.15)\n" in shown
    assert "\n]\n-----BEGIN CERTIFICATE REQUEST-----\n" in shown
    assert shown.endswith("-----END CERTIFICATE REQUEST-----\n")
    for name in ("tomcat/tomcat.csr", "TOMCAT.CSR", "tomcat/tomcat"):
        assert say(f"show csr own {name}") == shown


def test_it_is_deleted_with_its_key(node, say):
    """And once it is gone, there is none to show or delete."""
    say("set csr gen tomcat")
    assert say("set csr delete tomcat") == "Successfully deleted CSR for tomcat.\n"
    assert node.snapshot().own("tomcat").request is None
    assert "keys/tomcat_csr_priv.pem" not in node.snapshot().manifest("tomcat")
    for line in ("set csr delete tomcat", "show csr own tomcat"):
        assert say(line).startswith("No CSR found\n")
        assert say.status == 1
    assert say("show csr list own") == "No CSR found\n"
    assert say.status == 0


@pytest.mark.parametrize("line", ["set csr gen directory", "set csr delete directory"])
def test_a_store_without_own_certificate_is_refused_by_name(say, line):
    """Directory-trust."""
    assert say(line).startswith("directory-trust has no own certificate")
    assert say.status == 1


def test_unknown_units_and_options(say):
    """Near names are offered."""
    assert "Did you mean:\n\ttomcat\n" in say("set csr gen tomcta")
    assert "rsa512 is not one of: rsa2048, " in say("set csr gen tomcat key rsa512")


def test_regenerating_deletes_it_and_says_so(say):
    """The CSR belongs to the key that is replaced."""
    say("set csr gen tomcat")
    assert "The pending CSR of tomcat was deleted." in say("set cert regen tomcat", "yes")
    assert say("show csr list") == "No CSR found\n"


def test_lists_are_searched(say):
    """The same words as for certificates."""
    say("set csr gen tomcat")
    say("set csr gen cup key ec256")
    assert say("show csr list where key-type begins-with EC") == "cup/cup.csr\n"
    assert say("show csr list own where common-name is-exactly IMP-PUB and type is-exactly csr "
               "and certificate-name contains tom") == "tomcat/tomcat.csr\n"  # fmt: skip
    assert say("show csr list where serial is-not-empty") == "No CSR found\n"


def test_json(node):
    """Names, warnings, the request itself."""
    say = Conversation(node)
    say("set output json")
    line = json.loads(say("set csr gen tomcat"))
    made = line["data"]
    assert made["name"] == "tomcat/tomcat.csr"
    assert made["alternative_names"] == ["DNS:imp-pub.example.com"]
    assert line["warnings"] == []
    shown = json.loads(say("show csr own tomcat"))["data"]
    assert shown["pem"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert shown["sha256"] == made["sha256"]
    assert json.loads(say("show csr list"))["data"][0]["key_type"] == "RSA 2048"


def test_a_request_is_downloaded(node, say):
    """PEM and DER."""
    say("set csr gen tomcat")
    assert "File   : tomcat.csr\n" in say("utils cert download csr tomcat")
    assert "File   : mine.der\n" in say("utils cert download csr tomcat der mine.der")
    area = pathlib.Path(node.state_dir, "download")
    request = x509.load_der_x509_csr((area / "mine.der").read_bytes())
    assert request == x509.load_pem_x509_csr((area / "tomcat.csr").read_bytes())


def test_web_security_gives_the_subject(say, outside_ca):
    """Commas separate organizational units, a backslash keeps one; warnings come first."""
    text = say(
        'set web-security "accounting,personnel\\,CA,R&D" "Example!" Milpitas CA de alt.example.org',
        "yes",
    )
    assert text.startswith(
        "\nWARNING: This operation will overwrite any CA signed certificate previously imported for"
        "  tomcat\n"
    )
    assert say.asked == ["Proceed with regeneration (yes|no)? "]
    assert "Successfully Regenerated Certificate for tomcat.\n" in text
    shown = say("show cert own tomcat")
    assert "OU=accounting" in shown
    assert 'OU="personnel,CA"' in shown
    assert "C=DE" in shown
    assert "alt.example.org" in shown
    assert "Organizational Unit : accounting,personnel\\,CA,R&D\n" in say("show web-security")
    text = say("set csr gen cup")
    assert text == (
        "WARNING: many public CAs refuse ! in O (Example!)\n"
        "WARNING: many public CAs refuse & in OU (R&D)\n"
        "Successfully Generated CSR  for cup\n"
    )
    text = decoded(outside_ca, csr(say, "cup"))
    assert "DNS:imp-pub.example.com, DNS:alt.example.org" in text


def test_web_security_keeps_the_country_and_may_be_cancelled(node, say):
    """Without a country the present one stays; `no` changes nothing."""
    head = node.snapshot().head
    assert say("set web-security a b c d", "no").endswith("Regeneration cancelled\n")
    assert say.status == 0
    assert node.snapshot().head == head
    say("set web-security a b c d", "yes")
    assert "Country             : US\n" in say("show web-security")
    assert node.snapshot().head == head + 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a b c d e", "The country is a code of two letters, not E"),
        ('"" b c d', "The organizational unit has 1 to 64 characters"),
        (f"{'x' * 65} b c d", "The organizational unit has 1 to 64 characters"),
        (f"a {'x' * 65} c d", "The organization has 1 to 64 characters"),
        ('"a,,b" b c d', "The organizational unit has 1 to 64 characters"),
        ('a b c d US "not a host"', "not a host is not a host name"),
        ("a b\x1bc c d", "The organization has characters that cannot be shown"),
    ],
)
def test_values_no_certificate_can_carry_are_refused(say, words, says):
    """Before the question."""
    assert says in say(f"set web-security {words}")
    assert say.asked == []


def test_a_second_request_warns_before_it_replaces_the_first(node, say):
    """A CA may be at work on it; programs that read JSON find it there."""
    said = "Successfully Generated CSR  for tomcat\n"
    assert say("set csr gen tomcat") == said
    first = node.snapshot().request_pem("tomcat")
    warning = (
        "WARNING: This operation will replace the pending CSR of tomcat;"
        " a certificate signed for that one will not fit\n"
    )
    assert say("set csr gen tomcat") == warning + said
    assert node.snapshot().request_pem("tomcat") != first
    assert say("set csr gen cup") == "Successfully Generated CSR  for cup\n"
    say("set output json")
    assert json.loads(say("set csr gen tomcat"))["data"]["replaced"] is True
