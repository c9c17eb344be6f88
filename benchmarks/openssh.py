"""A real sshd on a free port of the loopback interface, run by whoever runs the benchmark."""

from __future__ import annotations

import getpass
import os
import pathlib
import shutil
import socket
import subprocess
from typing import Any

import asyncssh

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin")


class OpenSsh:
    """An sshd which admits `key`, and runs `forced` instead of what is asked for if that is given."""

    def __init__(self, folder: pathlib.Path, key: Any, forced: str = "") -> None:
        folder.mkdir()
        host = asyncssh.generate_private_key("ssh-ed25519")
        host.write_private_key(str(folder / "host"))
        os.chmod(folder / "host", 0o600)
        key.write_public_key(str(folder / "authorized"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
            f"UsePAM no\nPasswordAuthentication no\nMaxStartups 100\n"
            + (f"ForceCommand {forced}\n" if forced else "")
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.user = getpass.getuser()
        self.process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(folder / "config")],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        while "Server listening" not in (line := self.process.stderr.readline()):
            if not line:
                raise SystemExit("sshd does not start")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=20)
