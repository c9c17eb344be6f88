"""A process that uses a bus: `bus_worker.py VERB PLACE ...`; what it has done stands on its output.

PLACE is the folder of a bus, or the address of one in an etcd, `@` and the folder where its files are.
"""

import itertools
import os
import sys
import threading

from following import follow

from cucmos_shell.errors import ShellError
from cucmos_shell.world.bus import At, Put
from cucmos_shell.world.buses import create_bus, open_bus
from cucmos_shell.world.buses.directory import DirectoryBus

SIZES = (0, 1, 700, 5_000, 60_000)
NOBODY = 65_534


def say(*words):
    """One line, at once and by one call."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def change(bus):
    """One change of two keys and a third one dropped; its revision, or the error's name."""
    try:
        (item,) = bus.read("a").items
        say(bus.change([At("a", item.revision)], [Put("a", b"new"), Put("b", b"new")], ["c"]))
    except ShellError as error:
        say(type(error).__name__)


def write(bus):
    """Changes without end: number n puts n into `n`, and n and some octets into `v/...`."""
    for number in itertools.count(1):
        octets = b"%d " % number + bytes(SIZES[number % len(SIZES)])
        keys = [f"v/{number % 7}", f"v/{number % 5 + 7}"]
        puts = [Put("n", b"%d" % number), *(Put(key, octets) for key in keys)]
        bus.change([], puts, [f"v/{number % 3 + 12}"])
        bus.alive("alive", b"%d" % number, 15)
        say(number)


def count(bus, turns):
    """Count `turn` up by comparison, `turns` times; what came out each time."""
    for _ in range(int(turns)):
        while True:
            (item,) = bus.read("turn").items
            number = int(item.value) + 1
            if bus.change([At("turn", item.revision)], [Put("turn", b"%d" % number)]):
                say(number)
                break


def watch(bus, prefix, total):
    """Follow from now on until `total` revisions have come; each with its keys."""
    revision = bus.read("").revision
    say("from", revision)
    changes = follow(bus, prefix, revision, lambda: False, threading.Event().wait)
    for one in itertools.islice(changes, int(total)):
        say(one.revision, *(item.key for item in one.items), *one.gone)


def idle(bus, looks):
    """Look so often whether something has come."""
    revision = bus.read("").revision
    bus.since("", revision)
    say("begin")
    for _ in range(int(looks)):
        bus.since("", revision)
    say("end")


def fork(bus):
    """A child that uses the same bus before and after its parent closes it; what there is then."""
    bus.change([], [Put("parent", b"")])
    (child_reads, parent_writes), (parent_reads, child_writes) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            bus.change([], [Put("child/1", b"")])
            os.write(child_writes, b"1")
            os.read(child_reads, 1)
            bus.change([], [Put("child/2", b"")])
            status = 0
        finally:
            os._exit(status)
    bus.change([], [Put("parent/1", b"")])
    os.read(parent_reads, 1)
    bus.close()
    os.write(parent_writes, b"1")
    assert os.waitpid(pid, 0)[1] == 0
    say(*(item.key for item in bus.read("").items))


def nobody(bus):
    """What an account finds that may not use it."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)
    for use in (lambda: bus.read(""), lambda: change(bus), lambda: bus.alive("k", b"", 5)):
        try:
            use()
        except ShellError as error:
            say(type(error).__name__, error.fields["reason"])


def fill(folder):
    """Fill the disk; what was acknowledged is there, and more fits once there is room."""
    filler = os.path.join(folder, "filler")
    with open(filler, "wb") as file:
        file.write(bytes(200_000))
    bus = create_bus("dir:bus", folder, float)
    done = []
    try:
        while True:
            done.append(bus.change([], [Put(f"k/{len(done)}", bytes(10_000))]))
    except ShellError as error:
        say(type(error).__name__, error.fields["reason"])
    say(len(done) > 5, [item.revision for item in bus.read("k/").items].sort() == done.sort())
    bus.close()
    say(len(bus.read("k/").items) == len(done), len(bus.since("", 0)) == len(done))
    os.unlink(filler)
    say(bus.change([], [Put("k/more", bytes(10_000))]) == done[-1] + 1)


def main():
    verb, folder, *words = sys.argv[1:]
    function = globals()[verb]
    if verb == "fill":
        function(folder)
    else:
        address, _, base = folder.rpartition("@")
        etcd = address.startswith("etcd+")
        bus = open_bus(address, base, float) if etcd else DirectoryBus(folder, float, seconds=30)
        function(bus, *words)


if __name__ == "__main__":
    main()
