"""The expiry monitor: settings, runs against real mail servers, a month on a test clock."""

import functools
import itertools
import json
import os
import socket
import stat
import time

import pytest
from certificate_authority import LEAF_EXTENSIONS, CertificateAuthority
from harness import START, Conversation, clock_world
from mail_servers import (
    ACCOUNT,
    PASSWORD,
    REPLIES,
    SILENT,
    BadServer,
    MailServer,
    signing_in,
    tls_context,
)
from places import DOCS

from cucmos_shell.node import Node
from cucmos_shell.node.expiry.unsent import load
from cucmos_shell.node.tasks.expiry_run import next_run
from cucmos_shell.store.locks import share
from cucmos_shell.world import mail
from cucmos_shell.world.world import send_syslog

HOUR, DAY = 3600, 86_400
SERVICE = "Cisco Certificate Expiry Monitor"
# What a strict client wants of a server's certificate.
_LINES = (*LEAF_EXTENSIONS, "authorityKeyIdentifier = keyid")
HERE = {"alternative_names": ["IP:127.0.0.1"], "extensions": _LINES}
ELSEWHERE = {"alternative_names": ["DNS:mail.example.com"], "extensions": _LINES}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = CertificateAuthority(tmp_path_factory.mktemp("monitor"), now=START)
    made.main = made.root("Monitor Root")
    made.leaves = {}
    return made


def leaf(authority, left):
    """A certificate that ends so many seconds after the start of the test clock."""
    if left not in authority.leaves:
        name = f"ends in {left / HOUR:g} h"
        authority.leaves[left] = authority.leaf(authority.main, name, end=left)
    return authority.leaves[left]


@pytest.fixture
def appliance(node_dir, keys):
    """A session of a node on a test clock, with a say in how long mail servers may take."""
    patience = {"seconds": 20.0}

    def send(*letter):
        mail.send(*letter, **patience)

    say = Conversation(Node.open(str(node_dir), clock_world(keys, send_mail=send)[0]))
    say.patience = patience
    return say


@pytest.fixture
def patient(node_dir, keys):
    """The same with all the time that the program gives."""
    return Conversation(Node.open(str(node_dir), clock_world(keys)[0]))


def trust(say, *issued):
    said = say("set cert import trust directory", "".join(one.pem.decode() for one in issued))
    assert say.status == 0, said


def mailing(say, port, recipients="ops@example.com", options=""):
    for line in (
        f"set smtp 127.0.0.1:{port} {options}",
        f'set cert monitor recipients "{recipients}"',
        "set cert monitor email enable",
    ):
        said = say(line, PASSWORD)
        assert say.status == 0, said


def alarm_names(say):
    return [alarm.name for alarm in say.node.alarms.last()]


def outbox(say):
    return load(say.node.store.layout.sent).outbox


def data(say, line):
    say("set output json")
    try:
        return json.loads(say(line))["data"]
    finally:
        say("set output text")


# --- settings ----------------------------------------------------------------------------------


def test_the_defaults_are_the_product_s(say):
    assert data(say, "show cert monitor") == {
        "start_days": 30,
        "frequency": 1,
        "frequency_unit": "days",
        "email": False,
        "recipients": [],
        "smtp_host": None,
        "service": SERVICE,
        "state": "STARTED",
        "in_period": 0,
        "last_run": None,
        "next_run": "2026-11-18T11:06:40Z",
        "unattended": True,
        "mail_waiting": [],
    }
    assert say("show smtp") == "SMTP hostname: Not Configured\n"


def test_settings_are_kept_and_shown(say):
    say("set cert monitor start 45")
    say("set cert monitor frequency 12 hours")
    say('set cert monitor recipients "a@example.com; b@example.com;a@example.com"')
    shown = say("show cert monitor")
    assert "Notification start time                 : 45 days before expiry\n" in shown
    assert ": every 12 hours\n" in shown
    assert ": a@example.com; b@example.com\n" in shown
    say('set cert monitor recipients ""')
    assert data(say, "show cert monitor")["recipients"] == []


@pytest.mark.parametrize(
    "line",
    ["start 0", "start 3651", "start x", "frequency 0 days", "frequency 1 weeks", "email maybe"],
)
def test_settings_out_of_range_are_refused(say, line):
    head = say.node.snapshot().head
    say(f"set cert monitor {line}")
    assert say.status == 1
    assert say.node.snapshot().head == head


