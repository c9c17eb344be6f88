"""What a node offers other clusters: the feed of its own, to accounts that were made for that."""

from __future__ import annotations

import binascii
import contextlib
import json
from base64 import b64decode

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.feed import made
from cucmos_shell.cluster.peer_log import lines
from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.node.access import passwords
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.cluster.peer_log import LogLines
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

MAX_SINCE = 19  # digits
OK, BAD, AWAY = 200, 400, 503


class Claim(Value):
    """An account and a password, as a question has them, and the hash it is to be of.

    `known`: it was right lately; `likely`: it may be one that was right before, as few guesses may.
    """

    name: str
    password: str
    phc: str
    known: bool
    likely: bool

    def __repr__(self) -> str:
        return f"<Claim of {self.name!r}>"


class FeedOffer:
    """The feed of a node's cluster, for whoever asks with a password."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._right = passwords.Remembered(node.world.patience)

    def claim(self, credentials: str | None) -> Claim | None:
        """What the header `Authorization` of a question says; None where there is none.

        Raises ShellError.
        """
        if credentials is None:
            return None
        name, password = _said(credentials)
        account = peering.accounts(self._node.snapshot()).get(name)
        phc = account.phc if account else ""
        known = bool(phc) and self._right.knows(name, phc, password)
        likely = bool(phc) and self._right.resembles(name, phc, password)
        if known:
            self._right.add(name, phc, password)  # for as long as it comes again and again
        return Claim(name, password, phc, known, likely)

    def proves(self, claim: Claim) -> bool:
        """Whether the password is right, which takes memory and time, whoever's it is."""
        right = passwords.matches(claim.password, claim.phc)
        if right:
            self._right.add(claim.name, claim.phc, claim.password)
        return right

    def answer(self, since: str | None) -> tuple[int, bytes]:
        """Status and body for the question of an account that was right.

        `since` is what of the feed is known already, as it stands in the question; None for
        nothing. A body that is no feed is a sentence.
        """
        if since is not None and not _is_number(since):
            return BAD, b"since is no revision\n"
        try:
            data = offered(self._node, None if since is None else int(since))
        except ShellError as error:
            return AWAY, f"{error.message()}\n".encode("ascii", "replace")
        return OK, json.dumps(data).encode("ascii") + b"\n"


def _said(credentials: str | None) -> tuple[str, str]:
    """Account and password of a header `Authorization` (RFC 7617); empty where it has none."""
    kind, _, rest = (credentials or "").partition(" ")
    if kind.lower() == "basic":
        with contextlib.suppress(binascii.Error, ValueError):
            name, colon, password = b64decode(rest, validate=True).decode("utf-8").partition(":")
            if colon and len(password) <= passwords.MAX_LENGTH:
                return name, password
    return "", ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < MAX_SINCE


def offered(node: Node, since: int | None) -> dict[str, Any]:
    """The JSON of the feed, whole or what has changed after a revision.

    Raises Refused (no member, service down), Busy, BusAway.
    """
    snapshot, service = node.snapshot(), node.profile.distribution.service
    member = joined(snapshot)
    if not node.services.running(service):
        raise Refused("{service} is not running", service=service)
    with contextlib.closing(bus_of(node, member)) as bus:
        log = log_of(bus, snapshot)
        if bus.identity() != member.identity or member.unsure or member.fresh:
            raise Refused("This node does not know yet what its cluster says")
        found = lines(log, membership.revisions(snapshot), since)
    if found.meta.number < member.era_number:
        raise Refused("The bus of this cluster is an older copy of what it was")
    if found.full:
        _refuse_lost(node, snapshot, found)
    return made(found.meta, found.revision, found.lines, full=found.full)


def _refuse_lost(node: Node, snapshot: Snapshot, found: LogLines) -> None:
    """Raise Refused where the bus has lost an entry: peers would take it for deleted."""
    for store in node.profile.distribution.stores:
        for sha256, entry in membership.known(snapshot, store).items():
            if entry.present and (store, sha256) not in found.lines:
                raise Refused("The bus of this cluster has lost something")
