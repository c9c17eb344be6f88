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


def kept(how, program=THREADS):
    """KiB that a process keeps of what its threads have freed."""
    done = subprocess.run(
        [sys.executable, "-c", program, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif("gnu" not in sys.implementation._multiarch, reason="glibc's own habit")
def test_what_is_freed_is_given_back():
    assert kept("keep") > 30_000
    assert kept("give back") < 8_000


# What a statement leaves behind: blocks below the size that glibc gives back, in a thread's heap.
LEFT = """
import sys, threading
from cucmos_shell.frontends.memory import give_back, trim

def mine():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))

def work():
    for _ in range(20):
        blocks = [b"x" * 200_000 for _ in range(20)]
        kept.append(bytes(100_000))
        held.extend(blocks)
    del blocks
    held.clear()
    if sys.argv[1] == "trim":
        trim()

give_back()
before, kept, held = mine(), [], []
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(mine() - before)
"""


@pytest.mark.skipif("gnu" not in sys.implementation._multiarch, reason="glibc's own habit")
def test_what_a_long_step_leaves_is_given_back():
    """Also below blocks that stay."""
    assert kept("keep", LEFT) > 30_000
    assert kept("trim", LEFT) < 8_000
