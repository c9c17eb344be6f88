"""The console: a session at a real terminal."""

from __future__ import annotations

import os
import time

from cucmos_shell.frontends.tty import RawMode, Signals, TtyLoop, size
from cucmos_shell.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cucmos_shell.terminal.protocols import NodeTime, Partner


def run(
    session: Partner,
    stdin_fd: int,
    stdout_fd: int,
    banner_lines: Iterable[str],
    *,
    history: list[str] | None = None,
    idle_timeout: float | None = None,
    over: Callable[[], bool] | None = None,
    clock: NodeTime | None = None,
) -> int:
    """Serve `session` at a terminal until it ends. Returns the exit status.

    `history`: earlier lines, oldest first; new ones are added. `idle_timeout`: seconds of `clock`
    without a key after which the session is closed. `over` tells when it was ended elsewhere. The
    terminal is raw meanwhile, and as before afterwards. A signal to end (SIGHUP, SIGTERM) gives
    work in progress a moment, and never more.
    """
    with Signals() as signals, RawMode(stdin_fd) as raw:
        columns, rows = size(stdout_fd)
        terminal = Terminal(
            session,
            columns=columns,
            rows=rows,
            history=history,
            idle_timeout=idle_timeout,
            over=over,
            clock=clock,
        )
        loop = TtyLoop(terminal, stdin_fd, stdout_fd, signals, raw)
        terminal.start(banner_lines, time.monotonic())
        status = loop.run()
        gone = loop.stop()
    if not gone:
        # A thread is deep in work that knows no interruption. The store is made for a sudden end,
        # whoever closed the line is not made for waiting.
        os._exit(status)
    return status
