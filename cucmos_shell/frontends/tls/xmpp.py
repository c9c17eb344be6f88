"""What XMPP says before TLS (RFC 6120, 5.4), and the opening of a stream behind it.

Nothing here is a parser of XML: of what a client sends before TLS only the two tags count that
begin it, and whoever sends anything else is told that it is no stream.
"""

from __future__ import annotations

import asyncio
import os
from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

# The most that comes before TLS.
MAX_OCTETS = 4096
CLIENT, SERVER = "jabber:client", "jabber:server"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
REQUIRED = f"<stream:features><starttls xmlns='{TLS}'><required/></starttls></stream:features>"
PROCEED = f"<proceed xmlns='{TLS}'/>"
NO_STREAM = (
    "<stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
    "</stream:error></stream:stream>"
)
NOTHING = "<stream:features/>"


class NoStream(OSError):
    """What came is no beginning of TLS in a stream."""


class Opening:
    """The talk before TLS over a socket, by an entity `host` that knows streams of `namespace`."""

    def __init__(self, sock: socket.socket, namespace: str, host: str) -> None:
        self._sock = sock
        self._namespace = namespace
        self._host = host
        self._came = b""
        self._count = 0
        self._loop = asyncio.get_running_loop()

    async def until_tls(self) -> None:
        """Talk until the client may begin with TLS. Raises NoStream, and what a socket does."""
        if not _opens(await self._tag(), self._namespace):
            await self._refuse()
        await self._send(header(self._namespace, self._host) + REQUIRED)
        tag = await self._tag()
        # What came behind the tag was not protected, and would be taken for what is.
        if not tag.startswith("<starttls") or TLS not in tag or self._came:
            await self._refuse()
        await self._send(PROCEED)

    async def _tag(self) -> str:
        """The next tag, behind the declaration of XML that may stand before the first."""
        while True:
            while b">" not in self._came:
                more = await self._loop.sock_recv(self._sock, 1024)
                self._count += len(more)
                if not more or self._count > MAX_OCTETS:
                    raise NoStream("no stream")
                self._came += more
            tag, _, self._came = self._came.partition(b">")
            text = tag.decode("utf-8", "replace").strip()
            self._came = self._came.lstrip()
            if not text.startswith("<?"):
                return text

    async def _send(self, text: str) -> None:
        await self._loop.sock_sendall(self._sock, text.encode())

    async def _refuse(self) -> None:
        await self._send(header(self._namespace, self._host) + NO_STREAM)
        raise NoStream("no stream")


def header(namespace: str, host: str) -> str:
    """The opening of a stream, with an identity that nobody else has."""
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='{namespace}' from='{escape(host)}' "
        f"xmlns:stream='http://etherx.jabber.org/streams' id='{os.urandom(8).hex()}' version='1.0'>"
    )


def _opens(tag: str, namespace: str) -> bool:
    return tag.startswith("<stream:stream") and namespace in tag


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, namespace: str, host: str
) -> None:
    """Open the stream that follows TLS, and hear a client out. Nobody can sign in."""
    await reader.readuntil(b">")
    writer.write((header(namespace, host) + NOTHING).encode())
    await hear_out(reader)


async def hear_out(reader: asyncio.StreamReader) -> None:
    """Take what a client sends until it has said all."""
    while await reader.read(65_536):
        pass
