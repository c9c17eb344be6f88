"""How much of a sweep is run: all of it with `CUCMOS_SWEEP=all`, else a share spread evenly.

A full sweep of every command takes an hour; of those in `SHARES` a larger share is always taken.
"""

import os
import pathlib

from crash_changes import prepare, shape, state
from crash_trace import break_off, copy, points, trace
from harness import Conversation

from cucmos_shell.errors import OutcomeUnknown
from cucmos_shell.node import Node
from cucmos_shell.text import FAILURE

SHARES = {"regenerate": 16, "restart": 8}
SHARE = 40


def share(points, part=0, parts=1, name="", of=SHARE):
    """The points of one part that are to be tried."""
    step = every(name, of)
    return points[part::parts][part % step :: step]


def every(name="", of=SHARE):
    """Which of many disks is laid out: each `every`-th."""
    return 1 if os.environ.get("CUCMOS_SWEEP") == "all" else SHARES.get(name, of)


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
            # What was done is not told as a failure, unless nobody knows whether it will last. A
            # purge is not done while a part of the old states may still be there.
            whole = FAILURE not in ended.out or ended.status == OutcomeUnknown.status
            assert whole or self.line == "utils store purge", where
        self.next_change(node, where)

    def next_change(self, node, where):
        """Another change works, and clears away whatever the broken one has left."""
        say = Conversation(node)
        unit = next(iter(node.profile.units))
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
        assert not os.path.lexists(root / "purging"), where
        pinned = node.services.pins(node.snapshot()).items()
        named |= {f"{unit}/{number}" for unit, numbers in pinned for number in numbers}
        there = {str(p.relative_to(root / "versions")) for p in root.glob("versions/*/*")}
        assert there == named, where
