"""The SSH server in numbers, beside a plain asyncssh server that only echoes, and OpenSSH.

    python benchmarks/ssh.py [--sessions 200] [--seconds 30] [--workers 1]

Client and server share the machine. Prints a Markdown table: what, goal, measured, yardstick.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import asyncssh
from openssh import SSHD, OpenSsh

PASSWORD = "Blue-Harbour7"
PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
LINE = "show cert list own"
AT_ONCE = 50
# As a client asks for whose list of known hosts has the node's first key.
HOST_KEY = ["ssh-ed25519"]
ACCOUNTS = 20

PLAIN = """
import asyncio, sys, asyncssh
class Session(asyncssh.SSHServerSession):
    def connection_made(self, chan): self.chan = chan
    def shell_requested(self): return True
    def exec_requested(self, command): return True
    def session_started(self):
        if self.chan.get_command(): self.chan.write(b'x' * 320); self.chan.exit(0)
        else: self.chan.write(b'admin:')
    def data_received(self, data, kind): self.chan.write(b'x' * 320 + b'admin:')
class Server(asyncssh.SSHServer):
    def begin_auth(self, name): return True
    def public_key_auth_supported(self): return True
    def validate_public_key(self, name, key): return True
    def password_auth_supported(self): return True
    def validate_password(self, name, password): return True
    def session_requested(self): return Session()
