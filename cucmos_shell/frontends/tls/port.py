"""One port of a service: its listener, and the connections to it.

A connection is a task of the event loop, which ends with it. It has some seconds for its handshake,
and all ports of a node have so many connections at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from cucmos_shell.frontends.arrivals import let_in, reset
from cucmos_shell.frontends.guests import Guests
from cucmos_shell.frontends.http import MAX_HEAD, answer
from cucmos_shell.frontends.tls.secured import Secured
from cucmos_shell.frontends.tls.xmpp import CLIENT, SERVER, Opening, converse, hear_out
from cucmos_shell.frontends.valve import Valve
from cucmos_shell.node.access.networks import network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from cucmos_shell.frontends.arrivals import Ask
    from cucmos_shell.frontends.http import Route
    from cucmos_shell.frontends.shares import Share
    from cucmos_shell.frontends.turns import Turns
    from cucmos_shell.profile.machine import ListenSpec
    from cucmos_shell.world.faults import Fault, StandingFault

    # What shows another certificate than the port's own; None if there is none.
    Wrong = Callable[[str, Fault], Awaitable[ssl.SSLContext | None]]

POINT = "tls.accept"
# Connections that are taken at once, and seconds without any in a crowd, and when there was no free
# descriptor.
AT_ONCE, CROWD_PAUSE, PAUSE = 16, 0.002, 0.5
# Seconds of the loop that a connection counts for, besides its octets.
COST = 0.0005
# Seconds for all that comes before a connection is protected, for its end, and for all of one at
# which nobody is answered.
HELLO_SECONDS, END_SECONDS, WHOLE_SECONDS = 10.0, 2.0, 3600.0
NAMESPACES = {"starttls-xmpp": CLIENT, "starttls-xmpp-server": SERVER}
HTTPS = "https"


class Crowd:
    """The connections that are there, `most` at a time: old ones leave for new ones.

    They are of the network that has most, first those that are not protected yet.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._there: dict[asyncio.Task[None], str] = {}
        self._all, self._silent = Guests(), Guests()

    def __len__(self) -> int:
        return len(self._there)

    def enter(self, guest: asyncio.Task[None], network: str) -> None:
        """Take one more, of that network."""
        if len(self) >= self._most:
            largest = self._all.largest
            oldest = self._silent.oldest(largest) or self._all.oldest(largest)
            self.leave(oldest)
            oldest.cancel()
        self._there[guest] = network
        self._all.add(guest, network)
        self._silent.add(guest, network)

    def greet(self, guest: asyncio.Task[None]) -> None:
        """Note that one is protected now."""
        self._silent.take(guest, self._there.get(guest, ""))

    def leave(self, guest: asyncio.Task[None]) -> None:
        """Note that one has gone."""
        network = self._there.pop(guest, "")
        self._all.take(guest, network)
        self._silent.take(guest, network)


