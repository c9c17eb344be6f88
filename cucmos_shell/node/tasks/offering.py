"""What a node offers other clusters: the feed of its own, to accounts that were made for that."""

from __future__ import annotations

import binascii
import contextlib
import json
import threading
from base64 import b64decode

from cucmos_shell.cluster import membership, peering
from cucmos_shell.cluster.feed import made
from cucmos_shell.cluster.peer_log import lines
from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.node.access import passwords
from cucmos_shell.node.tasks.agent import bus_of, joined, log_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.cluster.peer_log import LogLines
    from cucmos_shell.node import Node
    from cucmos_shell.store import Snapshot

MAX_SINCE = 19  # digits
OK, BAD, WHO, AWAY = 200, 400, 401, 503


class FeedOffer:
    """The feed of a node's cluster, for whoever asks with a password."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._right = passwords.Remembered(node.world.patience)
        self._hashing = threading.Lock()

    def answer(self, since: str | None, credentials: str | None) -> tuple[int, bytes]:
        """Status and body for a question, with what its header `Authorization` says.

        `since` is what of the feed is known already, as it stands in the question; None for
        nothing. A body that is no feed is a sentence.
        """
        try:
            who = self._who(credentials)
            if who is None:
                return WHO, b"An account for the feed of this cluster is wanted\n"
            if since is not None and not _is_number(since):
                return BAD, b"since is no revision\n"
            data = offered(self._node, None if since is None else int(since))
        except ShellError as error:
            return AWAY, f"{error.message()}\n".encode("ascii", "replace")
        return OK, json.dumps(data).encode("ascii") + b"\n"

    def _who(self, credentials: str | None) -> str | None:
        """The account that asks; None where nobody is known to. Raises Refused while another is
        being looked at: each takes memory and time."""
        name, password = _said(credentials)
        account = peering.accounts(self._node.snapshot()).get(name)
        phc = account.phc if account else ""
        if phc and self._right.knows(name, phc, password):
            self._right.add(name, phc, password)  # for as long as it comes again and again
            return name
        if credentials is None:
            return None
        if not self._hashing.acquire(blocking=False):
            raise Refused("Somebody else is just signing in; try again")
        try:
            right = passwords.matches(password, phc)
        finally:
            self._hashing.release()
        if not right:
            return None
        self._right.add(name, phc, password)
        return name


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
