"""`utils smtp test`: a real mail to a real server, and servers that misbehave."""

import functools
import json

import pytest
from harness import Conversation, clock_world
from mail_servers import REPLIES, SILENT, BadServer, MailServer

from cucmos_shell.node import Node
from cucmos_shell.world import mail

LINE = "utils smtp test admin@example.com"


@pytest.fixture
def hasty(node_dir, keys):
    """A session of a node that gives a mail server half a second for all."""
    world = clock_world(keys, send_mail=functools.partial(mail.send, seconds=0.5))[0]
    return Conversation(Node.open(str(node_dir), world))


def test_the_mail_arrives(say):
    """It says what it is, and nothing is kept of it."""
    head = say.node.snapshot().head
    with MailServer() as server:
        host = f"127.0.0.1:{server.port}"
        say(f"set smtp {host}")
        assert say(LINE) == (
            f"Sending a test mail to admin@example.com by {host}\n{host} has taken the mail\n"
        )
        say("set output json")
        data = json.loads(say(LINE))["data"]
    assert data == {
        "to": "admin@example.com", "host": "127.0.0.1", "port": server.port, "security": None,
        "account": None,
    }  # fmt: skip
    (to, first), (_, second) = server.received
    assert to == first["To"] == "admin@example.com"
    assert first["Subject"] == "[imp-pub] Test of the mail server"
    assert "Notices of imp-pub.example.com" in first.get_content()
    assert first["Message-ID"] != second["Message-ID"]
    assert say.node.snapshot().head == head + 1  # set smtp


def test_without_a_server_or_an_address_nothing_is_sent(say):
    """Each is said."""
    assert "No SMTP host is configured\nSet one: set smtp HOST\n" in say(LINE)
    assert say.status == 1
    assert "nobody is not an e-mail address" in say("utils smtp test nobody")
    assert "is not an e-mail address" in say('utils smtp test "a@b.org;c@d.org"')
    say = Conversation(say.node, level=0)
    assert "No valid command entered" in say(LINE)


# One that refuses to be signed in to needs TLS first: see the expiry monitor.
WITHOUT_TLS = [behaviour for behaviour in (*REPLIES, *SILENT) if behaviour != "auth-535"]


@pytest.mark.parametrize("behaviour", WITHOUT_TLS)
def test_a_server_that_misbehaves_ends_by_one_deadline(hasty, behaviour):
    """Also one that hangs, or says a little again and again; what it said is told."""
    say = hasty
    options = "starttls" if behaviour.startswith("starttls") else ""
    with BadServer(behaviour) as server:
        say(f"set smtp 127.0.0.1:{server.port} {options}")
        text = say(LINE)
    if behaviour == "quit-drop":
        assert say.status == 0
        return
    assert say.status == 4
    assert f"127.0.0.1:{server.port} has not taken the mail: " in text
    if behaviour in SILENT:
        assert "no answer within 0.5 s\n" in text
    arrives = behaviour in ("drop-after-data", "silent-at-end")
    assert ("It may arrive all the same.\n" in text) == arrives
