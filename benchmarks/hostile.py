"""What a hostile client costs the others: p95 of a well-behaved session beside it, and memory.

    python benchmarks/hostile.py [--seconds 5] [--only KIND …] [--workers 1]
    python benchmarks/hostile.py --rounds 10 [--seconds 6] [--only KIND …]

With rounds, a new client does its harm for so many seconds each time, and what the server has is
measured: at its start, at most, after the first and after the last round. `--goals` ends with 1 where
a kind misses one of the goals below. Each kind of client runs in a process of its own, against a server of its own; `hostile_strangers`
and `hostile_accounts` have the clients.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import asyncssh
import hostile_accounts  # noqa: F401
import hostile_strangers  # noqa: F401
from hostile_kinds import KINDS
from ssh import PASSWORD, PROGRAM, Client, Started, percent, prepared


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


# Seconds beside a hostile client: so many times what they are elsewhere and so much more, and never
# more than that; seconds of a sign-in; KiB at most, and so many more after all rounds than after one.
TIMES, MORE, MOST, SIGN_IN = 2, 0.020, 0.100, 1.0
MEMORY, MORE_MEMORY = 150 * 1024, 8 * 1024


async def signed_in(port, user, address):
    """Seconds until a session has its prompt, by a password that the server has not seen yet."""
    begun = time.perf_counter()
    credentials = {"client_keys": None, "password": PASSWORD, "local_addr": (address, 0)}
    try:
        other = await asyncio.wait_for(Client().open(port, user, **credentials), 30)
    except (OSError, asyncssh.Error):
        return math.inf
    other.connection.abort()
    return time.perf_counter() - begun


async def measured(name, server, elsewhere, key_file, key, options):
    """`(p95 elsewhere, p95 beside it, seconds of a sign-in, of one from its address, MiB more)`.

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
        sign_in = await signed_in(server.port, "user2", "127.9.9.9")
        at_home = await signed_in(server.port, "user3", "127.0.0.1")
        memory = server.memory()
    finally:
        hostile.kill()
        hostile.wait()
    client.connection.abort()
    distant.connection.abort()
    return alone, beside, sign_in, at_home, (memory - before) / 1024


def each_kind(options):
    """A name, a command that serves, and a key with its file, for each kind that is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        state, secret, key = prepared(folder, 50)
        key_file = str(pathlib.Path(folder) / "key")
        key.write_private_key(key_file)
        command = [*PROGRAM, "serve", "--state", state, "--port", "0", "--workers",
                   str(options.workers), "--admin-password-file", secret]  # fmt: skip
        for name in options.only or KINDS:
            yield name, command, key_file, key


def compare(options):
    """Print what each kind costs others. Returns the kinds that miss a goal."""
    print("| hostile client | p95 elsewhere | beside it | a sign-in | from there | memory |")
    print("|---|---|---|---|---|---|")
    missed = []
    for name, command, key_file, key in each_kind(options):
        server, elsewhere = Started(command), Started(command)
        try:
            row = asyncio.run(measured(name, server, elsewhere, key_file, key, options))
        except TimeoutError:
            row = math.inf, math.inf, math.inf, math.inf, 0
        finally:
            for one in (server, elsewhere):
                one.process.kill()
                one.process.wait()
        alone, beside, sign_in, at_home, memory = row
        print(f"| {name.replace('_', ' ')} | {alone * 1000:.1f} ms | {beside * 1000:.1f} ms"
              f" | {sign_in:.2f} s | {at_home:.2f} s | {memory:+.0f} MiB |", flush=True)  # fmt: skip
        if beside > min(TIMES * alone + MORE, MOST) or sign_in > SIGN_IN:
            missed.append(name)
    return missed


def in_rounds(options):
    """Print what each kind has the server keep. Returns the kinds that miss a goal."""
    print("| hostile client | at its start | at most | after one round | after all |")
    print("|---|---|---|---|---|")
    missed = []
    for name, command, key_file, _ in each_kind(options):
        found = memory_of(name, command, key_file, options.rounds, options.seconds)
        shown = (f"{size / 1024:.0f} MiB" for size in found)
        print(f"| {name.replace('_', ' ')} | {' | '.join(shown)} |", flush=True)
        _, most, first, last = found
        if most > MEMORY or last - first > MORE_MEMORY:
            missed.append(name)
    return missed


def memory_of(name, command, key_file, rounds, seconds):
    """KiB of a server: at its start, at most, after a round of `seconds` of a kind and after all."""
    server = Started(command)
    start, most, after = server.memory(), 0, []
    try:
        for _ in range(rounds):
            hostile = subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    "--be",
                    name,
                    "--port",
                    str(server.port),
                    "--key",
                    key_file,
                ],
                stderr=subprocess.DEVNULL,
            )
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                time.sleep(0.25)
                most = max(most, server.memory())
            hostile.kill()
            hostile.wait()
            time.sleep(0.5)
            after.append(server.memory())
    finally:
        server.process.kill()
        server.process.wait()
    return start, most, after[0], after[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--goals", action="store_true")
    parser.add_argument("--only", nargs="*", choices=KINDS)
    for hidden in ("--be", "--key", "--port"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        # It would complain about each packet that is sent to a server that has cut it off.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        target = Target(int(options.port), options.key)
        asyncio.run(KINDS[options.be](target))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    missed = (in_rounds if options.rounds else compare)(options)
    if options.goals and missed:
        sys.exit(f"Goals were missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
