"""The machine: a state folder, everything in it wired to one world."""

from __future__ import annotations

import os

from cucmos_shell.errors import Damaged, ShellError, Unavailable, from_os
from cucmos_shell.node.logs.audit import Audit
from cucmos_shell.profile.profile import FORMAT, Profile, from_json
from cucmos_shell.results import Value, lazy
from cucmos_shell.store import Store
from cucmos_shell.store.durable import read
from cucmos_shell.store.json_text import loads
from cucmos_shell.store.paths import MEMBERSHIP, Layout
from cucmos_shell.store.state_json import MALFORMED, seal, unsealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from cucmos_shell.node.access.accounts import Accounts
    from cucmos_shell.node.access.sessions import Logins
    from cucmos_shell.node.certificates.trust_lists import TrustLists
    from cucmos_shell.node.expiry.life import Life
    from cucmos_shell.node.logs.alarms import Alarms
    from cucmos_shell.node.services.services import Services
    from cucmos_shell.store import Lock, Snapshot
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world import World
    from cucmos_shell.world.unanswered import SyslogHost

    T = TypeVar("T")

DAY = 86_400


class Attention(Value):
    """What should be looked at: services that wait for a restart, certificates that end soon.

    Own certificates come first, by their units' names, then those of trust stores; each group the
    soonest first.
    """

    restarts: tuple[str, ...] = ()
    ending: tuple[Life, ...] = ()


