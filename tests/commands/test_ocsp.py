"""Revocation on upload: every behaviour of a responder, both ways to name it, both policies."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
from harness import Conversation, clock_world
from ocsp_responders import Responders
from places import CHECKOUT

from cucmos_shell.node import Node
from cucmos_shell.pki.ocsp.verify import Question, verify
from cucmos_shell.world.uri import parse
from cucmos_shell.world.world import send_syslog

DAY = 86_400
GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"

# What a responder does, and what comes of it: verdict, and words of the reason.
BEHAVIOURS = {
    "good": (GOOD, ""),
    "by-key": (GOOD, ""),
    "revoked": (REVOKED, "keyCompromise"),
    "unknown": (UNKNOWN, "does not know the certificate"),
    "delegate": (GOOD, ""),
    "delegate-by-key": (GOOD, ""),
    "delegate-bare": (UNKNOWN, "certificate of its signer is not known"),
    "delegate-bare-by-key": (UNKNOWN, "certificate of its signer is not known"),
    "no-purpose": (UNKNOWN, "not for OCSP signing"),
    "wrong-purpose": (UNKNOWN, "not for OCSP signing"),
    "expired-responder": (UNKNOWN, "has expired"),
    "future-responder": (UNKNOWN, "not valid yet"),
    "foreign": (UNKNOWN, "not from the issuer of this one"),
    "namesake": (UNKNOWN, "not from the issuer of this one"),
    "alone": (UNKNOWN, "not from the issuer of this one"),
    "wrong-key": (UNKNOWN, "signature of its answer is wrong"),
    "bad-signature": (UNKNOWN, "signature of its answer is wrong"),
    "sha1": (UNKNOWN, "too weak (sha1)"),
    "sha512": (GOOD, ""),
    "wrong-serial": (UNKNOWN, "about another certificate"),
    "wrong-issuer": (UNKNOWN, "about another certificate"),
    "out-of-date": (UNKNOWN, "out of date"),
    "from-the-future": (UNKNOWN, "from the future"),
    "no-next-update": (GOOD, ""),
    "no-next-update-no-nonce": (GOOD, ""),
    "no-nonce": (GOOD, ""),
    "other-nonce": (UNKNOWN, "nonce"),
    "truncated": (UNKNOWN, "cannot be decoded"),
    "trailing": (UNKNOWN, "octets follow"),
    "malformed-request": (UNKNOWN, "malformedRequest"),
    "internal-error": (UNKNOWN, "internalError"),
    "try-later": (UNKNOWN, "tryLater"),
    "sig-required": (UNKNOWN, "sigRequired"),
    "unauthorized": (UNKNOWN, "unauthorized"),
    "successful-but-empty": (UNKNOWN, "cannot be decoded"),
    "empty": (UNKNOWN, "cannot be decoded"),
    "random": (UNKNOWN, "cannot be decoded"),
    "nested": (UNKNOWN, "cannot be decoded"),
    "chunked": (GOOD, ""),
    "no-length": (GOOD, ""),
    "html": (UNKNOWN, "text/html, not application/ocsp-response"),
    "html-in-disguise": (UNKNOWN, "cannot be decoded"),
    "not-found": (UNKNOWN, "404 Not Found"),
    "broken": (UNKNOWN, "500"),
    "redirect": (UNKNOWN, "302 Found (redirects are not followed)"),
    "redirect-forever": (UNKNOWN, "redirects are not followed"),
    "hang": (UNKNOWN, "no answer within"),
    "slow-headers": (UNKNOWN, "no answer within"),
    "slow-body": (UNKNOWN, "no answer within"),
    "continue-forever": (UNKNOWN, "larger than 64 KiB"),
    "huge-body": (UNKNOWN, "larger than 64 KiB"),
    "huge-length": (UNKNOWN, "larger than 64 KiB"),
    "many-headers": (UNKNOWN, ""),
    "early-close": (UNKNOWN, "ends early"),
    "close-at-once": (UNKNOWN, ""),
    "reset": (UNKNOWN, ""),
    "not-http": (UNKNOWN, "not HTTP"),
}
SLOW = {"hang", "slow-headers", "slow-body"}
CLOCK = {"out-of-date": 9 * DAY, "from-the-future": -3600}
ALARMS = {REVOKED: "CertificateRevoked", UNKNOWN: "CertificateRevokationStatusByOCSP"}


@pytest.fixture(scope="module")
def responders(tmp_path_factory):
    made = Responders(tmp_path_factory.mktemp("responders"))
    yield made
    made.close()


def paste(*issued):
    return "".join(one.pem.decode() for one in issued)


@pytest.fixture
def appliance(node_dir, keys, responders):
    """A session of a node whose clock shows the real time and whose trust has the CA."""
    world, _ = clock_world(keys, start=time.time())
    say = Conversation(Node.open(str(node_dir), world))
    say("set cert import trust tomcat", paste(responders.root))
    assert say.status == 0
    return say


def set_seconds(say, seconds):
    """A deadline shorter than the command takes, for responders that never answer."""
    node = say.node
    with node.store.try_lock() as lock:
        change = node.store.begin(lock, who="test", what="test", now=node.now())
        change.change_setting("ocsp", seconds=seconds)
        change.commit()


def trusted(say, store="directory"):
    return [row.sha256 for row in say.node.snapshot().trust(f"{store}-trust")]


COMBINATIONS = [
    ("certificate-uri", "refuse", "directory"), ("certificate-uri", "accept", "cup"),
    ("configured-uri", "refuse", "ipsec"), ("configured-uri", "accept", "cup-xmpp"),
]  # fmt: skip


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_an_upload_is_taken_or_refused_by_what_the_responder_says(appliance, responders, behaviour):
    """Both ways to name the responder, both policies; each upload goes to a store of its own."""
    if behaviour in SLOW:
        appliance("set ocsp deadline 1")
        set_seconds(appliance, 0.3)
    appliance.node.world.sleep(CLOCK.get(behaviour, 0))
    for mode, unknown, store in COMBINATIONS:
        named = mode == "certificate-uri"
        kind = behaviour if named or behaviour in ("revoked", "unknown") else ""
        appliance(f"set ocsp enable {mode}" + ("" if named else f" {responders.uri(behaviour)}"))
        appliance(f"set ocsp unknown {unknown}")
        check_upload(appliance, behaviour, responders.leaf(kind, named), unknown, store)


def check_upload(say, behaviour, leaf, unknown, store):
    status, reason = BEHAVIOURS[behaviour]
    before, head = trusted(say, store), say.node.snapshot().head
    alarms = len(say.node.alarms.last())
    began = time.monotonic()
    said = say(f"set cert import trust {store}", paste(leaf))
    assert time.monotonic() - began < 15
    assert f"(serial {leaf.certificate.serial_number:x}): {status}" in said
    assert reason in said
    taken = status == GOOD or (status == UNKNOWN and unknown == "accept")
    assert say.status == (0 if taken else 3), said
    assert (trusted(say, store) != before) == taken
    assert (say.node.snapshot().head != head) == taken
    names = [alarm.name for alarm in say.node.alarms.last()[alarms:]]
    assert names == ([ALARMS[status]] if status in ALARMS else [])
    assert f"): {status}" in say("show audit last 8")


# --- who is believed ---------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["delegate-bare", "delegate-bare-by-key"])
def test_a_responder_that_encloses_no_certificate_is_found_in_the_trust_store(
    appliance, responders, behaviour
):
    appliance("set cert import trust tomcat", paste(responders.delegate))
    appliance("set ocsp enable certificate-uri")
    said = appliance("set cert import trust directory", paste(responders.leaf(behaviour)))
    assert appliance.status == 0
    assert "): good" in said
    assert "Answered by: CN=Example Responder" in said


@pytest.mark.parametrize("behaviour", ["foreign", "alone"])
def test_a_responder_of_the_trust_store_answers_for_others_if_it_is_for_that(
    appliance, responders, behaviour
):
    signer = getattr(responders, behaviour)
    appliance("set cert import trust tomcat", paste(signer))
    appliance("set ocsp enable certificate-uri")
    said = appliance("set cert import trust directory", paste(responders.leaf(behaviour)))
    if behaviour == "foreign":
        assert "): good" in said
    else:
        assert "not for OCSP signing, nor that of a CA of this chain" in said
        assert appliance.status == 3


def test_how_old_an_answer_may_be_is_a_setting(appliance, responders):
    """Of one that does not say until when it holds."""
    leaf = paste(responders.leaf("no-next-update"))
    appliance("set ocsp enable certificate-uri")
    appliance("set ocsp max-age 1")
    appliance.node.world.sleep(2 * 3600)
    assert "is older than 1 hour and" in appliance("set cert import trust directory", leaf)
    appliance("set ocsp max-age 3")
    assert "): good" in appliance("set cert import trust directory", leaf)


def test_one_for_another_purpose_is_not_even_then(appliance, responders):
    appliance("set cert import trust tomcat", paste(responders.wrong_purpose))
    appliance("set ocsp enable certificate-uri")
    said = appliance("set cert import trust directory", paste(responders.leaf("wrong-purpose")))
    assert "its certificate is not for OCSP signing" in said
    assert appliance.status == 3


def test_another_trust_store_does_not_count(appliance, responders):
    appliance("set cert import trust cup", paste(responders.alone))
    appliance("set ocsp enable certificate-uri")
    appliance("set cert import trust directory", paste(responders.leaf("alone")))
    assert appliance.status == 3


class Nobody:
    """An empty trust store."""

    def by_name(self, name):
        return iter(())

    def by_key(self, key_hash):
        return iter(())

    def holds(self, certificate):
        return False


@pytest.mark.parametrize("behaviour", ["good", "revoked", "delegate"])
def test_no_octet_of_an_answer_can_be_changed_to_another_verdict(responders, behaviour):
    """Changed answers say nothing, or what the signed part says."""
    leaf = responders.leaf(behaviour).certificate
    question = Question(leaf, responders.root.certificate, b"n" * 16)
    answer = responders.make(behaviour, question.request())
    true = verify(answer, question, time.time(), Nobody()).status
    assert true == (REVOKED if behaviour == "revoked" else GOOD)
    seen = set()
    for at in range(len(answer)):
        for change in (0x01, 0x80):
            changed = answer[:at] + bytes((answer[at] ^ change,)) + answer[at + 1 :]
            seen.add(verify(changed, question, time.time(), Nobody()).status)
    for length in range(0, len(answer), 7):
        assert verify(answer[:length], question, time.time(), Nobody()).status == UNKNOWN
    assert seen <= {UNKNOWN, true}
    assert UNKNOWN in seen


# --- switching it on and off -------------------------------------------------------------------


def test_enabling_wants_a_responder_or_a_ca_in_the_trust_store_first(say, node, responders):
    for line in ("certificate-uri", "configured-uri http://127.0.0.1/"):
        said = say(f"set ocsp enable {line}")
        assert "tomcat-trust holds no certificate of an OCSP responder and no CA" in said
        assert say.status == 1
    assert '"mode": "disable"' in json_of(say, "show ocsp")
    say("set cert import trust tomcat", paste(responders.alone))
    say("set ocsp enable certificate-uri")
    assert say.status == 1
    say("set cert import trust tomcat", paste(responders.delegate))
    assert say("set ocsp enable certificate-uri") == (
        "OCSP is enabled; the certificate names the responder\n"
    )


def json_of(say, line):
    say("set output json")
    try:
        return say(line)
    finally:
        say("set output text")


def test_settings_are_shown_as_they_are_set(appliance):
    say = appliance
    assert say("show ocsp").splitlines() == [
        "OCSP           : disabled",
        "Configured URI : none",
        "Unknown status : refuse the certificate",
        "Deadline       : 5 seconds for an upload",
        "Maximum age    : 24 hours for an answer without a next update",
    ]
    say("set ocsp enable configured-uri http://ocsp.example.com:8080/a?b=c")
    assert say("set ocsp unknown accept") == (
        "Certificates of unknown revocation status are accepted\n"
    )
    assert "refused" in say("set ocsp unknown refuse")
    say("set ocsp deadline 7")
    assert say("set ocsp max-age 48") == "Answers without a next update may be 48 hours old\n"
    for wrong in ("0", "169", "1.5", "x"):
        assert "hours" in say(f"set ocsp max-age {wrong}") or say.status == 1
        assert say.status == 1
    assert json.loads(json_of(say, "show ocsp"))["data"] == {
        "mode": "configured-uri",
        "uri": "http://ocsp.example.com:8080/a?b=c",
        "unknown": "refuse",
        "deadline_seconds": 7.0,
        "max_age_hours": 48,
    }
    say("set ocsp disable")
    assert "OCSP           : disabled" in say("show ocsp")
    assert "http://ocsp.example.com:8080/a?b=c" in say("show ocsp")


BAD_URIS = [
    "https://ocsp.example.com/", "ftp://ocsp.example.com/", "file:///etc/passwd", "http://[::1/",
    "http://", "http:///path", "http://host:0/", "http://host:65536/", "http://user@host/",
    "http://host/ä", "ocsp.example.com", "//host/", "javascript:alert(1)", "http://[::1]x/",
    "http://[zz]/", "http://host/#part", "http://host:80:80/", "http://" + "a" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("uri", [*BAD_URIS, ""])
def test_an_address_of_the_wrong_kind_is_refused(appliance, uri):
    head = appliance.node.snapshot().head
    appliance(f'set ocsp enable configured-uri "{uri}"')
    assert appliance.status == 1
    assert appliance.node.snapshot().head == head


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("http://host", ("host", 80, "/")), ("HTTP://host:8080/a/b?c=d", ("host", 8080, "/a/b?c=d")),
        ("http://[2001:db8::1]:81/x", ("2001:db8::1", 81, "/x")), ("http://192.0.2.1?q", ("192.0.2.1", 80, "/?q")),
    ],
)  # fmt: skip
def test_an_address_has_host_port_and_path(uri, parts):
    where = parse(uri)
    assert (where.host, where.port, where.path) == parts


def test_a_disabled_check_asks_nobody(appliance, responders):
    said = appliance("set cert import trust directory", paste(responders.leaf("revoked")))
    assert appliance.status == 0
    assert "Revocation" not in said


# --- addresses in certificates -----------------------------------------------------------------


def with_addresses(responders, *uris):
    """A leaf that names these addresses; commas and colons are openssl's own."""
    lines = [f"authorityInfoAccess = {','.join(f'OCSP;URI:{uri}' for uri in uris)}"]
    return responders.ca.leaf(responders.root, "Addressed", extensions=lines)


