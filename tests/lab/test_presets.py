"""States that a node is put into: what every program sees of them then."""

import datetime
import os
import subprocess

import pytest
from cryptography import x509
from harness import START, Conversation

from cucmos_shell.frontends import lab as verb
from cucmos_shell.node import Node
from cucmos_shell.node.lab.authority import Authority
from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.lab import make_lab
from cucmos_shell.node.tasks.lab.presets import PRESETS
from cucmos_shell.node.tasks.lab.states import StateMistake, named, put, wanted
from cucmos_shell.world.fault_forms import fault_of

DAY = 86_400


@pytest.fixture
def lab_node(node_dir, world):
    make_lab(str(node_dir))
    return Node.open(str(node_dir), world)


@pytest.fixture
def say(lab_node):
    return Conversation(lab_node, settings=None)


def own(node, unit):
    """The unit's certificate as the library reads it."""
    return x509.load_pem_x509_certificate(node.snapshot().own_pem(unit))


def ends(node, unit):
    """Seconds from the start of the clock to the end of the unit's certificate."""
    return own(node, unit).not_valid_after_utc.timestamp() - START


def test_a_certificate_that_expires_does_so_for_everybody(lab_node, say):
    """To the day, and no service waits for a restart."""
    key = own(lab_node, "tomcat").public_key()
    put(lab_node, [named("tomcat-expires-in-5-days")])
    assert 4.9 * DAY < ends(lab_node, "tomcat") <= 5 * DAY
    assert own(lab_node, "tomcat").public_key() == key
    assert "tomcat" in say("show cert expiry")
    assert lab_node.services.pending(lab_node.snapshot()) == []
    put(lab_node, [named("tomcat-expired")])
    assert -DAY - 2 < ends(lab_node, "tomcat") <= -DAY


def test_a_certificate_lasts_no_longer_than_its_profile_says(lab_node):
    """A state that cannot be is none."""
    before = lab_node.snapshot().head
    with pytest.raises(Exception, match="lasts 1825 days at most"):
        put(lab_node, [wanted("expires", {"unit": "tomcat", "days": 9999})])
    assert lab_node.snapshot().head == before


def test_a_request_is_pending(lab_node, say):
    """As if set csr gen had been given."""
    put(lab_node, [named("tomcat-csr-pending")])
    assert say("show csr list own") == "tomcat/tomcat.csr\n"


def test_a_certificate_is_signed_by_the_authority(lab_node, say, tmp_path):
    """OpenSSL verifies it, and the node trusts the CA; the next one is signed by the same."""
    put(lab_node, [wanted("ca_signed", {"unit": "tomcat", "days": 5})])
    authority = Authority.load(lab_node.layout.lab_authority, now=START)
    root, between, leaf = (tmp_path / name for name in ("root", "between", "leaf"))
    root.write_text(authority.root.pem)
    between.write_text(authority.issuing.pem)
    leaf.write_bytes(lab_node.snapshot().own_pem("tomcat"))
    checked = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-attime", str(int(START)), "-CAfile", str(root),
         "-untrusted", str(between), str(leaf)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert ends(lab_node, "tomcat") == 5 * DAY
    assert "Lab_Root_CA" in say("show cert list trust")
    assert "Lab Issuing CA" in say("show cert chain tomcat")
    assert lab_node.services.pending(lab_node.snapshot()) == []
    put(lab_node, [named("cup-ca-signed")])
    assert own(lab_node, "cup").issuer == own(lab_node, "tomcat").issuer
    assert ends(lab_node, "cup") == 47 * DAY


def test_a_request_can_be_answered_by_the_authority(lab_node, say):
    """And the answer is imported."""
    authority = Authority.make(now=START)
    put(lab_node, [named("tomcat-csr-pending")], authority)
    for pem in (authority.root.pem, authority.issuing.pem):
        say("set cert import trust tomcat", pem)
        assert say.status == 0
    request = lab_node.snapshot().request_pem("tomcat")
    said = say("set cert import own tomcat", authority.sign(request, now=START))
    assert say.status == 0, said
    with pytest.raises(Exception, match="no certificate signing request"):
        authority.sign("-----BEGIN", now=START)


def test_a_certificate_is_for_all_nodes(lab_node, say):
    """Its name says so."""
    put(lab_node, [named("tomcat-multi-server")])
    assert "-ms." in str(own(lab_node, "tomcat").subject)
    assert lab_node.snapshot().own("tomcat").multi_server


def test_services_wait_for_a_restart(lab_node, say):
    """Those of the unit, beside others that have loaded what they have."""
    put(lab_node, [named("tomcat-pending-restart"), named("cup-expires-in-5-days")])
    waiting = lab_node.services.pending(lab_node.snapshot())
    assert waiting
    assert {unit for row in waiting for unit in row.changed} == {"tomcat"}


