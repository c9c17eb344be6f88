"""Many nodes in one process: its memory and threads when somebody has signed in to each.

    python benchmarks/nodes.py [--nodes 100]

The nodes are copies of one, each with a server of its own; the client is this process, which signs
in with the password and lists certificates, on one node after the other. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import asyncssh
from report import machine

PASSWORD = "Blue-Harbour7"
PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
ROOT = pathlib.Path(__file__).resolve().parent.parent
MANY = [sys.executable, "-I", str(ROOT / "tests" / "support" / "many_nodes.py")]
# Longer than servers look after their nodes for the first time.
SETTLED = 65.0


def prepared(folder: pathlib.Path, count: int) -> list[str]:
    """State folders of so many nodes, each with host keys and an administrator."""
    first = folder / "node-0"
    secret = folder / "password"
    secret.write_text(PASSWORD)
    served = ["serve", "--state", str(first), "--port", "0", "--admin-password-file", str(secret)]
    init = [*PROGRAM, "init", "--state", str(first), "--speed", "0"]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen([*PROGRAM, *served], stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        server.send_signal(signal.SIGTERM)
    folders = [str(folder / f"node-{i}") for i in range(count)]
    for path in folders[1:]:
        shutil.copytree(first, path, symlinks=True)
    return folders


def status(pid: int) -> tuple[float, float, int]:
    """Of a process: resident MiB, the most there have been, and threads."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}
    return int(values["VmRSS"]) / 1024, int(values["VmHWM"]) / 1024, int(values["Threads"])


async def visit(port: int) -> None:
    """Sign in with the password, see a listing, and leave."""
    async with asyncssh.connect(
        "127.0.0.1", port, username="admin", password=PASSWORD, known_hosts=None, config=None,
        client_keys=None, agent_path=None,
    ) as connection:  # fmt: skip
        done = await connection.run("show cert list own", check=True)
        assert str(done.stdout).count("\n") >= 5


async def visit_all(ports: list[int]) -> None:
    for port in ports:
        await visit(port)


def measure(folders: list[str], rounds: int) -> list[tuple[str, str, str]]:
    """Rows of the table: what, goal, measured."""
    begun = time.perf_counter()
    with subprocess.Popen([*MANY, *folders], stdout=subprocess.PIPE, text=True) as server:
        ports = [int(port) for port in server.stdout.readline().split()]
        ready = time.perf_counter() - begun
        before = status(server.pid)
        begun = time.perf_counter()
        asyncio.run(visit_all(ports))
        first = (time.perf_counter() - begun) / len(ports)
        after = status(server.pid)
        for _ in range(rounds):
            asyncio.run(visit_all(ports))
        time.sleep(max(0.0, SETTLED - (time.perf_counter() - begun)))
        later = status(server.pid)
        server.send_signal(signal.SIGTERM)
    return [
        (f"start of {len(ports)} nodes", "-", f"{ready:.1f} s"),
        ("memory before anybody has come, MiB", "-", f"{before[0]:.0f}"),
        ("a sign-in and a listing on each", "-", f"{first * 1000:.0f} ms"),
        ("memory after that, MiB", "<= 150", f"{after[0]:.0f}"),
        ("the most meanwhile, MiB", "-", f"{later[1]:.0f}"),
        ("threads after that", "<= 20", f"{after[2]}"),
        (
            f"memory {rounds} rounds and a look of each server later, MiB",
            "<= 150",
            f"{later[0]:.0f}",
        ),
        ("threads then", "<= 20", f"{later[2]}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(prepared(pathlib.Path(folder), options.nodes), options.rounds)
        print(machine(folder))
    print("| what | goal | measured |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
