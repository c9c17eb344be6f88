"""The service commands: list, start, stop, restart, activate, deactivate, auto-restart.

Strings, order and spacing are the product's (CLI reference, `utils service`).
"""

from __future__ import annotations

from functools import partial

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.common import service as service_argument
from cucmos_shell.errors import Damaged, Refused, Unavailable
from cucmos_shell.node.services.plan import COMMANDED, FAILED, STARTED, in_need_order
from cucmos_shell.node.tasks.alarms import raising
from cucmos_shell.results import (
    TEXT,
    TRUTH,
    Commit,
    Notice,
    Pause,
    Progress,
    Value,
    Warn,
    each,
    maybe,
    one_of,
    record,
    remark,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.services.plan import Transition
    from cucmos_shell.node.services.services import ServiceState
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family(see_also={"utils service": "show service pending"})

MANAGER = "Service Manager is running"
PATIENCE = (
    " Don't press Ctrl-c while the service is getting RESTARTED."
    "If Service has not Restarted Properly, execute the same Command Again"
)
TICK = 1.0

START = service_argument(lambda spec: "start" in spec.controls)
STOP = service_argument(lambda spec: "stop" in spec.controls)
RESTART = service_argument(lambda spec: "restart" in spec.controls)
FEATURE = service_argument(lambda spec: spec.feature)
AUTO_RESTART = service_argument(lambda spec: spec.auto_restart)


# --- the list ----------------------------------------------------------------------------------


# A service at one moment: `reason` is why it is not running.
SERVICE = record(
    service=TEXT,
    state=one_of(STARTED, "STARTING", "STOPPED", "STOPPING", FAILED),
    reason=maybe(TEXT),
    activated=TRUTH,
)
AUTOMATIC = record(service=TEXT, auto_restart=TRUTH)
# Where a service could not be followed, what it came to is not known.
FOLLOWED = record(**{**SERVICE, "state": maybe(SERVICE["state"]), "activated": maybe(TRUTH)})


class ServiceList(Value):
    """All services at one moment, in the order they are listed."""

    form = record(platform_services=each(SERVICE), services=each(SERVICE), primary=TRUTH)

    platform: tuple[ServiceState, ...]
    services: tuple[ServiceState, ...]
    primary: bool

    def lines(self) -> list[str]:
        """The text: a blank before a platform service's state, none before the others'."""
        platform = [f"{s.name} [{s.state}] {s.reason}".rstrip() for s in self.platform]
        services = [f"{s.name}[{s.state}]  {s.reason}".rstrip() for s in self.services]
        return [
            "Requesting service status, please wait...",
            *platform,
            MANAGER,
            "Getting list of all services",
            ">> Return code = 0",
            *services,
            f"Primary Node ={'true' if self.primary else 'false'}",
        ]

    def no_rows(self) -> tuple[int, ...]:
        """The numbers of the lines that are no rows: the frame."""
        middle = len(self.platform) + 1
        return (0, middle, middle + 1, middle + 2, middle + 3 + len(self.services))

    def data(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "platform_services": [_data(s) for s in self.platform],
            "services": [_data(s) for s in self.services],
            "primary": self.primary,
        }


def _data(state: ServiceState) -> dict[str, object]:
    return {
        "service": state.name,
        "state": state.state,
        "reason": state.reason or None,
        "activated": state.activated,
    }


@family.command(
    "utils service list [page]",
    level=0,
    options={"page": "pause output"},
    form=ServiceList.form,
)
def list_services(node: Node, page: str = "") -> ServiceList:
    """List the services and their states.

    A stopped service shows why: it is not activated, it was stopped by a command, or what it
    needs is not running. Services that are not activated come last.
    """
    now = node.services.now()
    return ServiceList(
        tuple(node.services.platform_states(now)),
        tuple(node.services.states(now)),
        node.profile.publisher,
    )


# --- start, stop, restart ----------------------------------------------------------------------


def line(name: str, state: str) -> str:
    """A service's state as it scrolls by; two blanks end it."""
    return f"{name}[{state}]  "


def follow(
    node: Node, name: str, rows: tuple[Transition, ...], *, last: bool = True
) -> Conversation[ServiceState]:
    """Show each state of `name` once when it is entered and again every second it lasts.

    `rows` is what was just planned, or empty. Another session's plan that comes in between is
    what is shown from then on. Returns the state that stays, which is shown if `last`.
    """
    services = node.services
    moment = rows[0].at if rows else services.now()
    shown = tuple(row.state for row in rows if row.at <= moment)
    while True:
        here = services.state(name, moment)
        shown = shown or (here.state,)
        for state in shown if last or here.until is not None else shown[:-1]:
            yield Progress(line(name, state))
        if here.until is None:
            return here
        # The clock may stand still or go back; what was waited for has passed all the same, unless
        # somebody moves the clock.
        goal = min(moment + TICK, here.until)
        yield Pause(goal - moment)
        passed = moment if node.world.movable else goal
        before, moment = moment, max(passed, services.now())
        shown = services.entered(name, before, moment)


def _told(name: str, following: Conversation[Notice]) -> Conversation[Notice]:
    """What is begun is no failure because it cannot be followed any more."""
    try:
        return (yield from following)
    except (Damaged, Unavailable, OSError) as error:
        reason = str(error)
        yield Warn((remark(f"{reason}; what was begun goes on"),))
        return Notice((), {"service": name, "state": None, "reason": reason, "activated": None})


def _up(node: Node, name: str, rows: tuple[Transition, ...]) -> Conversation[Notice]:
    """Follow `name` until it has started; Refused if it has not."""
    state = yield from follow(node, name, rows)
    if state.state == FAILED:
        reason = state.reason or "Service stopped abruptly"
        alarm = node.alarms.make("ServiceStartFailed", ServiceName=name, Reason=reason)
        yield from raising(node, (alarm,))
    if state.state != STARTED:
        raise Refused("{name} is not running", name=name)
    return Notice((), _data(state))


def _down(node: Node, name: str, rows: tuple[Transition, ...]) -> Conversation[Notice]:
    """Follow `name` until it has stopped, and say so as the product does."""
    if rows[-1].at > rows[0].at:
        state = yield from follow(node, name, rows, last=False)
    else:
        state = node.services.state(name, rows[-1].at)
    if state.up:
        raise Refused("{name} was started again by another session", name=name)
    yield Progress(COMMANDED)
    yield Progress(line(name, "NOTRUNNING"))
    return Notice((), _data(state))


@family.command(
    "utils service start <service...>",
    level=1,
    arguments=(START,),
    changes=True,
    form=FOLLOWED,
    examples=("utils service start Cisco DRF Local",),
)
def start(node: Node, service: str) -> Conversation[Notice]:
    """Start a service, and the services that stopped with it.

    The service loads the certificates that are in the store when its start begins.
    """
    node.services.refuse_unless_controlled(service, "start")
    yield Progress(MANAGER)
    rows = yield Commit(lambda transaction: node.services.start(transaction, service))
    return (yield from _told(service, _up(node, service, rows)))


@family.command(
    "utils service stop <service...>", level=1, arguments=(STOP,), changes=True, form=FOLLOWED
)
def stop(node: Node, service: str) -> Conversation[Notice]:
    """Stop a service, and the services that need it."""
    node.services.refuse_unless_controlled(service, "stop")
    yield Progress(MANAGER)
    rows = yield Commit(lambda transaction: node.services.stop(transaction, service))
    return (yield from _told(service, _down(node, service, rows)))


@family.command(
    "utils service restart <service...>",
    level=1,
    arguments=(RESTART,),
    changes=True,
    form=FOLLOWED,
    examples=("utils service restart Cisco DRF Local",),
)
def restart(node: Node, service: str) -> Conversation[Notice]:
    """Stop and start a service, and the running services that need it.

    A new certificate becomes active when the services that use it restart. Ctrl-C leaves this
    command; the restart goes on.
    """
    node.services.refuse_unless_controlled(service, "restart")
    yield Progress(PATIENCE)
    yield Progress(MANAGER)
    rows = yield Commit(lambda transaction: node.services.restart(transaction, service))
    return (yield from _told(service, _up(node, service, rows)))


class Restarted(Value):
    """The services that were restarted, in their order, each as it was then; `left` still wait."""

    form = record(restarted=each(SERVICE), left=each(TEXT))

    services: tuple[ServiceState, ...]
    left: tuple[str, ...]

    def lines(self) -> list[str]:
        """The text: nothing where the services have scrolled by, and what still waits."""
        if not self.services and not self.left:
            return ["No service is waiting for a restart"]
        return [f"{name} waits, too, but cannot be told to restart" for name in self.left]

    def data(self) -> dict[str, object]:
        """The JSON form."""
        return {"restarted": [_data(state) for state in self.services], "left": self.left}


@family.command(
    "utils service restart pending", level=1, own=True, changes=True, form=Restarted.form
)
def restart_pending(node: Node) -> Conversation[Restarted]:
    """Restart the services that wait for one, each after what it needs.

    Those that show service pending lists. A service that restarts along with another one is not
    restarted again. Ends at the first that does not come up again; the rest goes on waiting.
    """
    services, specs = node.services, node.profile.all_services()
    done: dict[str, ServiceState] = {}
    while True:
        waiting = {row.service for row in services.pending(node.snapshot())} - done.keys()
        ready = [n for n in in_need_order(specs, waiting) if "restart" in specs[n].controls]
        if not ready:
            return Restarted(tuple(done.values()), tuple(sorted(waiting)))
        if not done:
            yield Progress(PATIENCE)
            yield Progress(MANAGER)
        name = ready[0]
        rows = yield Commit(partial(_restart, node, name))
        yield from _told(name, _up(node, name, rows))
        done[name] = services.state(name)


def _restart(node: Node, name: str, transaction: Transaction) -> tuple[Transition, ...]:
    return node.services.restart(transaction, name)


# --- activation --------------------------------------------------------------------------------


@family.command(
    "utils service activate <service...>",
    level=1,
    arguments=(FEATURE,),
    changes=True,
    form=FOLLOWED,
)
def activate(node: Node, service: str) -> Conversation[Notice]:
    """Activate a feature service and start it.

    While a service that it needs is down it stays down, and starts with that one.
    """
    yield Progress(MANAGER)
    rows = yield Commit(lambda transaction: node.services.activate(transaction, service))
    follows = _left(node, service) if rows and rows[-1].reason else _up(node, service, rows)
    return (yield from _told(service, follows))


def _left(node: Node, name: str) -> Conversation[Notice]:
    """Say why `name` stays down for now."""
    state = node.services.state(name)
    yield Progress(f"{name}[{state.state}]  {state.reason}")
    return Notice((), _data(state))


@family.command(
    "utils service deactivate <service...>",
    level=1,
    arguments=(FEATURE,),
    changes=True,
    form=FOLLOWED,
)
def deactivate(node: Node, service: str) -> Conversation[Notice]:
    """Stop a feature service and the services that need it, until it is activated again."""
    yield Progress(MANAGER)
    rows = yield Commit(lambda transaction: node.services.deactivate(transaction, service))
    return (yield from _told(service, _down(node, service, rows)))


@family.command(
    "utils service auto-restart {enable|disable:switch} <service...>",
    level=1,
    arguments=(AUTO_RESTART,),
    changes=True,
    form=AUTOMATIC,
)
def set_auto_restart(node: Node, switch: str, service: str) -> Conversation[Notice]:
    """Say whether a service comes back by itself after a failure."""
    node.services.refuse_unless_auto_restart(service)
    on = switch == "enable"
    yield Commit(lambda transaction: node.services.set_auto_restart(transaction, service, on))
    return _auto_restart(service, on)


@family.command(
    "utils service auto-restart show <service...>",
    level=1,
    arguments=(AUTO_RESTART,),
    form=AUTOMATIC,
)
def show_auto_restart(node: Node, service: str) -> Notice:
    """Show whether a service comes back by itself after a failure."""
    node.services.refuse_unless_auto_restart(service)
    return _auto_restart(service, node.services.state(service).auto_restart)


def _auto_restart(service: str, on: bool) -> Notice:
    text = f"Automatic restart of {service} is {'enabled' if on else 'disabled'}"
    return Notice((text,), {"service": service, "auto_restart": on})