class TlsPort:
    """A port of a service of the node `host`; closed until it is told what to show.

    Nobody is shown anything as long as the `outage` of the node holds.
    """

    def __init__(
        self,
        service: str,
        spec: ListenSpec,
        listen: Callable[[], socket.socket],
        crowd: Crowd,
        *,
        turns: Turns,
        host: str,
        fault: Ask,
        outage: StandingFault,
        wrong: Wrong,
    ) -> None:
        self._service = service
        self._spec = spec
        self._listen = listen
        self._crowd = crowd
        self._turns = turns
        self._host = host
        self._fault = fault
        self._outage = outage
        self._wrong = wrong
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._key: object = None
        self._context: ssl.SSLContext | None = None
        self._routes: Mapping[str, Route] = {}
        self._visits: set[asyncio.Task[None]] = set()

    # --- open and closed --------------------------------------------------------------------------

    def show(self, key: object, context: ssl.SSLContext, routes: Mapping[str, Route]) -> None:
        """Show a certificate from now on. Raises Unavailable.

        With another `key` than before the service has been started again: connections end.
        """
        if self._key != key:
            self.drop()
        self._context, self._routes = context, routes
        if self._listener is None:
            self._listener = self._listen()
            self._loop.add_reader(self._listener, self._accept)
        self._key = key

    def close(self) -> None:
        """Let nobody in, and end all connections."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self._key = self._context = None
        self.drop()

    def drop(self) -> None:
        """End all connections."""
        for visit in self._visits:
            visit.cancel()

    @property
    def empty(self) -> bool:
        """Whether no connection is left."""
        return not self._visits

    # --- connections ------------------------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listener is not None
        crowded = self._turns.in_the_way()
        for _ in range(1 if crowded else AT_ONCE):
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError:
                self._rest(PAUSE)
                return
            sock.setblocking(False)
            network = network_of(str(address[0]))
            share = self._turns.stranger(network)
            self._turns.count(share, COST)
            visit = self._loop.create_task(self._visit(sock, share))
            self._visits.add(visit)
            visit.add_done_callback(self._gone)
            self._crowd.enter(visit, network)
        if crowded:
            self._rest(CROWD_PAUSE)

    def _rest(self, seconds: float) -> None:
        listener = self._listener
        assert listener is not None
        self._loop.remove_reader(listener)

        def go_on() -> None:
            if self._listener is listener:
                self._loop.add_reader(listener, self._accept)

        self._loop.call_later(seconds, go_on)

    def _gone(self, visit: asyncio.Task[None]) -> None:
        self._visits.discard(visit)
        self._crowd.leave(visit)
        if not visit.cancelled():
            # A mistake is told as those of the loop are.
            visit.result()

    async def _visit(self, sock: socket.socket, share: Share) -> None:
        ends = (OSError, TimeoutError, asyncio.LimitOverrunError, EOFError)
        with contextlib.suppress(*ends), contextlib.ExitStack() as mine:
            mine.callback(sock.close)
            context = await self._met(sock)
            if context is None:
                return
            namespace = NAMESPACES.get(self._spec.speaks)
            if namespace is not None:
                async with asyncio.timeout(HELLO_SECONDS):
                    await Opening(sock, namespace, self._host).until_tls()
            # From here on the socket is the loop's, which knows it by its number.
            mine.pop_all()
            await self._protect(sock, share, context, namespace)

    async def _met(self, sock: socket.socket) -> ssl.SSLContext | None:
        """What to show to a client; None if it is not let in."""
        if self._outage.holds():
            reset(sock)
            return None
        context = self._context
        facts = {"service": self._service, "port": str(self._spec.port)}
        fault = self._fault(POINT, facts)
        if fault is None:
            return context
        if fault.do == "wrong-certificate":
            return await self._wrong(self._spec.unit, fault)
        return context if await let_in(sock, fault) else None

    async def _protect(
        self,
        sock: socket.socket,
        share: Share,
        context: ssl.SSLContext,
        namespace: str | None,
    ) -> None:
        reader = asyncio.StreamReader(MAX_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        secured = Secured(context, protocol)
        valve = Valve(self._turns, share, secured)
        await self._loop.connect_accepted_socket(lambda: valve, sock)
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                await secured.protected
            visit = asyncio.current_task()
            assert visit is not None
            self._crowd.greet(visit)
            if self._spec.speaks != HTTPS:
                valve.lift_limit()
            writer = asyncio.StreamWriter(secured, protocol, reader, self._loop)
            await self._speak(reader, writer, namespace)
            writer.close()
            async with asyncio.timeout(END_SECONDS):
                await writer.wait_closed()
        finally:
            secured.abort()

    async def _speak(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, namespace: str | None
    ) -> None:
        if self._spec.speaks == HTTPS:
            await answer(reader, writer, self._routes)
            return
        async with asyncio.timeout(WHOLE_SECONDS):
            if namespace is not None:
                await converse(reader, writer, namespace, self._host)
            else:
                await hear_out(reader)
