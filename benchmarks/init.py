"""What `init` costs beside its keys: `python benchmarks/init.py [--rounds N] [--profile NAME …]`.

Of each profile one row: processor time of the whole program against that of its keys, in the same
process, and of importing what reads profiles and certificates, in one that takes turns with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from measure import middle
from report import Row, machine, table

from cucmos_shell.profile.profile import names

IMPORTS = "import cryptography.x509, yaml, msgspec"
YARDSTICK = f"{IMPORTS}\nimport time\nprint(time.process_time())"
# The program as its entry point runs it; threads make the keys, each with a clock of its own.
PROGRAM = """
import gc, sys, time
gc.disable()
from cucmos_shell.frontends.start import run
from cucmos_shell.world import World
world, spent = World.real(), []
def new_key(kind):
    begin = time.thread_time()
    key = world.new_key(kind)
    spent.append(time.thread_time() - begin)
    return key
arguments = ["init", "--state", sys.argv[1], "--profile", sys.argv[2], "--speed", "0"]
status = run(arguments, world.replace(new_key=new_key))
print(time.process_time(), sum(spent))
sys.exit(status)
"""


def numbers(program: str, *arguments: str) -> list[float]:
    """What a Python program has printed last, as numbers."""
    command = [sys.executable, "-I", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.splitlines()[-1].split()]


def row(profile: str, folder: str, rounds: int) -> Row:
    """Medians of so many nodes of `profile`, made one after the other."""
    ratios, ours, yardsticks = [], [], []
    for _ in range(rounds):
        (imports,) = numbers(YARDSTICK)
        state = os.path.join(folder, "node")
        whole, keys = numbers(PROGRAM, state, profile)
        shutil.rmtree(state)
        ratios.append(whole / (keys + imports))
        ours.append(whole)
        yardsticks.append(keys + imports)
    yardstick = f"its keys, and `{IMPORTS}`"
    return Row(
        f"`init --profile {profile}`",
        yardstick,
        middle(ratios),
        middle(ours),
        middle(yardsticks),
        1.5,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile", nargs="+", default=names())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(profile, folder, options.rounds) for profile in options.profile]
        print(machine(folder))
    print(table(rows))


if __name__ == "__main__":
    main()
