"""How soon many nodes of one machine would have a change, by what looks and rounds of one cost.

    python benchmarks/simulated.py [--certificates 10000] [--folder F]

The costs are measured in the same run, on a node that holds so many certificates of its cluster. What
is measured of many nodes themselves is in `many.py`. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import heapq
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from populate import certificates
from report import machine

from cucmos_shell.frontends.agent import LOOK, Agent
from cucmos_shell.frontends.cluster import init_cluster
from cucmos_shell.node import Node
from cucmos_shell.session.unattended import give
from cucmos_shell.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = "tomcat"
SYNC = "utils cluster sync"
SIZES = (3, 20, 50, 100)


def told(node: Node, line: str) -> float:
    """Seconds that a command takes, in this process."""
    begin = time.perf_counter()
    status, said = give(node, line, "benchmark", origin="batch", level=4)
    if status:
        raise SystemExit(said)
    return time.perf_counter() - begin


def pem(made: Sequence[object]) -> bytes:
    """Certificates in PEM."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in made)


def costs(node: Node, other: Node, made: object) -> tuple[float, float]:
    """Processor time of a look with nothing new, and of a round with one new certificate."""
    agent, looks = Agent(node), []
    for _ in range(20):
        begin = time.process_time()
        agent.tick()
        looks.append(time.process_time() - begin)
    agent.end()
    rounds = []
    for _ in range(5):
        Path(other.state_dir, "upload", "one.pem").write_bytes(pem([next(made)]))
        told(other, f"utils cert upload trust {BASE} one.pem")
        told(other, SYNC)
        begin = time.process_time()
        told(node, SYNC)
        rounds.append(time.process_time() - begin)
    return statistics.median(looks), statistics.median(rounds)


def simulated(count: int, cores: int, look: float, turn: float, changes: int = 200) -> list[float]:
    """Seconds from a change until `count` nodes have applied it, for so many changes.

    Each agent looks every LOOK seconds, which costs `look`, and once there is something new makes a
    round, which costs `turn`; the processor's cores do one after the other what is due. Whoever
    hears of the reports of others pays for another look at each.
    """
    taken = []
    for change in range(changes):
        free = [0.0] * cores
        # Where each agent is in its pause when the change is told: spread, other ones each time.
        due = [((i * 0.618 + change * 0.377) % 1.0 * LOOK, 0, i) for i in range(count)]
        heapq.heapify(due)
        last, left = 0.0, count
        while left:
            when, heard, i = heapq.heappop(due)
            begin = max(when, heapq.heappop(free))
            end = begin + look + (0.0 if heard else turn)
            heapq.heappush(free, end)
            if not heard:
                left, last = left - 1, max(last, end)
            heapq.heappush(due, (end + LOOK, 1, i))
        taken.append(last)
    return taken


def share(values: Sequence[float], hundredth: int) -> float:
    """What so many of a hundred values do not exceed."""
    return sorted(values)[max(0, -(-len(values) * hundredth // 100) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=10_000)
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    try:
        look, turn = measured(base, options.certificates)
    finally:
        shutil.rmtree(base)
    print(machine(options.folder or tempfile.gettempdir()))
    print(f"A look takes {look * 1e6:.0f} µs of a processor, a round {turn * 1e3:.0f} ms.\n")
    cores = os.cpu_count() or 1
    print(f"| nodes, p50 and p99 | in one process | a process each, {cores} cores |\n|---|---|---|")
    for count in SIZES:
        runs = (simulated(count, used, look, turn) for used in (1, cores))
        cells = (f"{share(run, 50):.2f} s, {share(run, 99):.2f} s" for run in runs)
        print(f"| {count} | {' | '.join(cells)} |")


def measured(base: str, count: int) -> tuple[float, float]:
    """What looks and rounds of a node cost that holds `count` certificates of its cluster."""
    states = init_cluster(
        os.path.join(base, "lab"), "imp-9.1", World.real(), count=2, speed=0,
        progress=lambda _: None,
    )  # fmt: skip
    first, second = (Node.open(state, World.real()) for state in states)
    for node in (first, second, first, second):
        told(node, SYNC)
    bundle = pem(list(certificates(count)))
    Path(first.state_dir, "upload", "bundle.pem").write_bytes(bundle)
    told(first, f"utils cert upload trust {BASE} bundle.pem")
    for node in (first, second, first):
        told(node, SYNC)
    return costs(second, first, certificates(10, 2_000_000))


if __name__ == "__main__":
    main()