def test_a_service_is_down(lab_node, say):
    """With those that need it; at once, however slow the node is."""
    with lab_node.store.try_lock() as lock:
        lab_node.change(lock, "test", "test", lambda change: change.put_settings({"speed": 1}))
    put(lab_node, [wanted("service_down", {"service": "Cisco Tomcat"})])
    said = say("utils service list")
    assert "Cisco Tomcat[STOPPED]  Commanded Out of Service" in said
    assert "Component is not running" in said


def test_an_account_is_locked(lab_node, say):
    """One is made where there is none."""
    put(lab_node, [named("ops-locked"), named("admin-locked")])
    for name in ("ops", "admin"):
        assert lab_node.accounts.locked_for(name) > 200
    assert "ops" in say("show account")


def test_a_store_has_many_certificates(lab_node, say):
    """Each of another name."""
    before = len(lab_node.snapshot().trust("tomcat-trust"))
    put(lab_node, [wanted("many_trust", {"count": 30, "store": "tomcat-trust"})])
    assert len(lab_node.snapshot().trust("tomcat-trust")) == before + 30
    assert "Lab_Root_00030" in say("show cert list trust")


def test_uploads_are_checked(lab_node, say):
    """By the responder that certificates name, or by one that is given."""
    put(lab_node, [named("ocsp-enabled")])
    assert "certificate names" in say("show ocsp")
    put(lab_node, [wanted("ocsp_enabled", {"uri": "http://ocsp.example.com/"})])
    assert "http://ocsp.example.com/" in say("show ocsp")


def test_a_root_is_weak(lab_node, say):
    """Its key is."""
    put(lab_node, [named("weak-root")])
    rows = [row for store in lab_node.snapshot().stores for row in lab_node.snapshot().trust(store)]
    assert [row.key_type for row in rows if row.common_name == "Lab Weak Root"] == ["RSA 1024"]


def test_states_do_not_meet_faults(lab_node):
    """What is set for the test hits no preset."""
    faults = Faults(lab_node.layout, lab_node.now)
    faults.add(fault_of("full", {"at": "store.commit", "do": "disk-full"}))
    faults.add(fault_of("hang", {"at": "service.start", "do": "hang"}))
    put(lab_node, [named("tomcat-expired")])
    assert faults.hits("full").calls == faults.hits("hang").calls == 0


EXAMPLES = {
    "expires": "tomcat-expires-in-1-day",
    "expired": "cup-xmpp-expired",
    "csr_pending": "cup-csr-pending",
    "ca_signed": "tomcat-ca-signed-for-5-days",
    "multi_server": "tomcat-multi-server",
    "pending_restart": "tomcat-pending-restart",
    "service_down": "Cisco Tomcat-down",
    "locked": "ops-locked",
    "many_trust": "many-trust-100",
    "ocsp_enabled": "ocsp-enabled",
    "weak_root": "weak-root",
}


def test_each_preset_is_written_in_one_word():
    """And says what it does."""
    assert EXAMPLES.keys() == PRESETS.keys()
    for name, text in EXAMPLES.items():
        assert named(text).name == name
        assert PRESETS[name].summary.endswith(".")
    assert named("tomcat-ca-signed-for-5-days").arguments == {"unit": "tomcat", "days": 5.0}


@pytest.mark.parametrize(
    ("name", "arguments", "key"),
    [
        ("nonsense", {}, "nonsense"),
        ("expires", {}, "unit"),
        ("expires", {"unit": "tomcat"}, "days"),
        ("expires", {"unit": "tomcat", "days": "soon"}, "days"),
        ("expires", {"unit": "tomcat", "days": True}, "days"),
        ("expires", {"unit": "nothing", "days": 5}, "unit"),
        ("expires", {"unit": "tomcat", "days": 5, "hours": 3}, "hours"),
        ("service_down", {"service": "Tomcat"}, "service"),
    ],
)
def test_a_mistake_names_the_key(lab_node, name, arguments, key):
    """Nothing is changed by it."""
    before = lab_node.snapshot().head
    with pytest.raises(StateMistake) as caught:
        put(lab_node, [wanted(name, arguments)])
    assert caught.value.key == key
    assert caught.value.message()
    assert lab_node.snapshot().head == before
    with pytest.raises(StateMistake):
        named("tomcat-is-odd")


def test_the_verb_puts_a_node_into_states(lab_node, world):
    """Several at once, in one word each."""
    words = ("state", "tomcat-expires-in-5-days", "ops-locked")
    answer = verb.run(lab_node.layout.state, words, world)
    assert answer.lines == ("The node is in this state now: tomcat-expires-in-5-days, ops-locked",)
    assert ends(lab_node, "tomcat") <= 5 * DAY


def test_the_authority_s_keys_are_for_its_owner_alone(lab_node):
    """And show up nowhere."""
    put(lab_node, [named("tomcat-ca-signed")])
    path = lab_node.layout.lab_authority
    assert os.stat(path).st_mode & 0o777 == 0o600
    authority = Authority.load(path, now=START)
    assert "PRIVATE" not in repr(authority.root) + authority.chain_pem
    assert datetime.timedelta(days=3000) < (
        datetime.datetime.fromtimestamp(START, datetime.UTC)
        - authority.root.certificate.not_valid_before_utc
    )
