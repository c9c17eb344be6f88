"""Putting a node of a lab back to a snapshot, broken off anywhere: whoever opens it next finds the
old node or the new one, whole."""

import os
import stat

import pytest
from crash_trace import copy, points, run_python
from harness import Conversation
from sweeping import sample, share

from cucmos_shell.node import Node
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.world import World

SAMPLE = 5
NAME = "first"


def tree(folder):
    """Every path with its permissions and contents, but for what belongs to processes.

    The services' own file is another one after each restoring: a new era begins.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(("snapshots", "run/sessions")) or name.endswith(("lock", ".old")):
            continue
        text = os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
        found[name] = stat.S_IMODE(path.lstat().st_mode), text
    found.pop("services.json", None)
    return found


class Sweep:
    """A node that has changed since its snapshot, and where restoring it can be broken off."""

    def __init__(self, template, folder):
        self.folder = folder
        self.base = copy(template, folder / "base")
        make_lab(str(self.base))
        lab = open_lab(str(self.base), World.real())
        node = Node.open(str(self.base), World.real())
        self.old_row = node.snapshot().own("tomcat").row
        lab.snapshots.save(NAME)
        self.old = tree(self.base)
        say = Conversation(node)
        for line in ("set cert regen tomcat", "utils service restart Cisco CDP"):
            say(line, "yes")
            assert say.status == 0, line
        (self.base / "upload" / "late.pem").write_text("x")
        self.row = node.snapshot().own("tomcat").row
        self.new = tree(self.base)
        done = copy(self.base, folder / "run")
        trace = folder / "trace"
        ended = self.restore(done, "-o", str(trace))
        assert ended.status == 0, ended
        assert tree(done) == self.old
        self.points = points(trace.read_text(errors="replace").splitlines(), done)

    def restore(self, state, *options):
        """Put a copy back under strace."""
        words = ["-m", "cucmos_shell", "lab", "--state", str(state), "restore", NAME]
        return run_python(words, self.folder, *options)

    def check(self, point):
        """Break off at `point`, and look at what there is then."""
        broken = copy(self.base, self.folder / "run")
        options = ("-o", os.devnull, "-e", f"trace={point.call}", "-e", point.inject)
        ended = self.restore(broken, *options)
        where = f"{point}: {ended}"
        assert "Traceback" not in ended.err, where
        assert ended.status in (0, 3, 4, 5, 6, -9), where
        node = Node.open(str(broken), World.real())
        row = node.snapshot().own("tomcat").row
        there = tree(broken)
        if ended.status == 0 or row == self.old_row:
            assert there == self.old, where
        else:
            assert row == self.row, where
            # A file that was not whole yet is written by the next one.
            there.pop("restoring.next", None)
            assert there == self.new, where
        loaded = node.services.loaded("Cisco Tomcat", node.snapshot())
        pinned = node.services.pins(node.snapshot())
        assert loaded["tomcat"] == self.old_row.sha256, where
        assert pinned is not None, where
        # Nobody is in the way of the next one.
        assert self.restore(broken, "-o", os.devnull, "-e", "trace=none").status == 0, where
        assert tree(broken) == self.old, where


@pytest.fixture
def sweep(imp_template, tmp_path):
    return Sweep(imp_template, tmp_path)


@pytest.mark.unmeasured
def test_restoring_broken_off_here_and_there(sweep):
    """A sample of the sweep below."""
    assert len(sweep.points) > 100
    for point in sample(sweep.points, SAMPLE):
        sweep.check(point)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_restoring_broken_off_anywhere(sweep, part):
    """Every call that changes something, from the node's lock on; one in fifty before it."""
    for point in share(sweep.points, part, 2):
        sweep.check(point)
