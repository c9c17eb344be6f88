"""A real SFTP server (asyncssh's) for what the node sends to others."""

import asyncio
import threading

import asyncssh

USER, PASSWORD = "backup", "Sea-Chest42"


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (USER, PASSWORD)


class SftpServer:
    """Serves `folder` on a free port of the loopback interface, in a thread of its own."""

    def __init__(self, folder, key=None):
        self.folder = folder
        self.key = key or asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        root = str(self.folder)
        server = await asyncssh.listen(
            "127.0.0.1", self.port, server_host_keys=[self.key], server_factory=_Server,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root),
            config=None,
        )  # fmt: skip
        self.port = server.get_port()
        self._ready.set()
        await self._stop.wait()
        server.close()
        await server.wait_closed()

    @property
    def answers(self):
        """What `file get` asks for, up to the password."""
        return "127.0.0.1", str(self.port), USER, PASSWORD
