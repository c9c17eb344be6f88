"""Several processes that do the same, replaced when they end, until a signal ends all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.host import ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from cucmos_shell.world import World

    # Gets what to call when it is ready, and a pipe that becomes readable when it is to end.
    Work = Callable[[Callable[[], None], int], object]

# A worker that ends sooner than this is followed by another only after as long a pause.
RESTART_PAUSE = 1.0


class Workers:
    """So many processes that do `work`."""

    def __init__(self, count: int, work: Work, world: World) -> None:
        self._count = count
        self._work = work
        self._world = world
        # Closed when this process ends, however that happens; the workers watch the other end.
        self._alive, self._mine = os.pipe()
        self._children: dict[int, float] = {}
        self._stopping = False

    def keep(self, ready: Callable[[], None]) -> None:
        """Start them, say `ready` when all are, and replace those that end."""
        for number in ENDING:
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._spawn()
        ready()
        while self._children:
            try:
                child, _ = os.wait()
            except ChildProcessError:
                return
            lived = self._world.patience() - self._children.pop(child, 0.0)
            if lived < RESTART_PAUSE and not self._stopping:
                self._world.sleep(RESTART_PAUSE)
            self._spawn()

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for child in list(self._children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def _spawn(self) -> None:
        """One more, unless all are to end; it is ready, or has died."""
        if self._stopping:
            return
        reader, writer = os.pipe()
        # A signal between the fork and the child's own handlers would be nobody's.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        child = os.fork()
        if not child:
            os.close(reader)
            os.close(self._mine)
            self._be_worker(writer)
        os.close(writer)
        self._children[child] = self._world.patience()
        # From here on `_stop` knows the child.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        if self._stopping:
            self._stop()
        # The worker closes its end when it is ready, or dies.
        os.read(reader, 1)
        os.close(reader)

    def _be_worker(self, writer: int) -> NoReturn:
        status = 1
        try:
            for number in ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            self._work(lambda: os.close(writer), self._alive)
            status = 0
        except ShellError as error:
            sys.stderr.write(f"cucmos-shell: {error.message()}\n")
        except Exception as error:
            # What the error says might hold foreign data or a key.
            sys.stderr.write(f"cucmos-shell: internal error ({type(error).__name__})\n")
        finally:
            sys.stderr.flush()
            os._exit(status)
