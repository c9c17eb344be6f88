"""Signing in to an SFTP server: address, account, and whether its host key is the right one."""

from __future__ import annotations

from cucmos_shell.errors import BadValue, Refused
from cucmos_shell.results import Ask, AskText, Progress, Secret, Value
from cucmos_shell.store.shared_json import SharedJson
from cucmos_shell.world.sftp import HostKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.world.sftp import SftpClient

FORGET = "\tdelete sftp-host-key {}"
# The least level whose word on a host key counts for everybody.
VOUCHER = 1
CONTINUE = "Are you sure you want to continue connecting (yes/no)? "


def port_number(text: str) -> int:
    """A TCP port. Raises BadValue."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise BadValue("{text} is not a port", text=text)
    return int(text)


def server_address(text: str) -> str:
    """A host name or an IP address. Raises BadValue."""
    text = text.strip()
    if not text:
        raise BadValue("No address of a server was given")
    if not all(c.isalnum() or c in ".-:_%" for c in text) or not text.isascii():
        raise BadValue("{text} is not the address of a server", text=text)
    return text


class SftpFolder(Value):
    """An account on an SFTP server, and a folder there."""

    host: str
    port: int
    user: str
    password: str
    folder: str

    def __repr__(self) -> str:
        return f"Server({self.host!r})"


def ask_server(folder_prompt: str = "Download directory: ") -> Conversation[SftpFolder]:
    """Ask for a server, an account and a folder; the answers are judged after the last one."""
    host = yield AskText("SFTP server IP: ")
    port = yield AskText("SFTP server port [22]: ", "22")
    user = yield AskText("User ID: ")
    password = yield Secret("Password: ")
    folder = yield AskText(folder_prompt)
    return SftpFolder(server_address(host), port_number(port), user, password, folder.strip())


def sign_in(node: Node, caller: Caller, server: SftpFolder) -> Conversation[SftpClient]:
    """Sign in to `server`; whoever asks closes the connection."""
    client = node.world.sftp(server.host, server.port)
    try:
        key = yield from confirm_host_key(node, caller, client, f"[{server.host}]:{server.port}")
        yield from client.connect(server.user, server.password, key)
    except BaseException:
        client.close()
        raise
    return client


def _known_hosts(node: Node) -> SharedJson:
    """The host keys that were confirmed, by `[HOST]:PORT`.

    What an account of too low a level has confirmed is for itself: by `ACCOUNT [HOST]:PORT`.
    """
    return SharedJson(node.layout.known_hosts, durable=True)


def known_servers(node: Node) -> list[str]:
    """The servers of which a host key is known, to all or to somebody, in order."""
    return sorted({entry.rpartition(" ")[2] for entry in _known_hosts(node).read()})


def forget_host(node: Node, server: str) -> None:
    """Forget the host key of a server, whoever has confirmed it."""
    with _known_hosts(node).change() as entries:
        for entry in [e for e in entries if e.rpartition(" ")[2] == server]:
            del entries[entry]


def confirm_host_key(
    node: Node, caller: Caller, client: SftpClient, server: str
) -> Conversation[HostKey]:
    """The server's host key, known or confirmed now. Raises Refused for a changed one.

    One that an account of a level below VOUCHER confirms counts for that account alone.
    """
    shown = yield from client.host_key()
    shared = _known_hosts(node)
    entry = server if caller.level >= VOUCHER else f"{caller.identity or caller.account} {server}"
    kept = shared.read()
    known = kept.get(server, kept.get(entry))
    if known == shown.line:
        return shown
    if known is not None:
        raise Refused(
            "The host key of {server} has changed to {fingerprint}; nothing was sent",
            server=server,
            fingerprint=shown.fingerprint,
            details=(
                "If that is right, forget the old one first:"
                if caller.level >= VOUCHER
                else "If that is right, an account of level 1 has to forget the old one first:",
                FORGET.format(server),
            ),
        )
    kind = shown.kind.removeprefix("ssh-").upper()
    yield Progress(f"The authenticity of host '{server}' can't be established.")
    yield Progress(f"{kind} key fingerprint is {shown.fingerprint}.")
    if (yield Ask(CONTINUE)) == "no":
        raise Refused("The host key of {server} was not accepted", server=server)
    with shared.change() as entries:
        entries[entry] = shown.line
    return shown
