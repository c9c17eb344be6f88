"""The services as they are: in which state, since when, and with which certificates.

Worked out from the plan (see `plan`), the clock and the store's history;
nothing is written here.
"""

from __future__ import annotations

from cucmos_shell.errors import Damaged, Unavailable
from cucmos_shell.node.services.plan import (
    COMMANDED,
    DOWN,
    FORMAT,
    NOT_ACTIVATED,
    STARTED,
    STOPPED,
    Loaded,
    ServiceBook,
    ServicePlan,
    Transition,
    parse,
)
from cucmos_shell.results import Value
from cucmos_shell.store import per_state
from cucmos_shell.store.state_json import StateJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cucmos_shell.profile.machine import ListenSpec
    from cucmos_shell.profile.profile import Profile, ServiceSpec
    from cucmos_shell.store import HistoryEntry, Snapshot, Store
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world import World


class ServiceState(Value):
    """A service at one moment: in `state` since `at`, and until `until` unless that is None."""

    name: str
    state: str
    reason: str
    at: float
    until: float | None
    activated: bool
    auto_restart: bool

    @property
    def up(self) -> bool:
        """Whether it runs, or is about to stop or start."""
        return self.state not in DOWN


class Pending(Value):
    """A running service that has not loaded what is in the store now.

    `changed` maps each unit whose certificate is another one to when it first differed; `trust`
    names the trust stores that have changed since the service started.
    """

    service: str
    changed: Mapping[str, float]
    trust: tuple[str, ...]

    @property
    def since(self) -> float | None:
        """When the first of its certificates differed (seconds since the epoch), None if none."""
        return min(self.changed.values(), default=None)


class Holding(Value):
    """The own certificates that a service has loaded: unit → SHA-256; none while it is down.

    `since` is when it loaded them, in seconds since the epoch.
    """

    service: ServiceState
    since: float | None
    certificates: Mapping[str, str]


class Listening(Value):
    """A port of a service that may listen for TLS, and what it shows to whoever connects.

    `sha256` is that of the certificate, empty while the service is not started: the port is closed.
    `pending` is since when the store has another one, which a restart loads; None if it has not.
    """

    service: ServiceState
    port: ListenSpec
    sha256: str
    pending: float | None


