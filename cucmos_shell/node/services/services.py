"""The services: simulated, but stateful across processes, with a real answer to which certificate
each of them uses.

A command puts a plan (see `plan`) into a transaction, which replaces the plan's file in one step.
Nothing runs in between: whoever asks works the state out from plan and time.
"""

from __future__ import annotations

from cucmos_shell.errors import Damaged, Refused
from cucmos_shell.node.services.plan import (
    COMMANDED,
    NOT_RUNNING,
    STARTED,
    STOPPED,
    ServiceBook,
    Timeline,
    Transition,
    dependents,
    dump,
)
from cucmos_shell.node.services.states import Pending, ServiceState, ServiceStates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.profile.profile import Profile
    from cucmos_shell.store import Snapshot, Store
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world import World

__all__ = ["Pending", "ServiceState", "Services"]


class Services(ServiceStates):
    """The services of one node, and what can be done to them.

    Methods that take a `Transaction` change the plan by it: its commit makes that so. `at_once`:
    nothing takes its time, whatever the settings say.
    """

    def __init__(
        self, profile: Profile, store: Store, world: World, *, at_once: bool = False
    ) -> None:
        super().__init__(profile, store, world)
        self._at_once = at_once

    # --- writing -------------------------------------------------------------------------------

    def _pace(self, transaction: Transaction) -> float:
        speed = float(transaction.settings().get("speed", self._appliance.defaults["speed"]))
        return 1 / speed if speed > 0 and not self._at_once else 0.0

    def _open(self, transaction: Transaction) -> tuple[ServiceBook, float, Timeline]:
        """The book, the moment a command happens at, and rows to be filled."""
        book, now = self._at(change=transaction)
        return book, now, self._timeline(transaction, now)

    def _timeline(self, transaction: Transaction, now: float) -> Timeline:
        return Timeline(self._specs, now, self._pace(transaction), self._world.fault)

    def _put(
        self,
        transaction: Transaction,
        book: ServiceBook,
        now: float,
        rows: Mapping[str, Iterable[Transition]] | None = None,
        flags: Mapping[str, Mapping[str, bool]] | None = None,
        boot: float | None = None,
    ) -> None:
        """Put `rows` in place of what was planned for their services, and keep the rest short."""
        rows, flags = rows or {}, flags or {}
        snapshot = self._store.snapshot()
        entries = dict(book.entries)
        for name, spec in self._specs.items():
            entry = book.entry(name)
            if name not in rows and name not in flags and not entry.rows and not spec.units:
                continue
            kept = self._shortened(book, name, snapshot, now)
            if name in rows:
                kept = (*(row for row in kept if row.at <= now), *rows[name])
            entries[name] = entry.replace(rows=kept, **flags.get(name, {}))
        boots = book.boots or (self._installed(),)
        past = [at for at in boots if at <= now][-1:]
        future = [at for at in boots if at > now] if boot is None else [boot]
        offset = max(0.0, now - self._world.now())
        fresh = ServiceBook(now, offset, (*past, *future), entries, book.era)
        transaction.put_beside(self._file, dump(fresh))

    def _shortened(
        self, book: ServiceBook, name: str, snapshot: Snapshot, now: float
    ) -> tuple[Transition, ...]:
        """The rows of `name` with those of the past drawn together into one."""
        entry = book.entry(name)
        i = entry.at(now)
        found = self._loaded(book, name, snapshot, now)
        if i < 0:
            if found is None:
                return entry.rows
            state = self._state(book, name, now)
            return (Transition(state.state, state.at, loaded=found[0]), *entry.rows)
        row = entry.rows[i]
        if found is None:
            row = row.replace(loaded=None)
        elif found[1] or row.loaded is None:
            # It is settled now: nothing that comes later was there when the service started.
            row = row.replace(loaded=found[0].replace(planned_at=None))
        return (row, *entry.rows[i + 1 :])

    # --- commands --------------------------------------------------------------------------------

    def restart(self, transaction: Transaction, name: str) -> tuple[Transition, ...]:
        """Stop and start `name` and the running services that need it; returns its rows."""
        book, now, timeline = self._open(transaction)
        self._refuse_unless_ready(book, name, now)
        along = self._along(book, name, now)
        timeline.stop(self._running(book, [name, *along], now))
        self._begin(book, now, timeline, [name, *along, *self._left_behind(book, name, now)])
        self._put(transaction, book, now, timeline.rows)
        return tuple(timeline.rows[name])

    def start(self, transaction: Transaction, name: str) -> tuple[Transition, ...]:
        """Start `name`, and what stopped with it; no rows if it runs or is starting already."""
        book, now, timeline = self._open(transaction)
        self._refuse_unless_ready(book, name, now)
        if self._coming_up(book, name):
            return ()
        self._begin(book, now, timeline, [name, *self._left_behind(book, name, now)])
        self._put(transaction, book, now, timeline.rows)
        return tuple(timeline.rows[name])

    def stop(self, transaction: Transaction, name: str) -> tuple[Transition, ...]:
        """Stop `name` and the services that need it; returns its rows."""
        return self._stop(transaction, name, {})

    def _stop(
        self, transaction: Transaction, name: str, flags: Mapping[str, Mapping[str, bool]]
    ) -> tuple[Transition, ...]:
        book, now, timeline = self._open(transaction)
        along = self._along(book, name, now)
        timeline.stop(self._running(book, [name, *along], now))
        timeline.halt(name, COMMANDED)
        for other in along:
            timeline.halt(other, NOT_RUNNING)
        self._put(transaction, book, now, timeline.rows, flags)
        return tuple(timeline.rows[name])

    def activate(self, transaction: Transaction, name: str) -> tuple[Transition, ...]:
        """Activate a feature service and start it, or leave it down while what it needs is down."""
        self._refuse_unless_feature(name, "activated")
        book, now, timeline = self._open(transaction)
        if self._state(book, name, now).activated and self._coming_up(book, name):
            return ()
        if self._missing_need(book, name) is None:
            self._begin(book, now, timeline, [name, *self._left_behind(book, name, now)])
        else:
            timeline.halt(name, NOT_RUNNING)
        self._put(transaction, book, now, timeline.rows, {name: {"activated": True}})
        return tuple(timeline.rows[name])

    def deactivate(self, transaction: Transaction, name: str) -> tuple[Transition, ...]:
        """Stop a feature service and the services that need it; it stays down until activated."""
        self._refuse_unless_feature(name, "deactivated")
        return self._stop(transaction, name, {name: {"activated": False}})

    def set_auto_restart(self, transaction: Transaction, name: str, on: bool) -> None:
        """Say whether the service comes back by itself when it fails."""
        self.refuse_unless_auto_restart(name)
        book, now, _ = self._open(transaction)
        self._put(transaction, book, now, flags={name: {"auto_restart": on}})

    def fail(self, transaction: Transaction, name: str) -> None:
        """Let `name` fail now, as a fault would; the services that need it stop.

        With automatic restart they come back, else somebody has to start them.
        """
        book, now, timeline = self._open(transaction)
        along = self._along(book, name, now)
        timeline.stop(self._running(book, along, now))
        timeline.fail(name)
        if self._state(book, name, now).auto_restart:
            self._begin(book, now, timeline, [name, *along])
        else:
            for other in along:
                timeline.halt(other, NOT_RUNNING)
        self._put(transaction, book, now, timeline.rows)

    def restart_node(self, transaction: Transaction) -> float:
        """Stop everything, start the node, start what is activated; returns when it starts.

        A plan that is damaged is made anew by it, from what the profile says.
        """
        try:
            book, now, timeline = self._open(transaction)
        except Damaged:
            book, now = ServiceBook(), self._world.now()
            timeline = self._timeline(transaction, now)
        pace, defaults = self._pace(transaction), self._appliance.defaults
        up = self._running(book, self._specs, now)
        down: float = now + defaults["shutdown_seconds"] * pace
        boot: float = down + defaults["boot_seconds"] * pace
        timeline.stop(up, down)
        coming = [
            name
            for name, spec in self._specs.items()
            if self._activated(book.entry(name), spec) and (spec.feature or spec.started)
        ]
        for name in up:
            if name not in coming:
                timeline.halt(name, COMMANDED)
        self._begin(book, now, timeline, coming, boot)
        self._put(transaction, book, now, timeline.rows, boot=boot)
        return boot

    # --- conditions ----------------------------------------------------------------------------

    def _begin(
        self,
        book: ServiceBook,
        now: float,
        timeline: Timeline,
        names: Iterable[str],
        earliest: float | None = None,
    ) -> None:
        """Add the starts of `names`, after what is planned for them and for what they need."""
        names = list(dict.fromkeys(names))
        snapshot = self._store.snapshot()
        ready = {name: entry.rows[-1].at for name, entry in book.entries.items() if entry.rows}
        if earliest is not None:
            ready = {}
        loads = {name: self._loads(snapshot, self._specs[name], now) for name in names}
        units = {name: found for name, found in loads.items() if found.own or found.trust}
        timeline.start(names, units, ready, earliest)

    def _running(self, book: ServiceBook, names: Iterable[str], now: float) -> list[str]:
        return [n for n in names if self._state(book, n, now).up]

    def _dependents(self, book: ServiceBook, name: str, now: float) -> list[str]:
        return [n for n in dependents(self._specs, name) if self._state(book, n, now).activated]

    def _along(self, book: ServiceBook, name: str, now: float) -> list[str]:
        """The services that need `name` and run, or are about to."""
        others = self._dependents(book, name, now)
        return [n for n in others if self._state(book, n, now).up or self._coming_up(book, n)]

    def _left_behind(self, book: ServiceBook, name: str, now: float) -> list[str]:
        """The services that are down because `name` was, and may run when it does."""
        found = {name}
        for other in self._dependents(book, name, now):
            row = book.entry(other).rows[-1:]
            waits = bool(row) and row[0].state == STOPPED and row[0].reason == NOT_RUNNING
            needs = self._specs[other].needs
            if waits and all(n in found or self._coming_up(book, n) for n in needs):
                found.add(other)
        return [other for other in self._dependents(book, name, now) if other in found]

    def _coming_up(self, book: ServiceBook, name: str) -> bool:
        """Whether `name` runs and is to go on, or will run."""
        rows = book.entry(name).rows
        return rows[-1].state == STARTED if rows else self._specs[name].started

    def _missing_need(self, book: ServiceBook, name: str) -> str | None:
        needs = self._specs[name].needs
        return next((need for need in needs if not self._coming_up(book, need)), None)

    def _refuse_unless_ready(self, book: ServiceBook, name: str, now: float) -> None:
        if not self._state(book, name, now).activated:
            raise Refused(
                "{name}[STOPPED]  Service Not Activated",
                name=name,
                details=(f"Activate it first: utils service activate {name}",),
            )
        need = self._missing_need(book, name)
        if need is not None:
            raise Refused(
                "{name} needs {need}, which is not running",
                name=name,
                need=need,
                details=(f"Start it first: utils service start {need}",),
            )

    def _refuse_unless_feature(self, name: str, what: str) -> None:
        if not self._specs[name].feature:
            raise Refused(
                "{name} is a network service: it is always activated and cannot be {what}",
                name=name,
                what=what,
            )

    def refuse_unless_auto_restart(self, name: str) -> None:
        """Raise Refused, with the services that can, if `name` has no automatic restart."""
        if not self._specs[name].auto_restart:
            able = [f"\t{other}" for other, spec in self._specs.items() if spec.auto_restart]
            raise Refused(
                "Automatic restart cannot be set for {name}",
                name=name,
                details=("It can be set for:", *able),
            )

    def refuse_unless_controlled(self, name: str, command: str) -> None:
        """Raise Refused if the service does not take `start`, `stop` or `restart`."""
        controls = self._specs[name].controls
        if command not in controls:
            raise Refused(
                "{name} cannot be told to {command}",
                name=name,
                command=command,
                details=(f"It takes: {', '.join(controls)}",),
            )
