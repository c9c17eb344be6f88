"""The states that the certificate store has kept: which there are, and back to one of them."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.cli.render import Table
from cucmos_shell.commands.arguments.common import COUNT, number
from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.results import (
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Ask,
    Commit,
    Notice,
    Progress,
    Value,
    each,
    maybe,
    record,
)
from cucmos_shell.store import paths
from cucmos_shell.store.past import Change, changes, go_back
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

KEPT = record(state=WHOLE, when=MOMENT, account=maybe(TEXT), command=maybe(TEXT))
CANCELLED = "Rollback cancelled"


def _kept(node: Node) -> Iterator[Change]:
    snapshot = node.snapshot()
    return changes(snapshot.layout, snapshot.head)


STATE = Argument(
    "state",
    "number of a kept state: see show store history",
    parse=number(1, 999_999_999_999),
    complete=lambda node, _: [Offer(str(one.number), one.what) for one in _kept(node)][:-1],
    kind="kept state",
)


@family.command(
    "show store history [last <number>]",
    level=1,
    own=True,
    arguments=(COUNT,),
    pages=True,
    form=each(KEPT),
)
def show_history(node: Node, number: int = 0) -> Table:
    """Show the states that the certificate store has kept, oldest first; the last is the current.

    Each command that changes something makes one. Some 10 to 40 are kept, and can be gone back to.
    """
    kept = list(_kept(node))[-number:]
    rows = tuple((str(one.number), iso_time(one.when), one.who, one.what) for one in kept)
    data = [
        {
            "state": one.number,
            "when": iso_time(one.when),
            "account": one.who or None,
            "command": one.what or None,
        }
        for one in kept
    ]
    return Table(("State", "Time", "Account", "Command"), rows, data, "No states")


def _waiting(node: Node) -> tuple[str, ...]:
    """The services that must restart; none where that cannot be told, which undoes nothing."""
    try:
        return tuple(row.service for row in node.services.pending(node.snapshot()))
    except (Damaged, Unavailable, OSError):
        return ()


class WentBack(Value):
    """A state whose contents are current again, and what must restart to use them.

    `units` are the units and trust stores that changed, `node` whether settings did; `head` is
    the number of the new state.
    """

    form = record(state=WHOLE, units=each(TEXT), settings=TRUTH, services_to_restart=each(TEXT))

    state: int
    units: tuple[str, ...]
    settings: bool
    services: tuple[str, ...]

    def lines(self) -> list[str]:
        """The text: what is back, and which services are to be restarted."""
        what = ", ".join((*self.units, *(("settings",) if self.settings else ())))
        lines = ["", f"Successfully went back to state {self.state}: {what}"]
        if self.services:
            lines.append(f"Services to restart: {', '.join(self.services)}")
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "state": self.state,
            "units": self.units,
            "settings": self.settings,
            "services_to_restart": self.services,
        }


@family.command(
    "utils store rollback <state>",
    level=1,
    own=True,
    changes=True,
    arguments=(STATE,),
    examples=("utils store rollback 41",),
    form=maybe(WentBack.form),
)
def rollback(node: Node, state: int) -> Conversation[WentBack | Notice]:
    """Bring the contents of an earlier state of the certificate store back, as a new state.

    Certificates with their keys, pending CSRs, trust stores, trust lists and settings are those of
    that state then; accounts and passwords stay. Services go on with what they have loaded until
    they are restarted. It is refused where a private key of that state is gone, as that of a
    deleted CSR is.
    """
    known = {kept.number: kept for kept in _kept(node)}
    if state in known:
        kept = known[state]
        yield Progress("")
        yield Progress(f"State {state} is of {iso_time(kept.when)}: {kept.what} ({kept.who})")
        for later in known:
            if later > state:
                yield Progress(f"\tundone: {known[later].what} ({known[later].who})")
        if (yield Ask("Continue (yes|no)? ")) != "yes":
            return Notice((CANCELLED,))
    # What describes certificates is loaded before anybody waits for the lock.
    import cucmos_shell.pki.certs  # noqa: F401

    units: tuple[str, ...] = yield Commit(lambda change: go_back(change, state))
    return WentBack(
        state,
        tuple(unit for unit in units if unit != paths.NODE),
        paths.NODE in units,
        _waiting(node),
    )


@family.command("utils store purge", level=1, own=True, changes=True, form=record(cleared=WHOLE))
def purge(node: Node) -> Conversation[Notice]:
    """Clear the earlier states of the certificate store away, with their private keys.

    There is no way back to them then. A version that a service has loaded stays, with its key,
    until the service is restarted.
    """
    count: int = yield Commit(_purge)
    noun = "state was" if count == 1 else "states were"
    return Notice((f"{count or 'No'} earlier {noun} cleared away",), {"cleared": count})


def _purge(change: Transaction) -> int:
    return change.purge()
