"""Copies of a node's folder, which it can be put back to: certificates, services, clock and faults.

Which one a node is put back to is written down before; whoever opens it after a kill does the rest.
"""

from __future__ import annotations

import contextlib
import os

from cucmos_shell.errors import BadValue, NotFound, OutcomeUnknown, ShellError, from_os
from cucmos_shell.node.lab.mirror import mirror
from cucmos_shell.node.services.plan import FORMAT, ServiceBook, dump, parse
from cucmos_shell.store import Store
from cucmos_shell.store.durable import (
    SECRET_FILE_MODE,
    SECRET_FOLDER_MODE,
    read,
    remove_tree,
    replace,
)
from cucmos_shell.store.locks import lock_file
from cucmos_shell.store.paths import Layout, is_clean
from cucmos_shell.store.state_json import StateJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.store import Lock
    from cucmos_shell.world import World

# What stays as it is: it belongs to processes, or to the lab.
KEPT = frozenset(
    (
        "lab",
        "lock",
        "restoring",
        "snapshots",
        "ssh",
        "run/agent.place",
        "run/control-token",
        "run/ports-open.json",
        "run/ports.json",
        "run/ports.lock",
        "run/sessions",
    )
)
STEADY = frozenset(("store",))
# The name of one that is not whole.
DRAFT = ".new"


class Snapshots:
    """The snapshots of the node in a state folder; `world` is the one outside of the lab."""

    def __init__(self, layout: Layout, world: World) -> None:
        self._layout = layout
        self._store = Store(layout.state)
        self._world = world

    def names(self) -> tuple[str, ...]:
        """The names of all there are, in order. Raises OSError."""
        try:
            found = os.listdir(self._layout.snapshots)
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in found if not name.startswith(".")))

    def save(self, name: str) -> str:
        """Keep the node as it is now, in place of what had that name. Returns the folder.

        Raises BadValue, Busy, OSError.
        """
        if not is_clean(name):
            raise BadValue("{name} is no name for a snapshot", name=name)
        folder = self._layout.snapshots
        target, draft = os.path.join(folder, name), os.path.join(folder, DRAFT)
        with self._locked():
            os.makedirs(folder, SECRET_FOLDER_MODE, exist_ok=True)
            if os.path.isdir(target):
                # What has not changed need not be copied again.
                remove_tree(draft)
                os.rename(target, draft)
            elif not os.path.isdir(draft):
                os.mkdir(draft, SECRET_FOLDER_MODE)
            mirror(self._layout.state, draft, KEPT, STEADY)
            os.rename(draft, target)
        return target

    def restore(self, name: str) -> None:
        """Put the node back to what it was; its sessions end, as by a restart of the node.

        Raises NotFound, Busy, OSError.
        """
        self._check(name)
        with self._locked():
            there = Layout(os.path.join(self._layout.snapshots, name))
            era = max(_era(self._layout), _era(there)) + 1
            note = f"{era} {name}".encode("ascii")
            replace(self._layout.restoring, note, SECRET_FILE_MODE, durable=False)
            self._carry_out(name, era)

    def remove(self, name: str) -> None:
        """Forget a snapshot. Raises NotFound, OSError."""
        self._check(name)
        with self._locked():
            remove_tree(os.path.join(self._layout.snapshots, name))

    def finish(self) -> None:
        """Do the rest of what a killed process was about. Raises ShellError."""
        try:
            with self._locked():
                if os.access(self._layout.restoring, os.F_OK):
                    era, _, name = read(self._layout.restoring).decode("ascii").partition(" ")
                    self._check(name)
                    self._carry_out(name, int(era))
        except OSError as error:
            raise from_os(error, "written") from error

    def _check(self, name: str) -> None:
        if not is_clean(name) or not os.path.isdir(os.path.join(self._layout.snapshots, name)):
            raise NotFound("There is no snapshot {name}", name=name)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[Lock]:
        """The node's lock; meanwhile nobody sets faults or the clock either."""
        layout, world = self._layout, self._world
        with (
            self._store.lock(world.patience, world.sleep) as lock,
            lock_file(f"{layout.faults}.lock"),
            lock_file(f"{layout.clock}.lock"),
        ):
            yield lock

    def _carry_out(self, name: str, era: int) -> None:
        layout = self._layout
        mirror(os.path.join(layout.snapshots, name), layout.state, KEPT, STEADY)
        _begin_era(layout, era)
        os.unlink(layout.restoring)


def _era(layout: Layout) -> int:
    try:
        book = StateJson(layout.services, FORMAT).read(parse)
    except ShellError:
        return 0
    return book.era if book else 0


def _begin_era(layout: Layout, era: int) -> None:
    """From now on the services' time is what the clock says, and earlier sessions are over."""
    file = StateJson(layout.services, FORMAT)
    try:
        book: ServiceBook = file.read(parse) or ServiceBook()
        with contextlib.suppress(OutcomeUnknown):
            file.replace(dump(book.replace(era=era)))
    except ShellError:
        return
