"""The SSH server of one node, as a task of the process that serves it."""

from __future__ import annotations

import asyncssh

from cucmos_shell.frontends.sshd.access import Access
from cucmos_shell.frontends.sshd.algorithms import algorithms
from cucmos_shell.frontends.sshd.channel import SHUTDOWN, Channel
from cucmos_shell.frontends.sshd.entrance import Entrance

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from cucmos_shell.frontends.sshd.door import Door

VERSION = "cucmos-shell"
WINDOW = 128 * 1024
LOGIN_SECONDS = 30
KEEPALIVE_SECONDS, KEEPALIVES_LOST = 60, 3


class SshServer:
    """Listens for the door of a node."""

    def __init__(
        self, door: Door, listener: socket.socket, keys: list[asyncssh.SSHKeyPair], *, legacy: bool
    ) -> None:
        self._door = door
        self._listener = listener
        self._keys = keys
        self._legacy = legacy
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> None:
        """Accept connections."""
        door = self._door
        self._acceptor = await asyncssh.listen(
            # It takes a listener of its own for a tunnel, and leaves it all that is below SSH.
            tunnel=Entrance(self._listener, door.host.turns, door.node.world.fault, door.outage),
            server_factory=lambda: Access(door, Channel),
            server_host_keys=self._keys,
            server_version=VERSION,
            **algorithms(self._legacy),
            config=None,
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            window=WINDOW,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=KEEPALIVES_LOST,
        )

    def stop(self) -> None:
        """Take no more connections, and tell the sessions."""
        self._door.ending = True
        if self._acceptor is not None:
            self._acceptor.close()
        for channel in list(self._door.channels):
            channel.hang_up(SHUTDOWN)

    @property
    def finished(self) -> bool:
        """Whether no channel has anything to do any more."""
        return all(channel.finished for channel in self._door.channels)

    def abandon(self) -> None:
        """Give up what the channels still do."""
        for channel in list(self._door.channels):
            channel.abandon()

    @property
    def gone(self) -> bool:
        """Whether all channels are closed."""
        return not self._door.channels

    def close(self) -> None:
        """Close the connections."""
        for connection in list(self._door.connections):
            connection.close()