@pytest.mark.parametrize(
    "uri",
    [
        "https://127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "ldap://127.0.0.1/",
        "nonsense",
    ],
)
def test_a_certificate_that_names_another_kind_of_address_is_unknown(appliance, responders, uri):
    appliance("set ocsp enable certificate-uri")
    said = appliance("set cert import trust directory", paste(with_addresses(responders, uri)))
    assert "): unknown" in said
    assert appliance.status == 3


def test_the_next_address_is_asked_when_one_does_not_know(appliance, responders):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    leaf = with_addresses(
        responders,
        f"http://127.0.0.1:{closed}/",
        responders.uri("try-later"),
        responders.uri("good"),
    )
    appliance("set ocsp enable certificate-uri")
    said = appliance("set cert import trust directory", paste(leaf))
    assert "): good" in said
    assert f"Asked: {responders.uri('good')}" in said


def test_certificates_without_address_and_self_signed_ones_are_not_asked_about(
    appliance, responders
):
    appliance("set ocsp enable certificate-uri")
    for one in (responders.leaf("", named=False), responders.alone):
        said = appliance("set cert import trust directory", paste(one))
        assert appliance.status == 0
        assert "Revocation" not in said
    appliance(f"set ocsp enable configured-uri {responders.uri('revoked')}")
    appliance("set cert import trust directory", paste(responders.other_root))
    assert appliance.status == 0