@pytest.mark.parametrize(
    "bad",
    [
        "nobody", "a@b@c", "a b@example.com", "<a@example.com>", "@example.com", "a@",
        "a@example.com\rBcc: b@example.com", "a@example.com\nRCPT TO:<b@x>", "a@ex\x00ample.com",
        "ä@example.com", "a@example.com,b@example.com", "x" * 65 + "@example.com",
        ";".join(f"a{n}@example.com" for n in range(51)),
    ],
)  # fmt: skip
def test_what_no_envelope_may_hold_is_no_recipient(say, bad):
    say(f'set cert monitor recipients "{bad}"')
    assert say.status == 1
    assert data(say, "show cert monitor")["recipients"] == []


@pytest.mark.parametrize("bad", ["a@x\r\nDATA", "a@x\nb@y", "a b@x", "<a@x>"])
def test_the_mail_itself_goes_to_no_such_address_either(bad):
    from cucmos_shell.world.unanswered import MailServer as Target
    from cucmos_shell.world.unanswered import Unanswered

    with pytest.raises(Unanswered, match="an address holds"):
        mail.send(Target("127.0.0.1", 1), "me@x", bad, b"")


def test_mail_cannot_be_enabled_without_a_host_and_goes_with_it(say):
    assert "no SMTP host is configured" in say("set cert monitor email enable")
    assert say.status == 1
    assert say("set smtp mail.example.com") == "SMTP hostname: mail.example.com\n"
    assert say.asked == []
    say("set cert monitor email enable")
    assert say.status == 0
    assert say("show smtp") == "SMTP hostname: mail.example.com\n"
    assert say("delete smtp").splitlines() == [
        "SMTP hostname: Not Configured",
        "E-mail notification is disabled",
    ]
    say("delete smtp")
    assert say.status == 1


def test_the_password_of_the_mail_account_is_asked_and_never_shown(say, node_dir):
    assert "needs starttls or tls" in say("set smtp mail.example.com account me", PASSWORD)
    say.asked.clear()
    say("set smtp mail.example.com starttls account me", PASSWORD)
    assert say.asked == ["Please enter the password of mail account me : "]
    assert say("show smtp").splitlines() == [
        "SMTP hostname: mail.example.com",
        "Port: 587",
        "Security: STARTTLS",
        "Account: me",
    ]
    assert PASSWORD not in say("show audit") + str(data(say, "show smtp"))
    holders = []
    for folder, _, files in os.walk(node_dir):
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    if PASSWORD.encode() in file.read():
                        holders.append(path)
    assert [os.path.basename(path) for path in holders] == ["smtp.json"]
    assert stat.S_IMODE(os.stat(holders[0]).st_mode) == 0o600


# --- runs --------------------------------------------------------------------------------------


def test_a_run_with_nothing_to_say(say):
    assert say("utils cert monitor run") == "No notifications are due\n"
    assert alarm_names(say) == []
    assert data(say, "show cert monitor")["last_run"] == "2026-11-18T11:06:40Z"


def test_the_monitor_runs_only_while_its_service_is_started(say):
    say(f"utils service stop {SERVICE}")
    assert f"{SERVICE} is not running" in say("utils cert monitor run")
    assert say.status == 1
    assert f"{SERVICE}        : STOPPED" in say("show cert monitor")
    say(f"utils service start {SERVICE}")
    say("utils cert monitor run")
    assert say.status == 0


def test_alarms_are_in_the_product_s_words(appliance, authority):
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    assert say("utils cert monitor run") == "CertValidfor7days: directory-trust/ends_in_120_h.pem\n"
    (alarm,) = say.node.alarms.last()
    assert alarm.severity == 2
    assert alarm.parameters["Message"] == (
        "Certificate expiration Notification. Certificate name:ends_in_120_h.der "
        "Unit:directory-trust Type:trust-certs Expiration:Mon Nov 23 11:06:40:000 UTC"
    )
    say("set cert monitor start 3650")
    say("utils cert monitor run")
    own = [a for a in say.node.alarms.last() if "Unit:tomcat Type:own-cert" in str(a.parameters)]
    assert [alarm.name for alarm in own] == ["CertExpiryApproaching"]


