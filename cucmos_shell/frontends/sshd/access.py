"""Who comes in: sign-in by password or public key, throttled, audited, in equal time."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import asyncssh

from cucmos_shell.errors import Refused, ShellError, Unavailable
from cucmos_shell.frontends.sshd.faults import Outflow, Pasting
from cucmos_shell.node.access.accounts import FIRST_DELAY, SignInRefused, has_key
from cucmos_shell.node.access.networks import network_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.frontends.sshd.door import Door
    from cucmos_shell.node.access.accounts import Account
    from cucmos_shell.world.faults import Fault

MAX_PASSWORDS = 6
MAX_KEYS = 24
# Channels of one connection, and seconds a connection without any is kept.
MAX_CHANNELS = 10
LINGER = 60.0
# Octets of the names and values of a channel's environment, which nobody looks at.
MAX_ENVIRONMENT = 64 * 1024
# Seconds of the loop that a step counts for beside what is done in its thread.
REQUEST_COST = 0.0003
PROMPT = "Password: "


class Access(asyncssh.SSHServer):
    """One connection and its sign-in.

    `channels(door, access, name)` makes a channel for the account of that name.
    """

    def __init__(self, door: Door, channels: Callable[[Door, Access, str], Any]) -> None:
        self._door = door
        self._channels_of = channels
        self._connection: Any = None
        self.address = "-"
        self.account: Account | None = None
        self._proven: Account | None = None
        self._key: str | None = None
        self.congested_now = False
        self._valve: Any = None
        self._network = "-"
        self._opened: set[Any] = set()
        self._counted: set[Any] = set()
        self._passwords = 0
        self._keys = 0
        self._idle: asyncio.TimerHandle | None = None

    # --- the connection ---------------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self.address = str(peer[0]) if peer else "-"
        self._network = network_of(self.address)
        self._valve = conn.get_extra_info("valve")
        self._valve.owner = self
        if not self._door.enter(self, self._network):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.waiting.leave(self, self._network)
        self._busy()
        if self.account is not None:
            self._door.dismiss(self.account.name)
        self._door.connections.discard(self)

    @property
    def whose(self) -> str:
        """Whose steps those of the connection are: the account's, or before it its network's."""
        if self.account is None:
            return f"a:{self._network}"
        return f"n:{self._door.whose(self.account.name)}"

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def drop(self) -> None:
        """End the connection at once, without a word."""
        self._connection.abort()

    def cut(self, how: str) -> None:
        """End the connection as a fault wants it: `reset` by TCP, or in order."""
        if how == "reset":
            self._valve.reset()
        else:
            self.close()

    def fault(self, at: str, name: str) -> Fault | None:
        """What is to go wrong with the connection, or with a channel of it."""
        return self._door.node.world.fault(at, {"address": self.address, "account": name})

    def outflow(self, name: str, moved: Callable[[], None]) -> Outflow:
        """What a channel of the account sends by; `moved` as there."""
        return Outflow(partial(self.fault, "ssh.output", name), moved, self.cut)

    def pasting(self, name: str) -> Pasting:
        """What sees a paste into a channel of the account."""
        return Pasting(partial(self.fault, "ssh.paste", name), self.cut)

    async def _goes_wrong(self, name: str, by_key: bool) -> bool:
        """Whether a sign-in is refused as a fault wants it; that is in the log."""
        fault = self.fault("ssh.auth", name)
        if fault is None or (by_key and fault.do == "locked"):
            return False
        if fault.do == "reset":
            self.cut("reset")
        elif fault.do == "delay":
            await asyncio.sleep(fault.seconds)
            return False
        node, reason = self._door.node, "locked" if fault.do == "locked" else "password"
        with contextlib.suppress(Unavailable):
            shown = node.accounts.shown(name)
            node.audit.session(node.now(), "refused", shown, f"ssh/{self.address}", reason=reason)
        return True

    def turn(self, function: Callable[[], object]) -> None:
        """Call `function` when it is the turn of the account, or of the network."""
        self._valve.later(function)

    async def off_loop(self, function: Callable[..., Any], *arguments: object) -> Any:
        """The result of a function that is run in a thread, when it is the turn of the account."""
        turn = asyncio.Event()
        self._valve.later(turn.set, REQUEST_COST)
        await turn.wait()
        return await self._door.host.off_loop(self.whose, function, *arguments)

    def look(self) -> None:
        """End the connection if a channel was told more of an environment than anybody has."""
        for channel in self._opened:
            if channel.environment_size() > MAX_ENVIRONMENT:
                self.drop()
                return

    def congested(self, is_so: bool) -> None:
        """What is written waits in the connection, or no longer does."""
        self.congested_now = is_so
        for channel in list(self._opened):
            channel.congestion_changed()

    # --- signing in -------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        self._door.waiting.asks(self, self._network)
        return True

    def auth_completed(self) -> None:
        username = self._connection.get_extra_info("username")
        if self._proven is None or self._proven.name != username:
            self._connection.abort()
            return
        if not self._door.admit(self._proven.name):
            self._connection.disconnect(
                asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many connections of this account"
            )
            return
        self.account = self._proven
        self._door.waiting.leave(self, self._network)
        self._valve.signed_in(self._door.whose(self.account.name))
        self._linger()

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        accounts, host = self._door.node.accounts, self._door.host
        self._passwords += 1
        if self._passwords > MAX_PASSWORDS:
            self._give_up()
            return False
        if await self._goes_wrong(username, False):
            return False
        try:
            # Who was right lately does not wait behind those who guess, who was once hardly.
            self._proven = await host.off_loop(self.whose, accounts.recall, username, password)
            if self._proven is None:
                likely = accounts.likely(username, password)
                whose = self._network, username
                self._proven = await host.hashing(likely, whose, self._judge, username, password)
            self._key = None
        except SignInRefused:
            # Only who was wrong waits: others behind the same address do not.
            await asyncio.sleep(await self._delay(username))
            return False
        except (ShellError, OSError):
            return False
        return True

    def _judge(self, username: str, password: str) -> Account:
        """The account, or SignInRefused once that is in the log: whether anybody waits or not."""
        node = self._door.node
        try:
            return node.accounts.verify(username, password, self.address)
        except SignInRefused as refusal:
            name, origin = node.accounts.shown(username), f"ssh/{self.address}"
            with contextlib.suppress(Unavailable):
                node.audit.session(node.now(), "refused", name, origin, reason=refusal.reason)
            raise

    async def _delay(self, username: str) -> float:
        accounts = self._door.node.accounts
        try:
            delay = self._door.host.off_loop(self.whose, accounts.delay, username, self.address)
            return float(await delay)
        except OSError:
            return FIRST_DELAY

    def _give_up(self) -> None:
        self._connection.disconnect(
            asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
        )

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "en-US", [(PROMPT, False)]

    async def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return len(responses) == 1 and await self.validate_password(username, responses[0])

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Asked for each key a client has, and again when it has signed with one."""
        self._keys += 1
        if self._keys > MAX_KEYS:
            self._give_up()
            return False
        if await self._goes_wrong(username, True):
            return False
        line = key.export_public_key("openssh").decode("ascii", "replace")
        by_key = self._door.node.accounts.by_key
        try:
            found = await self._door.host.off_loop(self.whose, by_key, username, line)
        except (ShellError, OSError):
            return False
        self._proven, self._key = found, line
        return found is not None

    @property
    def by_key(self) -> bool:
        """Whether a public key has proven who it is."""
        return self._key is not None

    def still(self) -> Account:
        """The account as it is now, for a session that begins. It may be read from a file.

        Raises Refused when it is gone or its password locked, or what it was proven by is gone:
        another may have its name now.
        """
        accounts, before = self._door.node.accounts, self.account
        now = accounts.find(before.name) if before is not None else None
        if before is None or now is None or not self._proves(before, now):
            raise Refused("The account has changed meanwhile; sign in again")
        if not self.by_key:
            accounts.refuse_locked(now.name)
        return now

    def _proves(self, before: Account, now: Account) -> bool:
        if now.identity != before.identity:
            return False
        if self._key is None:
            return now.password == before.password
        return has_key(now, self._key)

    # --- what may be asked for --------------------------------------------------------------------

    def session_requested(self) -> Any:
        if self.account is None or self._door.ending or len(self._opened) >= MAX_CHANNELS:
            return False
        if not self._door.opens(self.account.name):
            return False
        self._busy()
        channel = self._channels_of(self._door, self, self.account.name)
        self._opened.add(channel)
        self._counted.add(channel)
        return channel

    def channel_closed(self, channel: object) -> None:
        """Note that a channel is over; a connection without any is closed after LINGER seconds."""
        self._opened.discard(channel)
        self.uncount(channel)
        if not self._opened:
            self._linger()

    def uncount(self, channel: object) -> None:
        """Note that a channel is over, or a shell: of these an account has so many anyway."""
        if channel in self._counted and self.account is not None:
            self._counted.remove(channel)
            self._door.shuts(self.account.name)

    def _linger(self) -> None:
        if self not in self._door.connections:
            return
        self._idle = asyncio.get_running_loop().call_later(LINGER, self._connection.close)

    def _busy(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
