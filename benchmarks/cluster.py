"""A cluster of three on one machine: `python benchmarks/cluster.py [--rounds N] [--only PART]`.

`--bus etcd`: over three members with mutual TLS on this machine, instead of a folder.

Every ratio is to a yardstick that took turns with it in the same run; medians. Whole processes: the
installed script, and three agents of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from certificates import BUNDLE, bundle, fresh, settle, shell
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from measure import middle, peak_memory, process_time, ratio
from populate import certificates
from report import Row, machine, table

from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.session.unattended import give
from cucmos_shell.store import Store
from cucmos_shell.world import World

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from etcd_servers import EtcdServers, etcd_servers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TRUST_STORE, BASE = "tomcat-trust", "tomcat"
UPLOAD = f"utils cert upload trust {BASE} one.pem"
SYNC = "utils cluster sync"
REACH = 200
IDLE_SECONDS, TRACED_SECONDS = 60, 20
PASSWORD = "Blue-Harbour7"
# The etcd, if the bus is one.
SERVERS: list[EtcdServers] = []


def over_etcd(folder: str, servers: EtcdServers, count: int = 3) -> list[str]:
    """The state folders of so many nodes, members of a cluster over an etcd."""
    states = []
    for i in range(count):
        state = os.path.join(folder, f"node-{i}")
        place = {"hostname": f"node-{i}", "ip": f"192.0.2.{i + 1}", "role": "Publisher"}
        install(state, "imp-9.1", World.real(), speed=0, **place)
        shutil.copytree(servers.client, os.path.join(state, "bus"))
        line = f"utils cluster {'join' if i else 'create'} {servers.address(Path(folder).name)}"
        node = Node.open(state, World.real())
        status, said = give(node, line, "benchmark", password=PASSWORD, level=4, origin="batch")
        if status:
            raise SystemExit(said)
        states.append(state)
    return states


def new_cluster(folder: str) -> list[str]:
    """The state folders of three nodes that have heard of each other."""
    if SERVERS:
        states = over_etcd(folder, SERVERS[0])
    else:
        states = init_cluster(
            folder, "imp-9.1", World.real(), count=3, speed=0, progress=lambda _: None
        )
    for state in (*states, *states):
        process_time(shell(state, SYNC))
    return states


@contextlib.contextmanager
def agents(states: Sequence[str]) -> Iterator[list[int]]:
    """An agent for each node, as processes of their own; their numbers."""
    running = []
    script = shell("", "")[0]
    try:
        for state in states:
            with open(os.path.join(os.path.dirname(state), "agents.log"), "ab") as log:
                command = [script, "agent", "--state", state]
                running.append(subprocess.Popen(command, stdout=log, stderr=log))
        time.sleep(3)
        yield [one.pid for one in running]
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait()


def place(state: str, certificate: object) -> str:
    """Leave a certificate in a node's upload area; its SHA-256."""
    Path(state, "upload", "one.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return certificate.fingerprint(hashes.SHA256()).hex()


# --- from one to all -----------------------------------------------------------------------------


def upload(states: Sequence[str], number: int, certificate: object) -> tuple[float, float]:
    """Seconds from the start of an upload's process on a node until all have committed it, and
    from the commit on that node."""
    sha256 = place(states[number], certificate)
    waiting = dict.fromkeys(states, "")
    here = 0.0
    begin = time.perf_counter()
    with subprocess.Popen(
        shell(states[number], UPLOAD), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        while waiting:
            for state, seen in list(waiting.items()):
                head = os.readlink(os.path.join(state, "store", "current"))
                if head != seen:
                    waiting[state] = head
                    if Store(state).snapshot().index(TRUST_STORE).holds(sha256):
                        here = here or time.perf_counter()
                        del waiting[state]
            if time.perf_counter() > begin + 60:
                raise SystemExit(f"not everywhere after a minute: {waiting}")
            time.sleep(0.002)
        there = time.perf_counter()
    if process.returncode:
        raise SystemExit("the upload failed")
    return there - begin, there - here


def share(values: Sequence[float], hundredth: int) -> float:
    """What so many of a hundred values do not exceed."""
    return sorted(values)[max(0, -(-len(values) * hundredth // 100) - 1)]


def reach(base: str) -> list[Row]:
    """From one of three nodes to all, each in turn."""
    alone = os.path.join(base, "alone")
    install(alone, "imp-9.1", World.real(), speed=0)
    states = new_cluster(os.path.join(base, "reach"))
    made = certificates(2 * REACH + 4)
    whole, after, yardstick = [], [], []
    with agents(states):
        for number in range(REACH + 2):
            place(alone, next(made))
            one = process_time(shell(alone, UPLOAD))
            all_of_it, since_commit = upload(states, number % 3, next(made))
            if number >= 2:  # the first ones find everything cold
                whole.append(all_of_it)
                after.append(since_commit)
                yardstick.append(one)
            time.sleep(0.05)
    for what, times in (("whole", whole), ("since the commit", after), ("yardstick", yardstick)):
        print(what, *(f"p{part}: {share(times, part) * 1e3:.0f} ms" for part in (50, 95, 99)))
    half, one = middle(whole), middle(yardstick)
    what = "upload on one of three nodes until it is committed on all"
    return [
        Row(what, "`utils cert upload`, a node alone", half / one, half, one, 8),
        Row("the same, p99 of 200, ms", "", share(whole, 99) * 1e3, 0, 0, 1000),
        Row("from the commit on one to that on all, p99, ms", "", share(after, 99) * 1e3, 0, 0,
            1000),
    ]  # fmt: skip


# --- nothing to do -------------------------------------------------------------------------------


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Resident memory of a process in MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def idle(base: str) -> list[Row]:
    """Three agents while nothing happens."""
    states = new_cluster(os.path.join(base, "idle"))
    with agents(states) as pids:
        time.sleep(5)
        before = [processor_seconds(pid) for pid in pids]
        time.sleep(IDLE_SECONDS)
        used = [processor_seconds(pid) - b for pid, b in zip(pids, before, strict=True)]
        memory = max(resident(pid) for pid in pids)
        report = os.path.join(base, "strace")
        trace = ["strace", "-c", "-f", "-o", report, "-p", str(pids[0])]
        with subprocess.Popen(trace, stderr=subprocess.DEVNULL) as tracing:
            time.sleep(TRACED_SECONDS)
            tracing.send_signal(signal.SIGINT)
    calls = {}
    for line in Path(report).read_text().splitlines():
        fields = line.split()
        if fields and fields[-1].isidentifier() and fields[0][0].isdigit():
            calls[fields[-1]] = int(fields[3])
    total = calls.pop("total", 0)
    print(f"calls of an idle agent in {TRACED_SECONDS} s: {total}, {calls}")
    synced = sum(calls.get(one, 0) for one in ("fsync", "fdatasync", "syncfs", "sync"))
    share = 100 * max(used) / IDLE_SECONDS
    return [
        Row("an idle agent, the busiest of three, % of a core", "", share, share, 0, 0.5),
        Row("its calls of fsync and the like, 20 s", "", synced, synced, 0, 0),
        Row("its memory, MiB", "", memory, memory, 0, 45),
    ]


# --- ten thousand --------------------------------------------------------------------------------


def large_cluster(base: str) -> tuple[str, str, list[str]]:
    """The bundle's file; a node alone; three nodes, of which the first has told the bundle."""
    path, _ = bundle(base)
    alone = os.path.join(base, "node")
    install(alone, "imp-9.1", World.real(), speed=0)
    states = new_cluster(os.path.join(base, "large"))
    shutil.copy(path, os.path.join(states[0], "upload"))
    begin = time.perf_counter()
    process_time(shell(states[0], f"utils cert upload trust {BASE} bundle.pem"))
    uploaded = time.perf_counter()
    process_time(shell(states[0], SYNC))
    print(f"10,000: uploaded in {uploaded - begin:.1f} s, told in "
          f"{time.perf_counter() - uploaded:.1f} s")  # fmt: skip
    return path, alone, states


def catching_up(base: str, large: tuple[str, str, list[str]], rounds: int) -> list[Row]:
    """A node that has none of 10,000 certificates gets them, against the upload of their bundle."""
    path, alone, states = large

    def behind() -> str:
        folder = os.path.join(fresh(base), "copy")
        shutil.copytree(os.path.dirname(states[1]), folder, symlinks=True)
        settle(base)
        return os.path.join(folder, os.path.basename(states[1]))

    def caught_up() -> float:
        state = behind()
        taken = process_time(shell(state, SYNC))
        if len(list(Store(state).snapshot().trust(TRUST_STORE))) < BUNDLE:
            raise SystemExit("the node has not caught up")
        return taken

    def uploaded() -> float:
        state = shutil.copytree(alone, os.path.join(fresh(base), "node"), symlinks=True)
        shutil.copy(path, os.path.join(state, "upload"))
        settle(base)
        return process_time(shell(state, f"utils cert upload trust {BASE} bundle.pem"))

    found = ratio(caught_up, uploaded, rounds)
    memory = peak_memory(shell(behind(), SYNC))
    return [
        Row("a node catches up with 10,000 certificates", "upload of their bundle", *found, 2),
        Row("its peak memory, MiB", "", memory, memory, 0, 200),
    ]


def one_more(base: str, large: tuple[str, str, list[str]], rounds: int) -> list[Row]:
    """One certificate more into 10,000 of a cluster, against one into those of a node alone."""
    path, alone, states = large
    shutil.copy(path, os.path.join(alone, "upload"))
    process_time(shell(alone, f"utils cert upload trust {BASE} bundle.pem"))
    for state in states[1:]:
        process_time(shell(state, SYNC))
    made = certificates(4 * rounds + 8, 2_000_000)

    def add(state: str) -> float:
        place(state, next(made))
        settle(base)
        return process_time(shell(state, UPLOAD))

    def applied() -> float:
        place(states[0], next(made))
        process_time(shell(states[0], UPLOAD))
        process_time(shell(states[0], SYNC))
        settle(base)
        return process_time(shell(states[1], SYNC))

    def told() -> float:
        taken = add(states[0])
        process_time(shell(states[0], SYNC))
        return taken

    add(alone), told(), applied()
    here = ratio(told, lambda: add(alone), rounds)
    there = ratio(applied, lambda: add(alone), rounds)
    yardstick = "the same, a node alone"
    return [
        Row("upload one certificate to 10,000 of a cluster", yardstick, *here, 2),
        Row("a round with one that another node has uploaded", "its upload, a node alone",
            *there, 2),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="a part: reach, idle or large")
    parser.add_argument("--bus", choices=("dir", "etcd"), default="dir")
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    rows = []
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, base)
        if options.bus == "etcd":
            SERVERS.append(stack.enter_context(etcd_servers()))
        if options.only in ("", "reach"):
            rows += reach(base)
        if options.only in ("", "idle"):
            rows += idle(base)
        if options.only in ("", "large"):
            large = large_cluster(base)
            rows += catching_up(base, large, max(3, options.rounds // 5))
            rows += one_more(base, large, options.rounds)
        print(machine(base))
        print(table(rows))


if __name__ == "__main__":
    main()
