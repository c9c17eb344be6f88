"""TLS of one connection, between its valve and a stream.

asyncio has 256 KiB for each connection to read to, from the first octet on, and works through all
of it before anybody else is heard; here a valve gives a little at a time, by turns.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.frontends.valve import Valve

# Octets that are taken from a record at once: as many as it may have.
RECORD = 16 * 1024


class Secured(asyncio.Transport):
    """What the valve takes for its protocol, and `stream` for its transport.

    `protected` is done when the handshake is, with an OSError where none came of it.
    """

    def __init__(self, context: ssl.SSLContext, stream: asyncio.StreamReaderProtocol) -> None:
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._stream = stream
        self._valve: Any = None
        self._closing = self._congested = False
        self.protected: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- the protocol of the valve ----------------------------------------------------------------

    def connection_made(self, valve: Valve) -> None:
        """Begin to talk through the valve."""
        self._valve = valve
        valve.owner = self

    def look(self) -> None:
        """Nothing is left of input but what the stream takes."""

    def congested(self, is_so: bool) -> None:
        """Whoever writes waits, or no longer does."""
        if is_so != self._congested and self.protected.done():
            self._congested = is_so
            (self._stream.pause_writing if is_so else self._stream.resume_writing)()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or give the stream what is in the records."""
        if self._closing:
            return
        self._incoming.write(data)
        try:
            if not self.protected.done():
                self._tls.do_handshake()
                self._stream.connection_made(self)
                self.protected.set_result(None)
            self._read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._flush()

    def eof_received(self) -> None:
        """The client says no more: the connection ends."""
        if self.protected.done() and not self._closing:
            self._stream.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self._closing = True
        if not self.protected.done():
            self.protected.set_exception(error or ConnectionResetError())
        elif not self.protected.cancelled() and self.protected.exception() is None:
            self._stream.connection_lost(error)

    def _read(self) -> None:
        while data := self._tls.read(RECORD):
            self._stream.data_received(data)
        self._stream.eof_received()

    def _fail(self, error: ssl.SSLError) -> None:
        self._flush()  # It says why.
        if not self.protected.done():
            self.protected.set_exception(error)
        self._closing = True
        self._valve.close()

    def _flush(self) -> None:
        if octets := self._outgoing.read():
            self._valve.write(octets)

    # --- the transport of the stream --------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send `data`."""
        if not self._closing and data:
            self._tls.write(data)
            self._flush()

    def close(self) -> None:
        """Say that nothing more comes, and leave the end to the client."""
        if self._closing:
            return
        self._closing = True
        # The client need not have said so, too.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        self._valve.finish()

    def abort(self) -> None:
        """End the connection at once."""
        self._closing = True
        self._valve.abort()

    def is_closing(self) -> bool:
        """Whether it ends, or has ended."""
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the socket's transport tells."""
        return self._valve.get_extra_info(name, default)
