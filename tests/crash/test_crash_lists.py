"""Trust lists and the certificates in them, broken off: both are old, or both are new."""

import shutil

import pytest
from crash_changes import Change
from harness import Conversation
from sweeping import Sweep, sample, share

from cucmos_shell.node import Node

SAMPLE = 5
MIXED = "utils ctl set-cluster mixed-mode"
DELETED = "file delete tftp CTLFile.tlv"
# Each with the lines that come before it.
CHANGES = [
    ((), Change("mixed", MIXED)),
    ((MIXED,), Change("non-secure", "utils ctl set-cluster non-secure-mode")),
    ((MIXED,), Change("regenerate", "set cert regen CallManager")),
    ((MIXED, DELETED), Change("update", "utils ctl update CTLFile")),
    ((MIXED, "utils ctl download ctl", DELETED), Change("upload", "utils ctl upload CTLFile.tlv")),
    ((MIXED,), Change("delete", DELETED)),
    ((), Change("reset", "utils itl reset localkey")),
]


@pytest.fixture(params=CHANGES, ids=lambda param: param[1].name)
def sweep(request, ucm_template, tmp_path, readers_world, world):
    before, change = request.param
    prepared = shutil.copytree(ucm_template, tmp_path / "prepared", symlinks=True)
    say = Conversation(Node.open(str(prepared), world))
    for line in before:
        say(line, "y")
        assert say.status == 0, line
    for file in (prepared / "download").iterdir():
        shutil.copy(file, prepared / "upload")
    return Sweep(change, prepared, tmp_path, readers_world)


@pytest.mark.parametrize("sweep", CHANGES[1:3], indirect=True, ids=lambda p: p[1].name)
def test_a_list_broken_off_here_and_there(sweep):
    """A sample of the sweep below, of one change of mode and one certificate in both lists."""
    for point in sample(sweep.points, SAMPLE):
        sweep.check(point)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_a_list_broken_off_anywhere(sweep, part):
    """Every call from the opening of the lock to the end, and one in fifty before."""
    for point in share(sweep.points, part, 2):
        sweep.check(point)
