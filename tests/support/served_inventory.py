"""An inventory that is served by a process of its own, and ways to talk to its nodes."""

import pathlib
import signal
import subprocess

import asyncssh
from ssh_server import PASSWORD, PROGRAM


class ServedInventory:
    """`serve --inventory` for a file in `folder`, at free ports; `said` is what it tells meanwhile.

    `addresses` are those of its nodes, by name; `wrapper` is a command to run it by.
    """

    def __init__(self, folder, *options, wrapper=()):
        self.folder = pathlib.Path(folder)
        (self.folder / "password").write_text(f"{PASSWORD}\n")
        self.process = subprocess.Popen(
            [*wrapper, *PROGRAM, "serve", "--inventory", str(self.folder / "lab.yaml"),
             "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addresses, line = {}, ""
        while not line.startswith("Serving "):
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(self.process.communicate()[1])
            if line.startswith("Listening on "):
                _, _, address, _, name = line.split()
                host, _, port = address.rpartition(":")
                self.addresses[name] = (host, int(port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End it; its exit status and what it said of how it got on."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err

    def connect(self, name):
        """A connection to the node of that name."""
        host, port = self.addresses[name]
        return asyncssh.connect(
            host, port, username="admin", password=PASSWORD, known_hosts=None, config=None,
            client_keys=None, agent_path=None,
        )  # fmt: skip

    async def ask(self, name, line):
        """What the node answers to a line."""
        async with self.connect(name) as connection:
            return (await connection.run(line)).stdout