def test_copies_of_own_certificates_are_not_spoken_about_twice(say):
    say("set cert monitor start 3650")
    said = say("utils cert monitor run").splitlines()
    assert len(said) == len(say.node.profile.units)


def test_the_mail_lists_what_is_due_as_text_and_as_html(patient, authority):
    say = patient
    trust(say, leaf(authority, 5 * DAY), leaf(authority, 20 * DAY))
    with MailServer() as server:
        mailing(say, server.port, "ops@example.com;pki@example.com")
        said = say("utils cert monitor run")
    assert "Mail sent to ops@example.com\nMail sent to pki@example.com\n" in said
    assert [to for to, _ in server.received] == ["ops@example.com", "pki@example.com"]
    message = server.received[0][1]
    assert message["Subject"] == "[imp-pub] 2 certificates expire, first in 5 days"
    assert message["From"] == (
        "Certificate Expiry Monitor <certificate-monitor@imp-pub.example.com>"
    )
    assert message["To"] == "ops@example.com"
    assert message["Message-ID"] != server.received[1][1]["Message-ID"]
    text = message.get_body(("plain",)).get_content()
    assert text.splitlines()[2:4] == [
        "directory-trust/ends_in_120_h.pem  2026-11-23  [###.................]  5 days left",
        "directory-trust/ends_in_480_h.pem  2026-12-08  [#...................]  20 days left",
    ]
    page = message.get_body(("html",)).get_content()
    assert 'width="17%" bgcolor="#ef6c00"' in page
    assert "directory-trust/ends_in_480_h.pem<br><small>ends in 480 h</small>" in page
    assert outbox(say) == ()


def test_the_mail_in_the_documents_is_what_is_sent(patient, authority):
    """docs/monitor.md shows it whole."""
    say = patient
    issue = functools.partial(authority.leaf, authority.main, start=-330 * DAY)
    trust(
        say,
        issue("old.example.com", end=DAY / 2),
        issue("ldap.example.com", end=6 * DAY),
        issue("partner.example.net", end=28 * DAY),
    )
    say.node.world.sleep(DAY)
    with MailServer() as server:
        mailing(say, server.port)
        say("utils cert monitor run")
    ((_, message),) = server.received
    head = "".join(f"{key}: {message[key]}\n" for key in ("Subject", "From", "To", "Date"))
    text = "\n".join(message.get_body(("plain",)).get_content().splitlines())
    document = DOCS / "monitor.md"
    assert f"```\n{head}\n{text}\n```" in document.read_text()


def test_names_in_a_mail_cannot_do_harm(patient, authority):
    say = patient
    evil = "<img src=x onerror=alert(1)>\u202e"
    trust(say, authority.leaf(authority.main, f"/CN={evil}", end=5 * DAY))
    with MailServer() as server:
        mailing(say, server.port)
        say("utils cert monitor run")
    ((_, message),) = server.received
    page = message.get_body(("html",)).get_content()
    assert "<img" not in page
    assert "&lt;img src=" in page
    assert "\u202e" not in page + message.get_body(("plain",)).get_content()


def test_mail_goes_by_starttls_with_an_account(patient, authority, tmp_path):
    say = patient
    real = CertificateAuthority(tmp_path / "real")
    root = real.root("Mail Root")
    server_certificate = real.leaf(root, "mail", **HERE)
    trust(say, leaf(authority, 5 * DAY))
    options = {
        "tls_context": tls_context(server_certificate),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": signing_in,
    }
    with MailServer(**options) as server:
        mailing(say, server.port, options=f"starttls account {ACCOUNT}")
        said = say("utils cert monitor run")
        assert "unable to get local issuer certificate" in said
        assert say.status == 4
        assert server.received == []
        say("set cert import trust tomcat", root.pem.decode())
        say.node.world.sleep(HOUR)
        assert "Mail sent to ops@example.com" in say("utils cert monitor run")
    assert len(server.received) == 1
    assert server.signed_in == [True]


