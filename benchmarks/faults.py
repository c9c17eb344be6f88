"""What a check for a fault costs where none is set: `python benchmarks/faults.py [--rounds N]`.

Also what a look at a clock that can be moved costs, and a snapshot with its restoring, against
copying the folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable

from report import machine

from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.node.lab.lab import make_lab, open_lab
from cucmos_shell.world import World

FACTS = {"words": "show cert list own", "account": "admin"}
GOAL = 1.0


def each(function: Callable[[], object], times: int, rounds: int) -> float:
    """Microseconds of one call: the median of rounds."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            function()
        found.append((time.perf_counter() - begun) / times * 1e6)
    return statistics.median(found)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "node")
        install(state, "imp-9.1", World.real(), speed=0)
        plain = Node.open(state, World.real()).world
        make_lab(state)
        lab = open_lab(state, World.real())
        there = Node.open(state, World.real()).world
        print(machine(folder))
        for name, world in (("no lab", plain), ("a lab", there)):
            check = each(lambda w=world: w.fault("command.begin", dict(FACTS)), 10_000, rounds)
            now = each(world.now, 10_000, rounds)
            print(f"{name}: a check where no fault is set {check:.2f} µs, the time {now:.2f} µs")
        copy = os.path.join(folder, "copy")

        def copied() -> None:
            shutil.copytree(state, copy, symlinks=True)
            shutil.rmtree(copy)

        base = each(copied, 1, rounds)
        both = each(lambda: (lab.snapshots.save("s"), lab.snapshots.restore("s")), 1, rounds)
        print(f"snapshot and restore {both / 1000:.1f} ms: {both / base:.2f} × copying the folder")


if __name__ == "__main__":
    main()
