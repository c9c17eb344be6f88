"""Peers of the node's cluster: other clusters that it follows, and who reads its own feed."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cluster import peering
from cucmos_shell.cluster.peering import PeerCluster
from cucmos_shell.commands.arguments.hosts import host_text, parse_host
from cucmos_shell.errors import BadValue, Cancelled, NotFound, Refused, ShellError
from cucmos_shell.node.tasks import peer_setting, peers
from cucmos_shell.node.tasks.agent import joined
from cucmos_shell.pki import certs
from cucmos_shell.results import (
    MOMENT,
    SHA256,
    TEXT,
    WHOLE,
    Ask,
    Notice,
    Progress,
    Secret,
    Value,
    each,
    maybe,
    record,
    remark,
)
from cucmos_shell.store.paths import is_clean
from cucmos_shell.text import columns, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.node.tasks.peer_setting import PeerStanding
    from cucmos_shell.node.tasks.peers import PeersRead
    from cucmos_shell.results import Conversation, Finding

family = Family()

MAX_NAME = 64
CONFIRM = "Is that the certificate of the peer (yes|no)? "
QUESTION = "Please enter the password of account {} there : "
NEW, AGAIN = "Please enter the password : ", "re-enter to confirm : "


def _peers(node: Node) -> list[str]:
    return list(peering.peers(node.snapshot()))


def _accounts(node: Node) -> list[str]:
    return list(peering.accounts(node.snapshot()))


def _fingerprint(node: Node, text: str) -> str:
    digits = text.replace(":", "").lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise BadValue("{text} is not the SHA-256 of a certificate", text=text)
    return digits


NAME = Argument("peer", "name for the other cluster here", choices=_peers, open=True)
PEER = Argument("peer", "peer", choices=_peers, open=True)
ADDRESS = Argument("address", "HOST[:PORT] of a node of it")
ACCOUNT = Argument("account", "account for its feed; its password is asked")
PIN = Argument(
    "fingerprint", "SHA-256 of its certificate, as its node shows it", parse=_fingerprint
)
READER = Argument("account", "account for the feed", choices=_accounts, open=True)
SET = record(peer=TEXT, address=TEXT, account=TEXT, certificate_sha256=SHA256, cluster=TEXT)


def _checked(name: str, what: str) -> None:
    if not is_clean(name) or len(name) > MAX_NAME:
        raise BadValue("{text} cannot be the name of {what}", text=name, what=what)


@family.command(
    "set cluster peer <peer> <address> account <account> [sha256 <fingerprint>]",
    level=1,
    changes=True,
    arguments=(NAME, ADDRESS, ACCOUNT, PIN),
    examples=("set cluster peer west imp-west.example.com account east",),
    form=SET,
)
def set_peer(
    node: Node, caller: Caller, peer: str, address: str, account: str, fingerprint: str = ""
) -> Conversation[Notice]:
    """Follow another cluster, or say anew how it is followed.

    What is uploaded to trust stores there comes to this cluster; what is deleted there goes, if it
    came from there. What is deleted here stays so until it is uploaded anew there. The account is
    one of its feed (set cluster feed, there). Its node is known by the certificate that it shows
    now, which is to be confirmed, or given by its SHA-256 (show cluster feed, there). To share both
    ways, each cluster follows the other; of several, each follows all others.
    """
    password = yield Secret(QUESTION.format(safe(account)))
    _checked(peer, "a peer")
    _checked(account, "an account")
    joined(node.snapshot())
    if not password:
        raise Cancelled("No password was given")
    usual = peer_setting.usual_port(node)
    host, port = parse_host(address, usual)
    der = peer_setting.shown_certificate(node, host, port)
    pin = peer_setting.pin_of(der)
    if fingerprint and fingerprint != pin:
        raise Refused(
            "{address} has another certificate, of SHA-256 {sha256}", address=address, sha256=pin
        )
    if not fingerprint:
        for line in _certificate(host_text(host, port, 0), der, pin):
            yield Progress(line)
        if (yield Ask(CONFIRM)) != "yes":
            raise Refused("The certificate of {address} was not accepted", address=address)
    wanted = PeerCluster(peer, host, port, account, pin, "", "", caller.account, node.now())
    made = yield from peer_setting.add(node, wanted, password)
    lines = [f"The cluster {made.cluster} is followed as {peer}"]
    lines += yield from _first_look(node, peer)
    return Notice(tuple(lines), {**_about(made, usual), "cluster": made.cluster})


def _certificate(address: str, der: bytes, pin: str) -> list[str]:
    """What a server shows. Its names are foreign."""
    lines = [f"{address} has this certificate:"]
    try:
        about = certs.row(certs.describe(certs.load_der(der)), "", "")
        lines += [
            f"\tSubject Name: {safe(about['subject'])}",
            f"\tIssuer Name: {safe(about['issuer'])}",
            f"\tValid until: {iso_time(about['not_after'])}",
        ]
    except ShellError as error:
        lines.append(f"\t{error.message()}")
    return [*lines, f"\tSHA-256: {_pairs(pin)}"]


def _pairs(digits: str) -> str:
    return bytes.fromhex(digits).hex(":").upper()


def _first_look(node: Node, peer: str) -> Conversation[list[str]]:
    """What the first look has brought; why there was none is no failure of the command."""
    try:
        done = yield from peers.follow(node, peer)
    except ShellError as error:
        return [f"Its feed will be read later: {error.message()}"]
    return done.lines()


def _about(peer: PeerCluster, usual: int) -> dict[str, Any]:
    return {
        "peer": peer.name,
        "address": host_text(peer.host, peer.port, usual),
        "account": peer.account,
        "certificate_sha256": peer.pin,
    }


@family.command(
    "delete cluster peer <peer>",
    level=1,
    changes=True,
    arguments=(PEER,),
    form=record(peer=TEXT),
)
def delete_peer(node: Node, peer: str) -> Conversation[Notice]:
    """Follow another cluster no more. Certificates that came from it stay."""
    yield from peer_setting.remove(node, peer)
    return Notice(
        (f"{peer} is followed no more", "Certificates that came from it stay"), {"peer": peer}
    )


class PeerTable(Value):
    """The peers and how it goes with them; `trouble` says why the bus could not be asked."""

    form = each(
        record(
            **SET,
            certificates=WHOLE,
            read=maybe(MOMENT),
            trouble=maybe(TEXT),
            trouble_since=maybe(MOMENT),
        )
    )

    rows: tuple[PeerStanding, ...]
    trouble: str
    usual: int
    details: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why the bus could not be asked, if it could not."""
        return (remark(self.trouble),) if self.trouble else ()

    def lines(self) -> list[str]:
        """The text: a table of all, or what there is about one."""
        lines = [line for row in self.rows for line in self._of(row)] if self.details else []
        if not self.rows:
            lines = [peers.NOBODY]
        elif not self.details:
            cells: list[tuple[str, ...]] = [("Peer", "Address", "Cluster", "From it", "State")]
            cells += [
                (
                    row.peer.name,
                    host_text(row.peer.host, row.peer.port, self.usual),
                    row.peer.cluster,
                    str(row.taken),
                    _state(row),
                )
                for row in self.rows
            ]
            lines = columns(cells)
        for one in self.findings:
            lines += ["", *one.lines()]
        return lines

    def _of(self, row: PeerStanding) -> list[str]:
        peer, status = row.peer, row.status
        return [
            f"Peer                : {peer.name}",
            f"Address             : {host_text(peer.host, peer.port, self.usual)}",
            f"Account             : {peer.account}",
            f"Certificate SHA-256 : {_pairs(peer.pin)}",
            f"Cluster             : {peer.cluster}",
            f"Certificates        : {row.taken} from it are here",
            f"Last read           : {iso_time(status.read) if status.read else 'never'}",
            f"State               : {_state(row)}",
        ]

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [
            {
                **_about(row.peer, self.usual),
                "cluster": row.peer.cluster,
                "certificates": row.taken,
                "read": iso_time(row.status.read) if row.status.read else None,
                "trouble": row.status.trouble or None,
                "trouble_since": iso_time(row.status.since) if row.status.trouble else None,
            }
            for row in self.rows
        ]