def test_without_the_issuer_nothing_is_known(appliance, responders):
    appliance(f"set ocsp enable configured-uri {responders.uri('good')}")
    said = appliance("set cert import trust directory", paste(responders.foreign_leaf))
    assert "the certificate of its issuer is not known" in said
    assert appliance.status == 3


# --- whole uploads -----------------------------------------------------------------------------


def test_an_own_certificate_that_is_revoked_stays_out(appliance, responders):
    say = appliance
    ca = responders.ca
    say("set csr gen tomcat")
    request = say.node.snapshot().request_pem("tomcat")
    access = f"authorityInfoAccess = OCSP;URI:{responders.uri('revoked')}"
    signed = ca.sign(request, responders.root, extensions=[access])
    say("set ocsp enable certificate-uri")
    before = say.node.snapshot().own("tomcat").row
    responders.revoke(signed)
    said = say("set cert import own tomcat", paste(signed))
    assert "The certificate is revoked" in said
    assert say.status == 3
    assert say.node.snapshot().own("tomcat").row == before
    assert say.node.snapshot().own("tomcat").request is not None
    assert [alarm.name for alarm in say.node.alarms.last()] == ["CertificateRevoked"]
    refused = json.loads(json_of_paste(say, "set cert import own tomcat", paste(signed)))
    (verdict,) = refused["error"]["details"]["revocation"]
    assert refused["error"]["kind"] == "policy"
    assert (verdict["status"], verdict["reason"]) == ("revoked", "keyCompromise")
    assert verdict["revoked_at"] < verdict["next_update"]
    good = ca.sign(request, responders.root, extensions=[access])
    said = json.loads(json_of_paste(say, "set cert import own tomcat", paste(good)))
    (verdict,) = said["data"]["revocation"]
    assert verdict["status"] == "good"
    assert verdict["responder"] == "CN=Example Root CA"
    assert verdict["uri"] == responders.uri("revoked")
    assert verdict["this_update"]
    assert verdict["next_update"]
    assert say.node.alarms.last()[-1].name == "TomcatCertRegen"


