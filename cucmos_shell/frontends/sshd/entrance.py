"""A listening socket, from which a round of the event loop takes one connection and no more."""

from __future__ import annotations

import asyncio

from cucmos_shell.frontends.sshd.limits import held_back, work_within
from cucmos_shell.frontends.sshd.turns import Turns
from cucmos_shell.frontends.sshd.valve import Valve
from cucmos_shell.node.access.networks import network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

# Seconds until the next is taken when there was no free descriptor, and in a crowd: making all that
# a connection needs takes half a millisecond, whatever it is for.
PAUSE, CROWD_PAUSE = 0.5, 0.002
# Seconds of the loop that this counts for, with the end of the connection.
COST = 0.001


class Entrance:
    """Takes connections, each with a valve between its socket and its SSH.

    It is what `asyncssh.listen` takes for its `tunnel`: something that makes a server, and the
    server, too.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._turns = Turns(self._loop)
        self._factory: Callable[[str, int], Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def create_server(
        self, factory: Callable[[str, int], Any], host: str, port: int
    ) -> Entrance:
        """Begin to take connections; `factory` makes the SSH of one."""
        self._factory = factory
        self._open()
        return self

    def close(self) -> None:
        """Take no more."""
        self._factory = None
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _open(self) -> None:
        if self._factory is not None:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return  # Another process was faster, or the client has changed its mind.
        except OSError:
            self._pause(PAUSE)
            return
        if self._turns.crowded():
            self._pause(CROWD_PAUSE)
        sock.setblocking(False)
        task = self._loop.create_task(self._connect(sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._open)

    async def _connect(self, sock: socket.socket) -> None:
        try:
            address = str(sock.getpeername()[0])
        except OSError:
            sock.close()
            return
        if self._factory is None:
            sock.close()
            return
        ssh = self._factory(address, 0)
        share = self._turns.stranger(network_of(address))
        self._turns.count(share, COST)
        valve = Valve(self._turns, share, ssh, held_back)
        work_within(ssh, valve.beside)
        await self._loop.connect_accepted_socket(lambda: valve, sock)
