"""A node's SSH server, in a process of its own that ends with the one that has started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Seconds that a server may take to come to its end.
_PATIENCE = 30.0
_READY = "Listening on "
EXTRA = "test-kit"


class ServerFailed(Exception):
    """A server that did not start, or that is needed where its packages are not installed."""


class Server:
    """`cucmos-shell serve` for the node in `state`, started now; raises ServerFailed."""

    def __init__(self, state: Path, options: tuple[str, ...] = ()) -> None:
        if not has_extra():
            raise ServerFailed(f"An SSH server needs more: pip install 'cucmos-shell[{EXTRA}]'")
        command = [
            sys.executable, "-P", "-m", __name__,
            "serve", "--state", str(state), "--port", "0", *options,
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        if not ready.startswith(_READY):
            said = self.stop()
            raise ServerFailed(f"The SSH server of {state} did not start: {said or ready}")
        self.host, _, port = ready.removeprefix(_READY).strip().rpartition(":")
        self.port = int(port)

    def stop(self) -> str:
        """End it; returns what it has complained about."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            _, said = self._process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, said = self._process.communicate()
        return said.strip()


def has_extra() -> bool:
    """Whether the packages of a server are installed."""
    from importlib.util import find_spec

    try:
        return find_spec("asyncssh") is not None
    except ImportError:
        return False


def _main() -> None:
    """Be the server; ends when standard input does, which whoever has started it holds open."""
    import signal

    from cucmos_shell.__main__ import main

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    main()


if __name__ == "__main__":
    _main()
