"""Ratios, not times: what is measured and its yardstick take turns in one run."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def middle(values: Sequence[float]) -> float:
    """The median."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def process_time(command: Sequence[str], env: dict[str, str] | None = None) -> float:
    """Wall seconds of one run of `command`, its output thrown away; it must succeed."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=env)
    taken = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}")
    return taken


def ratio(
    measured: Callable[[], float], yardstick: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """`(ratio, seconds, seconds of the yardstick)`: medians of `rounds` interleaved runs."""
    one, two = [], []
    for _ in range(rounds):
        two.append(yardstick())
        one.append(measured())
    return middle(one) / middle(two), middle(one), middle(two)


_PEAK = """
import os, sys
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
sys.exit("the command failed") if status else print(usage.ru_maxrss)
"""


def peak_memory(command: Sequence[str]) -> float:
    """Peak resident memory of `command` in MiB.

    It is started by a small process: what is started inherits the peak of what started it.
    """
    small = [sys.executable, "-I", "-c", _PEAK, *command]
    done = subprocess.run(small, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


class Pty:
    """A program on a pseudo-terminal; bytes in, bytes out, no emulation."""

    def __init__(self, command: Sequence[str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(command[0], list(command))
        self.seen = b""

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    def until(self, text: bytes, timeout: float = 30.0) -> bytes:
        """Everything up to and including `text`."""
        end = time.monotonic() + timeout
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0.0, end - time.monotonic()))[0]:
                raise SystemExit(f"waited for {text!r}, saw {self.seen!r}")
            self.seen += os.read(self.fd, 65_536)
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def raw_cat() -> Pty:
    """`cat` on a pseudo-terminal in raw mode without echo: the yardstick of a round trip."""
    cat = Pty(["/bin/sh", "-c", "stty raw -echo; echo ready; exec cat"])
    cat.until(b"ready")
    time.sleep(0.2)
    cat.seen = b""
    return cat
