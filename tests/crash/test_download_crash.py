"""A download broken off, or on a disk that fails: nothing is left behind, nothing untrue is said."""

import os

import pytest
from crash_trace import break_off, points, run, trace
from harness import Conversation
from sweeping import share

from cucmos_shell.errors import OutcomeUnknown
from cucmos_shell.node import Node
from cucmos_shell.node.areas import UNFINISHED
from cucmos_shell.text import FAILURE

LINE = "utils cert download own tomcat pem new.pem"
REDIRECT = "show cert own tomcat | redirect new.pem"


def begin(node_dir):
    (node_dir / "download").mkdir(exist_ok=True)
    (node_dir / "download" / "old.txt").write_text("old\n")


def listed(node_dir):
    return sorted(os.listdir(node_dir / "download"))


def broken_off(node_dir, line, tmp_path):
    """Where the writing of the file can be broken off."""
    found = points(trace(node_dir, line, tmp_path / "trace"), node_dir, "download")
    (node_dir / "download" / "new.pem").unlink()
    return [point for point in found if point.call not in ("mmap", "munmap", "brk", "futex")]


def keeps_a_name(point):
    """The disk takes no second name away from a whole file; the next download does."""
    return point.call.startswith("unlink")


@pytest.mark.parametrize("line", [LINE, REDIRECT])
def test_a_download_broken_off(node_dir, tmp_path, world, line):
    """The file is whole or not there; what is left is not shown, and goes with the next download."""
    begin(node_dir)
    say = Conversation(Node.open(str(node_dir), world))
    for point in share(broken_off(node_dir, line, tmp_path), of=12):
        ended = break_off(node_dir, line, point)
        where = f"{point}: {ended}"
        assert "Traceback" not in ended.err, where
        left = set(listed(node_dir)) - {"old.txt", "new.pem"}
        assert left <= {UNFINISHED}, where
        if point.fault != "SIGKILL" and not (keeps_a_name(point) and ended.status == 0):
            assert not left, where
        file = node_dir / "download" / "new.pem"
        if file.exists():
            assert file.read_text().rstrip().endswith("-----END CERTIFICATE-----"), where
            told = FAILURE not in ended.out or ended.status == OutcomeUnknown.status
            assert told or point.fault == "SIGKILL", where
            file.unlink()
        else:
            assert ended.status != 0, where
        assert UNFINISHED not in say("file list download /"), where
        say("utils cert download own tomcat pem next.pem")
        assert listed(node_dir) == ["next.pem", "old.txt"], where
        (node_dir / "download" / "next.pem").unlink()


def test_an_outcome_that_nobody_knows_is_told_as_that(node_dir):
    """The file is there, and the disk did not confirm its name."""
    begin(node_dir)
    done = run(node_dir, LINE, "-o", os.devnull, "-e", "trace=fsync",
               "-e", "inject=fsync:error=EIO:when=2")  # fmt: skip
    assert done.status == OutcomeUnknown.status, done
    assert "new.pem is written, but the disk did not confirm that it will last" in done.out
    assert listed(node_dir) == ["new.pem", "old.txt"]


def test_what_earlier_versions_have_left_goes_too(node_dir, say):
    begin(node_dir)
    (node_dir / "download" / ".other.pem.new").write_text("half")
    say("utils cert download own tomcat pem new.pem")
    assert listed(node_dir) == ["new.pem", "old.txt"]
