"""What was freed goes back to the system, whatever threads had it."""

import subprocess
import sys

import pytest

# Six threads that each free a large block, and many smaller ones below something that stays.
THREADS = """
import sys, threading
from cucmos_shell.frontends.memory import give_back

def mine():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))

def work():
    bytes(16 * 1024 * 1024)
    kept = []
    for _ in range(5):
        blocks = [b"x" * (600 * 1024 + size) for size in range(20)]
        kept.append(bytes(2000))
        del blocks
    ended.wait()
    end.wait()

if sys.argv[1] == "give back":
    give_back()
before, ended, end = mine(), threading.Barrier(7), threading.Event()
for _ in range(6):
    threading.Thread(target=work).start()
ended.wait()
print(mine() - before)
end.set()
"""


def kept(how):
    """KiB that a process keeps of what its threads have freed."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif("gnu" not in sys.implementation._multiarch, reason="glibc's own habit")
def test_what_is_freed_is_given_back():
    assert kept("keep") > 30_000
    assert kept("give back") < 8_000
