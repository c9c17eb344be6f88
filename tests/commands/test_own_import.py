"""Own certificates imported: the refusals in their order, and what an import leaves behind."""

import json
import pathlib

import pytest
from certificate_authority import DAY
from harness import Conversation

from cucmos_shell.pki.der import from_pem

SUCCESS = (
    "WARNING: This operation will replace the certificate and the key of tomcat\n"
    "\nSuccessfully imported certificate for tomcat.\n"
    "Please restart services related to tomcat for the new certificate to become active.\n"
    "Services to restart: Cisco Tomcat\n"
    "show service pending says which still wait for it.\n"
)
IMPORT = "set cert import own tomcat"


@pytest.fixture
def root(outside_ca):
    return outside_ca.root()


@pytest.fixture
def issuing(outside_ca, root):
    return outside_ca.intermediate(root)


@pytest.fixture
def csr(node, say):
    """The request of tomcat, in PEM."""
    say("set csr gen tomcat")
    return node.snapshot().request_pem("tomcat")


def trust(say, *issued, unit="tomcat"):
    say(f"set cert import trust {unit}", pasted(*issued))
    assert say.status == 0


def pasted(*issued):
    return b"".join(one.pem for one in issued).decode()


def refused(node, say, text, *, line=IMPORT, status=1):
    """Import `text`, which is refused: what was said. Nothing changes, the request waits on."""
    before = node.snapshot()
    said = say(line, text)
    after = node.snapshot()
    assert say.status == status, said
    assert said.endswith("Executed command unsuccessfully\n")
    assert after.head == before.head
    assert after.own("tomcat").request == before.own("tomcat").request
    return said


# --- what is accepted --------------------------------------------------------------------------


def test_a_signed_certificate_is_imported(node, say, outside_ca, root, csr):
    """Key, certificate and chain in one version; the request is gone; services are named."""
    trust(say, root)
    before = node.snapshot()
    waiting = before.request_key_pem("tomcat")
    signed = outside_ca.sign(csr, root)
    text = say(IMPORT, pasted(signed))
    assert text.startswith(SUCCESS)
    after = node.snapshot()
    assert after.head == before.head + 1
    assert after.own_der("tomcat") == signed.der
    assert after.private_key_pem("tomcat") == waiting
    assert after.own("tomcat").request is None
    assert "keys/tomcat_csr_priv.pem" not in after.manifest("tomcat")
    listed = say("show cert list own")
    assert "tomcat/tomcat.pem: Certificate Signed by Example Root CA\n" in listed
    (copy,) = [row for row in after.trust("tomcat-trust") if row.owner == "tomcat"]
    assert copy.sha256 == after.own("tomcat").row.sha256
    assert "Cisco Tomcat" in say("show service pending")


def test_a_chain_is_pasted_along(node, say, outside_ca, root, issuing, csr):
    """In any order; each is reported; what is not needed is said; openssl accepts the result."""
    trust(say, root)
    signed, other = outside_ca.sign(csr, issuing), outside_ca.root("Unrelated CA")
    text = say(IMPORT, pasted(other, issuing, root, signed))
    assert "Chain: CN=Example Issuing CA (kept with the certificate)\n" in text
    assert "Chain: CN=Example Root CA (in the trust-store)\n" in text
    assert "Not needed: Unrelated CA (block 1 (line 1))\n" in text
    snapshot = node.snapshot()
    assert snapshot.chain_pem("tomcat") == issuing.pem
    accepted, words = outside_ca.verify(
        snapshot.own_pem("tomcat"), [snapshot.chain_pem("tomcat")], [root]
    )
    assert accepted, words
    assert "complete" in say("show cert chain tomcat")


