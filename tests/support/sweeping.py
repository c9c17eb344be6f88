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

SHARES = {"regenerate": 36, "restart": 18}
SHARE = 90


def share(points, part=0, parts=1, name="", of=SHARE):
    """The points of one part that are to be tried."""
    step = every(name, of)
    return points[part::parts][part % step :: step]


def sample(points, size):
    """So many of the points, spread evenly."""
    return [points[i * len(points) // size] for i in range(size)]


def every(name="", of=SHARE):
    """Which of many disks is laid out: each `every`-th."""
    return 1 if os.environ.get("CUCMOS_SWEEP") == "all" else SHARES.get(name, of)


def stamp(root):
    """The head that the view shows."""
    return os.readlink(root / "view" / ".head").partition(".")[0]


def orphans(node):
    """The versions that no head names, and no service has loaded, and what else is left behind."""
    root = pathlib.Path(node.store.layout.store)
    named = {
        os.readlink(link).removeprefix("../../versions/")
        for link in root.glob("heads/*/*")
        if link.is_symlink()
    }
    pinned = node.services.pins(node.snapshot()).items()
    named |= {f"{unit}/{number}" for unit, numbers in pinned for number in numbers}
    there = {str(p.relative_to(root / "versions")) for p in root.glob("versions/*/*")}
    left = [name for name in ("current.next", "purging") if os.path.lexists(root / name)]
    left += [path.name for path in root.parent.glob("*.next")]
    return (there ^ named) | set(left)


def wrong_links(node):
    """What of the links for people is not as the state says."""
    root, snapshot = pathlib.Path(node.store.layout.view), node.snapshot()
    wanted = {}
    for unit in snapshot.units:
        base = f"../../versions/{unit}/{snapshot.version(unit)}/certs/{unit}"
        wanted |= {f"{unit}/{unit}.{form}": f"{base}.{form}" for form in ("pem", "der")}
    for store in snapshot.stores:
        for row in snapshot.trust(store):
            for form in ("pem", "der"):
                wanted[f"{store}/{row.name}.{form}"] = f"../../pool/{row.sha256}.{form}"
    there = {
        str(path.relative_to(root)): os.readlink(path)
        for path in root.glob("*/*.*")
        if path.suffix in (".pem", ".der") and path.is_symlink()
    }
    hashed = {path for path in root.glob("*/*.[0-9]") if not path.exists()}
    return {name for name in there | wanted if there.get(name) != wanted.get(name)} | hashed


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
        assert stamp(pathlib.Path(node.store.layout.store)) == f"{seen['head']:06d}", where
        assert not orphans(node), where
        assert not wrong_links(node), where
