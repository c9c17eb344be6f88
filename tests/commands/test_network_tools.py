"""`utils network`: the cluster answers, nobody else is asked, and Ctrl-C gives the prompt."""

import pathlib
import re
import socket
import subprocess
import sys

import pytest
from harness import Conversation
from screen import Screen

from cucmos_shell.node import Node
from cucmos_shell.profile.profile import Peer

FAILED = "Executed command unsuccessfully\n"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Whoever opens a socket, or looks up a name, fails."""

    def refuse(*_, **__):
        raise AssertionError("something wanted to leave the machine")

    for name in ("socket", "getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


class TestPing:
    @pytest.mark.parametrize(
        "host", ["imp-sub", "IMP-SUB.example.com", "192.0.2.22", "localhost", "imp-pub"]
    )
    def test_a_node_of_the_cluster_answers(self, say, host):
        """With as many lines as were asked for, a second between them."""
        before = say.node.now()
        text = say(f"utils network ping {host} 3")
        assert text.startswith(f"PING {host} (")
        assert (
            len(re.findall(r"(?m)^64 bytes from .* icmp_seq=\d ttl=64 time=[\d.]+ ms$", text)) == 3
        )
        assert "3 packets transmitted, 3 received, 0% packet loss" in text
        assert say.node.now() - before == 0

    def test_it_takes_a_second_each_where_time_does(self, node):
        say = changed(node, defaults={**node.profile.defaults, "speed": 2})
        say.node.change(
            say.node.store.try_lock(), "a", "b", lambda change: change.put_settings({"speed": 2})
        )
        before = say.node.now()
        say("utils network ping imp-sub 3")
        assert say.node.now() - before == 1.0

    def test_it_follows_the_cluster(self, node):
        say = changed(node, peers=(Peer("far", "192.0.2.99", "Subscriber"),))
        assert "64 bytes from far.example.com (192.0.2.99)" in say("utils network ping far")
        assert say("utils network ping imp-sub") == "ping: unknown host imp-sub\n" + FAILED

    def test_nobody_else_is_asked(self, say):
        """Neither by name nor by address."""
        assert say("utils network ping www.example.net") == (
            "ping: unknown host www.example.net\n" + FAILED
        )
        text = say("utils network ping 198.51.100.7 2")
        assert "2 packets transmitted, 0 received, 100% packet loss" in text
        assert say.status == 1

    @pytest.mark.parametrize("host", ["-f", "$(reboot)", "a;b", "x" * 300, "hôte", "`id`"])
    def test_a_host_that_is_none(self, say, host):
        text = say(f"utils network ping {host}")
        assert say.status == 1
        assert text.endswith(FAILED)

    def test_control_c_ends_it(self, node):
        node.change(
            node.store.try_lock(), "a", "b", lambda change: change.put_settings({"speed": 1})
        )
        execution = Conversation(node).session.execute("utils network ping imp-sub 1000")
        for _ in range(6):
            execution.step()
        assert "Control-C pressed" in execution.interrupt().text


# Whatever could be taken for somebody, and what a shell or a program's options would make of it.
ANYBODY = (
    "www.example.net", "198.51.100.7", "8.8.8.8", "127.0.0.1", "::1", "2001:db8::7", "fe80::1%eth0",
    "255.255.255.255", "224.0.0.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0177.0.0.1",
    "imp-sub", "192.0.2.22", "localhost", "xn--mnchen-3ya.example", "a.b.", "-c", "--help", "-I",
    "$(id)", "`id`", ";id", "&&id", "|", "a@b", "http://example.net/", "[::1]", "%s", "x" * 63,
)  # fmt: skip
# Counts what a process does that may reach somebody, each call by the interpreter's own account.
WATCHED = """
import sys
LEAVES = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "urllib.",
          "http.", "ftplib.", "smtplib.", "ctypes.")
seen = []
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(LEAVES) else None)
import cucmos_shell.frontends.start as start
from cucmos_shell.world.world import World
options = [item for line in sys.argv[2:] for item in ("-c", line)]
start.run(["--state", sys.argv[1], "--keep-going", *options], World.real())
left = list(seen)
import socket
socket.socket().close()
sys.exit(0 if not left and seen else f"{left} {seen}")
"""


def test_nothing_leaves_the_machine(node_dir):
    """Not a socket is made, no name is looked up and no program started, whoever is asked for."""
    lines = [f"utils network {tool} {host}" for host in ANYBODY for tool in ("ping", "host")]
    lines += [f"utils network ping {host} 2" for host in ANYBODY[:4]]
    lines += ["utils network capture eth0 file x host ip 8.8.8.8 count 5", "run sql select 1"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", WATCHED, str(node_dir), *lines],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("64 bytes from ") >= 9
    assert done.stdout.count("ping: unknown host ") + done.stdout.count("100% packet loss") >= 20


class TestHost:
    def test_both_ways(self, say):
        assert say("utils network host imp-sub") == (
            "Local Resolution:\nimp-sub resolves locally to 192.0.2.22\n\nExternal Resolution:\n"
            "imp-sub.example.com has address 192.0.2.22\n"
        )
        assert "22.2.0.192.in-addr.arpa domain name pointer imp-sub.example.com.\n" in say(
            "utils network host 192.0.2.22"
        )

    def test_others_are_unknown(self, node, say):
        text = say("utils network host www.example.net")
        assert "External Resolution:\nHost www.example.net not found: 3(NXDOMAIN)\n" in text
        assert changed(node, dns=())("utils network host imp-sub").endswith(
            "External Resolution:\nNo external servers found\n"
        )


class TestConnectivity:
    def test_with_a_node(self, say):
        text = say("utils network connectivity imp-sub", "y")
        assert text.endswith("test with 192.0.2.22 completed successfully .\n")
        assert say.asked == ["Continue (y/n)?"]
        for host in ("imp-pub", "nobody"):
            assert say(f"utils network connectivity {host}", "y").endswith(
                f"Network connectivity test with {host} failed.\n" + FAILED
            )


class TestCapture:
    LINE = "utils network capture eth0 file packets count 1000 size all"

    def test_control_c_gives_the_prompt(self, node):
        """The file is there, and is one that tools open."""
        node.change(
            node.store.try_lock(), "a", "b", lambda change: change.put_settings({"speed": 1})
        )
        screen = Screen(node)
        screen.terminal.receive(f"{self.LINE}\r".encode(), 0.0)
        screen.terminal.worked(screen.terminal.take_work()(), 0.0)
        seen = screen.type("\x03")
        assert "Executing command with options:\r\n size=all " in screen.seen
        assert seen.endswith("Control-C pressed\r\nadmin:")
        path = pathlib.Path(node.layout.command_output("packets.cap"))
        assert path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
        assert len(path.read_bytes()) == 24

    def test_the_file_is_where_the_product_has_it(self, say):
        say(self.LINE)
        assert "packets.cap" in say("file list activelog platform/cli/*")
        assert say(self.LINE) == "platform/cli/packets.cap is there already\n" + FAILED

    @pytest.mark.parametrize("name", ["../x", "a/b", ".x", "a.b", "x" * 200, "-x"])
    def test_a_name_that_is_none(self, say, name):
        assert "is no name of a file" in say(f"utils network capture eth0 file {name}")

    def test_what_it_watches(self, say):
        text = say("utils network capture eth0 port 123 host ip 192.0.2.22")
        assert "port=123" in text
        assert "ip=192.0.2.22" in text
        assert "is not a whole number" in say("utils network capture eth0 port 0")
