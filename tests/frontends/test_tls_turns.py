"""Connections of TLS take turns with those of SSH, and take little memory."""

import asyncio
import gc
import ssl
import tracemalloc

from harness import Conversation
from ssh_server import run
from tls_clients import client_context, page, serving, visit

from cucmos_shell.frontends.http import PIECE as ANSWER_PIECE
from cucmos_shell.frontends.http import Response
from cucmos_shell.frontends.tls.secured import Secured
from cucmos_shell.frontends.valve import HIGH, MAX_BEFORE_SIGN_IN, PIECE, Valve

TOMCAT, PROXY = "Cisco Tomcat", "Cisco SIP Proxy"
MANY, EACH = 50, 32 * 1024
LARGE = 6 << 20


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


def tiny_records(client, outgoing, count):
    """So many records of one octet each."""
    for _ in range(count):
        client.write(b"x")
    return outgoing.read()


def test_a_connection_takes_little_before_it_is_protected(node):
    """Whoever connects and says nothing has next to nothing made for it."""

    async def main():
        async with serving(node) as ports:
            await page(ports.of(TOMCAT))
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            mute = [
                await asyncio.open_connection("127.0.0.1", ports.of(TOMCAT)) for _ in range(MANY)
            ]
            await until(lambda: len(ports.task._crowd) == MANY)
            took = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert took < MANY * EACH
            for _, writer in mute:
                writer.transport.abort()

    run(main())


def test_small_records_are_given_a_few_at_a_time(node, monkeypatch):
    """As packets of SSH are: between two pieces it may be somebody else's turn."""
    Conversation(node)(f"utils service activate {PROXY}")
    pieces = []
    give = Secured.data_received

    def data_received(self, data):
        pieces.append(len(data))
        give(self, data)

    monkeypatch.setattr(Secured, "data_received", data_received)

    async def main():
        async with serving(node) as ports:
            reader, writer = await asyncio.open_connection("127.0.0.1", ports.of(PROXY))
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = client_context().wrap_bio(incoming, outgoing)
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65_536))
            octets = outgoing.read() + tiny_records(client, outgoing, 20_000)
            assert len(octets) > 5 * MAX_BEFORE_SIGN_IN
            before = sum(pieces)
            writer.write(octets)
            await until(lambda: sum(pieces) - before == len(octets))
            assert max(pieces) <= PIECE
            writer.transport.abort()

    run(main())


def test_a_large_answer_waits_for_who_reads_it(node, monkeypatch):
    """No more of it is written than the connection takes, and all of it arrives."""
    most = []
    write = Valve.write

    def noted(self, data):
        write(self, data)
        most.append(self._transport.get_write_buffer_size())

    monkeypatch.setattr(Valve, "write", noted)

    async def large(request):
        return Response(200, b"x" * LARGE)

    async def main():
        async with serving(node, routes={"/large": large}) as ports:
            client = await visit(ports.of(TOMCAT))
            client.writer.transport.pause_reading()
            client.writer.write(b"GET /large HTTP/1.1\r\n\r\n")
            await until(lambda: most and most[-1] > HIGH)
            client.writer.transport.resume_reading()
            answer = await asyncio.wait_for(client.reader.read(), 20)
            assert answer.partition(b"\r\n\r\n")[2] == b"x" * LARGE
            client.leave()
        assert max(most) < HIGH + 2 * ANSWER_PIECE

    run(main())


def test_who_says_more_than_was_asked_gets_the_answer(node):
    """The connection is not reset under it; what is too much ends it."""

    async def main():
        async with serving(node) as ports:
            client = await visit(ports.of(TOMCAT))
            answer = await client.ask(b"GET / HTTP/1.1\r\n\r\n" + b"x" * (MAX_BEFORE_SIGN_IN // 2))
            assert answer.endswith(b"</html>\n")
            client = await visit(ports.of(TOMCAT))
            client.writer.write(b"x" * 2 * MAX_BEFORE_SIGN_IN)
            await until(lambda: not len(ports.task._crowd))
            client.leave()

    run(main())
