"""Where a node's SSH server is, in the words of the clients that are to find it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Address(NamedTuple):
    """Where a server listens, and who may sign in. `password` is that of `username`."""

    host: str
    port: int
    username: str
    password: str

    def netmiko(self, device_type: str = "generic") -> dict[str, Any]:
        """Arguments of `netmiko.ConnectHandler`; those of your own may follow them."""
        return {"device_type": device_type, **self._asdict()}

    def paramiko(self) -> dict[str, Any]:
        """Arguments of `paramiko.SSHClient.connect`, which are to ask no agent and no key file."""
        return {
            "hostname": self.host,
            "port": self.port,
            "username": self.username,
            "password": self.password,
            "allow_agent": False,
            "look_for_keys": False,
        }

    def asyncssh(self) -> dict[str, Any]:
        """Arguments of `asyncssh.connect`, which are to ask no agent, no key and no file."""
        return {
            **self._asdict(),
            "known_hosts": None,
            "config": None,
            "client_keys": None,
            "agent_path": None,
        }

    def ssh_command(self, *options: str) -> list[str]:
        """The command line of OpenSSH's client, which asks for the password on its terminal.

        It reads no configuration and keeps no host key; `options` stand before the address.
        """
        return [
            "ssh", "-F", "/dev/null", "-p", str(self.port),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "PubkeyAuthentication=no", "-o", "LogLevel=ERROR",
            *options, f"{self.username}@{self.host}",
        ]  # fmt: skip
