"""`file get`: the node's files to an SFTP server, in the dialogue of the original."""

from __future__ import annotations

import posixpath
import zlib

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.common import number as number_from
from cucmos_shell.commands.arguments.files import AREA, SPEC, find, place, without_files
from cucmos_shell.commands.dialogues.sftp import (
    ask_server,
    forget_host,
    known_servers,
    sign_in,
)
from cucmos_shell.errors import BadValue, NotFound, Refused, from_os
from cucmos_shell.results import TEXT, WHOLE, Ask, Notice, Pause, Progress, each, maybe, record
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from cucmos_shell.cli.caller import Caller
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
SECONDS = {"months": 30 * 86_400, "weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60}


def clock_time(node: Node, text: str) -> float:
    """Seconds since the epoch of `HH:MM:MM/DD/YY` in the node's time zone. Raises BadValue."""
    import datetime
    import zoneinfo

    try:
        moment = datetime.datetime.strptime(text, "%H:%M:%m/%d/%y")
    except ValueError:
        raise BadValue("{text} is not a time of the form HH:MM:MM/DD/YY", text=text) from None
    return moment.replace(tzinfo=zoneinfo.ZoneInfo(node.zone)).timestamp()


NUMBER = Argument("number", "how many of them", parse=number_from(1, 100_000))
BEGIN = Argument("begin-time", "HH:MM:MM/DD/YY in the node's time zone", parse=clock_time)
END = Argument("end-time", "HH:MM:MM/DD/YY, that minute included", parse=clock_time)
MATCHING = Argument("text", "what the file's name has in it")


@family.command(
    f"file get {AREA} <file-spec> [reltime {{months|weeks|days|hours|minutes:unit}} <number>]"
    " [abstime <begin-time> <end-time>] [match <text>] [recurs] [compress]",
    level=0,
    arguments=(SPEC, NUMBER, BEGIN, END, MATCHING),
    options={"recurs": "folders below, too", "compress": "compress each file (gzip)"},
    examples=(
        "file get activelog platform/log/cli*.log",
        "file get activelog platform/log reltime hours 2 match cli",
        "file get activelog platform/log abstime 08:00:11/18/26 12:00:11/18/26 recurs",
    ),
    form=maybe(record(names=each(TEXT), size=WHOLE)),
)
def get_files(
    node: Node,
    caller: Caller,
    area: str,
    file_spec: str,
    unit: str = "",
    number: int = 0,
    begin_time: float | None = None,
    end_time: float = 0.0,
    text: str = "",
    recurs: str = "",
    compress: str = "",
) -> Conversation[Notice]:
    """Send files to an SFTP server.

    Its address, a user name and its password are asked for. The first time its host key is shown
    to be confirmed; a server whose key has changed since is refused.

    reltime takes files that have changed in the last months (of 30 days), weeks, days, hours or
    minutes, abstime those that have changed between two times; match those whose name has a text
    in it, in any case.
    """
    span = _span(node, unit, number, begin_time, end_time)
    if compress:
        for line in SLOW:
            yield Progress(line)
        if (yield Ask(PROCEED, ("y", "n"))) == "n":
            return _cancelled()
    where = place(node, caller.level, area, file_spec)
    files = _chosen(where, file_spec, span, text, recursive=bool(recurs))
    yield from _say_found(files, recursive=bool(recurs))
    if (yield Ask(PROCEED, ("y", "n"))) == "n":
        return _cancelled()
    return (yield from _transfer(node, caller, where, files, bool(compress)))


def _span(
    node: Node, unit: str, number: int, begin: float | None, end: float
) -> tuple[float, float] | None:
    """The seconds since the epoch between which files have changed; None for any."""
    if unit and begin is not None:
        raise BadValue("Either reltime or abstime, not both")
    if unit:
        return node.now() - number * SECONDS[unit], float("inf")
    if begin is None:
        return None
    if end < begin:
        raise BadValue("abstime: the second time is before the first")
    return begin, end + 60


def _chosen(
    where: FilePlace,
    file_spec: str,
    span: tuple[float, float] | None,
    text: str,
    *,
    recursive: bool,
) -> list[DirEntry]:
    """The files that are meant. Raises NotFound for none, Refused for too many."""
    files = [e for e in find(where, file_spec, recursive=recursive) if not e.folder]
    if not files:
        raise without_files(where, file_spec)
    if span is not None:
        files = [e for e in files if span[0] <= e.changed < span[1]]
    if text:
        files = [e for e in files if text.casefold() in e.name.casefold()]
    if not files:
        raise NotFound("{name}: no file there is meant by the options", name=file_spec)
    if len(files) > MAX_FILES:
        raise Refused(
            "{count} files are too many; {most} at most", count=len(files), most=MAX_FILES
        )
    return files


def _say_found(files: list[DirEntry], *, recursive: bool) -> Conversation[None]:
    total = sum(e.size for e in files)
    for line in (
        "Please wait while the system is gathering files info ...done.",
        f"Sub-directories were {'' if recursive else 'not '}traversed.",
        f"Number of files affected: {len(files)}",
        f"Total size in Bytes: {total}",
        f"Total size in Kbytes: {total / 1024:.3f}",
    ):
        yield Progress(line)


def _transfer(
    node: Node, caller: Caller, where: FilePlace, files: list[DirEntry], compress: bool
) -> Conversation[Notice]:
    server = yield from ask_server()
    client = yield from sign_in(node, caller, server)
    try:
        sent = yield from _send(client, where, files, server.folder, compress)
    finally:
        client.close()
    data = {"names": sent, "size": sum(e.size for e in files)}
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
    return Notice(("Files transfer cancelled.",))


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
    return known_servers(node)


SERVER = Argument("server", "SFTP server", choices=_servers)


@family.command(
    "delete sftp-host-key <server>",
    level=1,
    arguments=(SERVER,),
    changes=True,
    form=record(server=TEXT),
)
def forget_host_key(node: Node, server: str) -> Notice:
    """Forget an SFTP server's host key, so that the next one is shown to be confirmed.

    What level-0 accounts have confirmed for themselves is forgotten, too.
    """
    forget_host(node, server)
    return Notice((f"The host key of {server} is forgotten",), {"server": server})