def json_of_paste(say, line, text):
    say("set output json")
    try:
        return say(line, text)
    finally:
        say("set output text")


def test_of_a_list_one_revoked_certificate_refuses_all(appliance, responders):
    appliance("set ocsp enable certificate-uri")
    before = trusted(appliance)
    both = paste(responders.leaf("good"), responders.leaf("revoked"))
    said = appliance("set cert import trust directory", both)
    assert said.count("Revocation status of") == 1
    assert appliance.status == 3
    assert trusted(appliance) == before


def test_dead_responders_share_one_deadline_and_stop_nobody_else(appliance, responders):
    say = appliance
    say("set ocsp enable certificate-uri")
    set_seconds(say, 2.0)
    dead = [with_addresses(responders, *[responders.uri("hang")] * 3) for _ in range(3)]
    for number, one in enumerate(dead):
        assert one.certificate.serial_number, number
    other = Conversation(say.node)
    result = {}

    def upload():
        began = time.monotonic()
        result["said"] = say("set cert import trust directory", paste(*dead))
        result["took"] = time.monotonic() - began

    thread = threading.Thread(target=upload)
    thread.start()
    for line in ("set cert regen ipsec", "show cert list own"):
        other(line, "yes")
        assert other.status == 0
        assert thread.is_alive()
    thread.join()
    assert result["took"] < 6
    assert result["said"].count("no answer within 2 s") == 3