def test_an_intermediate_may_be_trusted_before(node, say, outside_ca, root, issuing, csr):
    """The chain is then found in the trust store; it is kept with the certificate all the same."""
    trust(say, root, issuing)
    text = say(IMPORT, pasted(outside_ca.sign(csr, issuing)))
    assert "Chain: CN=Example Issuing CA (in the trust-store)\n" in text
    assert node.snapshot().chain_pem("tomcat") == issuing.pem


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_files_of_all_forms_are_uploaded(node, say, outside_ca, root, issuing, csr, form):
    """PKCS#7 with the chain; the description is what lists say."""
    trust(say, root)
    signed = outside_ca.sign(csr, issuing)
    area = pathlib.Path(node.state_dir, "upload")
    (area / "signed.p7b").write_bytes(outside_ca.pkcs7([root, issuing, signed], form=form))
    say("utils cert upload own tomcat signed.p7b description Signed in autumn")
    assert say.status == 0
    assert "tomcat/tomcat.pem: Signed in autumn\n" in say("show cert list own")


def test_names_in_another_order_and_case_match(say, outside_ca, root, node):
    """Order is free, and so is case."""
    trust(say, root)
    say("set csr gen cup-xmpp")
    names = "DNS:EXAMPLE.com,DNS:imp-pub.example.com"
    signed = outside_ca.sign(
        node.snapshot().request_pem("cup-xmpp"), root, copy_extensions=False,
        extensions=("basicConstraints = CA:FALSE", f"subjectAltName = {names}"),
    )  # fmt: skip
    trust(say, root, unit="cup-xmpp")
    say("set cert import own cup-xmpp", pasted(signed))
    assert say.status == 0


def test_a_request_without_names_ignores_them(node, say, outside_ca, root):
    """Ipsec asks for none; the CA may add some."""
    trust(say, root, unit="ipsec")
    say("set csr gen ipsec")
    extensions = ("basicConstraints = CA:FALSE", "subjectAltName = DNS:any.example.net")
    signed = outside_ca.sign(node.snapshot().request_pem("ipsec"), root, extensions=extensions)
    assert "Successfully imported certificate for ipsec.\n" in say(
        "set cert import own ipsec", pasted(signed)
    )


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"version": 1, "key": "rsa2048"}, "is an X.509 version 1 certificate, trusted as a root"),
        ({"hash_name": "sha1"}, "is signed with SHA-1"),
    ],
)
def test_old_roots_are_noted(node, say, outside_ca, csr, options, note):
    """A chain may end in them where the profile allows it."""
    root = outside_ca.root(**options)
    # A version 1 root begins when openssl makes it, whatever the authority's clock says.
    begins = root.certificate.not_valid_before_utc.timestamp() - outside_ca.now
    node.world.sleep(max(0.0, begins) + 1)
    trust(say, root)
    signed = outside_ca.sign(csr, root, end=max(0.0, begins) + 60 * DAY)
    assert f"Note: CN=Example Root CA {note}" in say(IMPORT, pasted(signed))
    assert "The chain is complete" in say("show cert chain tomcat")


def test_the_ca_certificate_may_be_named(node, say, outside_ca, root, issuing, csr):
    """By its file in the trust store, in every spelling; another one is refused."""
    other = outside_ca.root("Unrelated CA")
    trust(say, root, issuing, other)
    signed = pasted(outside_ca.sign(csr, issuing))
    text = refused(node, say, signed, line=f"{IMPORT} Unrelated_CA.pem")
    assert "not end in the CA certificate given but in CN=Example Root CA" in text
    assert "is not a certificate of tomcat-trust" in refused(
        node, say, signed, line=f"{IMPORT} Nobody.pem"
    )
    say(f"{IMPORT} tomcat-trust/Example_Root_CA.pem", signed)
    assert say.status == 0


def test_deleting_the_copy_of_a_signed_certificate_deletes_the_request(
    node, say, outside_ca, root, csr
):
    """And says so; the certificate itself stays."""
    trust(say, root)
    say(IMPORT, pasted(outside_ca.sign(csr, root)))
    say("set csr gen tomcat")
    (copy,) = [row for row in node.snapshot().trust("tomcat-trust") if row.owner == "tomcat"]
    text = say(f"set cert delete tomcat-trust {copy.name}.pem")
    assert text.endswith("The pending CSR of tomcat was deleted.\n")
    assert say("show csr list") == "No CSR found\n"
    assert "Certificate Signed by" in say("show cert list own")


