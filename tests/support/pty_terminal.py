"""A pseudo-terminal with the console's test program on it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pexpect
import pexpect.fdpexpect
from places import CHECKOUT, SUPPORT

PROGRAM = SUPPORT / "console_session.py"
ENVIRONMENT = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(CHECKOUT)}


class Terminal:
    """A pseudo-terminal with the console on it, which is the leader of its own session."""

    def __init__(self, *options, rows=24, columns=80):
        self.master, self.device = pty.openpty()
        self.resize(rows, columns)
        self.mode_before = termios.tcgetattr(self.device)
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *options],
            stdin=self.device,
            stdout=self.device,
            stderr=self.device,
            env=ENVIRONMENT,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.exit = os.pidfd_open(self.process.pid)
        self.screen = pexpect.fdpexpect.fdspawn(self.master, timeout=20)
        self.screen.delaybeforesend = None
        self.out = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def mode(self):
        return termios.tcgetattr(self.device)

    def until(self, text):
        """What comes before `text`."""
        self.screen.expect_exact(text)
        self.out += self.screen.before + self.screen.after
        return self.screen.before

    def type(self, text):
        self.screen.send(text)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def ended(self, within):
        """The exit status, which must come `within` seconds; `out` is complete then."""
        deadline = time.monotonic() + within
        while True:
            patience = deadline - time.monotonic()
            ready, _, _ = select.select([self.exit, self.master], [], [], max(0, patience))
            assert ready, "still there"
            if self.master in ready:
                self.out += os.read(self.master, 65536)
            else:
                return self.process.wait()

    def close(self):
        self.process.kill()
        self.process.wait()
        for descriptor in (self.exit, self.device, self.master):
            os.close(descriptor)
