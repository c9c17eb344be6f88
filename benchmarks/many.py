"""Many nodes of one cluster in one process: how soon all have what one is given, and its memory.

    python benchmarks/many.py [--nodes 20] [--certificates 10000] [--changes 30] [--bus etcd]

All nodes are served by one process; what they are given comes from processes of its own, as a person
would give it. First a bundle that all have to catch up with, then single certificates.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from certificates import TRUST_STORE, shell
from cluster import BASE, UPLOAD, over_etcd, place, share
from cryptography.hazmat.primitives.serialization import Encoding
from etcd_servers import etcd_servers
from inventory import PASSWORD, Serving, status
from populate import certificates
from report import Row, machine, table

from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.store import Store
from cucmos_shell.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK = 0.01
# Seconds within which all must have what one has.
LIMIT = 1800.0


def new_cluster(base: str, count: int, etcd: bool, stack: contextlib.ExitStack) -> list[str]:
    """The state folders of a cluster."""
    folder = os.path.join(base, "many")
    if etcd:
        return over_etcd(folder, stack.enter_context(etcd_servers()), count)
    return init_cluster(
        folder, "imp-9.1", World.real(), count=count, speed=0, progress=lambda _: None
    )


@contextlib.contextmanager
def served(states: list[str]) -> Iterator[int]:
    """The number of a process that serves them all."""
    file = pathlib.Path(states[0]).parent / "lab.yaml"
    rows = "".join(f"- {{name: {pathlib.Path(one).name}, state: {one}}}\n" for one in states)
    file.write_text(f"defaults: {{admin-password-file: password}}\nnodes:\n{rows}")
    file.with_name("password").write_text(PASSWORD)
    server = Serving(file)
    try:
        assert len(server.addresses) == len(states)
        yield server.process.pid
    finally:
        server.stop()


def until_all(states: list[str], holds: Callable[[str], bool]) -> None:
    """Wait until that is so of each of them."""
    end = time.perf_counter() + LIMIT
    seen = dict.fromkeys(states, "")
    while seen:
        for state, head in list(seen.items()):
            now = os.readlink(os.path.join(state, "store", "current"))
            if now != head:
                seen[state] = now
                if holds(state):
                    del seen[state]
        if time.perf_counter() > end:
            raise SystemExit(f"not everywhere in time: {list(seen)}")
        time.sleep(LOOK)


def give(state: str, line: str) -> float:
    """Give a node a command; when it had been done."""
    done = subprocess.run(shell(state, line), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{line} failed")
    return time.perf_counter()


def measure(states: list[str], options: argparse.Namespace) -> list[Row]:
    """The rows of the table."""
    made = list(certificates(options.certificates))
    bundle = pathlib.Path(states[0], "upload", "bundle.pem")
    bundle.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in made))
    singles = certificates(options.changes, 5_000_000)

    def full(state: str) -> bool:
        rows = Store(state).snapshot().trust(TRUST_STORE)
        return sum(not row.owner for row in rows) >= options.certificates

    with served(states) as pid:
        begun = give(states[0], f"utils cert upload trust {BASE} bundle.pem")
        until_all(states, full)
        caught_up = time.perf_counter() - begun
        taken = []
        for number, one in enumerate(singles):
            state = states[number % len(states)]
            sha256 = place(state, one)
            begun = give(state, UPLOAD)
            until_all(states, lambda s, h=sha256: Store(s).snapshot().index(TRUST_STORE).holds(h))
            taken.append(time.perf_counter() - begun)
        _, most, threads = status(pid)
    count, size = len(states), options.certificates
    what = f"{count} nodes × {size:,} in one process"
    return [
        Row(f"{what}: all have caught up with them, s", "", caught_up, 0, 0, 600),
        Row(
            "one more, from the commit on one to that on all, p50, s", "", share(taken, 50), 0, 0, 5
        ),
        Row("the same, p99, s", "", share(taken, 99), 0, 0, 5),
        Row("peak memory of the process, MiB", "", most, 0, 0, 1536),
        Row("its threads", "", threads, 0, 0, 100),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--certificates", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--bus", choices=("dir", "etcd"), default="dir")
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, base)
        rows = measure(new_cluster(base, options.nodes, options.bus == "etcd", stack), options)
        print(machine(base))
        print(table(rows))


if __name__ == "__main__":
    sys.exit(main())