class Node:
    """A node of a product: profile, certificate store, services and logs below one folder.

    Its parts are loaded when they are first asked for: a listing pays for none of them.
    """

    def __init__(self, state_dir: str, profile: Profile, world: World) -> None:
        self.state_dir = state_dir
        self.profile = profile
        self.world = world.waiting()
        self.store = Store(state_dir, world.boot)
        self.store.before_commit = (lambda change: self.lists.follow(change), self._to_cluster)
        self.store.pins = lambda: self.services.pins(self.snapshot())
        self.layout = self.store.layout
        self.audit = Audit(self.layout.audit_log, self.layout.log_reserve)

    @staticmethod
    def open(state_dir: str, world: World) -> Node:
        """The node installed in `state_dir`. Raises Damaged or Unavailable."""
        world = _within(state_dir, world)
        profile, has_sum = _kept_profile(Layout(state_dir))
        node = Node(state_dir, profile, world)
        node.store.repair_view()
        if not has_sum:
            node._seal_profile()
        return node

    @staticmethod
    def look(state_dir: str, world: World) -> Node:
        """The node in `state_dir` to be looked at: no link of it is repaired. Raises as `open`."""
        world = _within(state_dir, world)
        return Node(state_dir, _kept_profile(Layout(state_dir))[0], world)

    def _seal_profile(self) -> None:
        """Give the profile that an earlier version has kept its check sum, if nobody is at it."""
        try:
            lock = self.store.try_lock()
            if lock is not None:
                with lock:
                    seal(self.layout.profile)
        except (OSError, ShellError):
            return

    def _to_cluster(self, change: Transaction) -> None:
        """What a member of a cluster changes is wished for the others, too."""
        if change.has(MEMBERSHIP):
            from cucmos_shell.cluster import membership, outbox, shared

            member = membership.member(change)
            if member is not None:
                new_id = lambda: f"{member.node}-{self.world.new_serial():x}"  # noqa: E731
                outbox.follow(change, self.profile.distribution.stores, new_id)
                left = shared.follow(change, self.profile.multi_server_units(), new_id)
                if left:
                    from cucmos_shell.node.certificates.shared import keep_copies

                    keep_copies(change, self.profile, left)

    @lazy
    def accounts(self) -> Accounts:
        """Signing in to this node."""
        from cucmos_shell.node.access.accounts import Accounts

        return Accounts(self.store, self.world)

    @lazy
    def logins(self) -> Logins:
        """The sessions of this node."""
        from cucmos_shell.node.access.sessions import Logins

        return Logins(self.store, self.audit, self.world)

    @lazy
    def alarms(self) -> Alarms:
        """The node's alarms: raising them, and the log of them."""
        from cucmos_shell.node.logs.alarms import Alarms

        names = (self.hostname, self.profile.fqdn)
        return Alarms(self.layout.alarm_log, self.world, *names, self._syslog)

    @lazy
    def services(self) -> Services:
        """What runs on this node."""
        from cucmos_shell.node.services.services import Services

        return Services(self.profile, self.store, self.world)

    @lazy
    def lists(self) -> TrustLists:
        """The trust lists, which follow the certificates."""
        from cucmos_shell.node.certificates.trust_lists import TrustLists

        return TrustLists(self.profile, lambda *asked: self.services.started_from(*asked))

    def _syslog(self) -> SyslogHost | bool | None:
        from cucmos_shell.world.unanswered import SyslogHost

        setting = self.snapshot().settings().get("alarm_syslog", {"to": "local"})
        if setting["to"] == "host":
            return SyslogHost(setting["host"], setting["port"], setting["transport"])
        return None if setting["to"] == "local" else False

    def change(self, lock: Lock, who: str, what: str, function: Callable[[Transaction], T]) -> T:
        """Let `function` change the node under the store's lock, all at once or not at all.

        The only way to a commit. `who` does it by the command `what`. Returns what `function`
        returns; raises what it raises, and what `Transaction.commit` does.
        """
        change = self.store.begin(lock, who=who, what=what, now=self.now())
        result = function(change)
        fault = self.world.fault("store.commit", {"units": " ".join(change.changed())})
        if fault is None:
            change.commit()
            return result
        from cucmos_shell.node.lab import commits

        commits.before(fault)
        change.commit()
        commits.after(fault)
        return result

    def create(self, lock: Lock, function: Callable[[Transaction], T]) -> T:
        """The first change of all, which makes the store; otherwise as `change`."""
        new = self.store.create(lock, who="installation", what="install", now=self.now())
        result = function(new)
        new.commit()
        return result

    def adopt(self, profile: Profile) -> None:
        """Go on with another profile, which is kept already; its parts are made anew."""
        self.profile = profile
        for part in ("alarms", "services", "lists"):
            self.__dict__.pop(part, None)

    def now(self) -> float:
        """Seconds since the epoch, as the node's clock shows them."""
        return self.world.now()

    def snapshot(self) -> Snapshot:
        """One consistent state of the store."""
        return self.store.snapshot()

    def attention(self) -> Attention:
        """What should be looked at; certificates that end soon by the profile."""
        from cucmos_shell.node.expiry.life import Life

        snapshot, now = self.snapshot(), self.now()
        soon = now + self.profile.defaults["monitor_start_days"] * DAY
        own = [(unit, row) for unit, (row,) in snapshot.listed("own")]
        trust = {
            row.sha256: (row.name, row)
            for _, rows in snapshot.listed("trust")
            for row in rows
            if row.not_after <= soon and not row.owner
        }
        lives = [
            [
                Life(name, row.common_name, row.key_type, row.not_before, row.not_after, now)
                for name, row in sorted(rows, key=lambda pair: pair[1].not_after)
                if row.not_after <= soon
            ]
            for rows in (own, trust.values())
        ]
        waiting = dict.fromkeys(row.service for row in self.services.pending(snapshot))
        return Attention(tuple(waiting), (*lives[0], *lives[1]))

    @property
    def hostname(self) -> str:
        """The node's host name, without its domain."""
        return self.profile.hostname

    @property
    def zone(self) -> str:
        """The node's IANA time zone."""
        return self.profile.timezone


def _within(state_dir: str, world: World) -> World:
    """The world that the node in a state folder lives in: another one where that is a lab."""
    if not os.access(Layout(state_dir).lab, os.F_OK):
        return world
    from cucmos_shell.node.lab.lab import Lab

    return Lab(Layout(state_dir), world).opened().world


def _kept_profile(layout: Layout) -> tuple[Profile, bool]:
    """The node's profile, and whether the file has a check sum. Raises Damaged, Unavailable."""
    path = layout.profile
    try:
        octets, has_sum = unsealed(read(path), path)
        data = loads(octets)
    except FileNotFoundError as error:
        raise Damaged("{file} is missing", file=path) from error
    except OSError as error:
        raise from_os(error, "read", f"The state folder {layout.state}") from error
    except (ValueError, RecursionError) as error:
        raise Damaged("{file} is damaged: it is not JSON", file=path) from error
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise Unavailable(
            "The state in {folder} was written by a newer version of this program"
            " (format {number}; this one knows {known})",
            folder=layout.state,
            number=data["format"],
            known=FORMAT,
        )
    try:
        return from_json(data), has_sum
    except MALFORMED as error:
        reason = "it is not a profile"
        raise Damaged("{file} is damaged: {reason}", file=path, reason=reason) from error
