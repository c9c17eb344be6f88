"""The machine, its time, its processes: what programs look for, and that it is this node's."""

import json
import os
import pathlib
import re
import shutil
import time

import pytest
from harness import START, Conversation, clock_world

from cucmos_shell.node import Node
from cucmos_shell.node.machine import hardware
from cucmos_shell.profile.machine import MachineSpec, TimeSourceSpec
from cucmos_shell.profile.profile import Peer

DIAGNOSIS = "utils diagnose test"
TEST = r"test\s*-\s*(\S+)\s*:\s*(Passed|Failed)(?:\s*-\s*(.+))?"


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


def data(say, line):
    """The JSON data that `line` answers with."""
    say.session.settings.output = "json"
    try:
        return json.loads(say(line))["data"]
    finally:
        say.session.settings.output = "text"


class TestHardware:
    def test_programs_find_keys_and_values(self, say):
        text = say("show hardware")
        pairs = dict(re.findall(r"(?m)^(\w[\w ]*?)\s+: (.+)$", text))
        assert pairs["HW Platform"] == "VMware Virtual Machine"
        assert pairs["Processors"] == "2"
        assert pairs["Type"] == "Intel(R) Xeon(R) CPU E5-2680 0 @ 2.70GHz"
        assert pairs["CPU Speed"] == "2700"
        assert pairs["Memory"] == "4096 MBytes"
        assert pairs["OS Version"].startswith("UCOS 5.0.0.0-2")
        assert re.fullmatch(r"VMware-([0-9a-f]{2}[ -]?){16}", pairs["Serial Number"])
        assert re.findall(r"Size \(in GB\)\s*:\s*(\d+)", text) == ["80"]

    def test_it_is_the_machine_of_the_banner(self, node, say):
        """Another one, and it follows; each node has a serial number of its own."""
        other = changed(
            node,
            hostname="far",
            hardware=("4 vCPU: Slow", "Disk 1: 110GB, Partitions aligned", "Disk 2: 20GB, x"),
        )
        text = other("show hardware")
        assert "Processors        : 4\nType              : Slow\nCPU Speed         : 2400" in text
        assert re.findall(r"Size \(in GB\)\s*:\s*(\d+)", text) == ["110", "20"]
        found = [data(one, "show hardware")["serial_number"] for one in (say, other, say)]
        assert found[0] == found[2] != found[1]
        spec = MachineSpec(platform="UCS", serial="FCH1")
        assert "Serial Number     : FCH1\n" in changed(node, machine=spec)("show hardware")

    def test_a_banner_that_says_nothing(self):
        assert hardware(()).disks == ()
        assert hardware(("2 vCPU: generic",)).kind == "generic"


class TestTime:
    def test_programs_find_the_server(self, say):
        text = say("utils ntp status")
        assert re.search(r"synchroni[sz]ed to NTP server \(([^)]+)\) at stratum (\d+)", text)
        assert re.search(r"time correct to within\s+([\d.]+)\s*ms", text)[1] == "32"
        assert re.search(r"(?m)^\*(\S+)", text)[1] == "192.0.2.123"
        assert "Current time in UTC is : Wed Nov 18 11:06:40 UTC 2026\n" in text
        assert text.splitlines()[2] == (
            "     remote           refid      st t when poll reach   delay   offset  jitter"
        )

    def test_the_clock_is_the_nodes(self, node, say):
        """Another time, another zone."""
        node.world.sleep(86_400)
        here = changed(node, timezone="America/Mexico_City")
        assert "Current time in America/Mexico_City is : Thu Nov 19 05:06:40 CST 2026\n" in here(
            "utils ntp status"
        )
        assert here("show date") == "Thu Nov 19 05:06:40 CST 2026\n"
        assert data(say, "show date") == {"date": "2026-11-19T11:06:40Z", "time_zone": "Etc/UTC"}

    def test_a_subscriber_asks_the_publisher(self, node):
        say = changed(node, role="Subscriber", peers=(Peer("pub", "192.0.2.9", "Publisher"),))
        assert "synchronised to NTP server (192.0.2.9) at stratum 4 \n" in say("utils ntp status")

    def test_a_later_release_has_another_daemon(self, node):
        text = changed(node, ntp=TimeSourceSpec("chronyd"))("utils ntp status")
        assert re.search(r"chronyd \(pid \d+\) is running\.\.\.", text)
        assert re.search(r"(?m)^\^\* (\S+)", text)[1] == node.profile.gateway
        assert "synchronised to NTP server (192.0.2.1) at stratum 3 \n" in text

    def test_it_stops_with_its_service(self, say):
        before = say("utils ntp status").splitlines()[0]
        say("utils service stop System NTP")
        text = say("utils ntp status")
        assert text.startswith("ntpd is stopped\n\nCurrent time in UTC is : ")
        assert data(say, "utils ntp status")["server"] is None
        assert "test - ntp_stratum         : Failed - ntpd is not running\n" in say(DIAGNOSIS)
        say.node.world.sleep(5)
        say("utils service start System NTP")
        assert say("utils ntp status").splitlines()[0] not in (before, "ntpd is stopped")


