"""A node for a test: a state folder, what can be said to it, and its server."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cucmos_shell.testing.address import Address
from cucmos_shell.testing.answers import ORIGIN, Answer, CommandFailed, say
from cucmos_shell.testing.authority import LabCA
from cucmos_shell.testing.clock import LabClock
from cucmos_shell.testing.faults import Fault, Faults
from cucmos_shell.testing.server import Server, has_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from cryptography.x509 import Certificate

    from cucmos_shell.node import Node
    from cucmos_shell.node.lab.lab import Lab
    from cucmos_shell.store import Lock
    from cucmos_shell.store.paths import Layout

# The administrator of every node that is made here.
USERNAME, PASSWORD = "admin", "Blue-Harbour7"
# Seconds between two looks whether something has happened.
_LOOK = 0.02
# The origin of what a server does by itself.
_SERVER = "server"
_MANY = 1_000_000


class FolderInUse(Exception):
    """A state folder that another `LabNode` has, here or in another process."""


class Snapshot(NamedTuple):
    """A node or a cluster as it was, for `restore`; its folder has it by that name."""

    name: str


class Command(NamedTuple):
    """A line that a client has run: when (UTC), by whom and from where.

    `line` is what was typed (without what looks like a secret), `command` its full words, empty if
    it was not understood. `outcome` is `ok`, `failed(STATUS)`, `interrupted`, or empty while it
    runs. What was typed as an answer is nowhere.
    """

    when: str
    line: str
    command: str
    account: str
    origin: str
    outcome: str

    @property
    def ok(self) -> bool:
        """Whether it has succeeded."""
        return self.outcome == "ok"


class LabNode:
    """The node in the state folder `state`, which nobody else may have meanwhile.

    `patience` is how long a command of `run` or `json` may wait (5 seconds). As a context manager
    it is closed at the end. Raises FolderInUse where somebody has the folder, and what the program
    says where the node in it is not one of a lab.
    """

    def __init__(self, state: str | os.PathLike[str]) -> None:
        self.state = Path(state).absolute()
        self.patience = 5.0
        if not (self.state / "profile.json").exists():
            raise FileNotFoundError(f"No node is installed in {self.state}")
        self._owner = _owned(self._lab().layout, self.state)
        self._server: Server | None = None
        # Where it is served by somebody else: see `Inventory`.
        self._elsewhere: Callable[[], Address] | None = None
        self._ca: LabCA | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and the authority's responder, and let others have the folder."""
        self.stop()
        if self._ca is not None:
            self._ca.close()
            self._ca = None
        self._owner.release()

    def _open(self) -> Node:
        from cucmos_shell.node import Node
        from cucmos_shell.world import World

        return Node.open(str(self.state), World.real())

    def _lab(self) -> Lab:
        from cucmos_shell.node.lab.lab import open_lab
        from cucmos_shell.world import World

        return open_lab(str(self.state), World.real())

    # --- saying something ------------------------------------------------------------------------

    def run(self, line: str, *answers: str) -> Answer:
        """Say `line` to the node in a session of its own, in this process.

        `answers` are typed where it asks, and pasted where it wants a certificate. A question that
        finds no answer left is broken off, as by Ctrl-C, and so is a command that has waited for
        `patience` seconds: a service that hangs, say.
        """
        return say(self._open(), line, answers, seconds=self.patience)

    def json(self, line: str, *answers: str) -> Any:
        """As `run`; the data that JSON shows. Raises CommandFailed unless it succeeds."""
        import json

        answer = say(self._open(), line, answers, output="json", seconds=self.patience)
        told = json.loads(answer.text.splitlines()[-1]) if answer.text else {}
        if not answer.ok or not told.get("ok"):
            error = told.get("error") or {}
            message = str(error.get("message", "it was broken off"))
            raise CommandFailed(line, message, str(error.get("kind", "")), answer.status)
        return told["data"]

    # --- being reached ---------------------------------------------------------------------------

    @property
    def ssh(self) -> Address:
        """Where its SSH server listens, which is started at the first use.

        Raises ServerFailed where it cannot be, or its packages are not installed.
        """
        if self._elsewhere is not None:
            return self._elsewhere()
        if self._server is None:
            from cucmos_shell.testing.ports import listens

            self._server = Server(self.state, ("--tls-ports", "0") if listens(self._open()) else ())
        return Address(*self._server.address(), USERNAME, PASSWORD)

    def tls(self, service: str, port: int | None = None) -> Address | None:
        """Where `service` listens for TLS, with the certificate that it has loaded.

        None while it is down: its port is closed. `port` says which one is meant, where the product
        has several for it. The server is started at the first use, as by `ssh`. Raises LookupError
        where it listens nowhere, ServerFailed.
        """
        from cucmos_shell.testing.ports import port_here

        served = self.ssh
        here = port_here(self._open(), service, port, self.patience)
        return None if here is None else served._replace(port=here)

    def stop(self) -> None:
        """End the server; `ssh` and `tls` start another one, elsewhere."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    # --- what goes wrong -------------------------------------------------------------------------

    def fault(
        self,
        at: str,
        do: str,
        *,
        when: Mapping[str, str] | None = None,
        times: int | None = None,
        after: int = 0,
        name: str | None = None,
        chance: float | None = None,
        seed: int | None = None,
        **arguments: object,
    ) -> Fault:
        """Let something go wrong at the point `at` from now on, or in a `with` block.

        docs/faults.md has the points, what may be done there, and the `arguments` of that. `when`
        maps facts of a point to patterns that must fit. Of the calls that fit `after` pass; then it
        happens `times` times, or always, or with a `chance` from 0 to 1 that is drawn from `seed`.
        Whoever runs the command meets it: `run`, a client, the program. Raises FaultMistake.
        """
        rest = {"times": times, "after": after, "chance": chance, "seed": seed}
        given = {key: value for key, value in rest.items() if value is not None}
        form = {"at": at, "do": do, "when": dict(when or {}), **given, **arguments}
        return self.faults.add(name, form)

    @property
    def faults(self) -> Faults:
        """The faults that are set: list, remove, reset, count."""
        return Faults(self._lab())

    @property
    def clock(self) -> LabClock:
        """The node's clock: let it stand, put it forward, let it hurry."""
        return LabClock(self._lab())

    @property
    def ca(self) -> LabCA:
        """The authority of the node, which has signed what presets say is signed by a CA."""
        if self._ca is None:
            from cucmos_shell.node.lab.authority import Authority

            lab = self._lab()
            authority = Authority.load(lab.layout.lab_authority, now=lab.clock.now())
            self._ca = LabCA(authority, lab.clock.now)
        return self._ca

    # --- states ----------------------------------------------------------------------------------

    def save(self) -> Snapshot:
        """Keep the node as it is now: certificates, services, accounts, logs, clock and faults."""
        name = os.urandom(6).hex()
        self._save(name)
        return Snapshot(name)

    def _save(self, name: str) -> None:
        self._lab().snapshots.save(name)

    def restore(self, snapshot: Snapshot) -> None:
        """Put the node back to what it was, which takes milliseconds; a server goes on.

        Sessions end as by a restart of the node: at their next line, or within seconds.
        Raises LookupError where the node has no such snapshot.
        """
        from cucmos_shell.errors import NotFound

        try:
            self._lab().snapshots.restore(snapshot.name)
        except NotFound as error:
            raise LookupError(str(error)) from None

    def preset(self, *names: str) -> None:
        """Put the node into states, such as `tomcat-expires-in-5-days` or `locked-ops`.

        docs/testing.md lists them. Raises what the program says of one that it does not know.
        """
        from cucmos_shell.node.tasks.lab.states import named, put

        put(self._open(), [named(name) for name in names])

    def scenario(self, file: str | os.PathLike[str]) -> None:
        """Let the node be as a scenario file says: clock, states, faults and what follows them.

        docs/testing.md has one. Raises what the program says of mistakes in it, and
        where it is for a node of another product or name.
        """
        from cucmos_shell.node.tasks.lab import scenario

        scenario.carry_out(scenario.load(os.fspath(file)), self._lab())

    # --- looking at it ---------------------------------------------------------------------------

    def loaded(self, service: str, unit: str | None = None) -> Certificate:
        """The certificate that `service` uses now: the one it found when it started.

        `unit` says of which unit, where it uses several. Raises LookupError where it uses none,
        since it is down or unknown.
        """
        from cryptography.x509 import load_pem_x509_certificate

        from cucmos_shell.store import past, paths

        node = self._open()
        snapshot = node.snapshot()
        known = {held.service.name: held.certificates for held in node.services.held(snapshot)}
        found = known.get(service, {})
        if unit is None and len(found) > 1:
            raise LookupError(f"{service} uses certificates of: {', '.join(found)}")
        name = unit or next(iter(found), "")
        version = past.holding(node.layout, name, found[name]) if name in found else None
        if version is None:
            raise LookupError(f"{service} uses no certificate{f' of {unit}' if unit else ''}")
        path = node.layout.version(name, version, paths.own_pem(name))
        return load_pem_x509_certificate(Path(path).read_bytes())

    def commands(self) -> list[Command]:
        """What clients have run, oldest first; not what `run`, `json` or the server itself ran."""
        entries = self._open().audit.entries(_MANY)
        ended = {entry.id: entry.outcome for entry in entries if entry.what == "ended"}
        return [
            Command(
                when=entry.when,
                line=entry.typed,
                command=entry.canonical.strip("-"),
                account=entry.account,
                origin=entry.origin,
                outcome=ended.get(entry.id, ""),
            )
            for entry in entries
            if entry.what == "begun" and entry.origin not in (ORIGIN, _SERVER)
        ]

    def wait(self, until: Callable[[LabNode], bool], seconds: float = 5.0) -> None:
        """Wait until `until(node)` is true. Raises TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not until(self):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Nothing has come of it in {seconds:g} s")
            time.sleep(_LOOK)


def install(
    folder: str | os.PathLike[str],
    profile: str = "imp-9.1",
    *,
    preset: str | Sequence[str] = (),
    scenario: str | os.PathLike[str] | None = None,
    speed: float = 0.0,
    hostname: str | None = None,
) -> LabNode:
    """Install a node in `folder`, which is new or empty, without pytest: for scripts and unittest.

    `profile` is a product or the file of one; `preset` one state or several (see
    `LabNode.preset`), `scenario` a file that says more (see `LabNode.scenario`). Services are
    `speed` times as fast, 0 for at once.
    The administrator is `admin`; the password is in `LabNode.ssh`.
    Raises what the program says where that cannot be done.
    """
    from cucmos_shell.commands import check_words
    from cucmos_shell.errors import UsageError
    from cucmos_shell.node import install as installing
    from cucmos_shell.world import World

    state = Path(folder).absolute()
    fresh = installing.install(
        str(state), profile, World.real(), hostname=hostname, speed=speed, check=check_words
    )
    if not fresh:
        raise UsageError("{folder} holds a node already", folder=str(state))
    return ready(state, preset, scenario)


def ready(
    state: Path,
    preset: str | Sequence[str] = (),
    scenario: str | os.PathLike[str] | None = None,
) -> LabNode:
    """The node that was installed in `state`, with an administrator, in the states of presets."""
    from cucmos_shell.node.lab.lab import make_lab

    make_lab(str(state))
    node = LabNode(state)
    try:
        _let_in(node._open())
        if preset:
            node.preset(*([preset] if isinstance(preset, str) else preset))
        if scenario is not None:
            node.scenario(scenario)
    except BaseException:
        node.close()
        raise
    return node


def _let_in(node: Node) -> None:
    """Give the node an administrator, and its host keys where these can be made."""
    from cucmos_shell.frontends.sshd.first_start import FirstPassword, make_administrator

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{PASSWORD}\n")
        file.flush()
        make_administrator(node, FirstPassword(USERNAME, file.name))
    if has_extra():
        from cucmos_shell.frontends.sshd.host_keys import host_keys

        host_keys(node.layout, legacy=False)


def _owned(layout: Layout, state: Path) -> Lock:
    from cucmos_shell.store.locks import try_lock

    lock = try_lock(layout.owner_lock)
    if lock is None:
        raise FolderInUse(f"{state} is used by another LabNode: each test has a folder of its own")
    return lock
