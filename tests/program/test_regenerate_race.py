"""One process regenerates, another lists and shows: never half a change, never a failure."""

import hashlib
import os
import subprocess
import sys
import time

import pytest
from harness import Conversation
from places import SUPPORT
from sweeping import every

SECONDS = 40 // every(of=4)
WRITER = """
import sys, time
from harness import Conversation, Keys
from cucmos_shell.node.node import Node
from cucmos_shell.world.world import World
say = Conversation(Node.open(sys.argv[1], World.real().replace(new_key=Keys())))
end, count = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    for unit in say.node.profile.units:
        answer = say(f"set cert regen {unit}", "yes")
        assert say.status == 0, answer
        count += 1
print(count)
"""


def look(node, say):
    """Every unit's certificate, key and copy are of one change, and the commands agree."""
    snapshot = node.snapshot()
    for unit, spec in node.profile.units.items():
        own = snapshot.own(unit)
        assert hashlib.sha256(snapshot.own_der(unit)).hexdigest() == own.row.sha256
        assert own.history[-1].sha256 == own.row.sha256
        assert snapshot.owned(spec.trust_store, unit).sha256 == own.row.sha256
        snapshot.certificate_pem(own.row.sha256)
        snapshot.private_key_pem(unit)
    for line in ("show cert list own", "show cert list trust"):
        assert len(say(line).splitlines()) == len(node.profile.units)
        assert say.status == 0
    return snapshot.head


def race(node, seconds):
    say = Conversation(node)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, node.state_dir, str(seconds)],
        stdout=subprocess.PIPE,
        cwd=SUPPORT,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
        text=True,
    )
    heads = set()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not heads:
            heads.add(look(node, say))
    finally:
        out, _ = writer.communicate(timeout=120)
    assert writer.returncode == 0
    assert node.snapshot().head == 1 + int(out)
    look(node, say)
    return heads, int(out)


def test_lists_while_certificates_are_regenerated(node):
    """For a moment."""
    heads, written = race(node, 2.5)
    assert written > 0
    assert heads


@pytest.mark.slow
def test_lists_while_certificates_are_regenerated_for_long(node):
    """So long that old states are cleared away all the time."""
    heads, written = race(node, SECONDS)
    assert written > SECONDS * 2
    assert len(heads) > SECONDS / 2
