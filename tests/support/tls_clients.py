"""Clients of TLS ports, and the ports of a node in the process of a test."""

import asyncio
import contextlib
import hashlib
import re
import socket
import ssl
import subprocess

from key_watch import WATCH

from cucmos_shell.frontends.host import Host
from cucmos_shell.frontends.tls.places import hold
from cucmos_shell.frontends.tls.ports import TlsPorts

REFUSED = "refused"


class Ports:
    """The ports of a node; `node` may be told what to do meanwhile."""

    def __init__(self, node, places, routes):
        self.node = node
        self.places = places
        self.task = TlsPorts(node, places, Host(), routes)
        self.look = self.task.look

    def of(self, service, port=None):
        """Where a port of a service is; its only one if none is named."""
        found = [here for (name, one), here in self.places.ports.items() if name == service
                 and port in (None, one)]  # fmt: skip
        assert len(found) == 1
        return found[0]

    async def end(self):
        """End all of it, as a server does."""
        self.task.stop()
        while not self.task.finished:
            await asyncio.sleep(0.001)
        # What has ended is still to be closed by the loop.
        for _ in range(5):
            await asyncio.sleep(0)
        self.task.close()
        self.places.remove()


@contextlib.asynccontextmanager
async def serving(node, where="0", routes=None):
    """The ports of a node, open as its services are."""
    ports = Ports(node, hold(node, "127.0.0.1", where), routes)
    try:
        await ports.task.start()
        yield ports
    finally:
        await ports.end()


def client_context(**changes):
    """TLS of a client that takes any certificate; `changes` are attributes."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    for name, value in changes.items():
        setattr(made, name, value)
    return made


class Visitor:
    """A client that stays: `sha256` is what it was shown."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.sha256 = hashlib.sha256(der).hexdigest()

    async def ask(self, octets):
        """What comes until the connection ends; empty where it has ended already."""
        found = b""
        with contextlib.suppress(ConnectionError):
            self.writer.write(octets)
            found = await asyncio.wait_for(self.reader.read(), 10)
            WATCH.received(found)
        self.leave()
        return found

    async def ended(self):
        """Wait until the connection has ended, with nothing more said."""
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(self.reader.read(), 10) == b""
        self.leave()
        return True

    def leave(self):
        self.writer.transport.abort()


async def visit(port, context=None, host="127.0.0.1"):
    """A client that has been shown a certificate."""
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection(host, port, ssl=context or client_context()), 10
    )
    return Visitor(reader, writer)


async def shown(port, context=None):
    """The SHA-256 of what a new client is shown, or REFUSED."""
    try:
        visitor = await visit(port, context)
    except ConnectionRefusedError:
        return REFUSED
    visitor.leave()
    return visitor.sha256


async def page(port, host="127.0.0.1"):
    """The page of an https port."""
    visitor = await visit(port, host=host)
    return (await visitor.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).decode()


async def raw(port, octets, seconds=10):
    """What a client gets that sends `octets`, until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(octets)
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(), seconds)
        return b""
    finally:
        writer.transport.abort()


def is_free(port):
    """Whether nobody holds a port of this machine."""
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def openssl_now(port, *options):
    """The SHA-256 of what `openssl s_client` is shown, or REFUSED; and all that it has said."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-showcerts", *options],
        input="", capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    said = done.stdout + done.stderr
    if "Connection refused" in said:
        return REFUSED, said
    first = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", said, re.S)
    assert first, said
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[0])).hexdigest(), said


async def openssl(port, *options):
    """As `openssl_now`, while the ports of this process go on."""
    return await asyncio.to_thread(openssl_now, port, *options)
