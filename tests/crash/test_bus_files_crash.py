"""The three files that a node shows an etcd, taken on a disk that fails."""

import os
import shutil

import pytest
from crash_trace import run_python
from harness import Conversation

from cucmos_shell.node import Node
from cucmos_shell.node.tasks import bus_files
from cucmos_shell.node.tasks.bus_files import NAMES

TAKE = """
import sys
from cucmos_shell.errors import ShellError
from cucmos_shell.node import Node
from cucmos_shell.node.tasks import bus_files
from cucmos_shell.world import World

world = World.real().replace(check_bus_files=lambda folder: None)
try:
    bus_files.take(Node.open(sys.argv[1], world))
except ShellError as error:
    print(type(error).__name__, error.message())
"""


def taken(node_dir, fault):
    (node_dir / "upload").mkdir(exist_ok=True)
    for name in NAMES:
        (node_dir / "upload" / f"bus-{name}").write_text(f"new {name}\n")
    done = run_python(["-c", TAKE, str(node_dir)], node_dir.parent, "-o", os.devnull, "-e", fault)
    assert done.err == ""
    return done.out


def test_an_outcome_that_nobody_knows_is_told_as_that(node_dir):
    """They are in their place, and whether they last is not known; or what was uploaded stays."""
    for fault in ("inject=fsync:error=EIO:when=1", "inject=unlink:error=EIO:when=1"):
        assert taken(node_dir, fault).startswith("OutcomeUnknown The files for the bus are taken")
        assert (node_dir / "bus" / "key.pem").read_text() == "new key.pem\n"


def test_what_a_disk_does_not_take_is_not_taken(node_dir):
    assert taken(node_dir, "inject=syncfs:error=EIO:when=1").startswith("Unavailable")
    assert not (node_dir / "bus").exists()
    assert not (node_dir / "bus.next").exists()
    assert sorted(os.listdir(node_dir / "upload")) == sorted(f"bus-{name}" for name in NAMES)


def test_whatever_was_left_goes_with_the_next_ones(node_dir):
    (node_dir / "bus.next").mkdir()
    (node_dir / "bus.next" / "key.pem").write_text("left")
    assert taken(node_dir, "trace=none") == ""
    assert not (node_dir / "bus.next").exists()
    assert not os.listdir(node_dir / "upload")


def given(folder, name, which):
    """Put the three into a folder as they are called there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for one in NAMES:
        (folder / (name + one)).write_text(f"{which} {one}\n")


def whole(node_dir):
    """Which three there are, in one folder and nowhere else."""
    assert not [path.name for path in node_dir.glob("bus?*")]
    (which,) = {(node_dir / "bus" / name).read_text().partition(" ")[0] for name in NAMES}
    return which


@pytest.mark.parametrize("call", ["mkdir", "syncfs", "rename", "unlink", "rmdir"])
def test_after_a_kill_the_former_three_are_there_or_the_new_ones(node_dir, tmp_path, world, call):
    """As soon as the bus is used again, or anything is changed."""
    given(node_dir / "bus", "", "old")
    given(node_dir / "upload", "bus-", "new")
    seen, number = set(), 1
    while True:
        state = shutil.copytree(node_dir, tmp_path / f"at-{number}", symlinks=True)
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        done = run_python(["-c", TAKE, str(state)], tmp_path, "-o", os.devnull, "-e", inject)
        if done.status == 0:
            break
        changed = shutil.copytree(state, tmp_path / f"changed-{number}", symlinks=True)
        bus_files.settle(Node.open(str(state), world))
        say = Conversation(Node.open(str(changed), world))
        say("set csr gen tomcat")
        assert say.status == 0
        assert whole(state) == whole(changed)
        seen.add(whole(state))
        number += 1
    assert whole(state) == "new"
    assert seen == ({"new"} if call in ("unlink", "rmdir") else {"old"}), number


def test_nobody_puts_right_what_somebody_is_about(node_dir, world):
    """Who holds the lock may be between the two folders."""
    given(node_dir / "bus.old", "", "old")
    given(node_dir / "bus.next", "", "new")
    node = Node.open(str(node_dir), world)
    with node.store.try_lock():
        bus_files.settle(node)
        assert not (node_dir / "bus").exists()
    bus_files.settle(node)
    assert whole(node_dir) == "old"