class ServiceStates:
    """The services of one node, as anybody may see them without a lock. Making one does no I/O."""

    def __init__(self, profile: Profile, store: Store, world: World) -> None:
        self._appliance = profile
        self._specs = profile.all_services()
        self._file = StateJson(store.layout.services, FORMAT)
        self._store = store
        self._world = world
        self._latest = 0.0
        self._era = 0
        self._installed = per_state(store, _installed)

    # --- reading -------------------------------------------------------------------------------

    def _book(self, change: Transaction | None = None) -> ServiceBook:
        staged = change.beside(self._file) if change else None
        return self._file.read(parse, "it is no plan of services", staged) or ServiceBook()

    def _at(
        self, now: float | None = None, change: Transaction | None = None
    ) -> tuple[ServiceBook, float]:
        """The book, and the services' time: the clock's or a later one, but never back."""
        book = self._book(change)
        if book.era != self._era:
            self._era, self._latest = book.era, 0.0
        self._latest = max(self._latest, book.now(self._world.now()))
        return book, max(self._latest, now or 0.0)

    def now(self) -> float:
        """The services' time: the clock's, but never back."""
        return self._at()[1]

    def state(self, name: str, now: float | None = None) -> ServiceState:
        """The service `name` now, or at a later time."""
        book, moment = self._at(now)
        return self._state(book, name, moment)

    def states(self, now: float | None = None) -> list[ServiceState]:
        """The application services in the product's order: ASCII, the not activated ones last."""
        book, moment = self._at(now)
        found = [self._state(book, name, moment) for name in self._appliance.services]
        found.sort(key=lambda s: (s.reason == NOT_ACTIVATED, s.name))
        return found

    def platform_states(self, now: float | None = None) -> list[ServiceState]:
        """The platform's services in the profile's order."""
        book, moment = self._at(now)
        return [self._state(book, spec.name, moment) for spec in self._appliance.platform_services]

    def booted(self, now: float | None = None) -> float:
        """When the node last started (seconds since the epoch), as far as is known."""
        return self.start_mark(now)[1]

    def start_mark(self, now: float | None = None) -> tuple[int, float]:
        """As `booted`, behind a number that is a higher one once the node was put back.

        So a session of before is told from one that began since, whatever the clock says.
        """
        book, moment = self._at(now)
        past = [at for at in book.boots if at <= moment]
        return book.era, past[-1] if past else self._installed()

    def next_start(self) -> float | None:
        """What the clock shows when the node starts next, by its plan; None if that is not soon."""
        book, moment = self._at()
        return min((at - book.offset for at in book.boots if at > moment), default=None)

    def installed(self) -> float:
        """When the node was installed (seconds since the epoch), as far as the store remembers."""
        return self._installed()

    def running(self, name: str) -> bool:
        """Whether the service is up and has come up."""
        return self.state(name).state == STARTED

    def _activated(self, entry: ServicePlan, spec: ServiceSpec) -> bool:
        if not spec.feature:
            return True
        return spec.started if entry.activated is None else entry.activated

    def _state(self, book: ServiceBook, name: str, moment: float) -> ServiceState:
        spec, entry = self._specs[name], book.entry(name)
        activated = self._activated(entry, spec)
        auto = spec.auto_restart if entry.auto_restart is None else entry.auto_restart
        i = entry.at(moment)
        if i >= 0:
            row = entry.rows[i]
        elif spec.started:
            row = Transition(STARTED, book.boots[0] if book.boots else 0.0)
        else:
            row = Transition(STOPPED, 0.0, COMMANDED)
        reason = NOT_ACTIVATED if row.state == STOPPED and not activated else row.reason
        until = entry.rows[i + 1].at if i + 1 < len(entry.rows) else None
        return ServiceState(name, row.state, reason, row.at, until, activated, auto)

    def entered(self, name: str, after: float, until: float) -> tuple[str, ...]:
        """The states that `name` enters after one moment and not later than another."""
        rows = self._book().entry(name).rows
        return tuple(row.state for row in rows if after < row.at <= until)

    def started_from(self, name: str, change: Transaction | None = None) -> int:
        """The number of the store's state that the last start of `name` was planned from.

        `change` may have planned one. 0 if there was none.
        """
        rows = self._book(change).entry(name).rows
        return max((row.loaded.head for row in rows if row.loaded is not None), default=0)

    # --- what is loaded --------------------------------------------------------------------------

    def _trust_stores(self, spec: ServiceSpec) -> list[str]:
        """The trust stores of the units a service loads, and those that advise to restart it."""
        own = {self._appliance.units[unit].trust_store for unit in spec.units}
        stores = self._appliance.trust_stores.items()
        return [name for name, s in stores if name in own or spec.name in s.services]

    def _first(self, snapshot: Snapshot, spec: ServiceSpec) -> Loaded:
        """What a service has loaded that was never restarted: the state as installed."""
        history = {unit: snapshot.own(unit).history for unit in spec.units}
        own = {unit: (found[0].head, found[0].sha256) for unit, found in history.items() if found}
        return Loaded(0.0, 0, own, dict.fromkeys(self._trust_stores(spec), 1))

    def _loads(self, snapshot: Snapshot, spec: ServiceSpec, now: float) -> Loaded:
        """What a start planned `now` will load, if nothing changes before it begins."""
        history = {unit: snapshot.own(unit).history for unit in spec.units}
        own = {u: (found[-1].head, found[-1].sha256) for u, found in history.items() if found}
        trust = {store: snapshot.version(store) for store in self._trust_stores(spec)}
        return Loaded(now, snapshot.head, own, trust)

    def _loaded(
        self, book: ServiceBook, name: str, snapshot: Snapshot, moment: float
    ) -> tuple[Loaded, bool] | None:
        """What `name` has loaded, and whether that differs from what its row says; None if down."""
        spec, entry = self._specs[name], book.entry(name)
        if not self._state(book, name, moment).up:
            return None
        past = entry.rows[: entry.at(moment) + 1]
        row = next((r for r in reversed(past) if r.loaded is not None), None)
        if row is None or row.loaded is None:
            # Earlier versions wrote nothing down for a service without units.
            known = spec.units or not past
            return (self._first(snapshot, spec), True) if known else None
        loaded = row.loaded
        own = dict(loaded.own)
        for unit in spec.units:
            for certificate in snapshot.own(unit).history:
                if _came_before_start(certificate, loaded, row.at, book.offset):
                    own[unit] = (certificate.head, certificate.sha256)
        return (loaded, False) if own == loaded.own else (loaded.replace(own=own), True)

    def affected(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of `names` that run, so that a change is news to them; all, if nobody can tell."""
        try:
            book, moment = self._at()
        except (Damaged, Unavailable):
            return tuple(names)
        return tuple(name for name in names if self._state(book, name, moment).up)

    def loaded(self, name: str, snapshot: Snapshot) -> dict[str, str]:
        """Unit → SHA-256 of the own certificate that `name` uses now; empty if it is down."""
        book, moment = self._at()
        found = self._loaded(book, name, snapshot, moment)
        return {} if found is None else {unit: sha for unit, (_, sha) in found[0].own.items()}

    def held(self, snapshot: Snapshot) -> list[Holding]:
        """What each service that uses own certificates has loaded, in order of name."""
        book, moment = self._at()
        held = []
        for name, spec in sorted(self._specs.items()):
            if not spec.units:
                continue
            state, entry = self._state(book, name, moment), book.entry(name)
            found = self._loaded(book, name, snapshot, moment)
            if found is None:
                held.append(Holding(state, None, {}))
                continue
            past = [row.at for row in entry.rows[: entry.at(moment) + 1] if row.loaded is not None]
            # A service that was never restarted runs since the installation, whatever its row says.
            since = max([self._installed(), *past[-1:]])
            own = {unit: sha256 for unit, (_, sha256) in found[0].own.items()}
            held.append(Holding(state, since, own))
        return held

    def listening(self, snapshot: Snapshot) -> list[Listening]:
        """The ports of the services that listen for TLS, in the profile's order.

        A unit that its service does not load, and that need not wait for a restart, is shown as it
        is in the store.
        """
        book, moment = self._at()
        rows = []
        for name, spec in self._specs.items():
            state = self._state(book, name, moment)
            found = self._loaded(book, name, snapshot, moment) if spec.listens else None
            for port in spec.listens:
                if port.unit not in self._appliance.units:
                    continue  # Only the publisher has it.
                history = snapshot.own(port.unit).history
                mine = (history[-1].head, history[-1].sha256) if history else None
                if port.unit in spec.units:
                    mine = found[0].own.get(port.unit) if found else None
                up = state.state == STARTED and mine is not None
                pending = _changed_since(history, mine) if up else None
                rows.append(Listening(state, port, mine[1] if mine and up else "", pending))
        return rows

    def pins(self, snapshot: Snapshot) -> dict[str, set[int]]:
        """Unit or trust store → the versions that services have loaded, or are to load.

        They stay in the store when others of their age go, the keys of own certificates included.
        """
        from cucmos_shell.store.past import holding

        book, moment = self._at()
        pins: dict[str, set[int]] = {}
        for name, spec in self._specs.items():
            if not spec.units:
                continue
            entry, found = book.entry(name), self._loaded(book, name, snapshot, moment)
            planned = [row.loaded for row in entry.rows if row.at > moment and row.loaded]
            for loaded in (*planned, *((found[0],) if found else ())):
                for unit, (_, sha256) in loaded.own.items():
                    row = snapshot.own(unit).row
                    if row is not None and row.sha256 == sha256:
                        continue
                    version = holding(snapshot.layout, unit, sha256)
                    if version is not None:
                        pins.setdefault(unit, set()).add(version)
                for store, version in loaded.trust.items():
                    pins.setdefault(store, set()).add(version)
        return pins

    def pending(self, snapshot: Snapshot, now: float | None = None) -> list[Pending]:
        """The services that must restart to use the store's certificates, in order of name."""
        return [one for one in self.outdated(snapshot, now) if one.changed]

    def outdated(self, snapshot: Snapshot, now: float | None = None) -> list[Pending]:
        """Those of `pending`, and services for which only a trust store that names them changed."""
        book, moment = self._at(now)
        rows = []
        for name, spec in sorted(self._specs.items()):
            found = self._loaded(book, name, snapshot, moment)
            if found is None:
                continue
            changed = {}
            for unit in spec.units:
                since = _changed_since(snapshot.own(unit).history, found[0].own.get(unit))
                if since is not None:
                    changed[unit] = since
            trust = found[0].trust
            stores = [s for s in self._trust_stores(spec) if snapshot.version(s) != trust.get(s)]
            if not changed:
                named = self._appliance.trust_stores
                stores = [s for s in stores if name in named[s].services]
            if changed or stores:
                rows.append(Pending(name, changed, tuple(stores)))
        return rows


def _installed(snapshot: Snapshot) -> float:
    """When the oldest certificate that the store remembers came."""
    entries = [snapshot.own(unit).history[:1] for unit in snapshot.units]
    return min((entry[0].when for entry in entries if entry), default=snapshot.when)


def _came_before_start(
    certificate: HistoryEntry, loaded: Loaded, start: float, offset: float
) -> bool:
    """Whether a certificate that is newer than the plan was there when the start began.

    `offset` is by how much the services' time was ahead of the clock when the plan was made. Where
    the clock has been set back since, the answer may be no for a yes: one restart too many.
    """
    if loaded.planned_at is None or start <= loaded.planned_at:
        return False
    return (
        certificate.head > loaded.head and loaded.planned_at <= certificate.when + offset <= start
    )


def _changed_since(
    history: tuple[HistoryEntry, ...], loaded: tuple[int, str] | None
) -> float | None:
    """When the certificate stopped being the loaded one; None if it still is."""
    if not history or (loaded is not None and history[-1].sha256 == loaded[1]):
        return None
    after = [c.when for c in history if loaded is not None and c.head > loaded[0]]
    return after[0] if after else history[0].when
