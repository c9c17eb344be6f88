"""The three files that a node shows an etcd, taken on a disk that fails."""

import os

from crash_trace import run_python

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
