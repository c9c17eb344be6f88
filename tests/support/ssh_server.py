"""The node's SSH server as a process of its own, and ways to talk to it."""

import asyncio
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

import asyncssh

PASSWORD = "Blue-Harbour7"
PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]


def run(work, seconds=30):
    """The result of a coroutine, which never takes longer."""
    return asyncio.run(asyncio.wait_for(work, seconds))


class Served:
    """`PROGRAM serve` for a state folder; `wrapper` is a command to run it by."""

    def __init__(self, node_dir, *options, wrapper=(), program=PROGRAM, **popen):
        self.node_dir = pathlib.Path(node_dir)
        secret = self.node_dir.parent / "first-password"
        secret.write_text(f"{PASSWORD}\n")
        command = [
            *wrapper, *program, "serve", "--state", str(node_dir), "--port", "0",
            "--admin-password-file", str(secret), *options,
        ]  # fmt: skip
        self.wrapped = bool(wrapper)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen
        )
        self.ready = self.process.stdout.readline()
        if not self.ready.startswith("Listening on "):
            raise AssertionError(self.ready + self.process.stderr.read())
        self.host, _, port = self.ready.split()[-1].rpartition(":")
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """End it with a signal; its exit status and what it said."""
        if self.process.poll() is None and not self.wrapped:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def run(self, line, *more, stdin=""):
        """The finished local program on the same node."""
        options = [item for text in (line, *more) for item in ("-c", text)]
        return subprocess.run(
            [*PROGRAM, "--state", str(self.node_dir), *options],
            input=stdin, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def account(self, name, level=1, password=PASSWORD, key=None):
        """Make an account, with a public key if there is one."""
        done = self.run(f"set account name {name}", stdin=f"{level}\n{password}\n{password}\n")
        assert done.returncode == 0, done.stdout + done.stderr
        if key is not None:
            done = self.run(f"set account ssh-key {name}", stdin=f"{key}\n")
            assert done.returncode == 0, done.stdout + done.stderr

    def connect(self, username="admin", password=PASSWORD, **options):
        """An asyncssh connection (to be awaited, or entered)."""
        given = {
            "known_hosts": None, "config": None, "client_keys": None, "agent_path": None,
            "username": username, "password": password, "login_timeout": 20, **options,
        }  # fmt: skip
        return asyncssh.connect("127.0.0.1", self.port, **given)


class Shell:
    """A shell on an asyncssh connection."""

    def __init__(self, connection, **options):
        self._connection = connection
        self._options = {"term_type": "vt100", "term_size": (80, 24), **options}

    async def __aenter__(self):
        self.writer, self.reader, _ = await self._connection.open_session(
            encoding=None, **self._options
        )
        self.banner = await self.until()
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(OSError, asyncssh.Error):
            self.writer.channel.close()

    async def until(self, end=b"admin:", seconds=20):
        """What comes, up to and with `end`."""
        data = b""
        async with asyncio.timeout(seconds):
            while not data.endswith(end):
                more = await self.reader.read(65536)
                if not more:
                    raise EOFError(data)
                data += more
        return data

    async def begun(self, line, seconds=20):
        """Send `line`, and see its echo; what else has come by then is of no interest."""
        self.send(line.encode() + b"\r")
        data = b""
        async with asyncio.timeout(seconds):
            while b"\n" not in data:
                data += await self.reader.read(65536)

    async def rest(self, seconds=20):
        """What comes until the channel closes."""
        data = b""
        async with asyncio.timeout(seconds):
            while more := await self.reader.read(65536):
                data += more
        return data

    def send(self, data):
        self.writer.write(data)

    async def __call__(self, line, end=b"admin:"):
        """What a line is answered with, its echo and the next prompt included."""
        self.send(line.encode() + b"\r")
        return (await self.until(end)).decode()


def client_key(folder, kind="ssh-ed25519"):
    """`(path, public line)` of a new key of a client."""
    key = asyncssh.generate_private_key(kind)
    path = pathlib.Path(folder) / f"key-{kind}"
    key.write_private_key(str(path))
    os.chmod(path, 0o600)
    return path, key.export_public_key().decode().strip()


def openssh(served, path, *options, user="admin"):
    """The beginning of an OpenSSH client's command line."""
    return [
        "ssh", "-F", "/dev/null", "-p", str(served.port), "-i", str(path),
        "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={path}.hosts", "-o", "LogLevel=ERROR", *options,
        f"{user}@127.0.0.1",
    ]  # fmt: skip
