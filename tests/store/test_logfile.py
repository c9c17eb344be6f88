"""The log that processes share: whole lines, a rotation, and what a crash or a full disk leaves."""

import os
import signal
import subprocess
import sys

import pytest

from cucmos_shell.errors import Unavailable
from cucmos_shell.store.logfile import RESERVED, LogFile


def log_in(folder, **options):
    """A log of at most 100 octets and four files in `folder`."""
    path = str(folder / "logs" / "log")
    options = {"max_size": 100, "max_files": 4, **options}
    return LogFile("tried log", lambda age: f"{path}.{age}", **options)


def lines(log):
    """All lines that are kept, oldest first."""
    return b"".join(reversed(list(log.contents()))).decode().splitlines()


def test_lines_come_back_and_are_the_owners(tmp_path):
    """The folder is made with the first line."""
    log = log_in(tmp_path)
    assert lines(log) == []
    log.append(b"one\n")
    log.append(b"two\nthree\n")
    assert lines(log) == ["one", "two", "three"]
    assert os.stat(tmp_path / "logs").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "logs" / "log.0").st_mode & 0o777 == 0o600


def test_the_log_rotates_by_size_and_the_oldest_go(tmp_path):
    """A file is over the limit by one line at most, and the newest lines are kept."""
    log = log_in(tmp_path)
    for number in range(200):
        log.append(b"line %d\n" % number)
    names = sorted(os.listdir(tmp_path / "logs"))
    assert names == ["log.0", "log.1", "log.2", "log.3"]
    sizes = [os.stat(tmp_path / "logs" / name).st_size for name in names]
    assert all(100 < size <= 109 for size in sizes[1:])
    kept = lines(log)
    assert kept == [f"line {n}" for n in range(200 - len(kept), 200)]
    assert next(log.contents()).endswith(b"line 199\n")


WRITER = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from test_logfile import log_in
log = log_in(pathlib.Path(sys.argv[2]), max_size=2000, max_files=100)
print("ready", flush=True)
sys.stdin.readline()
for number in range(500):
    log.append(f"{sys.argv[3]} {number} {'x' * (number % 60)}.\\n".encode())
"""


def test_two_processes_lose_and_tear_no_line(tmp_path):
    """Nor change their order, whoever rotates."""
    folder = os.path.dirname(__file__)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, folder, str(tmp_path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("ann", "bob")
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    found = lines(log_in(tmp_path, max_files=100))
    assert len(os.listdir(tmp_path / "logs")) > 10
    for name in ("ann", "bob"):
        mine = [line for line in found if line.startswith(name)]
        assert mine == [f"{name} {number} {'x' * (number % 60)}." for number in range(500)]
    assert len(found) == 1000


def test_the_next_line_after_a_crash_starts_afresh(tmp_path):
    """A process that is killed in the middle of a line leaves half of it, and the lock."""
    log = log_in(tmp_path)
    log.append(b"whole\n")
    code = (
        "import pathlib, resource, signal, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_logfile import log_in\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (13, 13))\n"
        "log_in(pathlib.Path(sys.argv[2])).append(b'cut short here\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, os.path.dirname(__file__), str(tmp_path)])
    assert done.returncode == -signal.SIGXFSZ
    log.append(b"next\n")
    assert lines(log) == ["whole", "cut sho", "next"]


def test_a_rotation_that_was_cut_short_hides_nothing(tmp_path):
    """A crash between two renames leaves a gap among the files."""
    log = log_in(tmp_path)
    for number in range(30):
        log.append(b"line %d\n" % number)
    before = lines(log)
    os.rename(tmp_path / "logs" / "log.1", tmp_path / "logs" / "log.2")
    gone = len(before) - len(lines(log))
    os.rename(tmp_path / "logs" / "log.0", tmp_path / "logs" / "log.1")
    assert lines(log) == before[gone:]
    log.append(b"next\n")
    assert lines(log) == [*before[gone:], "next"]


LIMITED = """
import pathlib, resource, signal, sys
sys.path.insert(0, sys.argv[1])
from test_logfile import lines, log_in
from cucmos_shell.errors import Unavailable
log = log_in(pathlib.Path(sys.argv[2]), max_size=1000)
log.append(b"first\\n")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    log.append(b"second\\n")
except Unavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
log.append(b"third\\n")
print(lines(log))
"""


def test_a_line_that_is_taken_in_part_is_refused(tmp_path):
    """The limit on the size of files stands in for the disk; the next line starts afresh."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, os.path.dirname(__file__), str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "The tried log cannot be written: File too large",
        "['first', 'seco', 'third']",
    ], done.stderr


def test_a_full_disk_costs_the_reserve_then_the_line(tmp_path):
    """Room that was set aside is given up for the line; where that does not help, it is said."""
    reserve = tmp_path / "run" / "reserve"
    log = LogFile(
        "tried log", lambda age: "/dev/full", max_size=100, max_files=2, reserve=str(reserve)
    )
    log.keep_reserve()
    assert os.stat(reserve).st_size == RESERVED
    log.keep_reserve()
    with pytest.raises(Unavailable, match="The tried log cannot be written: No space left"):
        log.append(b"line\n")
    assert not reserve.exists()


def test_a_log_that_cannot_be_opened_says_why(tmp_path):
    """For writing and for reading; a link is not followed."""
    log = log_in(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "log.0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="The tried log cannot be written: Too many levels"):
        log.append(b"line\n")
    with pytest.raises(Unavailable, match="The tried log cannot be read: Too many levels"):
        lines(log)
    assert not (tmp_path / "elsewhere").exists()
