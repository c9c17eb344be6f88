"""How much of a sweep is run: all of it with `CUCMOS_SWEEP=all`, else a share spread evenly.

A full sweep of every command takes an hour; the commands of `WHOLE` are always swept in full.
"""

import os

WHOLE = ("regenerate", "restart")
SHARE = 12


def share(points, part=0, parts=1, name="", of=SHARE):
    """The points of one part that are to be tried."""
    mine = points[part::parts]
    if name in WHOLE or os.environ.get("CUCMOS_SWEEP") == "all":
        return mine
    return mine[part % of :: of]


def every(name="", of=SHARE):
    """Which of many disks is laid out: each `every`-th."""
    return 1 if name in WHOLE or os.environ.get("CUCMOS_SWEEP") == "all" else of
