"""A listening socket: a round of the event loop begins one connection and no more."""

from __future__ import annotations

import asyncio
import socket

from cucmos_shell.frontends.arrivals import let_in, reset
from cucmos_shell.frontends.lines import WaitingLine
from cucmos_shell.frontends.sshd.limits import held_back, unfinished, work_within
from cucmos_shell.frontends.valve import Valve
from cucmos_shell.node.access.networks import network_of
from cucmos_shell.world.world import no_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.frontends.arrivals import Ask
    from cucmos_shell.frontends.turns import Turns
    from cucmos_shell.world.faults import StandingFault

# Connections that are taken at once, and that may wait to be begun: taking one costs little, and
# one that is not taken waits behind all others in the kernel, whoever they are.
AT_ONCE, MAX_WAITING = 16, 256
# Seconds until the next is begun in a crowd, until more are taken when too many wait, and until any
# is taken when there was no free descriptor.
CROWD_PAUSE, FULL_PAUSE, PAUSE = 0.002, 0.002, 0.5
# Seconds of the loop that a connection counts for: all it needs, and its end, whatever it is for.
COST = 0.001


class Entrance:
    """Takes connections, and begins them by networks: each gets a valve between socket and SSH.

    It is what `asyncssh.listen` takes for its `tunnel`: something that makes a server, and the
    server, too. `turns` are those of all connections of the process.
    """

    def __init__(
        self,
        listener: socket.socket,
        turns: Turns,
        fault: Ask = no_fault,
        outage: StandingFault | None = None,
    ) -> None:
        self._listener = listener
        self._fault = fault
        self._outage = outage
        self._loop = asyncio.get_running_loop()
        self._turns = turns
        self._factory: Callable[[str, int], Any] | None = None
        self._line = WaitingLine()
        self._listens = False
        self._call: asyncio.Handle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def create_server(
        self, factory: Callable[[str, int], Any], host: str, port: int
    ) -> Entrance:
        """Begin to take connections; `factory` makes the SSH of one."""
        self._factory = factory
        self._listen()
        return self

    def close(self) -> None:
        """Take no more, and leave those that wait."""
        self._factory = None
        self._loop.remove_reader(self._listener)
        self._listener.close()
        while (found := self._line.take()) is not None:
            found[0].close()

    # --- taking -----------------------------------------------------------------------------------

    def _listen(self) -> None:
        if self._factory is not None and not self._listens:
            self._listens = True
            self._loop.add_reader(self._listener, self._accept)

    def _rest(self, seconds: float) -> None:
        self._listens = False
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._listen)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                break  # Another process was faster, or that was all.
            except ConnectionError:
                continue
            except OSError:
                self._rest(PAUSE)
                break
            sock.setblocking(False)
            self._add(sock)
        if self._line.size > MAX_WAITING:
            while self._line.size > MAX_WAITING:
                self._line.take_from_longest()[0].close()
            self._rest(FULL_PAUSE)
        self._go_on()

    def _add(self, sock: socket.socket) -> None:
        try:
            address = str(sock.getpeername()[0])
        except OSError:
            sock.close()
            return
        self._line.put((network_of(address), ""), (sock, address))

    # --- beginning --------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._call is None and self._line:
            if self._turns.crowded():
                self._call = self._loop.call_later(CROWD_PAUSE, self._begin_next)
            else:
                self._call = self._loop.call_soon(self._begin_next)

    def _begin_next(self) -> None:
        self._call = None
        while (found := self._line.take()) is not None:
            sock, address = found
            if self._factory is not None and not _has_gone(sock):
                task = self._loop.create_task(self._connect(self._factory, sock, address))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                break
            sock.close()
        self._go_on()

    async def _connect(
        self, factory: Callable[[str, int], Any], sock: socket.socket, address: str
    ) -> None:
        if self._outage is not None and self._outage.holds():
            reset(sock)
            sock.close()
            return
        fault = self._fault("ssh.accept", {"address": address})
        if fault is not None and not await let_in(sock, fault):
            return
        ssh = factory(address, 0)
        share = self._turns.stranger(network_of(address))
        self._turns.count(share, COST)
        valve = Valve(self._turns, share, ssh, held_back, unfinished)
        work_within(ssh, valve.beside)
        await self._loop.connect_accepted_socket(lambda: valve, sock)


def _has_gone(sock: socket.socket) -> bool:
    """Whether the client has closed the connection, and sent nothing."""
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