async def main():
    server = await asyncssh.listen('127.0.0.1', 0, server_host_keys=[
        asyncssh.generate_private_key('ssh-ed25519')], server_factory=Server, encoding=None,
        line_editor=False, config=None, compression_algs=['none'], backlog=1024,
        kex_algs=['mlkem768x25519-sha256', 'curve25519-sha256'])
    print(f'Listening on 127.0.0.1:{server.get_port()}', flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Started:
    """A server process; `port` and resident memory of it and its workers."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def memory(self):
        """KiB that belong to the server's processes alone (USS), so that shared pages count once."""
        pids = [self.process.pid]
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        pids += [int(pid) for pid in pathlib.Path(path).read_text().split()]
        total = 0
        for pid in pids:
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    total += int(line.split()[1])
        return total

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def prepared(folder, sessions):
    """A node with accounts that all have one key, and that key."""
    state = str(pathlib.Path(folder) / "node")
    subprocess.run(
        [*PROGRAM, "init", "--state", state, "--speed", "0"], check=True, stdout=subprocess.DEVNULL
    )
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode().strip()
    secret = pathlib.Path(folder) / "password"
    secret.write_text(PASSWORD)
    lines = [f"set session maxlimit {min(1000, sessions + 10)}", "set accountlocking disable"]
    for i in range(ACCOUNTS):
        name = f"user{i}"
        lines += [f"set account name {name}", "1", PASSWORD, PASSWORD]
        lines += [f"set account ssh-key {name}", public]
    script = "\n".join(lines) + "\n"
    subprocess.run([*PROGRAM, "--state", state], input=script, text=True, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return state, str(secret), key


class Client:
    """A shell session of the benchmark's client."""

    async def open(self, port, user, **credentials):
        self.connection = await asyncssh.connect(
            "127.0.0.1", port, username=user, known_hosts=None, config=None, agent_path=None,
            compression_algs=["none"], server_host_key_algs=HOST_KEY, login_timeout=60,
            connect_timeout=60, **credentials,
        )  # fmt: skip
        self.writer, self.reader, _ = await self.connection.open_session(
            term_type="vt100", term_size=(80, 24), encoding=None
        )
        await self.reader.readuntil(b"admin:")
        return self

    async def round_trip(self):
        begun = time.perf_counter()
        self.writer.write(LINE.encode() + b"\r")
        await self.reader.readuntil(b"admin:")
        return time.perf_counter() - begun


async def open_all(port, count, **credentials):
    """`(sessions, seconds)` of so many opened at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(i):
        async with gate:
            return await Client().open(port, f"user{i % ACCOUNTS}", **credentials)

    begun = time.perf_counter()
    clients = await asyncio.gather(*(one(i) for i in range(count)))
    return clients, time.perf_counter() - begun


async def close_all(clients):
    for client in clients:
        client.connection.close()
    await asyncio.gather(*(client.connection.wait_closed() for client in clients))


def percent(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def busy(clients, seconds, pause):
    """All round trips of all clients in that time; one after another, `pause` seconds apart."""
    times = []
    end = time.perf_counter() + seconds

    async def one(client, i):
        await asyncio.sleep(pause * i / len(clients))
        while time.perf_counter() < end:
            taken = await client.round_trip()
            times.append(taken)
            await asyncio.sleep(max(0.0, pause - taken))

    await asyncio.gather(*(one(client, i) for i, client in enumerate(clients)))
    return times


async def execs(port, key, user="user0", command=LINE, count=60):
    """Median seconds of a command on a connection of its own."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        async with asyncssh.connect(
            "127.0.0.1", port, username=user, client_keys=[key], known_hosts=None, config=None,
            agent_path=None, compression_algs=["none"], server_host_key_algs=HOST_KEY,
        ) as connection:  # fmt: skip
            await connection.run(command)
        times.append(time.perf_counter() - begun)
    return percent(times, 0.5)


async def many_at_once(ours, plain, key, options):
    """Opening many shells: by keys beside the plain server, and by password."""
    by_key, by_password = {"client_keys": [key]}, {"client_keys": None, "password": PASSWORD}
    await close_all((await open_all(ours.port, 20, **by_key))[0])
    await close_all((await open_all(plain.port, 20, **by_key))[0])
    rates = {"ours": [], "plain": []}
    for _ in range(3):
        for name, server in (("plain", plain), ("ours", ours)):
            clients, seconds = await open_all(server.port, options.sessions, **by_key)
            rates[name].append(options.sessions / seconds)
            await close_all(clients)
    rows = [
        (f"{options.sessions} shells opened at once, keys", ">= 300/s",
         f"{percent(rates['ours'], 0.5):.0f}/s", f"{percent(rates['plain'], 0.5):.0f}/s")
    ]  # fmt: skip
    for what in ("first time", "again"):
        clients, seconds = await open_all(ours.port, ACCOUNTS * 2, **by_password)
        rows.append((f"by password, {what}", "-", f"{ACCOUNTS * 2 / seconds:.0f}/s", "-"))
        await close_all(clients)
    return rows


async def many_there(ours, plain, key, options):
    """What many shells cost that are there, idle and busy: the first of both servers."""
    for server in (ours, plain):
        await close_all((await open_all(server.port, 2, client_keys=[key]))[0])
    await asyncio.sleep(1)
    before, plain_before = ours.memory(), plain.memory()
    clients, _ = await open_all(ours.port, options.sessions, client_keys=[key])
    others, _ = await open_all(plain.port, options.sessions, client_keys=[key])
    await asyncio.sleep(1)
    each = (ours.memory() - before) / options.sessions
    plain_each = (plain.memory() - plain_before) / options.sessions
    await close_all(others)
    alone = [await clients[0].round_trip() for _ in range(300)]
    times = await busy(clients, min(10, options.seconds), 1.0)
    await close_all(clients)
    return [
        ("memory of an idle session", "<= 100 KiB", f"{each:.0f} KiB", f"{plain_each:.0f} KiB"),
        ("round trip, one session", "<= 2 ms", f"{percent(alone, 0.5) * 1000:.2f} ms", "-"),
        (f"round trip p95, {options.sessions} sessions, 1/s each", "<= 150 ms",
         f"{percent(times, 0.95) * 1000:.1f} ms", "-"),
    ]  # fmt: skip


async def one_command(ours, plain, key, state, folder):
    """A command on a connection of its own: here, on a plain server, and under OpenSSH."""
    fast, slow = await execs(plain.port, key), await execs(ours.port, key)
    rows = [
        ("exec on a fresh connection", "<= 1.5 x", f"{slow / fast:.2f} x", f"{fast * 1000:.1f} ms")
    ]
    if not SSHD:
        return [*rows, ("the same beside OpenSSH", "-", "no sshd on this machine", "-")]
    output = folder / "output"
    output.write_text("x" * 320)
    forced = f"{sys.executable} -I -m cucmos_shell --state {state} --forced --level 4"
    bare, shell = OpenSsh(folder / "bare", key), OpenSsh(folder / "forced", key, forced)
    try:
        theirs = await execs(bare.port, key, bare.user, f"cat {output}")
        under = await execs(shell.port, key, shell.user)
    finally:
        bare.stop()
        shell.stop()
    return [
        *rows,
        ("the same beside `cat` under OpenSSH", "-", f"{slow / theirs:.2f} x",
         f"OpenSSH {theirs * 1000:.1f} ms"),
        ("the shell under OpenSSH beside `cat` there", "-", f"{under / theirs:.2f} x",
         f"OpenSSH {theirs * 1000:.1f} ms"),
    ]  # fmt: skip


async def long_load(ours, key, options):
    """Fifty sessions, a command a second each; and a hostile one beside some of them."""
    clients, _ = await open_all(ours.port, 50, client_keys=[key])
    await busy(clients, 2, 1.0)
    first = ours.memory()
    times = await busy(clients, options.seconds, 1.0)
    last = ours.memory()
    hostile = await beside_a_hostile_one(ours.port, key, clients[:20])
    await close_all(clients)
    return [
        (f"50 sessions, 1/s, {options.seconds:.0f} s: p95", "< 300 ms",
         f"{percent(times, 0.95) * 1000:.1f} ms", "-"),
        ("commands meanwhile, none failed", "-", f"{len(times)}", "-"),
        ("memory after it", "< 300 MB", f"{last / 1024:.0f} MiB", "-"),
        ("growth meanwhile", "none", f"{last - first} KiB", "-"),
        hostile,
    ]  # fmt: skip


async def measure(ours, plain, key, state, folder, options):
    """Rows of the table."""
    return [
        # First, since later sessions use memory that earlier ones have left.
        *await many_there(ours, plain, key, options),
        *await many_at_once(ours, plain, key, options),
        *await one_command(ours, plain, key, state, folder),
        *await long_load(ours, key, options),
    ]


async def beside_a_hostile_one(port, key, clients):
    """How much slower twenty quiet sessions get by one that types ahead and never reads."""
    ratios = []
    for _ in range(7):
        quiet = percent(await busy(clients, 2, 0.25), 0.95)
        hostile = await Client().open(port, "user19", client_keys=[key])
        hostile.writer.channel.pause_reading()
        hostile.writer.write(b"utils service list\r" * 4096 + b"x" * 65536)
        ratios.append(percent(await busy(clients, 2, 0.25), 0.95) / quiet)
        hostile.connection.abort()
    slower = f"{(percent(ratios, 0.5) - 1) * 100:+.0f} %"
    return ("p95 of 20 sessions beside a hostile one", "< +20 %", slower, "-")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state, secret, key = prepared(folder, options.sessions)
        ours = Started(
            [*PROGRAM, "serve", "--state", state, "--port", "0", "--admin-password-file", secret,
             "--workers", str(options.workers)]
        )  # fmt: skip
        plain = Started([sys.executable, "-c", PLAIN])
        try:
            work = measure(ours, plain, key, state, pathlib.Path(folder), options)
            rows = asyncio.run(work)
        finally:
            ours.stop()
            plain.stop()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print("\n| what | goal | measured | plain asyncssh |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