class TestDiagnosis:
    def test_programs_find_each_test(self, say):
        text = say(DIAGNOSIS)
        assert re.findall(r"Log file:\s(.+)", text)[0] == "platform/log/diag1.log"
        found = {name: (outcome, why) for name, outcome, why in re.findall(TEST, text)}
        assert {outcome for outcome, _ in found.values()} == {"Passed"}
        assert "tomcat_keystore" in found
        assert len(re.findall(r"(?im)^skip\s+-", text)) == 4
        assert dict(re.findall(r"(\w+\s-\s\w+)\s+:\s(.+)", text))["test - tomcat"] == "Passed"

    def test_its_log_can_be_read(self, say):
        """By the command that it names; each diagnosis has one, and the latest ten stay."""
        for number in range(1, 13):
            assert say(DIAGNOSIS).startswith(f"Log file: platform/log/diag{number}.log\n")
        log = say("file view activelog platform/log/diag12.log")
        assert log.startswith("Starting diagnostic test(s)\n===========================\ntest - d")
        assert log.endswith("\nDiagnostics Completed\n")
        assert "file count = 10" in say("file list activelog platform/log/diag*")
        low = Conversation(say.node, account="low", level=0)
        assert "diag13.log" in low(DIAGNOSIS)

    @pytest.mark.parametrize("unit", ["tomcat", "cup"])
    def test_another_key_is_found(self, node_dir, world, unit):
        """It is the web server's that is looked at."""
        node = Node.open(str(node_dir), world)
        snapshot = node.snapshot()
        path = snapshot.path(unit, f"keys/{unit}_priv.pem")
        other = snapshot.private_key_pem("ipsec")
        before = pathlib.Path(path).read_bytes()
        _replace(node, unit, path, before, other)
        text = Conversation(Node.open(str(node_dir), world))(DIAGNOSIS)
        reason = "Failed - the private key is not that of the certificate"
        assert (f"tomcat_keystore     : {reason}" in text) is (unit == "tomcat")

    def test_a_damaged_key_is_found(self, node, say):
        path = node.snapshot().path("tomcat", "keys/tomcat_priv.pem")
        with open(path, "ab") as file:
            file.write(b"x")
        assert re.search(r"tomcat_keystore     : Failed - .* does not agree", say(DIAGNOSIS))

    def test_elliptic_keys_are_looked_at(self, keys):
        from cucmos_shell.pki.keypair import belongs

        world, _ = clock_world(keys)
        pairs = [_pair(world.new_key(kind)) for kind in ("ec256", "ec384", "rsa2048", "ec256")]
        for i, (key, _) in enumerate(pairs):
            for j, (_, der) in enumerate(pairs):
                assert belongs(key, der) is (i == j)
        with pytest.raises((ValueError, IndexError)):
            belongs(b"x", pairs[0][1])

    def test_an_old_certificate_fails(self, keys, node_dir):
        world, clock = clock_world(keys)
        say = Conversation(Node.open(str(node_dir), world))
        clock.time += 6 * 365 * 86_400
        assert "tomcat_keystore     : Failed - the certificate has expired\n" in say(DIAGNOSIS)
        clock.time = START - 86_400
        assert "Failed - the certificate is not valid yet\n" in say(DIAGNOSIS)

    def test_a_service_that_is_down_fails(self, say):
        say("utils service stop Cisco Tomcat")
        text = say(DIAGNOSIS)
        for part in ("", "_threads", "_sessions"):
            name = f"tomcat{part}".ljust(20)
            assert f"test - {name}: Failed - Cisco Tomcat is not running\n" in text


