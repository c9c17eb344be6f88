"""The server's host keys: made once, kept in `<state>/ssh/`, readable by the owner only."""

from __future__ import annotations

import fcntl
import os

import asyncssh

from cucmos_shell.errors import Damaged
from cucmos_shell.store.durable import read, replace_file, unavailable

KINDS = (("ssh-ed25519", "ssh_host_ed25519_key"), ("ssh-rsa", "ssh_host_rsa_key"))
RSA_BITS = 3072
SHA1 = (b"ssh-rsa",)
_MODE = 0o600


def host_keys(state_dir: str, legacy: bool) -> list[asyncssh.SSHKeyPair]:
    """The node's host keys, made now if there are none. Raises Damaged, Unavailable."""
    folder = os.path.join(state_dir, "ssh")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Of two servers that start at once, one makes the keys and the other reads them.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            keys = [_key(os.path.join(folder, name), kind) for kind, name in KINDS]
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unavailable(error, "read") from error
    pairs = list(asyncssh.load_keypairs(keys))
    if not legacy:
        for pair in pairs:
            pair.host_key_algorithms = [a for a in pair.host_key_algorithms if a not in SHA1]
    return pairs


def _key(path: str, kind: str) -> asyncssh.SSHKey:
    if not os.path.lexists(path):
        if kind == "ssh-rsa":
            key = asyncssh.generate_private_key(kind, key_size=RSA_BITS)
        else:
            key = asyncssh.generate_private_key(kind)
        replace_file(f"{path}.pub", key.export_public_key(), _MODE)
        replace_file(path, key.export_private_key(), _MODE)
    try:
        return asyncssh.import_private_key(read(path))
    except asyncssh.KeyImportError as error:
        raise Damaged("The host key {file} is damaged", file=path) from error
