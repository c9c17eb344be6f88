"""A run of the expiry monitor killed at any system call loses no alarm and no mail.

Afterwards one more run is made: then each alarm has been raised, and each mail has arrived or
waits; at most once more than it should, with the same Message-ID.
"""

import collections
import re

import pytest
from certificate_authority import CertificateAuthority
from crash_trace import Point, break_off, copy, run, trace
from harness import Conversation
from mail_servers import MailServer
from sweeping import sample, share

from cucmos_shell.node import Node
from cucmos_shell.node.expiry.unsent import load
from cucmos_shell.world import World

LINE = "utils cert monitor run"
SAMPLE = 6
DAY = 86_400
RECIPIENTS = ("a@example.com", "b@example.com")
_CALL = re.compile(r"(\d+) +(\w+)\((.*)$")


class Sweep:
    """A node with something to say about two certificates, and where a run can be broken off."""

    def __init__(self, template, folder, server):
        self.folder = folder
        self.server = server
        self.base = copy(template, folder / "base")
        ca = CertificateAuthority(folder / "ca")
        root = ca.root()
        leaves = [ca.leaf(root, f"leaf {n}", end=n * DAY) for n in (5, 20)]
        say = Conversation(Node.open(str(self.base), World.real()))
        for line in (
            "set cert import trust directory",
            "set alarm syslog off",
            f"set smtp 127.0.0.1:{server.port}",
            f'set cert monitor recipients "{";".join(RECIPIENTS)}"',
            "set cert monitor email enable",
        ):
            said = say(line, "".join(one.pem.decode() for one in leaves))
            assert say.status == 0, said
        done = copy(self.base, folder / "run")
        lines = trace(done, LINE, folder / "trace", "-y")
        self.points = list(points(lines, str(done)))
        assert len(server.received) == len(RECIPIENTS)

    def check(self, point):
        """Break off at `point`, run once more, and count."""
        self.server.received.clear()
        broken = copy(self.base, self.folder / "run")
        ended = break_off(broken, LINE, point)
        where = f"{point}: {ended}"
        assert "Traceback" not in ended.err, where
        again = run(broken, LINE, "-o", "/dev/null", "-e", "trace=none")
        assert again.status == 0 or point.fault != "SIGKILL", f"{where}, then {again}"
        node = Node.open(str(broken), World.real())
        names = collections.Counter(
            (alarm.name, alarm.parameters["Message"])
            for alarm in node.alarms.last()
            if alarm.name != "CertExpiryError"
        )
        assert {name for name, _ in names} == {"CertValidfor7days", "CertValidLessThanMonth"}, where
        assert set(names.values()) <= {1, 2}, where
        waiting = {mail.to: mail.id for mail in load(node.store.layout.sent).outbox}
        for to in RECIPIENTS:
            arrived = [m["Message-ID"] for address, m in self.server.received if address == to]
            assert arrived or to in waiting, where
            assert len(arrived) <= 2, where
            assert len({*arrived, *([waiting[to]] if to in waiting else [])}) == 1, where
        if point.fault == "SIGKILL":
            assert not waiting, where


def points(lines, state):
    """Every call on the node's files or a socket, and one in fifty of the others."""
    seen = collections.Counter()
    for i, text in enumerate(lines):
        match = _CALL.match(text)
        if match is None:
            continue
        thread, call, rest = match.groups()
        seen[thread, call] += 1
        if state in rest or "socket:[" in rest or "TCP:[" in rest or i % 50 == 0:
            yield Point(call, seen[thread, call], "SIGKILL")
            if state in rest and call in ("write", "fsync", "fdatasync", "rename"):
                yield Point(call, seen[thread, call], "EIO")
                yield Point(call, seen[thread, call], "ENOSPC")


@pytest.fixture
def sweep(imp_template, tmp_path):
    with MailServer() as server:
        yield Sweep(imp_template, tmp_path, server)


def test_a_run_killed_here_and_there_loses_nothing(sweep):
    """A sample of the sweep below."""
    assert len(sweep.points) > 100
    for point in sample(sweep.points, SAMPLE):
        sweep.check(point)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_run_killed_anywhere_loses_nothing(sweep, part):
    """Every call on files and sockets."""
    for point in share(sweep.points, part, 4):
        sweep.check(point)
