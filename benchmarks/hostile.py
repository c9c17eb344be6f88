"""What a hostile client costs the others: p95 of a well-behaved session beside it, and memory.

    python benchmarks/hostile.py [--seconds 5] [--only KIND …] [--workers 1]

Each kind of client runs in a process of its own, against a server of its own. The clients use the
private parts of asyncssh: nothing else sends what no client should.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time

import asyncssh
from asyncssh.packet import Boolean, String, UInt32
from ssh import PASSWORD, PROGRAM, Client, Started, percent, prepared

SOCKETS = 20
HALF_OPEN = 500
TURN = 256
IGNORE, UNIMPLEMENTED, DEBUG, UNKNOWN = 2, 3, 4, 192
GLOBAL_REQUEST, DATA, WINDOW_ADJUST, REQUEST = 80, 94, 93, 98
SEARCH = 'file search activelog * "[a-z]+.*[0-9]+$" recurs'

KINDS = {}


def kind(function):
    """Register a kind of hostile client by its name."""
    KINDS[function.__name__] = function
    return function


# --- who has not signed in ------------------------------------------------------------------------


def plain(payload):
    """A packet before the first key exchange."""
    padding = -(len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


async def flood(target, packets, sockets):
    """Send `packets` without reading or an end, over so many sockets, each made anew when cut."""
    loop = asyncio.get_running_loop()

    async def one():
        while True:
            sock = socket.socket()
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                await loop.sock_connect(sock, ("127.0.0.1", target.port))
                await loop.sock_sendall(sock, b"SSH-2.0-x\r\n")
                while True:
                    await loop.sock_sendall(sock, packets)
            sock.close()
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(sockets)))


@kind
async def ignored_before_the_key_exchange(target):
    await flood(target, plain(bytes([IGNORE]) + bytes(4)) * 4096, 1)


@kind
async def unknown_before_the_key_exchange(target):
    await flood(target, plain(bytes([UNKNOWN])) * 4096, 1)


@kind
async def twenty_floods_before_the_key_exchange(target):
    await flood(target, plain(bytes([IGNORE]) + bytes(4)) * 4096, SOCKETS)


@kind
async def connections_that_come_and_go(target):
    async def one():
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", target.port)
                writer.close()

    await asyncio.gather(*(one() for _ in range(SOCKETS)))


@kind
async def half_open_connections(target):
    async def one():
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
                writer.write(b"SSH-2.0-x\r\n")
                while await reader.read(65536):
                    pass
                writer.close()
            await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(HALF_OPEN)))


async def sign_ins(target, many, **options):
    """Sign in as many at once, again and again, and go."""

    async def one():
        while True:
            with contextlib.suppress(OSError, asyncssh.Error):
                (await target.connect(**options)).abort()

    await asyncio.gather(*(one() for _ in range(many)))


@kind
async def wrong_passwords(target):
    await sign_ins(target, 250, username="user1", client_keys=None, password="wrong")


@kind
async def key_exchanges(target):
    await sign_ins(target, SOCKETS, username="nobody", client_keys=None)


@kind
async def key_exchanges_with_large_groups(target):
    group = {"kex_algs": ["diffie-hellman-group16-sha512"]}
    await sign_ins(target, SOCKETS, username="nobody", client_keys=None, **group)


@kind
async def public_keys_that_are_nobodys(target):
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(20)]
    await sign_ins(target, SOCKETS, username="user1", client_keys=keys)


# --- who has signed in ----------------------------------------------------------------------------


async def packets(target, kind_of, *arguments, channel=False, reads=False):
    """Send one packet again and again over a connection; what comes is not read unless `reads`."""
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            if channel:
                writer, _, _ = await connection.open_session(term_type="vt100", encoding=None)
                chan = writer.channel
                chan.pause_reading()
            if not reads:
                connection._transport.pause_reading()
            while not connection.is_closed():
                for _ in range(TURN):
                    if channel:
                        chan.send_packet(kind_of, *arguments)
                    else:
                        connection.send_packet(kind_of, *arguments)
                await drained(connection)
        await asyncio.sleep(0.05)


async def drained(connection):
    """Wait until what was sent has left, at most a second."""
    for _ in range(200):
        transport = connection._transport
        if transport is None or transport.get_write_buffer_size() < 65536:
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(0)


@kind
async def ignored_packets(target):
    await packets(target, IGNORE, String(b""), reads=True)


@kind
async def unknown_packets_whose_answers_are_not_read(target):
    await packets(target, UNKNOWN)


@kind
async def keepalives_whose_answers_are_not_read(target):
    await packets(target, GLOBAL_REQUEST, String(b"keepalive@openssh.com"), Boolean(True))


@kind
async def windows_that_grow_by_nothing(target):
    await packets(target, WINDOW_ADJUST, UInt32(0), channel=True, reads=True)


@kind
async def sizes_of_a_terminal(target):
    size = UInt32(80) + UInt32(24) + UInt32(0) + UInt32(0)
    await packets(
        target, REQUEST, String(b"window-change"), Boolean(False), size, channel=True, reads=True
    )


@kind
async def environments(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            writer, _, _ = await connection.open_session(encoding=None)
            number = 0
            while not connection.is_closed():
                for _ in range(TURN):
                    number += 1
                    name, value = String(b"LC_%d" % number), String(bytes(64))
                    writer.channel.send_packet(REQUEST, String(b"env"), Boolean(False), name, value)
                await drained(connection)
        await asyncio.sleep(0.05)


@kind
async def single_octets(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            writer, reader, _ = await connection.open_session(term_type="vt100", encoding=None)
            while not connection.is_closed():
                for _ in range(TURN):
                    writer.write(b"x")
                await asyncio.wait_for(drained(connection), 5)
                while reader._session._recv_buf[None]:
                    await reader.read(65536)
        await asyncio.sleep(0.05)


@kind
async def a_window_that_is_not_read(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            writer, _, _ = await connection.open_session(
                term_type="vt100", encoding=None, window=0xFFFFFFFF
            )
            connection._transport.pause_reading()
            while not connection.is_closed():
                writer.write(b"utils service list\r" * 16)
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)


@kind
async def files_that_are_not_read(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            sftp = await connection.start_sftp_client()
            names = await sftp.glob("/*/platform/log/*") or await sftp.glob("/*/*")
            handle = (await sftp.open(names[0], "rb"))._handle
            connection._transport.pause_reading()
            for number in range(1000):
                body = UInt32(number) + String(handle) + bytes(8) + UInt32(262144)
                sftp._handler._writer.write(String(b"\x05" + body))
            while not connection.is_closed():
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.05)


@kind
async def key_exchanges_of_one_connection(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect(rekey_bytes=1)
            while not connection.is_closed():
                connection.send_packet(IGNORE, String(b""))
                await asyncio.sleep(0)
        await asyncio.sleep(0.05)


@kind
async def a_key_exchange_without_an_end(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            connection = await target.connect()
            await connection.open_session(term_type="vt100", encoding=None)
            connection._send_kexinit()
            connection._kex_complete = True
            while not connection.is_closed():
                for _ in range(TURN):
                    name = String(b"keepalive@openssh.com")
                    connection.send_packet(GLOBAL_REQUEST, name, Boolean(True))
                await drained(connection)
        await asyncio.sleep(0.05)


@kind
async def channels_that_come_and_go(target):
    while True:
        with contextlib.suppress(OSError, asyncssh.Error):
            async with await target.connect() as connection:
                for _ in range(1000):
                    writer, _, _ = await connection.open_session("show version", encoding=None)
                    writer.channel.abort()
        await asyncio.sleep(0.05)


async def commands(target, line, many):
    async def one():
        while True:
            with contextlib.suppress(OSError, asyncssh.Error):
                async with await target.connect() as connection:
                    while True:
                        await connection.run(line, stdin=asyncssh.DEVNULL)

    await asyncio.gather(*(one() for _ in range(many)))


@kind
async def eight_searches(target):
    await commands(target, SEARCH, 8)


@kind
async def eight_long_lists(target):
    await commands(target, "show logins last 1000", 8)


# --- measuring ------------------------------------------------------------------------------------


class Target:
    """A server as the hostile client knows it: a port, and an account with a key."""

    def __init__(self, port, key):
        self.port = port
        self.key = key

    def connect(self, **options):
        given = {
            "username": "user1", "client_keys": [self.key], "known_hosts": None, "config": None,
            "agent_path": None, "login_timeout": 30, **options,
        }  # fmt: skip
        return asyncssh.connect("127.0.0.1", self.port, **given)


async def times_of(client, seconds, pause=0.05):
    """Round trips of a session that asks again after a pause."""
    found, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        found.append(await asyncio.wait_for(client.round_trip(), 60))
        await asyncio.sleep(pause)
    return found


async def measured(name, server, elsewhere, key_file, key, options):
    """`(p95 elsewhere, p95 beside it, seconds of a sign-in beside it, MiB more)`.

    Elsewhere is a server of its own at the same time, which shares nothing but the machine.
    """
    client = await Client().open(server.port, "user0", client_keys=[key])
    distant = await Client().open(elsewhere.port, "user0", client_keys=[key])
    await asyncio.gather(times_of(client, 0.5), times_of(distant, 0.5))
    before = server.memory()
    hostile = subprocess.Popen([
        sys.executable, __file__, "--be", name, "--port", str(server.port), "--key", key_file,
    ])  # fmt: skip
    try:
        await asyncio.sleep(1.5)
        times = (times_of(one, options.seconds) for one in (client, distant))
        beside, alone = (percent(found, 0.95) for found in await asyncio.gather(*times))
        begun = time.perf_counter()
        try:
            other = await asyncio.wait_for(
                Client().open(server.port, "user2", client_keys=None, password=PASSWORD), 30
            )
            other.connection.abort()
            sign_in = f"{time.perf_counter() - begun:.2f} s"
        except (OSError, asyncssh.Error) as error:
            sign_in = type(error).__name__
        memory = server.memory()
    finally:
        hostile.kill()
        hostile.wait()
    client.connection.abort()
    distant.connection.abort()
    return alone, beside, sign_in, (memory - before) / 1024


def compare(options):
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        state, secret, key = prepared(folder, 50)
        key_file = str(pathlib.Path(folder) / "key")
        key.write_private_key(key_file)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(
            "\n| hostile client | p95 elsewhere | beside it | a sign-in | memory |\n|---|---|---|---|---|"
        )
        for name in options.only or KINDS:
            command = [*PROGRAM, "serve", "--state", state, "--port", "0", "--workers",
                       str(options.workers), "--admin-password-file", secret]  # fmt: skip
            server, elsewhere = Started(command), Started(command)
            try:
                row = asyncio.run(measured(name, server, elsewhere, key_file, key, options))
                alone, beside, sign_in, memory = row
                print(f"| {name.replace('_', ' ')} | {alone * 1000:.1f} ms | {beside * 1000:.1f} ms"
                      f" | {sign_in} | {memory:+.0f} MiB |", flush=True)  # fmt: skip
            except TimeoutError:
                print(f"| {name.replace('_', ' ')} | - | nothing in 60 s | - | - |", flush=True)
            finally:
                for one in (server, elsewhere):
                    one.process.kill()
                    one.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=KINDS)
    for hidden in ("--be", "--key", "--port"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        target = Target(int(options.port), options.key)
        asyncio.run(KINDS[options.be](target))
    else:
        compare(options)


if __name__ == "__main__":
    main()
