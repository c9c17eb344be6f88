"""Running the program under strace: what it asks of the system, and what happens when that fails."""

from __future__ import annotations

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
from typing import NamedTuple

from places import CHECKOUT

_CALL = re.compile(r"(\d+) +(\w+)\((.*)$")
# Calls that ask nothing of a disk, so that a disk's errors cannot be theirs.
_NO_DISK = frozenset(
    [
        "brk",
        "clone3",
        "close",
        "connect",
        "execve",
        "exit_group",
        "futex",
        "getcwd",
        "getegid",
        "geteuid",
        "getgid",
        "getpid",
        "getrandom",
        "gettid",
        "getuid",
        "ioctl",
        "madvise",
        "mmap",
        "mprotect",
        "munmap",
        "prctl",
        "prlimit64",
        "rseq",
        "rt_sigaction",
        "rt_sigprocmask",
        "sched_getaffinity",
        "sendto",
        "set_robust_list",
        "sigaltstack",
        "socket",
        "umask",
        "uname",
    ]
)
# Calls that change what is on a disk, or what was said of it. Kills between two of them are one.
_CHANGES = frozenset(
    [
        "copy_file_range",
        "exit_group",
        "fallocate",
        "fchmod",
        "fchmodat",
        "fcntl",
        "fdatasync",
        "flock",
        "fsync",
        "ftruncate",
        "link",
        "linkat",
        "mkdir",
        "mkdirat",
        "pwrite64",
        "rename",
        "renameat",
        "renameat2",
        "rmdir",
        "sendfile",
        "sendto",
        "symlink",
        "symlinkat",
        "syncfs",
        "truncate",
        "unlink",
        "unlinkat",
        "utimensat",
        "write",
        "writev",
    ]
)
_NEEDS_ROOM = frozenset(
    ["fdatasync", "fsync", "mkdir", "openat", "rename", "symlink", "syncfs", "write"]
)


class Point(NamedTuple):
    """The `number`-th `call` of a thread, and the `fault` that strace is to inject there."""

    call: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number}"

    @property
    def inject(self) -> str:
        what = "signal=SIGKILL" if self.fault == "SIGKILL" else f"error={self.fault}"
        return f"inject={self.call}:{what}:when={self.number}"


class Run(NamedTuple):
    """How a run has ended."""

    status: int
    out: str
    err: str


def run(state: pathlib.Path, line: str, *options: str) -> Run:
    """Run `line` in the node at `state` under `strace OPTIONS`."""
    program = ["-m", "cucmos_shell", "--state", str(state), "--yes", "-c", line]
    return run_python(program, state, *options)


def run_python(program: list[str], folder: pathlib.Path, *options: str) -> Run:
    """Run Python with these arguments in `folder` under `strace OPTIONS`."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{sysconfig.get_paths()['purelib']}{os.pathsep}{CHECKOUT}",
        "PYTHONHASHSEED": "0",
    }
    done = subprocess.run(
        ["strace", "-f", "-qq", *options, sys.executable, "-S", "-B", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=120,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def trace(state: pathlib.Path, line: str, file: pathlib.Path, *options: str) -> list[str]:
    """The lines of the trace of a run that is left in peace."""
    done = run(state, line, "-o", str(file), *options)
    assert done.status == 0, done
    return file.read_text(errors="replace").splitlines()


class Kills:
    """Which kills differ: at a call that changes something, and at the first one after it.

    A process that is killed leaves what it has written and no memory, so that a kill between two
    reads leaves what one before both would have left.
    """

    def __init__(self) -> None:
        self._changed = True

    def differs(self, call: str, rest: str) -> bool:
        """Whether a kill at this call of a trace may leave what none before it has left."""
        before = self._changed
        self._changed = call in _CHANGES or (call == "openat" and "O_CREAT" in rest)
        return before or self._changed


def points(lines: list[str], state: pathlib.Path, opened: str = "lock") -> list[Point]:
    """Where to break off: from the opening of that file on, one call in fifty before it.

    Errors at every call that they can befall, kills where they differ.
    """
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    found: dict[Point, None] = {}
    locked, kills = False, Kills()
    for i, text in enumerate(lines):
        match = _CALL.match(text)
        if match is None:
            continue
        thread, call, rest = match.groups()
        seen[thread, call] += 1
        locked = locked or (call == "openat" and f'"{state / opened}"' in rest)
        differs = kills.differs(call, rest)
        if locked or i % 50 == 0:
            for fault in _faults(call, locked):
                if fault != "SIGKILL" or differs or not locked:
                    found[Point(call, seen[thread, call], fault)] = None
    assert locked, f"{opened} was never opened"
    return list(found)


def _faults(call: str, locked: bool) -> list[str]:
    faults = ["SIGKILL"]
    if locked and call not in _NO_DISK:
        faults.append("EIO")
        if call in _NEEDS_ROOM:
            faults.append("ENOSPC")
    return faults


def break_off(state: pathlib.Path, line: str, point: Point) -> Run:
    """Run `line` with the fault of `point`; only that call is traced, which is quick."""
    options = ["-o", os.devnull, "-e", f"trace={point.call}", "-e", point.inject]
    return run(state, line, *options)


def copy(folder: pathlib.Path, to: pathlib.Path) -> pathlib.Path:
    """A copy of a state folder, links as links."""
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(folder, to, symlinks=True)
