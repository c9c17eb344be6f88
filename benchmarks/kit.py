"""What a node costs a test: `python benchmarks/kit.py`.

Tests of all kinds take turns in one run of pytest, so that what the machine does meanwhile meets
all of them; a test without a node is taken off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import middle
from report import Row, machine, table

TURNS, MANY = 60, 200
KINDS = ("empty", "node", "shared", "copy", "snapshot")

CONFTEST = """
import json, time
import pytest

taken = {}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    begin = time.perf_counter()
    result = yield
    taken.setdefault(item.callspec.params["kind"], []).append(time.perf_counter() - begin)
    return result

def pytest_unconfigure(config):
    with open("taken.json", "w") as file:
        json.dump(taken, file)
"""
SUITE = """
import shutil, time
import pytest

def timed(what, function):
    begin = time.perf_counter()
    function()
    seen.setdefault(what, []).append(time.perf_counter() - begin)

seen = {{}}

@pytest.fixture(scope="module", autouse=True)
def _told():
    yield
    import json
    with open("seen.json", "w") as file:
        json.dump(seen, file)

@pytest.fixture(scope="module")
def kept(cucmos_template, tmp_path_factory):
    from cucmos_shell.testing import LabNode
    folder = tmp_path_factory.mktemp("kept") / "node"
    shutil.copytree(cucmos_template("imp-9.1"), folder, symlinks=True)
    with LabNode(folder) as node:
        yield node

@pytest.mark.parametrize("kind", {kinds})
def test(request, kind, tmp_path_factory):
    if kind == "node":
        request.getfixturevalue("cucmos_node")
    elif kind == "shared":
        request.getfixturevalue("cucmos_shared_ssh")
    elif kind == "copy":
        source = request.getfixturevalue("cucmos_template")("imp-9.1")
        target = source.parent / "copied"
        timed("copy", lambda: shutil.copytree(source, target, symlinks=True))
        timed("remove", lambda: shutil.rmtree(target))
    elif kind == "snapshot":
        node = request.getfixturevalue("kept")
        snapshots = []
        timed("save", lambda: snapshots.append(node.save()))
        assert node.run("set cert regen cup", "yes").ok
        timed("restore", lambda: node.restore(snapshots[0]))
        shutil.rmtree(node.state / "snapshots")
"""
EACH = """
import pytest

@pytest.mark.parametrize("turn", range({many}))
def test(cucmos_node, turn):
    assert cucmos_node.run("show cert list own").ok
"""


def run(folder: Path, *options: str) -> float:
    """Seconds that a suite takes; it must pass."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         f"--basetemp={folder / 'base'}", *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begin


def costs(folder: Path) -> list[Row]:
    """What a test costs that has a node, a shared server, a snapshot."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_kit.py").write_text(SUITE.format(kinds=list(KINDS * TURNS)))
    run(folder)
    taken = {
        kind: middle(seconds[1:])
        for kind, seconds in json.loads((folder / "taken.json").read_text()).items()
    }
    seen = {
        what: middle(seconds)
        for what, seconds in json.loads((folder / "seen.json").read_text()).items()
    }
    node, shared = taken["node"] - taken["empty"], taken["shared"] - taken["empty"]
    both = seen["copy"] + seen["remove"]
    snapshot = seen["save"] + seen["restore"]
    return [
        Row("`cucmos_node`, per test", "copying and removing the folder", node / both, node, both, 2),
        Row("`cucmos_shared_ssh`, per test, in ms", "", shared * 1e3, 0, 0, 50),
        Row(
            "`save` and `restore` after a regenerate", "copying the folder",
            snapshot / seen["copy"], snapshot, seen["copy"], 3,
        ),
    ]  # fmt: skip


def workers(folder: Path) -> Row:
    """Two workers against one, with a node for each of many tests."""
    (folder / "test_each.py").write_text(EACH.format(many=MANY))
    (folder / "conftest.py").unlink(missing_ok=True)
    one, two = [], []
    for _ in range(3):
        one.append(run(folder, "-n", "1", "test_each.py"))
        two.append(run(folder, "-n", "2", "test_each.py"))
    name = f"`pytest -n 2`, {MANY} tests with a node each"
    return Row(name, "`pytest -n 1`", middle(two) / middle(one), middle(two), middle(one), 1 / 1.5)


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as place:
        print(machine(place))
        print(f"Load before: {os.getloadavg()[0]:.1f}\n")
        rows = [*costs(Path(place)), workers(Path(place))]
        print(table(rows))
        print(f"\nLoad after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
