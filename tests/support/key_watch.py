"""Over the whole suite: no private key of a node occurs in what a client received, or in a log.

`conftest` attaches the watch to what tests receive by, and looks after each test. A key is known
by pieces of its secret numbers, written as base64 at any offset, as hexadecimal or in decimal; what
it has in common with its certificate is no secret.
"""

import base64
import contextlib
import functools
import hashlib
import re
import subprocess

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

# Lengths of the pieces; a line of a PEM file, or of a listing of octets, holds a whole one.
BASE64, HEX, DECIMAL = 20, 24, 30
LONG = 80
LARGEST = 32 * 1024 * 1024
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{20,}")
_OCTETS = re.compile(rb"(?:[0-9A-Fa-f]{2}:[ \t]*\s*){12,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def secret_numbers(raw):
    """The secret parts of a private key in PEM, each as octets; none if it is no key."""
    if b"PRIVATE KEY-----" not in raw:
        return []
    if b"OPENSSH" in raw:
        key = load_ssh_private_key(raw, None)
    else:
        key = load_pem_private_key(raw, None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        numbers = (n.d, n.p, n.q, n.dmp1, n.dmq1, n.iqmp)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = (key.private_numbers().private_value,)
    else:
        return [key.private_bytes_raw()]
    return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]


def pieces(secret):
    """What some stretch of `secret` looks like wherever it is written."""
    step = BASE64 if len(secret) > LONG else 1
    for offset in range(3):
        text = base64.b64encode(secret[offset : offset + (len(secret) - offset) // 3 * 3])
        for i in range(0, len(text) - BASE64 + 1, step):
            yield text[i : i + BASE64]
    text = secret.hex().encode()
    for i in range(0, len(text) - HEX + 1, 6):
        yield text[i : i + HEX]
    text = str(int.from_bytes(secret, "big")).encode()
    yield from (text[:DECIMAL], text[-DECIMAL:])


class Watch:
    """Keeps what was received until it is looked through."""

    def __init__(self):
        self._streams = {}
        self._pieces = {}
        self._known = set()

    def received(self, data, stream=None):
        """Somebody got `data`; what comes by one stream belongs together."""
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        if data:
            self._streams.setdefault(stream, bytearray()).extend(data)

    def learn(self, raw, name):
        """Watch for a private key; `name` tells which it was."""
        digest = hashlib.sha256(raw).digest()
        if digest not in self._known:
            self._known.add(digest)
            for secret in secret_numbers(raw):
                self._pieces.update(dict.fromkeys(pieces(secret), name))

    def learn_node(self, folder):
        """Watch for the keys of a node, and look into its logs and what else it shows."""
        for pattern in ("store/versions/*/*/keys/*.pem", "ssh/*_key"):
            for path in folder.glob(pattern):
                self.learn(path.read_bytes(), str(path.relative_to(folder.parent)))
        for shown in ("log", "run", "download", "upload"):
            for path in (folder / shown).rglob("*"):
                self._look_into(path)

    def look_around(self, folder):
        """The nodes below a test's folder, and the files that clients left beside them."""
        nodes = {path.parent for path in folder.rglob("profile.json")}
        for node in nodes:
            self.learn_node(node)
        for path in folder.iterdir():
            # What strace has written down is no client's.
            if path not in nodes and path.name != "trace":
                self._look_into(path)

    def _look_into(self, path):
        # A session that ends takes its file away.
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST:
                self.received(path.read_bytes(), path)

    def streams(self):
        """What was received since the last look, each stream for itself."""
        return list(self._streams.values())

    def found(self):
        """The names of the keys that occur in what was received since the last time."""
        streams, self._streams = self._streams, {}
        runs = set()
        for data in map(bytes, streams.values()):
            runs.update(_RUN.findall(data))
            runs.update(re.sub(rb"[:\s]", b"", octets) for octets in _OCTETS.findall(data))
        return {name for run in runs for name in self._found_in(run)}

    def _found_in(self, run):
        for text in {run.translate(_URL_SAFE), run.lower()}:
            for i in range(len(text) - BASE64 + 1):
                for size in (BASE64, HEX, DECIMAL):
                    if (name := self._pieces.get(text[i : i + size])) is not None:
                        yield name


WATCH = Watch()


def attach():
    """Let the watch see what arrives: from programs, terminals and SSH servers, as installed."""
    _after(subprocess.Popen, "communicate", lambda self, result: list(map(_take, result)))
    with contextlib.suppress(ImportError):
        import pexpect.spawnbase

        _before(pexpect.spawnbase.SpawnBase, "_log", lambda self, data, what: _take(data, self))
    with contextlib.suppress(ImportError):
        import asyncssh.channel

        channel = asyncssh.channel.SSHChannel
        _before(channel, "_accept_data", lambda self, data, kind=None: _take(data, self))
    with contextlib.suppress(ImportError):
        import paramiko

        _before(paramiko.channel.BufferedPipe, "feed", lambda self, data: _take(data, self))


def _take(data, stream=None):
    if data:
        WATCH.received(data, None if stream is None else id(stream))


def _before(owner, name, see):
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def outer(self, *arguments, **options):
        see(self, *arguments, **options)
        return inner(self, *arguments, **options)

    setattr(owner, name, outer)


def _after(owner, name, see):
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def outer(self, *arguments, **options):
        result = inner(self, *arguments, **options)
        see(self, result)
        return result

    setattr(owner, name, outer)
