"""A change broken off at any system call has happened wholly, or not at all.

Killed, or told by the disk that a call has failed: afterwards the readers see the old state or the
new one, what was acknowledged is new, and the next change works.
"""

import os
import pathlib

import pytest
from crash_changes import CHANGES, prepare, shape, state
from crash_trace import break_off, copy, points, trace
from harness import Conversation, clock_world
from sweeping import share

from cucmos_shell.node import Node

SAMPLE = 12


@pytest.fixture(scope="session")
def readers_world(keys):
    """One moment for all readers, long after whatever a change has planned."""
    return clock_world(keys, start=4_000_000_000.0)[0]


class Sweep:
    """A command, the states before and after it, and where it can be broken off."""

    def __init__(self, change, template, folder, world):
        self.line = change.line
        self.world = world
        self.folder = folder
        self.base = copy(template, folder / "base")
        node = self.open(self.base)
        prepare(change, node)
        self.old = state(node)
        self.old_shape = shape(node)
        done = copy(self.base, folder / "run")
        self.points = points(trace(done, self.line, folder / "trace"), done)
        self.new_shape = shape(self.open(done))
        assert self.new_shape != self.old_shape

    def open(self, folder):
        return Node.open(str(folder), self.world)

    def check(self, point):
        """Break off at `point` and look at what is left."""
        broken = copy(self.base, self.folder / "run")
        ended = break_off(broken, self.line, point)
        node = self.open(broken)
        seen = shape(node)
        where = f"{point}: {ended}"
        assert "Traceback" not in ended.err, where
        assert seen in (self.old_shape, self.new_shape), where
        if seen == self.old_shape:
            assert state(node) == self.old, where
            assert ended.status != 0, where
        else:
            state(node)
        self.next_change(node, where)

    def next_change(self, node, where):
        """Another change works, and clears away whatever the broken one has left."""
        say = Conversation(node)
        unit = next(iter(node.appliance.units))
        answer = say(f"set cert regen {unit}", "yes")
        assert say.status == 0, f"{where}: then {answer}"
        seen = state(node)
        root = pathlib.Path(node.store.layout.store)
        assert os.readlink(root / "view" / ".head") == f"{seen['head']:06d}", where
        assert not os.path.lexists(root / "current.next"), where
        named = {
            os.readlink(link).removeprefix("../../versions/")
            for link in root.glob("heads/*/*")
            if link.is_symlink()
        }
        there = {str(p.relative_to(root / "versions")) for p in root.glob("versions/*/*")}
        assert there == named, where


def sweep_of(change, imp_template, folder, world):
    return Sweep(change, imp_template, folder, world)


@pytest.mark.parametrize(
    "change", [one for one in CHANGES if one.sampled], ids=lambda change: change.name
)
def test_a_change_broken_off_here_and_there(change, imp_template, tmp_path, readers_world):
    """A sample of the sweep below: spread over the whole run, and every fault."""
    sweep = sweep_of(change, imp_template, tmp_path, readers_world)
    step = len(sweep.points) / SAMPLE
    for i in range(SAMPLE):
        sweep.check(sweep.points[int(i * step)])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_broken_off_anywhere(change, part, imp_template, tmp_path, readers_world):
    """Every call from the opening of the lock to the end, and one in fifty before."""
    sweep = sweep_of(change, imp_template, tmp_path, readers_world)
    for point in share(sweep.points, part, 4, change.name):
        sweep.check(point)
