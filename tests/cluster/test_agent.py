"""Agents as processes of their own, over a bus in a folder; one of the nodes is served."""

import contextlib
import json
import signal
import subprocess
import threading
import time

import pytest
from certificate_authority import CertificateAuthority
from harness import Conversation, clock_world
from ssh_server import PROGRAM, Served

from cucmos_shell.cluster import membership
from cucmos_shell.cluster.log import Log
from cucmos_shell.frontends.cluster import PASSWORD_FILE, init_cluster
from cucmos_shell.node import Node

NAMES = ("imp-pub", "imp-pub-sub1", "imp-pub-sub2")
SYNC = "utils cluster sync"
PATIENCE = 60  # seconds that an agent may take to say what is waited for


class Nodes:
    """The folder of a cluster."""

    def __init__(self, folder, keys):
        self.folder = folder / "cluster"
        world, self.clock = clock_world(keys, start=time.time())
        # A lock is held by processes, for which no clock of the test goes on.
        self.world = world.replace(
            sleep=time.sleep, monotonic=time.monotonic, patience=time.monotonic
        )
        init_cluster(
            str(self.folder), "imp-9.1", self.world, count=3, speed=0.0, progress=lambda line: None
        )
        self.ca = CertificateAuthority(folder / "ca", now=self.clock())

    def say(self, name, line, *answers, status=0):
        """What a node answers, in this process."""
        talk = Conversation(Node.open(str(self.folder / name), self.world))
        answer = talk(line, *answers)
        assert status is None or talk.status == status, answer
        return answer

    def upload(self, name, pem):
        self.say(name, "set cert import trust tomcat", pem.decode())

    def held(self):
        """The uploads that all nodes have; the assertion is that these are the same."""
        nodes = [Node.open(str(self.folder / name), self.world) for name in NAMES]
        first, *others = (
            {row.name for row in node.snapshot().trust("tomcat-trust") if not row.owner}
            for node in nodes
        )
        assert others == [first, first]
        return first

    def settle(self):
        for name in NAMES * 2:
            self.say(name, SYNC)

    @contextlib.contextmanager
    def agent(self, name):
        """The agent of a node, which says what its rounds have done; killed at the end."""
        command = [*PROGRAM, "agent", "--state", str(self.folder / name)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            limit = threading.Timer(PATIENCE, process.kill)
            limit.start()
            try:
                yield process
            finally:
                limit.cancel()
                process.kill()


@pytest.fixture
def nodes(tmp_path, keys):
    return Nodes(tmp_path, keys)


def heard(agent, text):
    """Read what the agent says until it has said `text`."""
    for line in agent.stderr:
        if text in line:
            return
    raise AssertionError(f"the agent has ended without {text}")


def test_what_one_does_all_have(nodes):
    """With agents on two nodes and a server on the third."""
    first, second, third = NAMES
    with (
        nodes.agent(first) as one,
        nodes.agent(second) as other,
        Served(nodes.folder / third) as served,
    ):
        nodes.upload(first, nodes.ca.root("Root A").pem)
        heard(other, "tomcat-trust/Root_A, new")
        seen = (served.run("show cert list trust").stdout for _ in range(60))
        assert any("Root_A" in text for text in seen)
        done = served.run("set cert delete tomcat-trust Root_A.pem", stdin="yes\n")
        assert done.returncode == 0, done
        heard(one, "tomcat-trust/Root_A, deleted")
        heard(other, "tomcat-trust/Root_A, deleted")
        assert served.stop()[0] == 0
    assert not nodes.held()


def test_agents_killed_again_and_again(nodes):
    """While their nodes are given certificates, and some are taken away again."""
    roots = {f"Root_{n}": nodes.ca.root(f"Root {n}").pem for n in range(9)}
    for i, (root, pem) in enumerate(roots.items()):
        name, other = NAMES[i % 3], NAMES[(i + 1) % 3]
        with nodes.agent(name) as agent, nodes.agent(other) as listening:
            nodes.upload(name, pem)
            if i % 3:
                agent.kill()
                agent.wait()  # it may hold the right to be the one round until then
                nodes.say(name, SYNC, status=None)
            heard(listening, f"tomcat-trust/{root}, new")
            if i % 2:
                nodes.say(other, f"set cert delete tomcat-trust {root}.pem")
    nodes.settle()
    assert nodes.held() == {root for i, root in enumerate(roots) if not i % 2}
    said = [nodes.say(name, "show cert distribution") for name in NAMES]
    assert all("behind" not in text for text in said)


def test_a_second_agent_of_a_node_stands_by(nodes):
    """As those of further workers do: it makes no round, and takes over when the first is gone."""
    first, second, _ = NAMES
    others = contextlib.ExitStack()
    nodes.say(first, SYNC)
    nodes.upload(second, nodes.ca.root("Root A").pem)
    nodes.say(second, SYNC)
    with others, nodes.agent(first) as one:
        heard(one, "tomcat-trust/Root_A, new")
        others.enter_context(nodes.agent(first))
        nodes.upload(second, nodes.ca.root("Root C").pem)
        nodes.say(second, SYNC)
        heard(one, "tomcat-trust/Root_C, new")
        log = Node.open(str(nodes.folder / first), nodes.world).layout.audit_log()
        with open(log, encoding="ascii") as audit:
            said = audit.read()
        assert f"{SYNC}] canonical=[{SYNC}] account=agent" in said
        assert "outcome=failed" not in said
        one.kill()
        nodes.upload(second, nodes.ca.root("Root B").pem)
        nodes.say(second, SYNC)
        end = time.monotonic() + PATIENCE
        while "Root_B" not in nodes.say(first, "show cert list trust"):
            assert time.monotonic() < end
    nodes.settle()
    assert nodes.held() == {"Root_A", "Root_B", "Root_C"}


def test_two_rounds_of_one_node_at_once(nodes):
    """One is told to wait, or both are done, one after the other."""
    for n in range(20):
        nodes.upload(NAMES[0], nodes.ca.root(f"Root {n}").pem)
    command = [*PROGRAM, "--state", str(nodes.folder / NAMES[0]), "-c", SYNC]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    for process, text in zip(both, said, strict=True):
        assert process.returncode == 0 or "Another round with the cluster is running" in text
    nodes.settle()
    assert len(nodes.held()) == 20


def test_all_that_a_member_says_is_json_and_no_secret(nodes):
    """Nor does the security password reach a log or the bus."""
    lines = [
        "utils cluster sync", "show cert distribution", "show cert distribution tomcat-trust",
        "show network cluster", "utils dbreplication status", "utils dbreplication runtimestate",
        "show cert impact tomcat", "utils store purge", "utils profile refresh",
        "utils cluster rebuild", "utils cluster leave", "utils cluster leave",
        "utils cluster join dir:../bus", "utils cluster join dir:../bus",
        "utils cluster create dir:../bus", "utils cluster sync confirm",
        "utils cluster remove imp-pub-sub2",
    ]  # fmt: skip
    password = (nodes.folder / PASSWORD_FILE).read_text().strip()
    talk = Conversation(Node.open(str(nodes.folder / NAMES[1]), nodes.world))
    talk("set output json")
    for line in lines:
        text = talk(line, password if "cluster" in line.split()[1] else "yes")
        assert isinstance(json.loads(text), dict), line
        assert password not in text
    found = [
        path
        for path in nodes.folder.rglob("*")
        if path.is_file() and path.name != PASSWORD_FILE and password.encode() in path.read_bytes()
    ]
    assert not found
    logs = b"".join(path.read_bytes() for path in nodes.folder.glob("*/log/**/*.log"))
    assert b"$argon2id$" not in logs


@pytest.mark.parametrize("line", ["utils cluster remove x", "utils cluster leave"])
def test_who_may(nodes, line):
    """A node is taken out of its cluster by level 4 only; a round needs level 1."""
    node = Node.open(str(nodes.folder / NAMES[0]), nodes.world)
    for level, status in ((0, 1), (1, 1)):
        talk = Conversation(node, level=level)
        talk(line, "yes")
        assert talk.status == status
    assert "joined" not in Conversation(node, level=0)(SYNC)
    log = Log(_bus(nodes), membership.secrets(node.snapshot()).cluster)
    assert sum(not one.removed for one in log.members().values()) == 3


def _bus(nodes):
    return nodes.world.open_bus("dir:bus", str(nodes.folder), nodes.world.now)


@pytest.mark.unmeasured
def test_an_idle_agent_writes_nothing_durably(nodes, tmp_path):
    """It looks ten times a second: that costs no fsync."""
    nodes.settle()
    traced = tmp_path / "traced"
    command = [
        "timeout", "-s", "INT", "4", "strace", "-f", "-o", str(traced),
        "-e", "trace=fsync,fdatasync,sync_file_range,syncfs,clock_nanosleep",
        *PROGRAM, "agent", "--state", str(nodes.folder / NAMES[0]),
    ]  # fmt: skip
    subprocess.run(command, check=False, timeout=60, stderr=subprocess.DEVNULL)
    calls = traced.read_text()
    assert calls.count("clock_nanosleep(") > 10
    assert "sync" not in calls


def test_an_agent_ends_quietly(nodes):
    """By a signal, with nothing said."""
    nodes.say(NAMES[0], SYNC)
    for number in (signal.SIGINT, signal.SIGTERM):
        with nodes.agent(NAMES[0]) as agent:
            nodes.upload(NAMES[1], nodes.ca.root(f"Root {number}").pem)
            nodes.say(NAMES[1], SYNC)
            heard(agent, f"Root_{int(number)}, new")
            agent.send_signal(number)
            assert "Traceback" not in agent.stderr.read()
