"""A signal at any system call of a console's first and last moments: the terminal is given back."""

import collections
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import sysconfig
import termios
import time

import pytest
from places import CHECKOUT
from sweeping import every

NUMBERS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_CALL = re.compile(r"(\d+) +(\w+)\(")
OWN_FIRST = "rt_sigaction(SIGINT, {sa_handler=SIG_DFL"
AT_ONCE = 1.0
PYTHON = {"PYTHONPATH": f"{sysconfig.get_paths()['purelib']}{os.pathsep}{CHECKOUT}"}


def _at_the_terminal():
    """What a login does: tests may run where Ctrl-C is ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Console:
    """The program on a terminal of its own, under strace."""

    def __init__(self, state, *strace, words=()):
        self.master, self.device = pty.openpty()
        self.before = termios.tcgetattr(self.device)
        command = ["strace", "-f", "-qq", *strace, sys.executable, "-S", "-B", "-m", "cucmos_shell"]
        self.process = subprocess.Popen(
            [*command, "--state", str(state), *words],
            stdin=self.device, stdout=self.device, stderr=self.device,
            env={"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONHASHSEED": "0", **PYTHON},
            start_new_session=True,
            preexec_fn=_at_the_terminal,
        )  # fmt: skip
        self.exit = os.pidfd_open(self.process.pid)
        self.out = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for descriptor in (self.exit, self.device, self.master):
            os.close(descriptor)

    def until(self, text, seconds):
        """Whether `text` comes, or the program ends, within so many seconds; True for the text."""
        end = time.monotonic() + seconds
        while text not in self.out:
            ready, _, _ = select.select([self.exit, self.master], [], [], end - time.monotonic())
            assert ready, self.out
            if self.master not in ready:
                return False
            self.out += os.read(self.master, 65536)
        return True

    def leave(self):
        """Type `exit`, and wait for the end; seconds it has taken."""
        begun = time.monotonic()
        os.write(self.master, b"exit\r")
        self.until(b"\0never\0", 20)
        return time.monotonic() - begun


def calls(state, folder):
    """The calls of a session that is left in peace: `(call, its number in its thread)`.

    Those that set the terminal's mode map to True.
    """
    with Console(state, "-o", str(folder / "trace")) as at:
        assert at.until(b"admin:", 20)
        at.leave()
        assert at.process.wait() == 0
    seen = collections.Counter()
    found, begun = {}, False
    for line in (folder / "trace").read_text(errors="replace").splitlines():
        if match := _CALL.match(line):
            thread, call = match.groups()
            seen[thread, call] += 1
            # Before the program's own first line the interpreter decides what a signal does.
            begun = begun or OWN_FIRST in line
            if begun:
                sets = "TCSETS" in line or found.get((call, seen[thread, call]), False)
                found[call, seen[thread, call]] = sets
    return found


def check(state, call, number, which):
    inject = f"inject={call}:signal={which.name}:when={number}"
    where = f"{which.name} at {call} {number}"
    with Console(state, "-o", os.devnull, "-e", f"trace={call}", "-e", inject) as at:
        took = at.leave() if at.until(b"admin:", 20) else 0.0
        status = at.process.wait()
        assert took < AT_ONCE + 1, f"{where}: {took} s"
        # What is left of the terminal, and nothing of Python on it.
        assert termios.tcgetattr(at.device) == at.before, f"{where}: {status} {at.out}"
        assert b"Traceback" not in at.out, f"{where}: {at.out}"
        assert b"rror" not in at.out, f"{where}: {at.out}"
        assert status in (0, 128 + which, -which), f"{where}: {status} {at.out}"


@pytest.mark.parametrize("which", NUMBERS, ids=lambda number: number.name)
def test_a_signal_at_any_call_leaves_the_terminal_as_it_was(node_dir, tmp_path, which):
    """A share of all calls, from the first line of the program to its last one.

    Those that take the terminal and give it back are always among them.
    """
    found = calls(node_dir, tmp_path)
    assert len(found) > 500
    assert sum(found.values()) >= 4
    chosen = list(found)[NUMBERS.index(which) * 7 :: every(of=200)]
    for call, number in dict.fromkeys((*(point for point in found if found[point]), *chosen)):
        if call not in ("exit_group", "execve"):
            check(node_dir, call, number, which)


def test_ctrl_c_before_the_program_is_loaded_says_nothing(node_dir, tmp_path):
    """From the second line of the script on; before that it is Python that starts."""
    script = CHECKOUT / "etc" / "bin" / "cucmos-shell"
    program = [sys.executable, "-S", "-B", str(script), "--state", str(node_dir), "show myself"]
    trace = tmp_path / "trace"

    def run(*strace):
        return subprocess.run(
            ["strace", "-qq", "-o", str(trace), *strace, *program],
            capture_output=True, env={"PATH": os.environ["PATH"], **PYTHON},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    assert run("-e", "trace=newfstatat,openat,rt_sigaction").returncode == 0
    seen = collections.Counter()
    points, begun = [], False
    for line in trace.read_text(errors="replace").splitlines():
        call = line.partition("(")[0]
        seen[call] += 1
        if begun and call == "newfstatat":
            points.append(seen[call])
        begun = begun or OWN_FIRST in line
        assert begun or "cucmos_shell/" not in line
    assert len(points) > 50
    for number in points[: 40 : every(of=6)]:
        done = run("-e", f"inject=newfstatat:signal=SIGINT:when={number}")
        assert (done.returncode, done.stderr) == (-signal.SIGINT, b""), number


@pytest.mark.parametrize("which", NUMBERS, ids=lambda number: number.name)
def test_a_password_that_a_batch_asks_for_leaves_the_echo_on(node_dir, which):
    """On a terminal; whatever ends the program meanwhile."""
    words = ("-c", "set password user admin")
    with Console(node_dir, "-e", "trace=none", words=words) as at:
        assert at.until(b"old password: ", 20)
        while termios.tcgetattr(at.device) == at.before:
            select.select([], [], [], 0.01)
        os.kill(child(at.process.pid), which)
        at.until(b"\0never\0", 20)
        assert at.process.wait() in (128 + which, -which)
        assert termios.tcgetattr(at.device) == at.before
        assert b"Traceback" not in at.out


def child(pid):
    """The process that strace follows."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[0])
