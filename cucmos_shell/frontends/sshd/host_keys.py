"""The server's host keys: made once, readable by the owner only."""

from __future__ import annotations

import os

import asyncssh

from cucmos_shell.errors import Damaged, from_os
from cucmos_shell.store.durable import SECRET_FILE_MODE, read, replace_file
from cucmos_shell.store.locks import lock_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.store.paths import Layout

KINDS = (("ssh-ed25519", "ssh_host_ed25519_key"), ("ssh-rsa", "ssh_host_rsa_key"))
RSA_BITS = 3072
SHA1 = (b"ssh-rsa",)


def host_keys(layout: Layout, legacy: bool) -> list[asyncssh.SSHKeyPair]:
    """The node's host keys, made now if there are none.

    `legacy`: with RSA, signatures by SHA-1 are offered, too. Raises Damaged, Unavailable.
    """
    try:
        # Of two servers that start at once, one makes the keys and the other reads them.
        with lock_folder(layout.host_keys):
            keys = [_key(layout.host_key(name), kind) for kind, name in KINDS]
    except OSError as error:
        raise from_os(error, "read") from error
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
        replace_file(f"{path}.pub", key.export_public_key(), SECRET_FILE_MODE)
        replace_file(path, key.export_private_key(), SECRET_FILE_MODE)
    try:
        return asyncssh.import_private_key(read(path))
    except asyncssh.KeyImportError as error:
        raise Damaged("The host key {file} is damaged", file=path) from error
