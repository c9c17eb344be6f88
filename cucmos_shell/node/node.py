"""The machine: a state folder, everything in it wired to one world."""

from __future__ import annotations

import json
import os

from cucmos_shell.errors import Busy, Damaged, Unavailable
from cucmos_shell.node.logs.audit import Audit
from cucmos_shell.profile.profile import FORMAT, Appliance, from_json
from cucmos_shell.store import Store
from cucmos_shell.store.paths import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node.access.accounts import Accounts
    from cucmos_shell.node.access.sessions import Logins
    from cucmos_shell.node.certificates.trust_lists import TrustLists
    from cucmos_shell.node.logs.alarms import Alarms
    from cucmos_shell.node.services.services import Services
    from cucmos_shell.store import Snapshot
    from cucmos_shell.world import SyslogHost, World

DAY = 86_400


class Node:
    """A node of a product: profile, certificate store, services and logs below one folder."""

    def __init__(self, state_dir: str, appliance: Appliance, world: World) -> None:
        self.state_dir = state_dir
        self.appliance = appliance
        self.world = world
        self.store = Store(state_dir)
        self._services: Services | None = None
        self._lists: TrustLists | None = None
        self.audit = Audit(
            os.path.join(state_dir, "log", "platform", "log"),
            os.path.join(state_dir, "run", "log-reserve"),
        )
        self._accounts: Accounts | None = None
        self._logins: Logins | None = None
        self._alarms: Alarms | None = None

    @staticmethod
    def open(state_dir: str, world: World) -> Node:
        """The node installed in `state_dir`. Raises Damaged or Unavailable."""
        node = Node(state_dir, from_json(_profile(state_dir)), world)
        node.store.repair_view()
        return node

    @property
    def accounts(self) -> Accounts:
        """Signing in to this node; a listing never pays for it."""
        if self._accounts is None:
            from cucmos_shell.node.access.accounts import Accounts

            self._accounts = Accounts(self.state_dir, self.store, self.world)
        return self._accounts

    @property
    def logins(self) -> Logins:
        """The sessions of this node."""
        if self._logins is None:
            from cucmos_shell.node.access.sessions import Logins

            self._logins = Logins(self.state_dir, self.store, self.audit, self.world)
        return self._logins

    @property
    def alarms(self) -> Alarms:
        """The node's alarms: raising them, and the log of them."""
        if self._alarms is None:
            from cucmos_shell.node.logs.alarms import Alarms

            folder = os.path.join(self.state_dir, "log", "syslog")
            self._alarms = Alarms(
                folder, self.world, self.hostname, self.appliance.fqdn, self._syslog
            )
        return self._alarms

    def _syslog(self) -> SyslogHost | bool | None:
        from cucmos_shell.world import SyslogHost

        setting = self.snapshot().settings().get("alarm_syslog", {"to": "local"})
        if setting["to"] == "host":
            return SyslogHost(setting["host"], setting["port"], setting["transport"])
        return None if setting["to"] == "local" else False

    def fail_service(self, name: str) -> None:
        """Let a service break down now, as a fault would, and raise its alarm. Raises Busy."""
        lock = self.store.try_lock()
        if lock is None:
            raise Busy("Another session is changing this node; try again in a moment")
        with lock:
            change = self.store.begin(lock, who="fault", what=f"{name} fails", now=self.now())
            self.services.fail(change, name)
        self.alarms.raise_one("ServiceFailed", ServiceName=name, Reason="Service stopped abruptly")

    def now(self) -> float:
        """Seconds since the epoch, as the node's clock shows them."""
        return self.world.now()

    def snapshot(self) -> Snapshot:
        """One consistent state of the store."""
        return self.store.snapshot()

    @property
    def services(self) -> Services:
        """What runs on this node; a listing of certificates never pays for it."""
        if self._services is None:
            from cucmos_shell.node.services.services import Services

            self._services = Services(self.appliance, self.store, self.world)
        return self._services

    @property
    def lists(self) -> TrustLists:
        """The trust lists, which follow the certificates."""
        if self._lists is None:
            from cucmos_shell.node.certificates.trust_lists import TrustLists

            self._lists = TrustLists(self.appliance, lambda s: self.services.started_from(s))
        return self._lists

    def attention(self) -> tuple[int, int]:
        """`(services that wait for a restart, certificates that end soon)`, soon by the profile."""
        snapshot = self.snapshot()
        soon = self.now() + self.appliance.defaults["monitor_start_days"] * DAY
        rows = [snapshot.own(unit).row for unit in snapshot.units]
        rows += [row for store in snapshot.stores for row in snapshot.trust(store)]
        ending = sum(1 for row in rows if row is not None and row.not_after <= soon)
        return len({row.service for row in self.services.pending(snapshot)}), ending

    @property
    def hostname(self) -> str:
        """The node's host name, without its domain."""
        return self.appliance.hostname

    @property
    def zone(self) -> str:
        """The node's IANA time zone."""
        return self.appliance.timezone


def _profile(state_dir: str) -> dict[str, Any]:
    path = Layout(state_dir).profile
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read())
    except FileNotFoundError as error:
        raise Damaged("{file} is missing", file=path) from error
    except OSError as error:
        raise Unavailable(
            "The state folder {folder} cannot be read: {reason}",
            folder=state_dir,
            reason=error.strerror or str(error),
        ) from error
    except (ValueError, RecursionError) as error:
        raise Damaged("{file} is damaged: it is not JSON", file=path) from error
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise Unavailable(
            "The state in {folder} was written by a newer version of this program"
            " (format {number}; this one knows {known})",
            folder=state_dir,
            number=data["format"],
            known=FORMAT,
        )
    if not isinstance(data, dict):
        raise Damaged("{file} is damaged: {reason}", file=path, reason="it is not a profile")
    return data
