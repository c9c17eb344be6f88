"""What makes a node one of a lab: the marker in its state folder, and the world it lives in then.

Nothing of a lab acts without the marker.
"""

from __future__ import annotations

import os

from cucmos_shell.errors import Refused, from_os
from cucmos_shell.node.lab.clock import LabClock, make_clock
from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.outward import outward
from cucmos_shell.results import lazy
from cucmos_shell.store.durable import SECRET_FILE_MODE, SECRET_FOLDER_MODE, replace
from cucmos_shell.store.paths import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.lab.snapshots import Snapshots
    from cucmos_shell.world import World

_MARKER = b"This node is one of a lab: faults, a clock that is moved, and snapshots act on it.\n"


class Lab:
    """The lab of the node in one state folder; `world` is the one around it."""

    def __init__(self, layout: Layout, world: World) -> None:
        self.layout = layout
        self.outside = world

    @lazy
    def clock(self) -> LabClock:
        """The node's clock."""
        return LabClock(self.layout, self.outside.now)

    @lazy
    def faults(self) -> Faults:
        """The faults that are set on the node."""
        return Faults(self.layout, self.clock.now)

    @lazy
    def snapshots(self) -> Snapshots:
        """The copies that the node can be put back to."""
        from cucmos_shell.node.lab.snapshots import Snapshots

        return Snapshots(self.layout, self.outside)

    def opened(self) -> Lab:
        """Itself, when what a killed restoring has left to do is done. Raises ShellError."""
        if os.access(self.layout.restoring, os.F_OK):
            self.snapshots.finish()
        return self

    @lazy
    def world(self) -> World:
        """The world that the node lives in: the outside, with a clock of its own and faults.

        Sleeping and waiting for others take as long as ever.
        """
        outside, now = self.outside, self.clock.now
        made: World = outside.replace(
            now=now,
            monotonic=now,
            fault=self.faults.meet,
            movable=True,
            # Other nodes have clocks of their own, and see there who is alive.
            open_bus=lambda address, base, _: outside.open_bus(address, base, outside.now),
            create_bus=lambda address, base, _: outside.create_bus(address, base, outside.now),
            **outward(outside, self.faults.meet),
        )
        return made


def is_lab(layout: Layout) -> bool:
    """Whether the marker lies in the state folder."""
    return os.access(layout.lab, os.F_OK)


def make_lab(state_dir: str) -> None:
    """Make the node in a state folder one of a lab. Raises Unavailable."""
    layout = Layout(state_dir)
    try:
        os.makedirs(layout.run, SECRET_FOLDER_MODE, exist_ok=True)
        for path, octets in ((layout.faults, b"{}"), (layout.lab, _MARKER)):
            if not os.path.lexists(path):
                replace(path, octets, SECRET_FILE_MODE, durable=False)
        make_clock(layout)
    except OSError as error:
        raise from_os(error, "written") from error


def open_lab(state_dir: str, world: World) -> Lab:
    """The lab of the node in a state folder. Raises Refused if it is none."""
    layout = Layout(state_dir)
    if not is_lab(layout):
        raise Refused(
            "The node in {folder} is not one of a lab",
            folder=state_dir,
            details=("cucmos-shell init --lab makes such a node.",),
        )
    return Lab(layout, world).opened()
