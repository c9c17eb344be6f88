"""New connections to the ports of services, beside a bare TLS server of asyncio with the same key.

    python benchmarks/tls.py [--rounds 3] [--seconds 3]

The clients are openssl's, which cost little; client and server share the machine. Prints a Markdown
table: a connection with its handshake, a request and the page, as the time between two of them
where several come at once, and as time of the server's processor.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import middle
from report import Row, machine, table

from cucmos_shell.node import Node
from cucmos_shell.store import paths
from cucmos_shell.world import World

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
SERVICE, PORT, UNIT = "Cisco Tomcat", "8443", "tomcat"
AT_ONCE = 3
COUNTED = re.compile(r"^(\d+) connections in (\d+) real seconds", re.M)

PLAIN = """
import asyncio, ssl, sys
certificate, key, size = sys.argv[1:]
page = b'x' * int(size)
answer = b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n' % len(page) + page
async def answered(reader, writer):
    try:
        await reader.readuntil(b'\\r\\n\\r\\n')
        writer.write(answer)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(answered, '127.0.0.1', 0, ssl=context, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Load(NamedTuple):
    """Seconds for each connection: that pass, and of the server's processor."""

    passed: float
    processor: float


def processor(process: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, process: int, seconds: int) -> Load:
    """What some clients at once get of a server, each connection a new one."""
    command = [
        "openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-www", "/", "-new",
        "-time", str(seconds),
    ]  # fmt: skip
    before = processor(process)
    clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(AT_ONCE)
    ]
    rate, count = 0.0, 0
    for client in clients:
        said, _ = client.communicate()
        found = COUNTED.search(said)
        if found is None:
            raise SystemExit(f"openssl s_time says nothing of connections: {said}")
        count += int(found[1])
        rate += int(found[1]) / int(found[2])
    return Load(1 / rate, (processor(process) - before) / count)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state, secret = f"{folder}/node", Path(folder, "password")
        secret.write_text("Blue-Harbour7\n")
        subprocess.run([*PROGRAM, "init", "--state", state, "--speed", "0"], check=True)
        serve = [*PROGRAM, "serve", "--state", state, "--port", "0", "--tls-ports", "0"]
        own = subprocess.Popen(
            [*serve, "--admin-password-file", str(secret)], stdout=subprocess.PIPE, text=True
        )
        assert own.stdout is not None
        own.stdout.readline()
        port = json.loads(Path(state, "run/ports.json").read_text())[SERVICE][PORT]
        plain = subprocess.Popen(
            [sys.executable, "-I", "-c", PLAIN, *key_of(state), "1000"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert plain.stdout is not None
        plain_port = int(plain.stdout.readline())
        ours, theirs = [], []
        try:
            for _ in range(options.rounds):
                theirs.append(load(plain_port, plain.pid, options.seconds))
                ours.append(load(port, own.pid, options.seconds))
        finally:
            for process in (own, plain):
                process.terminate()
                process.communicate()
        print(machine(folder))
        print(table(rows(ours, theirs)))


def key_of(state: str) -> tuple[str, str]:
    """The files with the certificate and the key that the service has loaded."""
    node = Node.look(state, World.real())
    snapshot = node.snapshot()
    return snapshot.path(UNIT, paths.own_pem(UNIT)), snapshot.path(UNIT, paths.private_key(UNIT))


def rows(ours: list[Load], theirs: list[Load]) -> list[Row]:
    """What is said: four fifths of the connections are five fourths of the time of each."""
    said = []
    for what, goal, values in (
        (f"a new https connection, {AT_ONCE} clients at once", 1.25, lambda row: row.passed),
        ("the same, time of the server's processor", 1.25, lambda row: row.processor),
    ):
        mine, others = middle([*map(values, ours)]), middle([*map(values, theirs)])
        yardstick = "a bare TLS server of asyncio"
        said.append(Row(what, yardstick, mine / others, mine, others, goal))
    return said


if __name__ == "__main__":
    main()
