"""The server's host keys: made once, readable by the owner only."""

from __future__ import annotations

import os
import threading

import asyncssh

from cucmos_shell.errors import Damaged, from_os
from cucmos_shell.store.durable import SECRET_FILE_MODE, read, replace_file
from cucmos_shell.store.locks import lock_folder
from cucmos_shell.store.paths import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RSA_FILE = "ssh_host_rsa_key"
KINDS = (("ssh-ed25519", "ssh_host_ed25519_key"), ("ssh-rsa", RSA_FILE))
RSA_BITS = 3072
SHA1 = (b"ssh-rsa",)


class KeyRing:
    """RSA keys for many nodes: each is loaded once, and one is made for all that have none.

    Making one takes a second, and loading it a twentieth. Threads may share it. `states` are the
    folders of the nodes, of which the first that has a key has the one for all.
    """

    def __init__(self, states: Iterable[str] = ()) -> None:
        self._states = states
        self._loaded: dict[bytes, asyncssh.SSHKey] = {}
        self._some: bytes | None = None
        self._lock = threading.Lock()

    def load(self, octets: bytes) -> asyncssh.SSHKey:
        """The key in a file. Raises asyncssh.KeyImportError."""
        with self._lock:
            if octets not in self._loaded:
                self._loaded[octets] = asyncssh.import_private_key(octets)
            return self._loaded[octets]

    def some(self) -> bytes:
        """The file of the key for a node that has none: that of another one, else of a new one.

        Raises OSError.
        """
        with self._lock:
            if self._some is None:
                # A key that is written again has other octets.
                self._some = (
                    self._found()
                    or asyncssh.generate_private_key(
                        "ssh-rsa", key_size=RSA_BITS
                    ).export_private_key()
                )
            return self._some

    def _found(self) -> bytes | None:
        paths = (Layout(state).host_key(RSA_FILE) for state in self._states)
        there = next((path for path in paths if os.path.lexists(path)), None)
        return None if there is None else read(there)


def host_keys(
    layout: Layout, legacy: bool, ring: KeyRing | None = None
) -> list[asyncssh.SSHKeyPair]:
    """The node's host keys, made now if there are none; its RSA key is from a `ring` then.

    `legacy`: with RSA, signatures by SHA-1 are offered, too. Raises Damaged, Unavailable.
    """
    ring = ring or KeyRing()
    try:
        # Of two servers that start at once, one makes the keys and the other reads them.
        with lock_folder(layout.host_keys):
            keys = [_key(layout.host_key(name), kind, ring) for kind, name in KINDS]
    except OSError as error:
        raise from_os(error, "read") from error
    pairs = list(asyncssh.load_keypairs(keys))
    if not legacy:
        for pair in pairs:
            pair.host_key_algorithms = [a for a in pair.host_key_algorithms if a not in SHA1]
    return pairs


def _key(path: str, kind: str, ring: KeyRing) -> asyncssh.SSHKey:
    rsa = kind == "ssh-rsa"
    if not os.path.lexists(path):
        octets = ring.some() if rsa else asyncssh.generate_private_key(kind).export_private_key()
        key = ring.load(octets) if rsa else asyncssh.import_private_key(octets)
        replace_file(f"{path}.pub", key.export_public_key(), SECRET_FILE_MODE)
        replace_file(path, octets, SECRET_FILE_MODE)
    try:
        octets = read(path)
        return ring.load(octets) if rsa else asyncssh.import_private_key(octets)
    except asyncssh.KeyImportError as error:
        raise Damaged("The host key {file} is damaged", file=path) from error