# --- what is refused, in order -----------------------------------------------------------------


def test_no_certificate(node, say, csr):
    """Before everything else."""
    assert "no certificate found in the paste" in refused(node, say, "hello")
    assert "CSR" in refused(node, say, csr.decode())


def test_a_private_key(node, say, outside_ca, root, csr):
    """Even beside a good certificate."""
    trust(say, root)
    signed = outside_ca.sign(csr, root)
    key = root.key.read_text()
    text = refused(node, say, pasted(signed) + key)
    assert "is a private key (PKCS#8); it was not stored" in text
    for file in pathlib.Path(node.state_dir).rglob("*"):
        assert not file.is_file() or key.splitlines()[1].encode() not in file.read_bytes()


def test_no_request(node, say, outside_ca, root):
    """Before any look at the certificate."""
    text = refused(node, say, pasted(outside_ca.leaf(root, end=-1)))
    assert text.startswith(
        "CSR does not exist for tomcat\nExpected: a CSR made by set csr gen tomcat\n"
    )


def test_another_key(node, say, outside_ca, root, csr):
    """Before names and dates; fingerprints of both, and whose key it would have to be."""
    text = refused(node, say, pasted(outside_ca.leaf(root, "x.example.net", end=-1)))
    assert text.startswith("CSR public key and Certificate public key does not match\n")
    assert "Expected: the key of the pending CSR of tomcat: RSA 2048, key SHA-256 " in text
    assert "Found: EC 256, key SHA-256 " in text
    assert "in x.example.net\n" in text
    assert "That is the key" not in text


def test_the_key_of_another_request(node, say, outside_ca, root, csr):
    """It is said which: certificates that were taken for each other are found at once."""
    say("set csr gen cup")
    signed = outside_ca.sign(node.snapshot().request_pem("cup"), root)
    text = refused(node, say, pasted(signed))
    assert "\nThat is the key of the pending CSR of cup\nExecuted" in text


def test_a_certificate_that_is_imported_already(node, say, outside_ca, root, csr):
    """There is no request any more, and it is said that the key is in use."""
    trust(say, root)
    signed = outside_ca.sign(csr, root)
    say(IMPORT, pasted(signed))
    text = say(IMPORT, pasted(signed))
    assert text == (
        "CSR does not exist for tomcat\n"
        "Expected: a CSR made by set csr gen tomcat\n"
        "Found: none\n"
        "That is the key of the certificate that tomcat has now\n"
        "Executed command unsuccessfully\n"
    )


def test_other_names(node, say, outside_ca, root, csr):
    """Before dates; both lists."""
    other = ("subjectAltName = DNS:other.example.com",)
    signed = outside_ca.sign(csr, root, copy_extensions=False, extensions=other, end=-1)
    text = refused(node, say, pasted(signed))
    assert text.startswith("CSR SAN and Certificate SAN does not match\n")
    assert "Expected: DNS:imp-pub.example.com\nFound: DNS:other.example.com\n" in text
    signed = outside_ca.sign(csr, root, copy_extensions=False)
    assert "Found: no alternative names\n" in refused(node, say, pasted(signed))


def test_dates(node, say, outside_ca, root, csr):
    """Before the chain; the node's own clock counts."""
    text = refused(node, say, pasted(outside_ca.sign(csr, root, start=-9 * DAY, end=-1)))
    assert text.startswith("The certificate has expired\nExpected: a certificate that is valid at ")
    text = refused(node, say, pasted(outside_ca.sign(csr, root, start=DAY)))
    assert text.startswith("The certificate is not yet valid\n")
    assert "Found: valid from 2026-11-19T" in text


def test_an_unknown_ca(node, say, outside_ca, root, csr):
    """The product's words, and what to do."""
    text = refused(node, say, pasted(outside_ca.sign(csr, root)))
    assert text.startswith("CA certificate is not available in the trust-store\n")
    assert "issuer CN=Example Root CA is not in tomcat-trust; import it first\n" in text


