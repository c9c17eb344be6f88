"""A first use broken off at any moment: there is a whole node, or none and the next use makes one."""

import pytest
from crash_power import OPTIONS, Trace, lay_out, survivals, tree_after
from crash_trace import break_off, points, run, trace
from harness import clock_world
from small_store import read_everything
from sweeping import sample

from cucmos_shell.errors import ShellError
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.store import Store

LINE = "show cert list own"
SAMPLE = 5
# Keys, certificates and folders of five units are alike: not every call is worth a minute.
EVERY = 160


def next_use(folder, keys):
    """What the next use does: installs unless there is a node; then everything can be read."""
    world = clock_world(keys)[0]
    fresh = install(str(folder), "imp-9.1", world, speed=0)
    node = Node.open(str(folder), world)
    seen = read_everything(node.store)
    assert len(node.services.states()) > 0
    assert set(node.profile.units) <= set(seen)
    return fresh


def broken_off_points(folder):
    folder.mkdir()
    return points(trace(folder, LINE, folder.parent / "trace"), folder)


def check(point, folder, keys):
    folder.mkdir()
    ended = break_off(folder, LINE, point)
    assert "Traceback" not in ended.err, f"{point}: {ended}"
    there = Store(str(folder)).exists()
    assert there or ended.status != 0, f"{point}: {ended}"
    assert next_use(folder, keys) is not there
    again = run(folder, LINE, "-o", "/dev/null", "-e", "trace=none")
    assert again.status == 0, f"{point}: {again}"


def test_a_first_use_broken_off_here_and_there(tmp_path, keys):
    """A sample of the sweep below."""
    found = broken_off_points(tmp_path / "whole")
    for i, point in enumerate(sample(found, SAMPLE)):
        check(point, tmp_path / str(i), keys)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_a_first_use_broken_off_in_many_places(part, tmp_path, keys):
    """One call in 160 of those that a sweep takes, from the opening of the lock to the end."""
    found = broken_off_points(tmp_path / "whole")
    for i, point in enumerate(found[part * EVERY // 2 :: EVERY]):
        check(point, tmp_path / str(i), keys)


def violations(trace_of, disk, base, keys, every):
    seen = set()
    for number, (survival, step) in enumerate(reversed(list(survivals(trace_of)))):
        if number % every:
            continue
        tree = tree_after(trace_of, survival, {})
        what = (tuple(tree.items()), survival.torn & set(tree.values()), survival.said)
        if what in seen:
            continue
        seen.add(what)
        lay_out(tree, trace_of, survival.torn, base, disk)
        try:
            fresh = next_use(disk, keys)
        except ShellError as error:
            yield f"after step {step} ({trace_of.steps[step - 1]}): {error.message()}"
            continue
        if fresh and survival.said:
            yield f"after step {step} ({trace_of.steps[step - 1]}): the node is gone"


@pytest.mark.parametrize("every", [pytest.param(100, marks=pytest.mark.slow), 1500])
def test_a_power_cut_during_a_first_use(every, tmp_path, disk, keys):
    """Also what is half there is written over, and what was said holds."""
    base = tmp_path / "node"
    base.mkdir()
    found = Trace(trace(base, LINE, tmp_path / "trace", *OPTIONS), base)
    assert list(violations(found, disk, base, keys, every)) == []