def _pair(key):
    """A key in PKCS#8, and a certificate of it."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    name = x509.Name([])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, begin, begin)
    encoding, format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    octets = key.private_bytes(encoding, format, serialization.NoEncryption())
    return octets, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _replace(node, unit, path, before, after):
    """Put other octets in a file of the store, its check sums along with it."""
    from hashlib import sha256

    sums = {sha256(before).hexdigest(): sha256(after).hexdigest()}
    pathlib.Path(path).write_bytes(after)
    snapshot = node.snapshot()
    for manifest in (snapshot.path(unit, "MANIFEST"), node.layout.head(snapshot.head, "MANIFEST")):
        lines = pathlib.Path(manifest).read_bytes()
        old = sha256(lines).hexdigest()
        lines = lines[:-67]
        for was, now in sums.items():
            lines = lines.replace(was.encode(), now.encode())
        lines += f"# {sha256(lines).hexdigest()}\n".encode()
        sums[old] = sha256(lines).hexdigest()
        pathlib.Path(manifest).write_bytes(lines)


class TestProcesses:
    def test_they_are_those_of_the_services(self, say):
        """One that stops is gone, and has another number when it comes back."""
        line = "show process load num 1000"
        text = say(line)
        rows = re.findall(r"(?m)^ *(\d+) (\w+) .* (\d+:\d\d\.\d\d)  (\S+)$", text)
        assert "tomcat" in [name for *_, name in rows]
        assert f"Tasks: {len(rows):>3} total" in text
        numbers = {name: number for number, *_, name in rows}
        say("utils service stop Cisco Tomcat")
        assert " tomcat\n" not in say(line)
        say.node.world.sleep(60)
        say("utils service start Cisco Tomcat")
        again = re.search(r"(?m)^ *(\d+) .* tomcat$", say(line))
        assert again[1] != numbers["tomcat"]

    def test_figures_are_those_of_the_status(self, node, say):
        status = say("show status")
        load = re.search(r"load average: .*", status)[0]
        node.world.sleep(3600)
        text = say("show process load")
        assert text.startswith(f"top - 12:06:40 up  1:00,  1 user,  {load}\n")
        assert "%id" in text.splitlines()[2]
        found = data(say, "show process load num 1000")
        assert sum(one["cpu_seconds"] for one in found) == pytest.approx(3600 * 0.07, rel=0.01)

    def test_the_busiest_first(self, say):
        lines = say("show process using-most cpu 3").splitlines()
        assert lines[0].split() == ["%CPU", "PID", "USER", "COMMAND"]
        shares = [float(line.split()[0]) for line in lines[1:]]
        assert shares == sorted(shares, reverse=True)
        assert len(shares) == 3
        assert "whole number from 1" in say("show process using-most memory 0")
        assert say.status == 1


class TestCores:
    CORE = "core.4560.6.ccm.1453750027"

    def test_there_are_none(self, say):
        """Exactly so."""
        assert say("utils core active list") == "No core files found\n"

    @pytest.fixture
    def core(self, node):
        folder = pathlib.Path(node.layout.logs, "core")
        folder.mkdir()
        (folder / self.CORE).write_bytes(b"\x7fELF" + bytes(340_196 * 1024 - 4))
        os.utime(folder / self.CORE, (START, START))
        (folder / "other").write_text("x")

    def test_they_are_files_among_the_logs(self, say, core):
        text = say("utils core active list")
        assert text.splitlines() == [
            "",
            "      Size         Date            Core File Name",
            "=" * 65,
            f" 340196 KB   2026-11-18 11:06:40   {self.CORE}",
        ]
        assert re.findall(r"(?m)^\s*\d+\s+\S+\s+.*(core\.\S+)", text) == [self.CORE]
        assert [one["name"] for one in data(say, "utils core active list")] == [self.CORE]

    def test_one_is_analyzed_after_a_question(self, say, core):
        line = f"utils core active analyze {self.CORE}"
        text = say(line, "y")
        assert say.asked == ["Continue (y/n)?"]
        assert "Program terminated with signal 6, Aborted.\n" in text
        assert say(line, "n").endswith("The core file was not analyzed\n")
        assert "is not a known core file" in say("utils core active analyze core.1")


class TestConnections:
    def test_they_follow_the_cluster(self, node, say):
        assert re.findall(
            r"(?m)^tcp .* ([\d.]+):\d+ +ESTABLISHED$", say("show network status")
        ) == ["192.0.2.22"]
        assert "ESTABLISHED" not in changed(node, peers=())("show network status")
        assert "ESTABLISHED" not in say("show network status listen")
        assert re.search(r"(?m)^tcp .* 0\.0\.0\.0:22 .*LISTEN$", say("show network status listen"))

    def test_ports_are_the_profiles(self, node, say):
        rows = [line.split() for line in say("show network ipprefs all").splitlines()]
        assert rows[0][:3] == ["Application", "IPProtocol", "PortValue"]
        assert rows[2][:6] == ["sshd", "tcp", "22", "public", "-", "enabled"]
        spec = MachineSpec(ports=("ccm tcp 2000 private - SCCP",))
        other = changed(node, machine=spec)
        assert "SCCP" in other("show network ipprefs enabled")
        assert "SCCP" not in other("show network ipprefs public")
        assert data(other, "show network ipprefs all")[0]["translated_port"] is None


def test_an_older_state_has_a_usual_machine(node_dir, world, tmp_path):
    """A node that was made before profiles knew of one."""
    folder = shutil.copytree(node_dir, tmp_path / "old", symlinks=True)
    path = folder / "profile.json"
    kept = json.loads(path.read_text())
    for key in ("sha256", "machine", "ntp"):
        del kept[key]
    path.write_text(json.dumps(kept))
    say = Conversation(Node.open(str(folder), world))
    assert "VMware Virtual Machine" in say("show hardware")
    assert "(192.0.2.1)" in say("utils ntp status")
    assert time.strptime(say("show date").strip(), "%a %b %d %H:%M:%S %Z %Y")
