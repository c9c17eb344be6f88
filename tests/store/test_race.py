"""Writers and readers in several processes: nobody ever sees half a change."""

import subprocess
import sys
import time

import pytest
from places import SUPPORT
from small_store import change, give_own, new_store
from sweeping import every

from cucmos_shell.store import Store

SECONDS = 40 // every(of=4)
WRITER = """
import sys, time
from small_store import give_own, row
from cucmos_shell.store import Store
store, mark, end = Store(sys.argv[1]), sys.argv[2], time.monotonic() + float(sys.argv[3])
number = 0
while time.monotonic() < end:
    lock = store.try_lock()
    if lock is None:
        continue
    with lock:
        number += 1
        change = store.begin(lock, who=mark, what="race", now=0)
        seal = b"%s %d" % (mark.encode(), number)
        for unit in ("alpha", "beta"):
            give_own(change, unit, seal + b" " + unit.encode())
        for i in range(number % 5, 40, 5):
            der = seal + b" trusted %d" % i
            change.put_trust("beta-trust", row(f"T{i}", der), der)
        change.put_settings({"seal": seal.decode()})
        change.commit()
print(number)
"""


def look(snapshot):
    """The seal of the state, which everything in it must agree with."""
    seal = snapshot.settings()["seal"]
    for unit in ("alpha", "beta"):
        der = f"{seal} {unit}".encode()
        assert snapshot.own_der(unit) == der
        assert snapshot.private_key_pem(unit) == b"key of " + der
        row = snapshot.owned(f"{unit}-trust", unit)
        assert snapshot.certificate_der(row.sha256) == der
        assert snapshot.own(unit).history[-1].head == snapshot.head
    for row in snapshot.trust("beta-trust"):
        snapshot.certificate_pem(row.sha256)
    return seal


def race(folder, seconds):
    store = new_store(folder)

    def first(transaction):
        for unit in ("alpha", "beta"):
            give_own(transaction, unit, f"origin {unit}".encode())
        transaction.put_settings({"seal": "origin"})

    change(store, first)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), mark, str(seconds)],
            stdout=subprocess.PIPE,
            cwd=SUPPORT,
            text=True,
        )
        for mark in ("one", "two")
    ]
    seen, looks = set(), 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            seen.add(look(Store(str(folder)).snapshot()))
            looks += 1
    finally:
        answers = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    written = sum(map(int, answers))
    assert store.snapshot().head == 2 + written
    look(store.snapshot())
    return seen, looks, written


def test_readers_see_whole_states(tmp_path):
    """Two writers and a reader at once, for a moment."""
    seen, looks, written = race(tmp_path, 1.5)
    assert looks > 2
    assert written > 2
    assert len(seen) > 1


@pytest.mark.slow
def test_readers_see_whole_states_for_long(tmp_path):
    """The same for so long that old states are cleared away all the time."""
    _, looks, written = race(tmp_path, SECONDS)
    assert looks > SECONDS * 2
    assert written > SECONDS * 2
