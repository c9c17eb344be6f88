"""Hostile clients by name: what each does once, and how often and for how long it is done."""

from __future__ import annotations

import asyncio
import contextlib

import asyncssh

SOCKETS = 20
TURN = 256
IGNORE, UNKNOWN, GLOBAL_REQUEST, DATA, WINDOW_ADJUST, REQUEST = 2, 192, 80, 94, 93, 98

KINDS = {}


def kind(function):
    """Register a kind of hostile client by its name."""
    KINDS[function.__name__] = function
    return function


def at_once(many):
    """A kind whose client does the same so many times at once, each again when it has ended."""

    def decorator(function):
        async def client(target):
            async def one(number):
                while True:
                    with contextlib.suppress(OSError, asyncssh.Error):
                        await function(target, number)
                    await asyncio.sleep(0.01)

            await asyncio.gather(*map(one, range(many)))

        client.__name__ = function.__name__
        return kind(client)

    return decorator


def signed_in(many=1, reads=False, **options):
    """A kind that does something with a connection, or with so many, and with a new one after it."""

    def decorator(function):
        async def client(target, number):
            connection = await target.connect(**options)
            if reads:
                await function(connection)
            else:
                await function(connection, connection._transport.pause_reading)

        client.__name__ = function.__name__
        return at_once(many)(client)

    return decorator
