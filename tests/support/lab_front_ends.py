"""A node of a lab, and a line that is given to it through each front end there is."""

import asyncio
import contextlib
import os
import signal
import threading
import time

import asyncssh
from key_watch import WATCH
from ssh_server import Served, Shell

from cucmos_shell.frontends.start import run
from cucmos_shell.node import Node
from cucmos_shell.session import Session
from cucmos_shell.terminal import Terminal
from cucmos_shell.world import World

FRONT_ENDS = ("batch", "console", "exec", "shell")
SECONDS = 20.0


class FrontEnds:
    """A served node of a lab; `give` puts a line to it. Its connection is made when it is needed."""

    def __init__(self, folder):
        self.folder = folder
        self.served = Served(folder)
        self._loop = asyncio.new_event_loop()
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._wait(self._connection.wait_closed())
        self._loop.close()
        self.served.stop()

    def _wait(self, work):
        return self._loop.run_until_complete(asyncio.wait_for(work, SECONDS))

    def give(self, front_end, capfd, line, *answers, until=""):
        """What `line` was answered with, and how many seconds that took.

        With `until` the command is broken off by Ctrl-C once that is seen, or waited for.
        """
        begun = time.monotonic()
        said = getattr(self, f"_{front_end}")(capfd, line, answers, until)
        WATCH.received(said)
        return said.replace("\r\n", "\n"), time.monotonic() - begun

    def _batch(self, capfd, line, answers, until):
        script = self.folder.parent / "script"
        script.write_text("".join(f"{text}\n" for text in (line, *answers)))
        world = World.real()
        if until:
            world = world.replace(sleep=lambda seconds: os.kill(os.getpid(), signal.SIGINT))
        capfd.readouterr()
        run(["--state", str(self.folder), "-f", str(script)], world)
        return "".join(capfd.readouterr())

    def _console(self, _, line, answers, until):
        session = Session(Node.open(str(self.folder), World.real()))
        terminal = Terminal(session, columns=80, rows=0)
        terminal.start((), time.monotonic())
        said = bytearray()
        typed = "".join(f"{text}\r" for text in (line, *answers))
        pump(terminal, said, bytearray(typed.replace("\n", "\r").encode()), until)
        return said.decode()

    def connect(self):
        """The connection that all channels share, until one cuts it."""
        if self._connection is None or self._connection.is_closed():
            self._connection = self._wait(self.served.connect())
        return self._connection

    def _exec(self, _, line, answers, until):
        async def work():
            process = await connection.create_process(line, stderr=asyncssh.STDOUT)
            # What is refused at once may be at its end before anything is answered.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("".join(f"{text}\n" for text in answers))
                if not until:
                    process.stdin.write_eof()
            said = ""
            while more := await process.stdout.read(65536):
                said += more
                if until and until in said:
                    process.send_signal("INT")
            return said

        connection = self.connect()
        return self._wait(work())

    def _shell(self, _, line, answers, until):
        async def work():
            async with Shell(connection) as shell:
                shell.send("".join(f"{text}\r" for text in (line, *answers)).encode())
                said = b""
                while until and until.encode() not in said:
                    said += await shell.until(b"  \r\n")
                if until:
                    shell.send(b"\x03")
                try:
                    said += await shell.until()
                except EOFError as end:
                    said += end.args[0]
                return said.decode()

        connection = self.connect()
        return self._wait(work())


def pump(terminal, said, typed, until=""):
    """Type at the terminal until it waits for more; after `until`, press Ctrl-C."""
    end = time.monotonic() + SECONDS
    broken = False
    while time.monotonic() < end:
        work = terminal.take_work()
        if work is not None:
            terminal.worked(work(), time.monotonic())
        while out := terminal.take_output(time.monotonic()):
            said += out
        if until and until.encode() in said and not broken:
            broken = True
            terminal.receive(b"\x03", time.monotonic())
        if typed and (room := terminal.editor.room):
            terminal.receive(bytes(typed[:room]), time.monotonic())
            del typed[:room]
        elif terminal.ended or (terminal.waiting and terminal.deadline is None):
            return
        if terminal.deadline is not None:
            threading.Event().wait(min(0.01, max(0, terminal.deadline - time.monotonic())))
            terminal.tick(time.monotonic())
    raise AssertionError(bytes(said))
