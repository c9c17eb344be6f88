"""The watch for private keys sees one in any form, by every way, and nothing in what is public."""

import asyncio
import base64
import json
import re
import subprocess
import sys

import asyncssh
import paramiko
import pexpect
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from key_watch import WATCH, Watch
from screen import Screen

KEYS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ec": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(params=KEYS)
def key(request):
    return KEYS[request.param]()


def pkcs8(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def watch(key):
    made = Watch()
    made.learn(pkcs8(key), "the key")
    return made


def text_of(key):
    return subprocess.check_output(["openssl", "pkey", "-text", "-noout"], input=pkcs8(key))


FORMS = {
    "PKCS#8": pkcs8,
    "OpenSSH": lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "one line": lambda key: b"".join(pkcs8(key).splitlines()[1:-1]),
    "JSON": lambda key: json.dumps({"key": pkcs8(key).decode()}).encode(),
    "on a terminal": lambda key: pkcs8(key).replace(b"\n", b"\r\n"),
    "half of it": lambda key: pkcs8(key)[len(pkcs8(key)) // 5 :],
    "hexadecimal": lambda key: base64.b64decode(b"".join(pkcs8(key).splitlines()[1:-1])).hex().encode(),
    "listed by openssl": text_of,
    "URL-safe": lambda key: base64.urlsafe_b64encode(
        base64.b64decode(b"".join(pkcs8(key).splitlines()[1:-1]))
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_seen_in_any_form(key, watch, form):
    """Wherever it stands, and when it comes in two parts."""
    data = b"admin:show something\r\n" + FORMS[form](key) + b"\r\nadmin:"
    watch.received(data)
    assert watch.found() == {"the key"}
    assert watch.found() == set()
    watch.received(data[: len(data) // 2], "a channel")
    watch.received(b"of somebody else", "another")
    watch.received(data[len(data) // 2 :], "a channel")
    assert watch.found() == {"the key"}


def test_what_is_public_is_not_seen(key, watch):
    """A public key has octets in common with the private one."""
    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    watch.received(pem)
    watch.received(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    watch.received(
        subprocess.check_output(["openssl", "pkey", "-pubin", "-text", "-noout"], input=pem)
    )
    assert watch.found() == set()


@pytest.fixture
def printed(tmp_path):
    """A program that prints a key the suite's watch knows."""
    raw = pkcs8(KEYS["rsa"]())
    WATCH.learn(raw, "a printed key")
    (tmp_path.parent / "secret").write_bytes(raw)
    code = f"import sys; sys.stdout.write(open({str(tmp_path.parent / 'secret')!r}).read())"
    yield [sys.executable, "-c", code]
    (tmp_path.parent / "secret").unlink()


def test_the_watch_is_attached_to_programs_and_terminals(printed):
    """As the suite's other tests use them."""
    subprocess.run(printed, capture_output=True, check=True)
    assert WATCH.found() == {"a printed key"}
    child = pexpect.spawn(printed[0], printed[1:])
    child.expect(pexpect.EOF)
    child.close()
    assert WATCH.found() == {"a printed key"}


def test_the_watch_is_attached_to_ssh(printed):
    """To asyncssh's channels and paramiko's."""
    host = asyncssh.generate_private_key("ssh-ed25519")
    text = subprocess.run(printed, capture_output=True, check=True, text=True).stdout
    WATCH.found()

    connections = []

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn):
            connections.append(conn)

        def begin_auth(self, username):
            return False

    def by_paramiko(port):
        with paramiko.SSHClient() as client:
            client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())
            client.connect("127.0.0.1", port, username="x", password="x", look_for_keys=False)
            return client.exec_command("x")[1].read()

    async def main():
        def handler(process):
            process.stdout.write(text)
            process.exit(0)

        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[host], server_factory=Server, process_factory=handler
        )
        port = server.sockets[0].getsockname()[1]
        async with asyncssh.connect(
            "127.0.0.1", port, known_hosts=None, config=None, username="x", client_keys=None
        ) as connection:
            await connection.run("x")
        assert WATCH.found() == {"a printed key"}
        assert re.search(b"PRIVATE KEY", await asyncio.to_thread(by_paramiko, port))
        assert WATCH.found() == {"a printed key"}
        server.close()
        for connection in connections:
            connection.close()
            await connection.wait_closed()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_the_watch_reads_logs_files_and_screens(say, node, node_dir, tmp_path):
    """A session without a terminal; a node's log; a file somebody downloaded."""
    say("show cert own tomcat")
    raw = node.snapshot().private_key_pem("tomcat")
    WATCH.look_around(tmp_path)
    assert WATCH.found() == set()
    (node_dir / "log" / "platform" / "log" / "trace.log").write_bytes(raw)
    WATCH.look_around(tmp_path)
    (name,) = WATCH.found()
    assert name.endswith("keys/tomcat_priv.pem")
    (node_dir / "log" / "platform" / "log" / "trace.log").unlink()
    (tmp_path / "got.pem").write_bytes(raw)
    WATCH.look_around(tmp_path)
    assert WATCH.found() == {name}
    (tmp_path / "got.pem").unlink()
    node.profile = node.profile.replace(hardware=(raw.decode().replace("\n", "|"),))
    Screen(node)
    assert WATCH.found() == {name}