def test_a_name_whose_resolution_hangs_ends_at_the_deadline(responders):
    from cucmos_shell.world.http import post
    from cucmos_shell.world.unanswered import Unanswered

    over = threading.Event()

    def resolve(*_, **__):
        over.wait(30)
        return []

    began = time.monotonic()
    with pytest.raises(Unanswered, match=r"no answer within 0\.3 s"):
        post(
            "http://ocsp.example.com/", b"", sends="a/b", takes="a/b", seconds=0.3, resolve=resolve
        )
    assert time.monotonic() - began < 5
    over.set()


SILENT_RESOLVER = """
import fcntl, socket, struct, subprocess, sys, time
with socket.socket() as loopback:
    fcntl.ioctl(loopback, 0x8914, struct.pack("16sh", b"lo", 1))
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdin=sys.stdin, capture_output=True, text=True)
print(time.monotonic() - began)
print(done.returncode, done.stdout, done.stderr)
"""


def test_a_name_server_that_is_silent_holds_up_neither_upload_nor_exit(
    appliance, responders, tmp_path
):
    """The real resolver, in a network of its own, and the whole process to its end."""
    words = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    if not shutil.which("unshare") or subprocess.run([*words, "true"]).returncode:
        pytest.skip("no namespaces here")
    appliance("set ocsp enable configured-uri http://ocsp.example.com/")
    appliance("set ocsp deadline 1")
    conf, certificate = tmp_path / "resolv.conf", tmp_path / "lines"
    conf.write_text("nameserver 127.0.0.1\noptions timeout:20 attempts:3\n")
    leaf = responders.leaf("", named=False)
    certificate.write_text(f"set cert import trust directory\n{paste(leaf)}\n")
    program = [sys.executable, "-m", "cucmos_shell", "--state", appliance.node.state_dir]
    inner = ["sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', conf]
    with certificate.open() as lines:
        done = subprocess.run(
            [*words, *inner, sys.executable, "-c", SILENT_RESOLVER, *program],
            stdin=lines,
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
        )
    took, _, said = done.stdout.partition("\n")
    assert "no answer within 1 s" in said, done
    assert said.startswith("3 ")
    assert 1 <= float(took) < 15


def test_a_closed_port_and_a_name_without_address_are_said(appliance, responders):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    appliance(f"set ocsp enable configured-uri http://127.0.0.1:{port}/")
    said = appliance("set cert import trust directory", paste(responders.leaf("", named=False)))
    assert f"127.0.0.1 port {port}: Connection refused" in said
    appliance("set ocsp enable configured-uri http://no-such-host.invalid/")
    said = appliance("set cert import trust directory", paste(responders.leaf("", named=False)))
    assert "no-such-host.invalid" in said
    assert appliance.status == 3


def test_the_openssl_responder_itself_is_understood(appliance, responders, tmp_path):
    """Not only its answers: its own HTTP too."""
    leaf, revoked = responders.leaf("", named=False), responders.leaf("revoked")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    words = ["openssl", "ocsp", "-index", responders.ca.folder / "index.txt", "-port", port]
    words += ["-CA", responders.root.path, "-rsigner", responders.delegate.path]
    words += ["-rkey", responders.delegate.key, "-ndays", "1", "-ignore_err"]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(list(map(str, words)), stdout=log, stderr=log)
    try:
        await_words(tmp_path / "log", "waiting for OCSP client connections")
        appliance(f"set ocsp enable configured-uri http://127.0.0.1:{port}/")
        assert "): good" in appliance("set cert import trust directory", paste(leaf))
        assert "): revoked since" in appliance("set cert import trust directory", paste(revoked))
    finally:
        server.terminate()
        server.wait()


def await_words(path, words):
    deadline = time.monotonic() + 10
    while words not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        threading.Event().wait(0.02)


# --- asking again ------------------------------------------------------------------------------


def test_a_stored_certificate_is_asked_about_again(appliance, responders):
    say = appliance
    say("set cert import trust directory", paste(responders.leaf("good")))
    say("set cert import trust directory", paste(responders.leaf("revoked")))
    head = say.node.snapshot().head
    said = say("utils ocsp check directory-trust/good_leaf.pem")
    assert "good leaf" in said
    assert "): good" in said
    assert say.status == 0
    said = say("utils ocsp check revoked_leaf")
    assert "The certificate is revoked" in said
    assert "keyCompromise" in said
    assert say.status == 3
    assert say.node.snapshot().head == head
    assert [alarm.name for alarm in say.node.alarms.last()] == ["CertificateRevoked"]
    data = json.loads(json_of(say, "utils ocsp check directory-trust/good_leaf.pem"))["data"]
    assert data["status"] == "good"
    said = say("utils ocsp check tomcat")
    assert "tomcat/tomcat.pem cannot be checked: it is self-signed" in said
    assert "is not" in say("utils ocsp check nothing-like-that")
    assert say.status == 1


def test_a_refused_certificate_has_its_warnings_in_json(node_dir, keys, responders):
    """That the alarm did not arrive stands among the warnings, as it does where nothing fails."""
    world, _ = clock_world(keys, start=time.time(), syslog=send_syslog)
    appliance = Conversation(Node.open(str(node_dir), world))
    appliance("set cert import trust tomcat", paste(responders.root))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    appliance(f"set alarm syslog 127.0.0.1:{port} tcp")
    appliance("set cert import trust directory", paste(responders.leaf("revoked")))
    appliance("set ocsp enable certificate-uri")
    for answer in (
        json_of(appliance, "utils ocsp check revoked_leaf"),
        json_of_paste(appliance, "set cert import trust cup", paste(responders.leaf("revoked"))),
    ):
        found = json.loads(answer)
        (warning,) = found["warnings"]
        assert warning["kind"] == "remark"
        assert warning["message"].startswith("Syslog did not take the alarm: 127.0.0.1 port")
        assert f"Warning: {warning['message']}" in found["error"]["lines"]


def test_the_command_log_has_the_verdict_with_times_and_responder(appliance, responders):
    appliance("set ocsp enable certificate-uri")
    appliance("set cert import trust directory", paste(responders.leaf("delegate")))
    log = appliance("show audit")
    noted = [line for line in log.splitlines() if " noted " in line]
    text = "\n".join(noted)
    assert "Revocation status of delegate leaf" in text
    assert f"Asked: {responders.uri('delegate')}" in text
    assert "Answered by: CN=Example Responder" in text
    assert "As of: 20" in text


def test_who_waits_for_a_responder_lends_its_place(node_dir, keys, responders):
    """Once for an upload, and for nothing else; threads that ask hold no place."""
    waits = []

    def wait(function):
        waits.append(threading.get_ident())
        return function()

    say = Conversation(Node.open(str(node_dir), clock_world(keys, time.time(), wait=wait)[0]))
    say("set cert import trust tomcat", paste(responders.root))
    assert waits == []
    say("set ocsp enable certificate-uri")
    said = say("set cert import trust cup", paste(responders.leaf("good", True)))
    assert "good" in said
    assert waits.count(threading.get_ident()) == 1
