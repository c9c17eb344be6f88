"""Hostile clients that have not signed in."""

from __future__ import annotations

import asyncio
import os
import struct

import asyncssh
from asyncssh.packet import Boolean, MPInt, String, UInt32
from hostile_kinds import IGNORE, SOCKETS, UNKNOWN, at_once

HALF_OPEN = 500
LARGE_GROUP = {"kex_algs": ["diffie-hellman-group16-sha512"]}


def plain(payload):
    """A packet before the first key exchange."""
    padding = -(len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def source(number):
    """One of many networks that are this machine."""
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


async def flood(target, packets, address="127.0.0.1"):
    """Send `packets` without reading, until the connection is cut."""
    _, writer = await asyncio.open_connection("127.0.0.1", target.port, local_addr=(address, 0))
    try:
        writer.write(b"SSH-2.0-x\r\n")
        while True:
            writer.write(packets)
            await writer.drain()
    finally:
        writer.close()


IGNORED, UNKNOWN_ONES = plain(bytes([IGNORE]) + bytes(4)) * 4096, plain(bytes([UNKNOWN])) * 4096


@at_once(1)
async def ignored_before_the_key_exchange(target, number):
    await flood(target, IGNORED)


@at_once(1)
async def unknown_before_the_key_exchange(target, number):
    await flood(target, UNKNOWN_ONES)


@at_once(SOCKETS)
async def twenty_floods_before_the_key_exchange(target, number):
    await flood(target, IGNORED)


@at_once(2 * SOCKETS)
async def floods_of_forty_networks(target, number):
    await flood(target, IGNORED, source(number))


@at_once(SOCKETS)
async def connections_that_come_and_go(target, number):
    _, writer = await asyncio.open_connection("127.0.0.1", target.port)
    writer.close()


async def half_open(target):
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    writer.write(b"SSH-2.0-x\r\n")
    while await reader.read(65536):
        pass
    writer.close()


@at_once(HALF_OPEN)
async def half_open_connections(target, number):
    await half_open(target)


@at_once(HALF_OPEN + 250)
async def half_open_connections_and_wrong_passwords(target, number):
    if number < HALF_OPEN:
        await half_open(target)
    else:
        await sign_in(target, username="user1", password="wrong")


@at_once(SOCKETS)
async def half_open_connections_of_twenty_networks(target, number):
    kept = []
    for _ in range(60):
        pair = await asyncio.open_connection(
            "127.0.0.1", target.port, local_addr=(source(number), 0)
        )
        pair[1].write(b"SSH-2.0-x\r\n" + struct.pack(">IB", 30000, 4))
        kept.append(pair[1])
    for writer in kept:
        writer.close()


async def sign_in(target, **options):
    """Sign in, or try to, and go."""
    (await target.connect(client_keys=None, **options)).abort()


@at_once(250)
async def wrong_passwords(target, number):
    await sign_in(target, username="user1", password="wrong")


@at_once(250)
async def wrong_passwords_of_many_networks(target, number):
    await sign_in(target, username="user2", password="wrong", local_addr=(source(number), 0))


@at_once(SOCKETS)
async def key_exchanges(target, number):
    await sign_in(target, username="nobody")


@at_once(SOCKETS)
async def key_exchanges_with_large_groups(target, number):
    await sign_in(target, username="nobody", **LARGE_GROUP)


@at_once(SOCKETS)
async def key_exchanges_with_large_groups_of_twenty_networks(target, number):
    await sign_in(target, username="nobody", local_addr=(source(number), 0), **LARGE_GROUP)


@at_once(SOCKETS)
async def public_keys_that_are_nobodys(target, number):
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(20)]
    (await target.connect(client_keys=keys)).abort()


@at_once(SOCKETS)
async def certificates_that_are_dear_to_check(target, number):
    """Whoever is said to have made them has an RSA key with an exponent of 3,072 bits."""
    modulus = int.from_bytes(b"\xc1" + os.urandom(383), "big") | 1
    maker = String(b"ssh-rsa") + MPInt(modulus - 2) + MPInt(modulus)
    name = String(b"ssh-ed25519-cert-v01@openssh.com")
    body = name + String(os.urandom(32)) * 2 + bytes(8) + UInt32(1) + String(b"x") + String(b"")
    body += bytes(8) + b"\xff" * 8 + String(b"") * 3 + String(maker)
    body += String(String(b"rsa-sha2-256") + String(os.urandom(384)))
    request = (String(b"user1"), String(b"ssh-connection"), String(b"publickey"))

    class Asker(asyncssh.SSHClient):
        def connection_made(self, connection):
            self.connection = connection

        async def password_auth_requested(self):
            for _ in range(100):
                self.connection.send_packet(50, *request, Boolean(False), name, String(body))
            await asyncio.sleep(2)

    await sign_in(target, username="user1", client_factory=Asker, preferred_auth="password")
