"""Alarms: their form, the log, and syslog on a real socket."""

import json
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import START, Conversation, clock_world

from cucmos_shell.errors import Unavailable
from cucmos_shell.node import Node
from cucmos_shell.node.logs import alarms
from cucmos_shell.results import Done, Pause
from cucmos_shell.store.state_json import unsealed
from cucmos_shell.world.world import send_syslog

MESSAGE = "Certificate name:x.der"


def raise_one(alarms, name, **parameters):
    """Raise one alarm, now."""
    return alarms.raise_all((alarms.make(name, **parameters),))


def log(node):
    with open(node.layout.alarm_log()) as file:
        return file.read().splitlines()


def test_a_regenerated_certificate_raises_the_alarm_of_its_unit(node, say):
    say("set cert regen tomcat", "yes")
    say("set cert regen ipsec", "yes")
    (line,) = log(node)
    assert re.match(
        r"Nov 18 \d\d:\d\d:40 imp-pub local7 2 : imp-pub.example.com: Nov 18 2026", line
    )
    body = (
        "%UC_CERT-2-TomcatCertRegen: %[Message=Certificate regenerated. Certificate name:tomcat.der"
        " Unit:tomcat Type:own-cert][AppID=Cisco Certificate Monitor][ClusterID=][NodeID=imp-pub]: "
        "Certificate was generated or uploaded; restart its services"
    )
    assert line.endswith(body)
    assert node.world.syslog == [(None, 2, body)]


def test_a_cancelled_regeneration_raises_none(node, say):
    say("set cert regen tomcat", "no")
    assert say("show alarm") == "No alarms\n"


def test_alarms_are_shown_oldest_first_and_as_data(node, say):
    for number in range(3):
        raise_one(node.alarms, "CertExpiryError", Reason=f"number {number}")
    shown = say("show alarm last 2")
    assert shown.splitlines() == [
        "2026-11-18T11:06:40Z CertExpiryError (error): "
        "The certificate expiry monitor could not do its work",
        "\tReason: number 1",
        "2026-11-18T11:06:40Z CertExpiryError (error): "
        "The certificate expiry monitor could not do its work",
        "\tReason: number 2",
    ]
    say("set output json")
    (alarm,) = json.loads(say("show alarm last 1"))["data"]
    assert (alarm["alarm"], alarm["severity"]) == ("CertExpiryError", 3)
    assert {"parameter": "Reason", "value": "number 2"} in alarm["parameters"]


@pytest.mark.parametrize("name", alarms.CATALOGUE)
def test_every_alarm_of_the_catalogue_is_read_back_as_it_was_raised(node, name):
    values = {key: f"{key} of it" for key in alarms.CATALOGUE[name].parameters}
    made = node.alarms.make(name, **values)
    node.alarms.raise_all([made])
    assert node.alarms.last(1) == [made]


def test_foreign_text_cannot_end_a_parameter_or_a_line(node):
    evil = "a]: b\n%UC_CERT-0-CertExpired: %[x=\x1b[2J\u202e"
    raise_one(node.alarms, "CertExpiryError", Reason=evil)
    (line,) = log(node)
    assert line.count("]: ") == 1
    assert "\x1b" not in line
    assert node.alarms.last()[0].parameters["Reason"].startswith("a\\u{5D}: b\\u{A}%UC_CERT")


def test_parameters_must_be_those_of_the_catalogue(node):
    with pytest.raises(ValueError, match="takes"):
        node.alarms.make("CertExpired", Reason="no")