def test_mail_goes_by_tls(patient, authority, tmp_path):
    say = patient
    real = CertificateAuthority(tmp_path / "real")
    root = real.root("Mail Root")
    context = tls_context(real.leaf(root, "mail", **HERE))
    say("set cert import trust tomcat", root.pem.decode())
    trust(say, leaf(authority, 5 * DAY))
    with BadServer("tls", context) as server:
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        mailing(say, server.port, options="tls")
        assert "Mail sent to ops@example.com" in say("utils cert monitor run")
        assert server.swallowed == 1


# --- mail that fails ---------------------------------------------------------------------------

REASONS = {
    "banner-421": "it answered 421 too busy",
    "banner-554": "it answered 554 go away",
    "close-at-once": "Connection unexpectedly closed",
    "rcpt-550": "it answered 550 no such person",
    "end-552": "it answered 552 mailbox full",
    "mail-450": "it answered 450 later",
    "starttls-not-offered": "it offers no STARTTLS",
    "starttls-454": "it answered 454 TLS not available",
    "auth-535": "it answered 535 wrong",
    "no-banner": "no answer within 0.5 s",
    "drip-banner": "no answer within 0.5 s",
    "endless-reply": "no answer within 0.5 s",
    "silent-at-end": "no answer within 0.5 s",
}
UNCERTAIN = {"drop-after-data", "silent-at-end"}


@pytest.fixture(scope="module")
def mail_tls(tmp_path_factory):
    """A root, and server contexts by what is right or wrong about their certificates."""
    real = CertificateAuthority(tmp_path_factory.mktemp("mail"))
    root, other = real.root("Mail Root"), real.root("Other Root")
    certificates = {
        "good": real.leaf(root, "mail", **HERE),
        "unknown-ca": real.leaf(other, "mail", **HERE),
        "other-name": real.leaf(root, "mail", **ELSEWHERE),
        "expired": real.leaf(root, "mail", end=-HOUR, **HERE),
        "self-signed": real.leaf(None, "mail", alternative_names=["IP:127.0.0.1"]),
    }
    return root, {name: tls_context(issued) for name, issued in certificates.items()}


def test_a_run_that_fails_has_its_warnings_in_json(node_dir, keys, authority):
    """Neither alarm reached the syslog: that of the certificate, and that of the mail."""
    world, _ = clock_world(keys, syslog=send_syslog)
    say = Conversation(Node.open(str(node_dir), world))
    trust(say, leaf(authority, 5 * DAY))
    with socket.create_server(("127.0.0.1", 0)) as server:
        nowhere = server.getsockname()[1]
    say(f"set alarm syslog 127.0.0.1:{nowhere} tcp")
    mailing(say, nowhere)
    say("set output json")
    answer = json.loads(say("utils cert monitor run"))
    messages = [warning["message"] for warning in answer["warnings"]]
    assert [message.partition(":")[0] for message in messages] == [
        "Syslog did not take the alarms",
        "Syslog did not take the alarm",
    ]
    assert [line for line in answer["error"]["lines"] if line.startswith("Warning")] == [
        f"Warning: {message}" for message in messages
    ]


@pytest.mark.parametrize("behaviour", [*REPLIES, *SILENT])
def test_mail_that_fails_waits_and_is_sent_once_when_the_server_is_well(
    appliance, authority, mail_tls, behaviour
):
    say = appliance
    root, contexts = mail_tls
    say("set cert import trust tomcat", root.pem.decode())
    trust(say, leaf(authority, 5 * DAY))
    options = ""
    if behaviour.startswith("starttls"):
        options = "starttls"
    elif behaviour == "auth-535":
        options = f"starttls account {ACCOUNT}"
    if behaviour in SILENT:
        say.patience["seconds"] = 0.5
    with BadServer(behaviour, contexts["good"]) as bad:
        mailing(say, bad.port, options=options)
        said = say("utils cert monitor run")
    if behaviour == "quit-drop":
        assert say.status == 0
        assert outbox(say) == ()
        return
    assert say.status == 4, said
    assert "Mail could not be sent" in said
    assert REASONS.get(behaviour, "") in said
    assert "to be tried again from 2026-11-18T11:21:40Z on" in said
    (waiting,) = outbox(say)
    assert waiting.certain == (behaviour not in UNCERTAIN)
    assert "Mail to ops@example.com failed once: " in say("show cert monitor")
    assert alarm_names(say) == ["CertValidfor7days", "CertExpiryError"]
    say.patience["seconds"] = 20.0
    with MailServer() as good:
        say(f"set smtp 127.0.0.1:{good.port}")
        assert say("utils cert monitor run") == "No notifications are due\n"
        say.node.world.sleep(901)
        assert say("utils cert monitor run") == "Mail sent to ops@example.com\n"
        say.node.world.sleep(901)
        say("utils cert monitor run")
    ((_, message),) = good.received
    assert message["Message-ID"] == waiting.id
    assert outbox(say) == ()


