"""Benchmark results as a Markdown table, with the machine and the file system named."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Row(NamedTuple):
    """`value` against `goal`; `seconds` and `yardstick_seconds` behind a ratio, 0 if it is none."""

    what: str
    yardstick: str
    value: float
    seconds: float
    yardstick_seconds: float
    goal: float


def machine(folder: str) -> str:
    """One line about where the numbers come from."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_file_system(folder)}, "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}\n"
    )


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: str) -> str:
    best, kind = "", "unknown file system"
    with open("/proc/mounts", encoding="utf-8") as file:
        for line in file:
            _, place, name, *_ = line.split()
            if os.path.realpath(folder).startswith(place) and len(place) > len(best):
                best, kind = place, name
    return kind


def _time(seconds: float) -> str:
    if not seconds:
        return ""
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def table(rows: Iterable[Row]) -> str:
    """The rows, each with its verdict."""
    lines = [
        "| what | measured | yardstick | its time | ratio | goal | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.yardstick_seconds:
            shown = f"{row.value:.2f} ×"
            goal = f"≤ {row.goal:g} ×"
        else:
            shown, goal = f"{row.value:.1f}", f"≤ {row.goal:g}"
        seconds = _time(row.seconds) if row.yardstick_seconds else ""
        met = "yes" if row.value <= row.goal else "**no**"
        lines.append(
            f"| {row.what} | {seconds} | {row.yardstick} | {_time(row.yardstick_seconds)} "
            f"| {shown} | {goal} | {met} |"
        )
    return "\n".join(lines)