def _state(row: PeerStanding) -> str:
    status = row.status
    if status.trouble:
        return f"not followed since {iso_time(status.since)}: {status.trouble}"
    return "followed" if status.read else "not read yet"


@family.command(
    "show cluster peer [<peer>]", level=1, own=True, arguments=(PEER,), form=PeerTable.form
)
def show_peer(node: Node, peer: str = "") -> PeerTable:
    """Show the clusters that this one follows, and how that goes.

    A peer that is silent, or whose certificate or feed is not what it must be, is not followed:
    nothing of it counts, and what came from it stays.
    """
    rows, trouble = peer_setting.standings(node)
    if peer:
        rows = tuple(row for row in rows if row.peer.name == peer)
        if not rows:
            raise NotFound("There is no peer {name}", name=peer)
    return PeerTable(rows, trouble, peer_setting.usual_port(node), bool(peer))


@family.command(
    "utils cluster peer sync [<peer> [confirm]]",
    level=1,
    own=True,
    changes=True,
    arguments=(PEER,),
    form=peers.PeersRead.form,
    details=peers.PeersRead.form,
)
def sync_peers(node: Node, peer: str = "", confirm: bool = False) -> Conversation[PeersRead]:
    """Read the feeds of the clusters that are followed, or of one, and take what is new.

    The server and `cucmos-shell agent` do it by themselves, on one node of the cluster. Where a
    large part of a trust store would go, nothing is changed; `confirm` lets it go.
    """
    return (yield from peers.follow(node, peer, confirmed=confirm))