class TestAServerIsAskedAsLongAsItAnswers:
    """One that hangs holds a run up once, and what it has taken it has."""

    THREE = "a@example.com;b@example.com;c@example.com"

    @pytest.mark.parametrize("behaviour", SILENT)
    def test_one_that_hangs_is_asked_once_a_run(self, appliance, authority, behaviour):
        say = appliance
        trust(say, leaf(authority, 5 * DAY))
        say.patience["seconds"] = 0.5
        with BadServer(behaviour) as bad:
            mailing(say, bad.port, self.THREE)
            said = say("utils cert monitor run")
            assert bad.visits == 1
        assert said.count("waits: no answer within 0.5 s") == 3
        assert [one.certain for one in outbox(say)] == [behaviour not in UNCERTAIN, True, True]
        say.node.world.sleep(901)
        say.patience["seconds"] = 20.0
        with MailServer() as good:
            say(f"set smtp 127.0.0.1:{good.port}")
            assert say("utils cert monitor run").count("Mail sent to") == 3
        assert sorted(to for to, _ in good.received) == self.THREE.split(";")
        assert outbox(say) == ()

    def test_one_that_refuses_a_recipient_is_asked_for_the_others(self, appliance, authority):
        trust(appliance, leaf(authority, 5 * DAY))
        with BadServer("rcpt-550") as bad:
            mailing(appliance, bad.port, self.THREE)
            appliance("utils cert monitor run")
            assert bad.visits == 3

    def test_a_mail_is_sent_with_the_answer_to_data(self, appliance, authority):
        """Whoever is silent after that holds nothing up, and gets no second one."""
        trust(appliance, leaf(authority, 5 * DAY))
        with BadServer("silent-at-quit") as bad:
            mailing(appliance, bad.port)
            begun = time.monotonic()
            assert "Mail sent to ops@example.com" in appliance("utils cert monitor run")
            assert time.monotonic() - begun < appliance.patience["seconds"] / 2
        assert outbox(appliance) == ()


