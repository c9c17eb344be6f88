"""A change broken off at any system call has happened wholly, or not at all.

Killed, or told by the disk that a call has failed: afterwards the readers see the old state or the
new one, what was acknowledged is new, and the next change works.
"""

import pytest
from crash_changes import CHANGES
from sweeping import Sweep, sample, share

SAMPLE = 12


@pytest.mark.parametrize(
    "change", [one for one in CHANGES if one.sampled], ids=lambda change: change.name
)
def test_a_change_broken_off_here_and_there(change, imp_template, tmp_path, readers_world):
    """A sample of the sweep below: spread over the whole run, and every fault."""
    sweep = Sweep(change, imp_template, tmp_path, readers_world)
    for point in sample(sweep.points, SAMPLE):
        sweep.check(point)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_broken_off_anywhere(change, part, imp_template, tmp_path, readers_world):
    """Every call from the opening of the lock to the end, and one in fifty before."""
    sweep = Sweep(change, imp_template, tmp_path, readers_world)
    for point in share(sweep.points, part, 4, change.name):
        sweep.check(point)
