"""`file get`: the node's files to an SFTP server, in the dialogue of the original."""

from __future__ import annotations

import posixpath
import zlib

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.files import AREA, SPEC, find, place, without_files
from cucmos_shell.commands.dialogues.sftp import ask_server, known_hosts, sign_in
from cucmos_shell.errors import Refused, from_os
from cucmos_shell.results import Ask, Notice, Pause, Progress
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from cucmos_shell.commands.arguments.files import FilePlace
    from cucmos_shell.node import Node
    from cucmos_shell.node.areas import DirEntry
    from cucmos_shell.results import Conversation
    from cucmos_shell.world.sftp import SftpClient

family = Family()

MAX_FILES = 10_000
PROCEED = "Would you like to proceed [y/n]? "
SLOW = (
    "This command can take significantly long time,",
    "and can also affect the system wide IOWAIT on your system.",
)


@family.command(
    f"file get {AREA} <file-spec> [recurs] [compress]",
    level=0,
    arguments=(SPEC,),
    options={"recurs": "folders below, too", "compress": "compress each file (gzip)"},
    examples=("file get activelog platform/log/cli*.log",),
)
def get_files(
    node: Node, area: str, file_spec: str, recurs: str = "", compress: str = ""
) -> Conversation[Notice]:
    """Send files to an SFTP server.

    Its address, a user name and its password are asked for. The first time its host key is shown
    to be confirmed; a server whose key has changed since is refused.
    """
    if compress:
        for line in SLOW:
            yield Progress(line)
        if (yield Ask(PROCEED, ("y", "n"))) == "n":
            return _cancelled()
    where = place(node, area, file_spec)
    files = [e for e in find(where, file_spec, recursive=bool(recurs)) if not e.folder]
    if not files:
        raise without_files(where, file_spec)
    if len(files) > MAX_FILES:
        raise Refused(
            "{count} files are too many; {most} at most", count=len(files), most=MAX_FILES
        )
    total = sum(e.size for e in files)
    for line in (
        "Please wait while the system is gathering files info ...done.",
        f"Sub-directories were {'' if recurs else 'not '}traversed.",
        f"Number of files affected: {len(files)}",
        f"Total size in Bytes: {total}",
        f"Total size in Kbytes: {total / 1024:.3f}",
    ):
        yield Progress(line)
    if (yield Ask(PROCEED, ("y", "n"))) == "n":
        return _cancelled()
    server = yield from ask_server()
    client = yield from sign_in(node, server)
    try:
        sent = yield from _send(client, where, files, server.folder, bool(compress))
    finally:
        client.close()
    data = {"transferred": True, "files": sent, "bytes": total}
    return Notice(("Transfer completed",), data)


class Compressed:
    """A file as gzip has it (RFC 1952), made while it is read: a large one takes its time."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._packer: Any = zlib.compressobj(wbits=31)

    def read(self, size: int, /) -> bytes:
        """The next octets, more or less than `size` of them; none at the end."""
        while self._packer is not None:
            block = self._source.read(size)
            packed: bytes = self._packer.compress(block) if block else self._packer.flush()
            if not block:
                self._packer = None
            if packed:
                return packed
        return b""


def _cancelled() -> Notice:
    return Notice(("Files transfer cancelled.",), {"transferred": False, "files": []})


def _send(
    client: SftpClient, where: FilePlace, files: list[DirEntry], folder: str, compress: bool
) -> Conversation[list[str]]:
    base = len(where.path[:-1] if where.wild or files[0].path == where.path else where.path)
    sent: list[str] = []
    made: set[str] = set()
    for entry in files:
        target = posixpath.join(folder, *entry.path[base:])
        above = posixpath.dirname(target)
        if above not in made:
            yield from client.make_folders(above)
            made.add(above)
        try:
            with where.area.open(entry.path) as source:
                if compress:
                    target += ".gz"
                yield from client.put(Compressed(source) if compress else source, target)
        except OSError as error:
            raise from_os(error, name=entry.name) from error
        sent.append(safe(target))
        # Between two files Ctrl-C is heard.
        yield Pause(0.0)
    return sent


def _servers(node: Node) -> list[str]:
    return sorted(known_hosts(node).read())


SERVER = Argument("server", "SFTP server", choices=_servers)


@family.command("delete sftp-host-key <server>", level=1, arguments=(SERVER,), changes=True)
def forget_host_key(node: Node, server: str) -> Notice:
    """Forget an SFTP server's host key, so that the next one is shown to be confirmed."""
    with known_hosts(node).change() as entries:
        entries.pop(server, None)
    return Notice((f"The host key of {server} is forgotten",), {"server": server})
