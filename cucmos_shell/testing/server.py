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
_READY, _ALL_READY = "Listening on ", "Serving "
EXTRA = "test-kit"


class ServerFailed(Exception):
    """A server that did not start, or that is needed where its packages are not installed."""


class Server:
    """`cucmos-shell serve` for the node in `state`, started now; raises ServerFailed."""

    ready = _READY

    def __init__(self, state: Path, options: tuple[str, ...] = ()) -> None:
        if not has_extra():
            raise ServerFailed(f"An SSH server needs more: pip install 'cucmos-shell[{EXTRA}]'")
        command = [
            sys.executable, "-P", "-m", __name__, "serve", *self.served(state), *options,
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        lines = self._lines()
        if not lines[-1].startswith(self.ready):
            said = self.stop()
            raise ServerFailed(f"The SSH server of {state} did not start: {said or lines[0]}")
        # Where it listens, by the names of nodes where there are several.
        self.addresses = dict(_address(line) for line in lines if line.startswith(_READY))

    def served(self, state: Path) -> list[str]:
        """The options that say what it serves."""
        return ["--state", str(state), "--port", "0"]

    def _lines(self) -> list[str]:
        """What it says up to the line that it is ready, or all that it says."""
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline()]
        while lines[-1] and not lines[-1].startswith(self.ready):
            lines.append(self._process.stdout.readline())
        return lines

    def address(self, name: str = "") -> tuple[str, int]:
        """Host and port of the node of that name, or of the only one."""
        return self.addresses[name]

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


class InventoryServer(Server):
    """The same for all nodes of an inventory, whose file is its `state`."""

    ready = _ALL_READY

    def served(self, state: Path) -> list[str]:
        """The options that say what it serves."""
        return ["--inventory", str(state)]


def _address(line: str) -> tuple[str, tuple[str, int]]:
    """Name, host and port in `Listening on HOST:PORT for NAME`, or without a name."""
    where, _, name = line.removeprefix(_READY).strip().partition(" for ")
    host, _, port = where.rpartition(":")
    return name, (host.strip("[]"), int(port))


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
