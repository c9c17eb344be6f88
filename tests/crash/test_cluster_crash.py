"""A round with the cluster broken off at any system call: the next rounds make up for it.

Afterwards all nodes hold the same: what was uploaded is there, what was deleted does not come back,
and each operation stands in the cluster's log once.
"""

import collections
import re
import time

import pytest
from certificate_authority import CertificateAuthority
from crash_trace import Kills, Point, break_off, copy, trace
from harness import Conversation, clock_world
from sweeping import sample, share

from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.node import Node
from cucmos_shell.world.buses.directory import DirectoryBus

LINE = "utils cluster sync"
STORE = "tomcat-trust"
SHARED = "cup-xmpp"
SAMPLE = 6
WRITES = {"write", "pwrite64", "fsync", "fdatasync", "rename", "ftruncate"}
_CALL = re.compile(r"(\d+) +(\w+)\((.*)$")


class Sweep:
    """Three nodes of which one has something to tell and something to hear."""

    def __init__(self, folder, keys):
        self.folder = folder
        self.world, self.clock = clock_world(keys, start=time.time())
        self.base = folder / "base"
        states = init_cluster(
            str(self.base), "imp-9.1", self.world, count=3, speed=0.0, progress=lambda line: None
        )
        self.names = [state.rpartition("/")[2] for state in states]
        ca = CertificateAuthority(folder / "ca", now=self.clock())
        pem = {letter: ca.root(f"Root {letter}").pem for letter in "ABCD"}
        first, second, _ = self.names
        root = ca.root("Shared")
        self.change(first, f"set cert import trust {SHARED}", root.pem)
        self.change(second, f"set csr gen {SHARED} multi-server")
        self.rounds(self.base)
        csr = Node.open(str(self.base / second), self.world).snapshot().request_pem(SHARED)
        self.change(second, f"set cert import own {SHARED}", ca.sign(csr, root).pem)
        self.change(first, f"set cert import trust {STORE[:-6]}", pem["A"])
        self.change(first, f"set cert import trust {STORE[:-6]}", pem["B"])
        self.rounds(self.base)
        self.change(first, f"set cert delete {STORE} Root_A.pem")
        self.change(first, f"set cert import trust {STORE[:-6]}", pem["C"])
        self.change(second, f"set cert delete {STORE} Root_B.pem")
        self.change(second, f"set cert import trust {STORE[:-6]}", pem["D"])
        self.change(second, "set cert regen tomcat", b"yes")
        self.change(first, "set csr gen tomcat multi-server")
        self.say(self.base, second, LINE)
        done = copy(self.base, folder / "run")
        self.points = list(points(trace(done / first, LINE, folder / "trace", "-y"), str(done)))
        self.rounds(done)
        self.told = self.operations(done)
        self.held = self.names_held(done)
        self.copied = self.copies(done)
        self.shared = self.things(done)
        assert [len(copies) for copies in self.copied] == [2, 2, 2]
        assert self.held == ["Root_C", "Root_D"]

    def change(self, name, line, *answers):
        self.say(self.base, name, line, *(answer.decode() for answer in answers))

    def say(self, cluster, name, line, *answers):
        """What a node of the cluster folder answers."""
        talk = Conversation(Node.open(str(cluster / name), self.world))
        said = talk(line, *answers)
        assert talk.status == 0, said
        return said

    def rounds(self, cluster):
        """Until nobody has anything to tell."""
        for _ in range(2):
            for name in self.names:
                self.say(cluster, name, LINE)

    def names_held(self, cluster):
        """The uploads that all nodes have; the assertion is that these are the same."""
        first, *others = (
            sorted(row.name for row in Node.open(str(cluster / name), self.world)
                   .snapshot().trust(STORE) if not row.owner)
            for name in self.names
        )  # fmt: skip
        assert others == [first, first]
        return first

    def copies(self, cluster):
        """The others' own certificates, for each node."""
        nodes = [Node.open(str(cluster / name), self.world) for name in self.names]
        rows = [node.snapshot().trust(STORE) for node in nodes]
        return [sorted((r.owner, r.sha256) for r in some if "/" in r.owner) for some in rows]

    def things(self, cluster):
        """The certificate and the request that all nodes have; that these are the same."""
        nodes = [Node.open(str(cluster / name), self.world).snapshot() for name in self.names]
        first, *others = (
            (node.own_der(SHARED), node.private_key_pem(SHARED), node.request_key_pem("tomcat"))
            for node in nodes
        )
        assert others == [first, first]
        assert all(node.own(SHARED).request is None for node in nodes)
        return first

    def operations(self, cluster):
        """How often each certificate has been told of."""
        bus = DirectoryBus(str(cluster / "bus"), self.clock)
        items = (item.key for change in bus.since("trust/", 0) for item in change.items)
        found = collections.Counter(items)
        bus.close()
        return found

    def check(self, point):
        """Break off at `point`, go on, and look at what has come of it."""
        broken = copy(self.base, self.folder / "run")
        ended = break_off(broken / self.names[0], LINE, point)
        where = f"{point}: {ended}"
        assert "Traceback" not in ended.err, where
        assert ended.status != 70, where
        self.rounds(broken)
        assert self.names_held(broken) == self.held, where
        assert self.operations(broken) == self.told, where
        assert self.copies(broken) == self.copied, where
        assert self.things(broken) == self.shared, where


def points(lines, folder):
    """Errors at calls on the files of the cluster, kills where they differ, some anywhere."""
    seen, kills = collections.Counter(), Kills()
    for i, text in enumerate(lines):
        match = _CALL.match(text)
        if match is None:
            continue
        thread, call, rest = match.groups()
        seen[thread, call] += 1
        if kills.differs(call, rest) or i % 50 == 0:
            yield Point(call, seen[thread, call], "SIGKILL")
        if folder in rest and call in WRITES:
            yield Point(call, seen[thread, call], "EIO")
            yield Point(call, seen[thread, call], "ENOSPC")


@pytest.fixture
def sweep(tmp_path, keys):
    return Sweep(tmp_path, keys)


def test_a_round_broken_off_here_and_there(sweep):
    """A sample of the sweep below."""
    assert len(sweep.points) > 100
    for point in sample(sweep.points, SAMPLE):
        sweep.check(point)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_round_broken_off_anywhere(sweep, part):
    """Every call on the files of the cluster."""
    for point in share(sweep.points, part, 4, "cluster"):
        sweep.check(point)
