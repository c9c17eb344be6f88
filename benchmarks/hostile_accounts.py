"""Hostile clients of an account.

They use the private parts of asyncssh: nothing else sends what no client should.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket

import asyncssh
from asyncssh.packet import Boolean, String, UInt32
from hostile_kinds import (
    DATA,
    GLOBAL_REQUEST,
    IGNORE,
    REQUEST,
    SOCKETS,
    TURN,
    UNKNOWN,
    WINDOW_ADJUST,
    signed_in,
)

SEARCH = 'file search activelog * "[a-z]+.*[0-9]+$" recurs'


async def packets(connection, *packet, channel=None):
    """Send one packet again and again over a connection, until it is closed."""
    sender = connection if channel is None else channel
    while not connection.is_closed():
        for _ in range(TURN):
            sender.send_packet(*packet)
        await drained(connection)


async def terminal(connection, **options):
    """`(writer, channel)` of a shell at a terminal."""
    writer, _, _ = await connection.open_session(term_type="vt100", encoding=None, **options)
    return writer, writer.channel


async def drained(connection):
    """Wait until what was sent has left, at most a second."""
    for _ in range(200):
        transport = connection._transport
        if transport is None or transport.get_write_buffer_size() < 65536:
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(0)


@signed_in(reads=True)
async def ignored_packets(connection):
    await packets(connection, IGNORE, String(b""))


@signed_in()
async def unknown_packets_whose_answers_are_not_read(connection, read_no_more):
    read_no_more()
    await packets(connection, UNKNOWN)


@signed_in()
async def keepalives_whose_answers_are_not_read(connection, read_no_more):
    read_no_more()
    await packets(connection, GLOBAL_REQUEST, String(b"keepalive@openssh.com"), Boolean(True))


@signed_in(reads=True)
async def windows_that_grow_by_nothing(connection):
    _, channel = await terminal(connection)
    await packets(connection, WINDOW_ADJUST, UInt32(0), channel=channel)


@signed_in(reads=True)
async def sizes_of_a_terminal(connection):
    _, channel = await terminal(connection)
    size = UInt32(80) + UInt32(24) + UInt32(0) + UInt32(0)
    request = (REQUEST, String(b"window-change"), Boolean(False), size)
    await packets(connection, *request, channel=channel)


@signed_in(reads=True)
async def environments(connection):
    _, channel = await terminal(connection)
    for number in itertools.count():
        name, value = String(b"LC_%d" % number), String(bytes(64))
        channel.send_packet(REQUEST, String(b"env"), Boolean(False), name, value)
        if number % TURN == 0:
            await drained(connection)
        if connection.is_closed():
            return


async def typed(connection, keys, first=b""):
    """Type `keys` again and again, and read what comes of it."""
    writer, reader, _ = await connection.open_session(term_type="vt100", encoding=None)
    writer.write(first)
    while not connection.is_closed():
        writer.write(keys)
        await asyncio.wait_for(drained(connection), 5)
        while reader._session._recv_buf[None]:
            await reader.read(65536)


@signed_in(reads=True)
async def single_octets(connection):
    _, channel = await terminal(connection)
    channel.pause_reading()
    await packets(connection, DATA, String(b"x"), channel=channel)


@signed_in(many=5, reads=True)
async def searches_in_the_history(connection):
    await typed(connection, b"\x12s\x12\x12o" * TURN, b"show version active\r" * 100)


@signed_in(many=5, reads=True)
async def long_lines_again_and_again(connection):
    await typed(connection, b"\x1b[A" * TURN, (b"x" * 3000 + b"\r") * 20)


@signed_in(many=5, reads=True)
async def help_without_an_end(connection):
    await typed(connection, b"?" * TURN, b"show cert own ")


@signed_in(many=5, reads=True)
async def a_paste_without_an_end(connection):
    first = b"set cert import trust tomcat\r-----BEGIN CERTIFICATE-----\r"
    await typed(connection, (b"MIID" * 15 + b"\r") * TURN, first)


@signed_in()
async def a_window_that_is_not_read(connection, read_no_more):
    writer, _ = await terminal(connection, window=0xFFFFFFFF)
    read_no_more()
    while not connection.is_closed():
        writer.write(b"utils service list\r" * 16)
        await asyncio.sleep(0.02)


@signed_in()
async def files_that_are_not_read(connection, read_no_more):
    sftp = await connection.start_sftp_client()
    names = await sftp.glob("/*/platform/log/*") or await sftp.glob("/*/*")
    handle = (await sftp.open(names[0], "rb"))._handle
    read_no_more()
    for number in range(1000):
        body = UInt32(number) + String(handle) + bytes(8) + UInt32(262144)
        sftp._handler._writer.write(String(b"\x05" + body))
    await connection.wait_closed()


@signed_in(many=SOCKETS, reads=True)
async def messages_that_are_not_whole(connection):
    for _ in range(9):
        writer, _, _ = await connection.open_session(subsystem="sftp", encoding=None)
        writer.write(UInt32(4 << 20) + bytes(4 << 20))
    await connection.wait_closed()


@signed_in(many=150, reads=True)
async def packets_that_are_not_whole(connection):
    connection._transport.write(UInt32(0x3FFE0) + os.urandom(0x3FF00))
    await connection.wait_closed()


@signed_in(many=5, reads=True)
async def folders_listed_without_an_end(connection):
    sftp = await connection.start_sftp_client()
    while True:
        await asyncio.gather(*(sftp.listdir("/activelog/platform/log") for _ in range(20)))


@signed_in(reads=True, rekey_bytes=1)
async def key_exchanges_of_one_connection(connection):
    while not connection.is_closed():
        connection.send_packet(IGNORE, String(b""))
        await asyncio.sleep(0)


@signed_in(reads=True)
async def a_key_exchange_without_an_end(connection):
    await terminal(connection)
    connection._send_kexinit()
    connection._kex_complete = True
    await packets(connection, GLOBAL_REQUEST, String(b"keepalive@openssh.com"), Boolean(True))


@signed_in(reads=True)
async def channels_that_come_and_go(connection):
    while True:
        writer, _, _ = await connection.open_session("show version active", encoding=None)
        writer.channel.abort()


@signed_in(reads=True)
async def everything_there_is_not(connection):
    """Ports, sockets, an agent, and what nobody knows."""
    _, channel = await terminal(connection)
    while not connection.is_closed():
        forward = (String(b"tcpip-forward"), Boolean(True), String(b""), UInt32(0))
        connection.send_packet(GLOBAL_REQUEST, *forward)
        channel.send_packet(REQUEST, String(b"auth-agent-req@openssh.com"), Boolean(True))
        with contextlib.suppress(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 22)


async def commands(connection, line):
    while True:
        await connection.run(line, stdin=asyncssh.DEVNULL)


@signed_in(many=8, reads=True)
async def eight_searches(connection):
    await commands(connection, SEARCH)


@signed_in(many=8, reads=True)
async def eight_long_lists(connection):
    await commands(connection, "show logins last 1000")


@signed_in(many=5, reads=True)
async def expressions_with_many_states(connection):
    for number in itertools.count():
        expression = f"(.|{number})*a(a|b){{150}}$"
        await connection.run(f'file search activelog * "{expression}" recurs')


@signed_in(many=8, reads=True)
async def servers_that_are_silent(connection):
    """`file get` to one that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        writer, _ = await terminal(connection)
        answers = ("file get activelog *", "y", "127.0.0.1", str(port), "user", "password", "/")
        for answer in answers:
            writer.write(answer.encode() + b"\r")
            await asyncio.sleep(0.2)
        await asyncio.sleep(20)
