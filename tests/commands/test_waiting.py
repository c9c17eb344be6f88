"""Where too many commands wait for other hosts, one that would is refused, and has done nothing."""

import pytest
from harness import Conversation, clock_world
from waiting_gate import CROWDED, Gate

from cucmos_shell.node import Node


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def say(node_dir, keys, gate):
    """A session of a node, whose world waits by the gate."""
    return Conversation(Node.open(str(node_dir), clock_world(keys, wait=gate)[0]))


def refused(say, line, *answers):
    head, asked = say.node.snapshot().head, len(say.asked)
    assert CROWDED in say(line, *answers)
    assert say.status == 4
    assert say.node.snapshot().head == head
    return say.asked[asked:]


def test_an_upload_is_not_taken_unchecked(say, gate, outside_ca):
    """Also where an unknown verdict is accepted: that nobody was asked is none."""
    root = outside_ca.root("Root")
    say("set cert import trust tomcat", root.pem.decode())
    leaf = outside_ca.leaf(root, "host.example").pem.decode()
    say("set ocsp enable configured-uri http://127.0.0.1:1/")
    say("set ocsp unknown accept")
    gate.shut = True
    refused(say, "set cert import trust directory", leaf)
    gate.shut = False
    assert "unknown" in say("set cert import trust directory", leaf)
    assert say.status == 0


def test_no_mail_is_tried(say, gate):
    say("set smtp 127.0.0.1:1")
    gate.shut = True
    refused(say, "utils smtp test admin@example.com")


def test_no_server_for_files_is_asked(say, gate):
    """It is said when the server is known, before anything of it is."""
    gate.shut = True
    asked = refused(
        say, "file get activelog platform/log/*", "y", "127.0.0.1", "1", "user", "secret", "here"
    )
    assert asked[-1] == "Download directory: "


def test_an_alarm_is_in_the_log_and_syslog_says_why_not_there(say, gate):
    """What has happened already is no failure."""
    gate.shut = True
    before = len(say.node.alarms.last())
    reason = say.node.alarms.raise_all([say.node.alarms.make("CertExpiryError", Reason="test")])
    assert reason == CROWDED
    assert len(say.node.alarms.last()) == before + 1