def test_a_line_cut_short_by_a_crash_is_passed_over_and_the_next_starts_afresh(node):
    raise_one(node.alarms, "CertExpiryError", Reason="one")
    whole = log(node)[0]
    with open(node.layout.alarm_log(), "a") as file:
        file.write(whole[: len(whole) // 2])
    raise_one(node.alarms, "CertExpiryError", Reason="two")
    assert [alarm.parameters["Reason"] for alarm in node.alarms.last()] == ["one", "two"]


def small(node, limit):
    path = node.layout.alarm_log
    return alarms.Alarms(path, node.world, "host", "host.example", lambda: False, max_size=limit)


def test_the_log_rotates_by_size_and_the_oldest_go(node):
    log = small(node, 400)
    for number in range(40):
        raise_one(log, "CertExpiryError", Reason=str(number))
    names = sorted(os.listdir(os.path.dirname(node.layout.alarm_log())))
    assert names == ["CiscoSyslog", *(f"CiscoSyslog.{n}" for n in range(1, 6))]
    kept = [int(alarm.parameters["Reason"]) for alarm in log.last()]
    assert kept == list(range(40 - len(kept), 40))
    assert [a.parameters["Reason"] for a in log.last(4)] == ["36", "37", "38", "39"]


def test_many_writers_at_a_rotating_log_tear_no_line(node):
    log = small(node, 3000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: raise_one(log, "CertExpiryError", Reason=str(n)), range(80)))
    total = 0
    for number in range(6):
        if os.path.exists(node.layout.alarm_log(number)):
            with open(node.layout.alarm_log(number)) as file:
                lines = file.read().splitlines()
            assert all(map(alarms.parse, lines))
            total += len(lines)
    assert total == 80


def test_a_log_that_takes_nothing_is_said_and_fails_no_finished_command(node, say):
    os.makedirs(node.layout.alarm_log())
    with pytest.raises(Unavailable, match="The alarm log cannot be written"):
        raise_one(node.alarms, "CertExpiryError", Reason="x")
    before = node.snapshot().own("tomcat").row.sha256
    assert "Warning: The alarm log cannot be written" in say("set cert regen tomcat", "yes")
    assert say.status == 0
    assert node.snapshot().own("tomcat").row.sha256 != before


def break_down(node, name):
    """Let a service fail as by a fault, and raise its alarm."""
    with node.store.try_lock() as lock:
        node.change(lock, "fault", "fail", lambda change: node.services.fail(change, name))
    raise_one(node.alarms, "ServiceFailed", ServiceName=name, Reason="Service stopped abruptly")


def test_a_service_that_breaks_down_raises_its_alarm(node, say):
    break_down(node, "Cisco CDP")
    (alarm,) = node.alarms.last()
    assert (alarm.name, alarm.severity) == ("ServiceFailed", 2)
    assert alarm.parameters["ServiceName"] == "Cisco CDP"
    assert "Cisco CDP[FAILED]" in say("utils service list")
    assert log(node)[0].endswith(
        "%UC_SERVICEMANAGER-2-ServiceFailed: %[ServiceName=Cisco CDP][Reason=Service stopped "
        "abruptly][AppID=Cisco Service Manager][ClusterID=][NodeID=imp-pub]: Service terminated."
    )


def test_a_service_that_fails_while_it_starts_raises_another(imp_template, tmp_path, keys):
    import shutil

    folder = shutil.copytree(imp_template, tmp_path / "slow", symlinks=True)
    profile = folder / "profile.json"
    kept, _ = unsealed(profile.read_bytes(), str(profile))
    profile.write_bytes(kept.replace(b'"speed": 0', b'"speed": 1'))
    node = Node.open(str(folder), clock_world(keys)[0])
    execution = Conversation(node).session.execute("utils service restart Cisco CDP")
    event = execution.step()
    while not isinstance(event, Pause):
        event = execution.step()
    break_down(node, "Cisco CDP")
    while not isinstance(event, Done):
        event = execution.step()
    assert [alarm.name for alarm in node.alarms.last()] == ["ServiceFailed", "ServiceStartFailed"]


# --- syslog ------------------------------------------------------------------------------------


@pytest.fixture
def talking(node_dir, keys):
    """A node whose syslog is the real one."""
    world, _ = clock_world(keys, syslog=send_syslog)
    return Conversation(Node.open(str(node_dir), world))


def test_alarms_go_to_a_host_by_udp(talking):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = server.getsockname()[1]
        assert (
            talking(f"set alarm syslog 127.0.0.1:{port}")
            == f"Alarms go to 127.0.0.1:{port} by UDP\n"
        )
        talking("set cert regen tomcat", "yes")
        packet = server.recv(4096)
    assert packet.startswith(b"<186>Nov 18 11:06:40 imp-pub %UC_CERT-2-TomcatCertRegen: %[Message=")
    assert b"\n" not in packet


def test_alarms_go_to_a_host_by_tcp_one_line_each(talking):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        talking(f"set alarm syslog 127.0.0.1:{port} tcp")
        received = []

        def take():
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(4096):
                    received.append(data)

        taker = threading.Thread(target=take)
        taker.start()
        alarm = talking.node.alarms.make("CertExpiryError", Reason="x")
        assert talking.node.alarms.raise_all([alarm, alarm]) == ""
        taker.join(5)
    lines = b"".join(received).split(b"\n")
    assert lines[2] == b""
    assert lines[0] == lines[1]
    assert lines[0].startswith(b"<187>Nov 18")


def test_a_syslog_that_is_not_there_is_said_and_fails_nothing(talking):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    talking(f"set alarm syslog 127.0.0.1:{port} tcp")
    said = talking("set cert regen tomcat", "yes")
    assert "Warning: Syslog did not take the alarm: 127.0.0.1 port" in said
    assert talking.status == 0
    assert len(talking.node.alarms.last()) == 1


def test_syslog_can_be_this_machine_or_nowhere(node, say):
    assert say("set alarm syslog off") == "Alarms go to the alarm log only\n"
    raise_one(node.alarms, "CertExpiryError", Reason="x")
    assert node.world.syslog == []
    assert say("set alarm syslog LOCAL") == "Alarms go to the syslog of this machine\n"
    raise_one(node.alarms, "CertExpiryError", Reason="x")
    assert len(node.world.syslog) == 1


@pytest.mark.parametrize("bad", ["host:0", "host:65536", "[::1", "a b", "http://x", "-x", "h:1:2"])
def test_a_syslog_host_of_another_form_is_refused(say, bad):
    say(f'set alarm syslog "{bad}"')
    assert say.status == 1


def test_dates_before_the_tenth_have_a_blank(keys, node_dir):
    node = Node.open(str(node_dir), clock_world(keys, start=START + 14 * 86400)[0])
    raise_one(node.alarms, "CertExpiryError", Reason="x")
    assert log(node)[0].startswith("Dec  2 ")
    assert node.alarms.last()[0].when == START + 14 * 86400