@pytest.mark.parametrize("wrong", ["unknown-ca", "other-name", "expired", "self-signed"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_server_whose_certificate_proves_nothing_gets_no_mail(
    appliance, authority, mail_tls, wrong, security
):
    say = appliance
    root, contexts = mail_tls
    say("set cert import trust tomcat", root.pem.decode())
    trust(say, leaf(authority, 5 * DAY))
    with BadServer("good", contexts[wrong]) as server:
        if security == "tls":
            listener = server._server.socket
            server._server.socket = contexts[wrong].wrap_socket(
                listener, server_side=True, do_handshake_on_connect=False
            )
        mailing(say, server.port, options=f"{security} account {ACCOUNT}")
        said = say("utils cert monitor run")
        assert server.swallowed == 0
    assert say.status == 4
    assert "TLS: " in said


def test_a_server_that_is_not_there_is_tried_with_growing_pauses(appliance, authority):
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    say("set cert monitor frequency 30 days")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    mailing(say, port)
    tries = []
    for _ in range(9):
        say("utils cert monitor run")
        tries.append(say.node.now() / 60)
        (waiting,) = outbox(say)
        say.node.world.sleep(waiting.after - say.node.now() - 1)
        assert say("utils cert monitor run") == "No notifications are due\n"
        say.node.world.sleep(1)
    gaps = [b - a for a, b in itertools.pairwise(tries)]
    assert gaps == [15, 30, 60, 120, 240, 480, 960, 1440]


def test_mail_that_waits_is_drawn_together_with_what_is_new(appliance, authority):
    """A server away for days is not answered with a heap of mails afterwards."""
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    mailing(say, port)
    for _ in range(3):
        say("utils cert monitor run")
        say.node.world.sleep(DAY)
    trust(say, leaf(authority, 20 * DAY))
    with MailServer() as server:
        say(f"set smtp 127.0.0.1:{server.port}")
        say("utils cert monitor run")
    ((_, message),) = server.received
    assert message["Subject"] == "[imp-pub] 2 certificates expire, first in 2 days"
    assert outbox(say) == ()


def test_mail_that_may_have_arrived_is_repeated_as_it_was(appliance, authority):
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    with BadServer("drop-after-data") as server:
        mailing(say, server.port)
        say("utils cert monitor run")
        assert server.swallowed == 1
    first = outbox(say)[0].id
    say.node.world.sleep(DAY)
    with MailServer() as server:
        say(f"set smtp 127.0.0.1:{server.port}")
        say("utils cert monitor run")
    ids = [message["Message-ID"] for _, message in server.received]
    assert len(ids) == 2
    assert ids[0] == first


def test_mail_to_somebody_who_is_no_recipient_any_more_is_dropped(appliance, authority):
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    mailing(say, port, "a@example.com;b@example.com")
    say("utils cert monitor run")
    assert len(outbox(say)) == 2
    say('set cert monitor recipients "b@example.com"')
    say("utils cert monitor run")
    assert [one.to for one in outbox(say)] == ["b@example.com"]
    say("set cert monitor email disable")
    say("utils cert monitor run")
    assert outbox(say) == ()


def test_a_damaged_record_is_said_and_left_alone(appliance):
    path = appliance.node.store.layout.sent
    with open(path, "w") as file:
        file.write("{")
    for line in ("utils cert monitor run", "show cert monitor", "utils cert monitor metrics"):
        assert "sent.json is damaged" in appliance(line)
        assert appliance.status == 5
    with open(path) as file:
        assert file.read() == "{"


def test_two_runs_at_once_are_one(appliance, node_dir):
    import fcntl

    with open(node_dir / "run" / "monitor.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "The expiry monitor is running already" in appliance("utils cert monitor run")
        assert appliance.status == 4


# --- a month -----------------------------------------------------------------------------------


def live(say, until):
    """Run the monitor whenever it is due, as a server does; `(hour, what it said)` of each run that
    said anything."""
    said = []
    while (at := next_run(say.node)) < until:
        say.node.world.sleep(max(0, at - say.node.now()))
        lines = say("utils cert monitor run").splitlines()
        if lines != ["No notifications are due"]:
            said.append(((say.node.now() - START) / HOUR, lines))
        if next_run(say.node) <= say.node.now():
            say.node.world.sleep(60)
    return said


def test_a_month_of_runs_says_exactly_what_the_table_says(patient, authority):
    """docs/monitor.md: daily, hourly from the day before an end on; a severer band at once."""
    say = patient
    trust(say, leaf(authority, 10 * DAY + 90 * 60), leaf(authority, 40 * DAY))
    trust(say, leaf(authority, 400 * DAY))
    short, long = "ends_in_241.5_h", "ends_in_960_h"
    with MailServer() as server:
        mailing(say, server.port, "a@example.com;b@example.com")
        runs = live(say, START + 13 * DAY)
        say(f"set cert delete directory-trust {short}.pem")
        assert say.status == 0
        runs += live(say, START + 31 * DAY)
    seen = {short: [], long: []}
    mails = 0
    for hour, lines in runs:
        assert lines[-2:] == ["Mail sent to a@example.com", "Mail sent to b@example.com"]
        mails += 2
        for line in lines[:-2]:
            alarm, _, name = line.partition(": directory-trust/")
            seen[name.removesuffix(".pem")].append((hour, alarm))
    assert seen[short] == [
        *((24 * day, "CertValidLessThanMonth") for day in range(4)),
        *((24 * day, "CertValidfor7days") for day in range(4, 10)),
        (240, "CertValidLessthanADay"),
        (242, "CertExpired"),
        (265, "CertExpired"),
        (289, "CertExpired"),
    ]
    days = (240, *(263 + 24 * day for day in range(21)))
    assert seen[long] == [(hour, "CertValidLessThanMonth") for hour in days]
    assert len(server.received) == mails
    ids = [message["Message-ID"] for _, message in server.received]
    assert len(set(ids)) == len(ids)
    expected = [alarm for _, lines in runs for alarm in lines[:-2]]
    assert len(alarm_names(say)) == len(expected)


def test_the_month_before_the_last_has_alarms_of_its_own(patient, authority):
    say = patient
    say("set cert monitor start 45")
    trust(say, leaf(authority, 40 * DAY))
    alarms = [lines[0].partition(":")[0] for _, lines in live(say, START + 12 * DAY)]
    assert alarms == [
        "CertExpiryApproaching",
        *["CertValidityOver30Days"] * 9,
        "CertValidLessThanMonth",
        "CertValidLessThanMonth",
    ]


# --- on schedule -------------------------------------------------------------------------------


def test_a_server_runs_the_monitor_when_it_is_due(appliance, authority):
    from cucmos_shell.frontends.sshd.schedule import tick

    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    with say.node.store.try_lock() as lock:
        change = say.node.store.begin(lock, who="test", what="test", now=say.node.now())
        change.put_setting("security_reauth", True)
        change.commit()
    assert tick(say.node) == 900
    assert alarm_names(say) == ["CertValidfor7days"]
    say.node.world.sleep(23 * HOUR)
    tick(say.node)
    assert len(alarm_names(say)) == 1
    say.node.world.sleep(HOUR)
    tick(say.node)
    assert len(alarm_names(say)) == 2
    log = [line for line in say("show audit").splitlines() if "utils cert monitor run" in line]
    assert len(log) == 4
    assert all(" monitor " in line and " server " in line for line in log)


def test_a_server_leaves_it_alone_while_its_service_is_stopped(appliance, authority):
    from cucmos_shell.frontends.sshd.schedule import tick

    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    say(f"utils service stop {SERVICE}")
    tick(say.node)
    assert alarm_names(say) == []
    assert load(say.node.store.layout.sent).last_run is None


NOBODY = (
    "Nothing here runs it: start cucmos-shell serve, or let cron give the command\n"
    "\tutils cert monitor run\n"
)


def test_it_says_when_nothing_is_there_to_run_it(appliance):
    """No server, and nobody who has run it in time."""
    say = appliance
    assert NOBODY in say("show cert monitor")
    with share(say.node.layout.schedule_lock), share(say.node.layout.schedule_lock):
        assert NOBODY not in say("show cert monitor")
    assert NOBODY in say("show cert monitor")
    say("utils cert monitor run")
    assert NOBODY not in say("show cert monitor")
    say.node.world.sleep(DAY + HOUR)  # cron comes once an hour
    assert not data(say, "show cert monitor")["unattended"]
    say.node.world.sleep(2 * HOUR)
    assert data(say, "show cert monitor")["unattended"]
    # A service that is stopped is reason enough, and said.
    say(f"utils service stop {SERVICE}")
    assert NOBODY not in say("show cert monitor")


# --- metrics -----------------------------------------------------------------------------------


def test_metrics_are_in_the_text_exposition_format(appliance, authority):
    say = appliance
    trust(say, leaf(authority, 5 * DAY))
    say("set cert regen tomcat", "yes")
    say("utils cert monitor run")
    lines = say("utils cert monitor metrics").splitlines()
    assert (
        'cucmos_certificate_not_after_seconds{unit="directory-trust",type="trust",'
        f'name="ends_in_120_h.pem",common_name="ends in 120 h"}} {int(START) + 5 * DAY}'
    ) in lines
    assert 'cucmos_service_restart_pending{service="Cisco Tomcat"} 1' in lines
    assert 'cucmos_service_restart_pending{service="Cisco XCP Router"} 0' in lines
    assert 'cucmos_alarms_logged{alarm="CertValidfor7days",severity="2"} 1' in lines
    assert f"cucmos_expiry_monitor_last_run_seconds {int(START)}" in lines
    assert "cucmos_expiry_monitor_mail_waiting 0" in lines
    import re

    form = re.compile(
        r"# (HELP|TYPE) [a-z_]+ .+|"
        r'[a-z_]+(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? -?[0-9.]+'
    )
    assert [line for line in lines if not form.fullmatch(line)] == []
    samples = [line.rpartition(" ")[0] for line in lines if line[0] != "#"]
    assert len(set(samples)) == len(samples)
