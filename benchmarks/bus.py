"""The bus of a cluster in a folder, against plain commits of the same SQLite.

    python benchmarks/bus.py [--rounds N] [--folder DIR]

A plain commit is one row of the same size inserted into a table without an index, in the same
journal mode and as durably.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import tempfile
import time
from typing import TYPE_CHECKING

from measure import middle
from report import Row, machine, table

from cucmos_shell.world.bus import Put
from cucmos_shell.world.buses import create_bus, open_bus

if TYPE_CHECKING:
    from cucmos_shell.world.bus import Bus

VALUE = os.urandom(1500)
KEYS = 500
HISTORY, PART = 10_000, 100


class Plain:
    """The yardstick: a table, and a commit for each row."""

    def __init__(self, folder: str) -> None:
        self.connection = sqlite3.connect(os.path.join(folder, "plain.db"), isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE t(key TEXT, value BLOB)")

    def insert(self, number: int) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("INSERT INTO t VALUES (?, ?)", (f"k/{number % KEYS}", VALUE))
        self.connection.execute("COMMIT")


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]


def changes(bus: Bus, plain: Plain, rounds: int) -> list[Row]:
    """One change of one key, by comparison or not, against one insertion; they take turns."""
    one, two = [], []
    for number in range(rounds):
        begin = time.perf_counter()
        plain.insert(number)
        between = time.perf_counter()
        bus.change([], [Put(f"k/{number % KEYS}", VALUE)])
        one.append(time.perf_counter() - between)
        two.append(between - begin)
    rows = []
    for name, part, goal in (("p50", 0.5, 2.0), ("p95", 0.95, 2.5)):
        mine, its = quantile(one, part), quantile(two, part)
        rows.append(
            Row(f"`change` of 1.5 KB, {name}", "a plain commit", mine / its, mine, its, goal)
        )
    return rows


def history(folder: str, plain: Plain) -> list[Row]:
    """A long history, written in parts, read in one go, and opened."""
    address = f"dir:{folder}/history"
    bus = create_bus(address, "", time.time)
    begin = time.perf_counter()
    for part in range(0, HISTORY, PART):
        bus.change([], [Put(f"k/{part + i}", VALUE) for i in range(PART)])
    writing = time.perf_counter() - begin
    bus.close()

    plain.connection.execute("DELETE FROM t")
    begin = time.perf_counter()
    for part in range(0, HISTORY, PART):
        plain.connection.execute("BEGIN IMMEDIATE")
        values = [(f"k/{part + i}", VALUE) for i in range(PART)]
        plain.connection.executemany("INSERT INTO t VALUES (?, ?)", values)
        plain.connection.execute("COMMIT")
    plainly = time.perf_counter() - begin

    opening, since, reading, yardstick = [], [], [], []
    for _ in range(9):
        begin = time.perf_counter()
        rows = plain.connection.execute("SELECT key, value FROM t").fetchall()
        yardstick.append(time.perf_counter() - begin)
        bus = open_bus(address, "", time.time)
        times = [time.perf_counter()]
        bus.identity()
        times.append(time.perf_counter())
        found = bus.since("", 0)
        times.append(time.perf_counter())
        items = bus.read("").items
        times.append(time.perf_counter())
        bus.close()
        assert len(rows) == sum(len(change.items) for change in found) == len(items) == HISTORY
        for taken, into in enumerate((opening, since, reading)):
            into.append(times[taken + 1] - times[taken])
    plain_read = middle(yardstick)

    def row(what: str, yard: str, seconds: float, its: float, goal: float) -> Row:
        return Row(what, yard, seconds / its, seconds, its, goal)

    named = f"{HISTORY:,} × 1.5 KB"
    written = row(f"write {named}, {PART} a change", "the same insertions", writing, plainly, 4.0)
    return [
        written,
        row(f"`since`, {named}", "select all rows", middle(since), plain_read, 4.0),
        row(f"`read`, {named}", "select all rows", middle(reading), plain_read, 4.0),
        row(f"open and check it, {named}", "select all rows", middle(opening), plain_read, 4.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--folder", help="on the file system that is to be measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print(machine(folder))
        plain = Plain(folder)
        with contextlib.closing(create_bus(f"dir:{folder}/bus", "", time.time)) as bus:
            rows = changes(bus, plain, arguments.rounds)
        rows += history(folder, plain)
        print(table(rows))


if __name__ == "__main__":
    main()