# --- who reads the feed here ---------------------------------------------------------------------


@family.command(
    "set cluster feed <account>",
    level=1,
    changes=True,
    arguments=(READER,),
    examples=("set cluster feed west",),
    form=record(account=TEXT),
)
def set_feed(node: Node, caller: Caller, account: str) -> Conversation[Notice]:
    """Let another cluster read what is uploaded to trust stores here, with an account for that.

    Its password is asked for. The account can do nothing else, and signs in to no node. The feed is
    offered by every node of the cluster that serves with --tls-ports.
    """
    password = yield Secret(NEW)
    again = yield Secret(AGAIN)
    _checked(account, "an account")
    if password != again:
        raise Refused("The two passwords are not the same; nothing was changed")
    yield from peer_setting.add_account(node, account, password, caller.account)
    return Notice((f"{account} may read the feed of this cluster",), {"account": account})


@family.command(
    "delete cluster feed <account>",
    level=1,
    changes=True,
    arguments=(READER,),
    form=record(account=TEXT),
)
def delete_feed(node: Node, account: str) -> Conversation[Notice]:
    """Let an account read the feed of this cluster no more."""
    yield from peer_setting.remove_account(node, account)
    return Notice((f"{account} may not read the feed any more",), {"account": account})


@family.command(
    "show cluster feed",
    level=1,
    form=record(accounts=each(TEXT), ports=each(record(port=WHOLE, certificate_sha256=SHA256))),
)
def show_feed(node: Node) -> Notice:
    """Show who may read the feed of this cluster, and the certificate that readers see."""
    snapshot = node.snapshot()
    joined(snapshot)
    names = list(peering.accounts(snapshot))
    ports = list(peer_setting.offered_at(node, snapshot))
    lines = [f"Accounts : {', '.join(names) or 'none'}"]
    lines += [f"Port {port}, certificate SHA-256 : {_pairs(sha256)}" for port, sha256 in ports]
    data = [{"port": port, "certificate_sha256": sha256} for port, sha256 in ports]
    return Notice(tuple(lines), {"accounts": names, "ports": data})
