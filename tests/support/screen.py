"""A terminal without a terminal: keys in, the screen's bytes out, time by the test's clock."""

from key_watch import WATCH

from cucmos_shell.session import Session
from cucmos_shell.terminal import Terminal


class Screen:
    """A session at a terminal of 24 rows, run in one thread."""

    def __init__(self, node, *, banner=True, columns=80, **options):
        self.node = node
        self.session = Session(node, **options)
        self.terminal = Terminal(self.session, columns=columns, rows=24)
        self.terminal.start(self.session.banner if banner else (), self._now())
        self.seen = ""
        self.settle()

    def _now(self):
        return self.node.world.monotonic()

    def type(self, keys):
        """Type `keys` (text; CR is Enter) and wait until nothing more happens; what was written."""
        before = len(self.seen)
        self.terminal.receive(keys.encode(), self._now())
        self.settle()
        return self.seen[before:]

    def settle(self):
        """Work, wait and write until the terminal waits for a key."""
        while True:
            if work := self.terminal.take_work():
                self.terminal.worked(work(), self._now())
            elif out := self.terminal.take_output(self._now()):
                self.seen += out.decode()
                WATCH.received(out, id(self))
            elif self.terminal.deadline is not None and not self.terminal.ended:
                wait = self.terminal.deadline - self._now()
                if wait > 5:
                    return
                self.node.world.sleep(max(wait, 0.0))
                self.terminal.tick(self._now())
            else:
                return
