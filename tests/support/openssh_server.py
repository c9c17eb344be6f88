"""A real sshd with the block of docs/openssh.md."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from places import DOCS
from ssh_server import client_key

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin") or ""
BLOCKS = DOCS / "openssh.md"


def documented_blocks(node_dir):
    """The lines below each `Match` in the documentation, for this node and this interpreter."""
    blocks = re.findall(r"^Match Group cucmos\n((?:    .*\n)+)", BLOCKS.read_text(), re.M)
    return [_here(block, node_dir) for block in blocks]


def _here(block, node_dir):
    text = block.replace("/opt/cucmos/bin/python", sys.executable)
    return text.replace("/var/lib/cucmos", str(node_dir))


class OpenSsh:
    """An sshd of its own on a free port of the loopback interface.

    `block` is the lines of the documented block for `user`; `wrapper` a command to run sshd by.
    """

    def __init__(self, folder, block, user="root", wrapper=()):
        self.user = user
        self.folder = folder
        self.key, public = client_key(folder)
        (folder / "authorized").write_text(f"{public}\n")
        host, _ = client_key(folder, "ecdsa-sha2-nistp256")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = folder / "sshd_config"
        outside = [s for s in block.splitlines(True) if "PermitUserEnv" in s]
        inside = [s for s in block.splitlines(True) if s not in outside]
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {host}\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
            f"UsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
            f"{''.join(outside)}Match User {user}\n{''.join(inside)}"
        )
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(
            [*wrapper, SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE, text=True
        )
        self._wait()

    def _wait(self):
        said = ""
        while "Server listening" not in said:
            line = self.process.stderr.readline()
            assert line, said
            said += line

    def client(self, *options, program="ssh"):
        return [
            program, "-F", "/dev/null", *(["-p"] if program == "ssh" else ["-P"]), str(self.port),
            "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.folder}/known",
            "-o", "LogLevel=ERROR", *options, f"{self.user}@127.0.0.1",
        ]  # fmt: skip

    def run(self, command, *options, stdin=""):
        return subprocess.run(
            [*self.client(*options), *(["--", *command] if command else [])], input=stdin, capture_output=True, text=True,
            check=False, timeout=20,
        )  # fmt: skip

    @contextlib.contextmanager
    def one_connection(self):
        """`run` for many commands, each a session of its own on one connection."""
        with tempfile.TemporaryDirectory() as folder:  # its path has room for a socket's name
            path = f"ControlPath={folder}/mux"
            nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            subprocess.run(self.client("-M", "-N", "-f", "-o", path), check=True, **nowhere)
            try:
                yield lambda command: self.run(command, "-o", path)
            finally:
                subprocess.run(self.client("-O", "exit", "-o", path), check=True, **nowhere)

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=10)
