"""The feed of a node's cluster as a page of its https ports.

Passwords are looked at where those of SSH are, in the same line; who was right has its steps as
an account has, and few answers on their way at once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from cucmos_shell.cluster.feed import MEDIA, PATH
from cucmos_shell.frontends.http import TEXT, Response
from cucmos_shell.node.access.networks import network_of
from cucmos_shell.node.tasks.offering import OK, FeedOffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.frontends.http import Request, Route
    from cucmos_shell.node import Node

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="feed of the cluster", charset="UTF-8"'}
WHO = b"An account for the feed of this cluster is wanted\n"
# Answers of an account that are made, or on their way, at once: each may be of 64 MiB.
MAX_ANSWERS = 2


def routes(node: Node, host: Host) -> Mapping[str, Route]:
    """Where the feed is, and what answers there."""
    return {PATH: _Feed(node, host).answer}


class _Feed:
    def __init__(self, node: Node, host: Host) -> None:
        self._state_dir = node.state_dir
        self._host = host
        self._offer = FeedOffer(node)
        self._answers: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_ANSWERS)
        )

    async def answer(self, request: Request) -> Response:
        name = await self._who(request)
        if name is None:
            return Response(401, WHO, TEXT, {**HEADERS, **CHALLENGE})
        free = self._answers[name]
        await free.acquire()
        try:
            status, body = await self._host.off_loop(
                f"f:{self._state_dir}:{name}", self._offer.answer, request.query.get("since")
            )
        except BaseException:
            free.release()
            raise
        return Response(status, body, MEDIA if status == OK else TEXT, HEADERS, free.release)

    async def _who(self, request: Request) -> str | None:
        """The account that asks; None where nobody is known to."""
        network, said = network_of(request.client), request.headers.get("authorization")
        claim = await self._host.off_loop(f"a:{network}", self._offer.claim, said)
        if claim is None:
            return None
        known = claim.known or await self._host.hashing(
            claim.likely, (network, claim.name), self._offer.proves, claim
        )
        return claim.name if known else None
