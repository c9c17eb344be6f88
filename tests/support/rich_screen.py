"""The rich console's line on a pseudo-terminal, and what its screen shows after each painting."""

import fcntl
import os
import pty
import struct
import termios
import threading

from cucmos_shell.frontends.rich.background import Background
from cucmos_shell.frontends.rich.line import LineReader


class RichScreen:
    """One line read: `play` types when the screen shows what is waited for.

    `shown` is the screen of the last painting, a text a row; `raw` all that was written.
    """

    def __init__(self, session, *, rows=24, columns=80, attention=None, history=()):
        self.master, self.device = pty.openpty()
        self.resize(rows, columns)
        self.reader = LineReader(
            session,
            self.device,
            self.device,
            list(history),
            Background(iter(())),
            attention,
            20,
            session.node.now,
        )
        self.app = self.reader.prompts.app
        self.app.after_render += lambda _: self._painted()
        self.shown = []
        self.raw = b""
        self._steps = []
        self._gone = threading.Thread(target=self._read, daemon=True)
        self._gone.start()

    def _read(self):
        while data := self._some():
            self.raw += data

    def _some(self):
        try:
            return os.read(self.master, 65536)
        except OSError:
            return b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.device, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resized(self, rows, columns):
        """A step: the terminal gets another size, as by a signal."""
        self.resize(rows, columns)
        self.app._on_resize()

    def _painted(self):
        screen = self.app.renderer.last_rendered_screen
        if screen is None or self.app.is_done:
            return
        columns = range(self.app.output.get_size().columns)
        self._cells = [[screen.data_buffer[y][x] for x in columns] for y in range(screen.height)]
        self.shown = ["".join(cell.char for cell in row).rstrip() for row in self._cells]
        self._go_on()

    def _go_on(self):
        if not self._steps:
            return
        wanted, step = self._steps[0]
        if wanted("\n".join(self.shown)) if callable(wanted) else wanted in "\n".join(self.shown):
            self._steps.pop(0)
            self.seen.append(self.shown)
            if callable(step):
                step()
            else:
                self.type(step)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def play(self, *steps):
        """Go through `(what the screen shows, what is typed or done then)`; the line that is read.

        What it shows is a text, or a function that tells of the screen.

        `seen` has the screen of each step.
        """
        self._steps, self.seen = list(steps), []
        return self.reader.read()

    def has(self, word, name):
        """Whether all of `word`, at its first place on the screen, is of the class `name`."""
        y = next(y for y, row in enumerate(self.shown) if word in row)
        x = self.shown[y].index(word)
        return all(f"class:{name}" in cell.style for cell in self._cells[y][x : x + len(word)])

    def close(self):
        os.close(self.device)
        self._gone.join(20)
        os.close(self.master)