def test_a_chain_that_breaks(node, say, outside_ca, csr):
    """An intermediate that may not sign, one that has expired, a path that is too long."""
    root = outside_ca.root(path_length=0)
    trust(say, root)
    long = outside_ca.intermediate(root)
    assert "allows 0 CA certificates below it" in refused(
        node, say, pasted(outside_ca.sign(csr, long), long)
    )
    weak = outside_ca.root("Second Root")
    trust(say, weak)
    stale = outside_ca.intermediate(weak, "Stale CA", end=-1)
    assert "CN=Stale CA expired on" in refused(
        node, say, pasted(outside_ca.sign(csr, stale), stale)
    )
    leaf = outside_ca.leaf(weak, "no-ca.example.com")
    assert "is not a CA certificate (CA:TRUE is missing)" in refused(
        node, say, pasted(outside_ca.sign(csr, leaf), leaf)
    )


def test_weak_keys_and_hashes_are_a_matter_of_policy(node, say, outside_ca, csr):
    """Exit status 3."""
    root = outside_ca.root(key="rsa1024")
    trust(say, root)
    text = refused(node, say, pasted(outside_ca.sign(csr, root)), status=3)
    assert "the policy does not allow the key of CN=Example Root CA" in text
    strong = outside_ca.root("Strong Root")
    trust(say, strong)
    text = refused(node, say, pasted(outside_ca.sign(csr, strong, hash_name="sha1")), status=3)
    assert "the policy does not allow the signature" in text


def test_a_request_that_changes_meanwhile_is_noticed(node, say, outside_ca, root, csr):
    """Between the check and the lock another session makes a new request."""
    trust(say, root)
    signed = pasted(outside_ca.sign(csr, root))
    execution = say.session.execute(IMPORT)
    assert execution.step().prompt == "Paste the Certificate and Hit Enter"
    caution = execution.step(signed)
    assert caution.text.startswith("WARNING: ")
    Conversation(node)("set csr gen tomcat")
    event = execution.step()
    assert event.text.startswith("The CSR of tomcat has changed meanwhile; nothing was imported\n")
    assert node.snapshot().own("tomcat").request is not None
    assert "Self-signed" in say("show cert list own where file-name is-exactly tomcat.pem")


def test_json(node, outside_ca, root, csr):
    """Chain, services, kind of the refusal."""
    say = Conversation(node)
    say("set output json")
    signed = pasted(outside_ca.sign(csr, root))
    answer = json.loads(say(IMPORT, signed))
    assert answer["error"]["message"] == "CA certificate is not available in the trust-store"
    trust(say, root)
    data = json.loads(say(IMPORT, signed))["data"]
    anchor = {"common_name": "CN=Example Root CA", "trusted": True, "anchor": True}
    assert data["own"]["chain"] == [anchor]
    assert data["services_to_restart"] == ["Cisco Tomcat"]
    assert data["csr_deleted"] == ["tomcat/tomcat.csr"]


def test_the_request_is_what_openssl_signed(node, csr):
    """The row of the request agrees with its file."""
    from hashlib import sha256

    der = from_pem(csr, "CERTIFICATE REQUEST")
    assert node.snapshot().own("tomcat").request.sha256 == sha256(der).hexdigest()


def test_tab_knows_units_and_base_names(say):
    """A unit without a certificate of its own can be given trust certificates only."""
    complete = say.session.complete
    assert complete("set cert import own t").insert == "omcat "
    assert complete("set cert import own d").insert == ""
    assert complete("set cert import trust d").insert == "irectory "
    assert complete("utils cert upload t d").insert == "irectory "


def test_a_ca_file_that_is_missing_is_looked_for_in_the_units_store_only(say, root):
    """What lies in others would be refused."""
    trust(say, root, unit="cup")
    text = say(f"{IMPORT} Example_Root_CA.pem", "")
    assert text.startswith("Example_Root_CA.pem is not a certificate of tomcat-trust: what is")
    assert "cup-trust" not in text
