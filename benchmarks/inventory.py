"""An inventory: how soon its nodes are ready, and what the process that serves them takes.

    python benchmarks/inventory.py [--nodes 500] [--clusters 0] [--folder DIR]

Nodes are installed at the first start, with keys of their own, and found at the second; `--folder`
keeps them for the next run. The client is this process. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import asyncssh
from report import machine

PASSWORD = "Blue-Harbour7"
PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
# Longer than servers look after their nodes for the first time.
SETTLED = 65.0
VISITED, IDLE_SECONDS = 100, 60.0
INVENTORY = """defaults: {{profile: imp-9.1, speed: 0, admin-password-file: password}}
nodes: [{{name: node, count: {nodes}}}]
"""


def status(pid: int) -> tuple[float, float, int]:
    """Of a process: resident MiB, the most there have been, and threads."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}
    return int(values["VmRSS"]) / 1024, int(values["VmHWM"]) / 1024, int(values["Threads"])


class Serving:
    """The inventory, served at free ports from now on; `seconds` until all nodes are ready."""

    def __init__(self, file: pathlib.Path) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [*PROGRAM, "serve", "--inventory", str(file), "--port", "0"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addresses = []
        for line in self.process.stdout:
            if line.startswith("Serving "):
                break
            host, _, port = line.split()[2].rpartition(":")
            self.addresses.append((host, int(port)))
        self.seconds = time.perf_counter() - begun

    def processor(self) -> float:
        """Seconds of a core that it has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        ticks = sum(map(int, fields.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


async def visit(host: str, port: int) -> None:
    """Sign in with the password, and ask who it is."""
    async with asyncssh.connect(
        host, port, username="admin", password=PASSWORD, known_hosts=None, config=None,
        client_keys=None, agent_path=None,
    ) as connection:  # fmt: skip
        done = await connection.run("show myself", check=True)
        assert re.search(r"account name +: admin", str(done.stdout))


def visits(addresses: list[tuple[str, int]]) -> float:
    """Seconds that one client takes for all of them, one after the other."""

    async def main() -> None:
        for address in addresses:
            await visit(*address)

    begun = time.perf_counter()
    asyncio.run(main())
    return time.perf_counter() - begun


def measure(folder: pathlib.Path, nodes: int, clusters: int) -> list[tuple[str, str, str]]:
    """Rows of the table: what, goal, measured."""
    file = folder / "lab.yaml"
    rows = "".join(f"- {{name: pub{i}, nodes: 3}}\n" for i in range(clusters))
    file.write_text(INVENTORY.format(nodes=nodes) + (f"clusters:\n{rows}" if rows else ""))
    (folder / "password").write_text(PASSWORD)
    there = (folder / "nodes" / f"node-{nodes}").exists()
    first = Serving(file)
    first.stop()
    served = Serving(file)
    pid, total = served.process.pid, len(served.addresses)
    ready = served.processor()
    time.sleep(SETTLED)
    idle, before = status(pid), served.processor()
    time.sleep(IDLE_SECONDS)
    used = (served.processor() - before) / IDLE_SECONDS
    visited = min(VISITED, total)
    each = visits(served.addresses[:visited]) / visited
    after = status(pid)
    everyone = visits(served.addresses)
    later = status(pid)
    served.stop()
    rate = "-" if there else f"{total / first.seconds:.1f}"
    return [
        ("first start, with installation: nodes a second", ">= 4", rate),
        (f"start of {total} nodes that are there", "< 15 s", f"{served.seconds:.1f} s"),
        ("processor time of that", "-", f"{ready:.1f} s"),
        ("memory idle, MiB", "<= 150", f"{idle[0]:.0f}"),
        ("processor time idle, of a core", "<= 3 %", f"{used:.1%}"),
        (f"a sign-in and a command, each of {visited}", "-", f"{each * 1000:.0f} ms"),
        ("memory after that, MiB", "<= 200", f"{after[0]:.0f}"),
        (f"one client on all {total}, one after the other", "< 60 s", f"{everyone:.1f} s"),
        ("memory then, and the most there was, MiB", "-", f"{later[0]:.0f}, {later[1]:.0f}"),
        ("threads then", "<= 20", f"{later[2]}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--clusters", type=int, default=0)
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rows = measure(folder, options.nodes, options.clusters)
        print(machine(str(folder)))
    print("| what | goal | measured |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
