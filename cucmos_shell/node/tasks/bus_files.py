"""What an etcd asks of a node: the CA it is to trust, its certificate and the key of that.

They come by the upload area, as `bus-ca.pem`, `bus-cert.pem` and `bus-key.pem`, and lie in a folder
of the node that its owner alone may read. Nothing shows them.
"""

from __future__ import annotations

import contextlib
import os

from cucmos_shell.errors import OutcomeUnknown, Refused, ShellError, Unavailable, from_os
from cucmos_shell.node.areas import open_upload, uploads
from cucmos_shell.store.durable import (
    FORMER,
    SECRET_FILE_MODE,
    SECRET_FOLDER_MODE,
    UNFINISHED,
    Writer,
    remove_tree,
    settle_folder,
    sync_folder,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

# Octets of one of them.
MAX_FILE = 64 * 1024
NAMES = ("ca.pem", "cert.pem", "key.pem")
UPLOADED = "bus-"


def are_uploaded(node: Node) -> bool:
    """Whether one of the three is in the upload area."""
    return any(f"{UPLOADED}{name}" in uploads(node.layout) for name in NAMES)


def settle(node: Node) -> None:
    """Put right what a kill of `take` has left, if nobody is changing the node.

    A failure is left for the next time.
    """
    folder = node.layout.bus
    if not any(os.path.lexists(folder + ending) for ending in (FORMER, UNFINISHED)):
        return
    with contextlib.suppress(OSError, ShellError):
        lock = node.store.try_lock()
        if lock is not None:
            with lock:
                settle_folder(folder)


def take(node: Node) -> None:
    """Take the three from the upload area, where they are no more then.

    Raises NotFound, Refused where they do not fit each other, Unavailable; nothing is changed then.
    OutcomeUnknown: they are taken, but may not last, or are in the upload area still.
    """
    found = {name: _read(node, f"{UPLOADED}{name}") for name in NAMES}
    folder = node.layout.bus
    fresh, old = folder + UNFINISHED, folder + FORMER
    try:
        settle_folder(folder)
        _write(node.layout.state, fresh, found)
        try:
            node.world.check_bus_files(fresh)
        except Unavailable:
            remove_tree(fresh)
            raise Refused(
                "{names} do not belong together, or are none",
                names=", ".join(f"{UPLOADED}{name}" for name in NAMES),
                details=(
                    "A CA's certificate, a certificate and its key, in PEM, without a password",
                ),
            ) from None
        if os.path.lexists(folder):
            os.rename(folder, old)
        os.rename(fresh, folder)
    except OSError as error:
        raise from_os(error, "written", "The folder of the bus") from error
    try:
        sync_folder(node.layout.state)
        remove_tree(old)
        for name in NAMES:
            os.unlink(os.path.join(node.layout.upload, f"{UPLOADED}{name}"))
    except OSError as error:
        raise OutcomeUnknown(
            "The files for the bus are taken, but the disk did not confirm that they will last, or"
            " they are in the upload area still: {reason}",
            reason=error.strerror or str(error),
        ) from error


def _read(node: Node, name: str) -> bytes:
    with open_upload(node.layout, name) as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise Refused("{file} is larger than {limit} KiB", file=name, limit=MAX_FILE // 1024)
    return data


def _write(state: str, folder: str, found: dict[str, bytes]) -> None:
    writer = Writer(state)
    try:
        writer.folder(folder, SECRET_FOLDER_MODE)
        for name, data in found.items():
            writer.file(os.path.join(folder, name), data, SECRET_FILE_MODE)
        writer.sync()
    except BaseException:
        writer.undo()
        raise
    finally:
        writer.close()
