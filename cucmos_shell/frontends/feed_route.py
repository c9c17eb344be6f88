"""The feed of a node's cluster as a page of its https ports."""

from __future__ import annotations

from functools import partial

from cucmos_shell.cluster.feed import MEDIA, PATH
from cucmos_shell.frontends.http import TEXT, Response
from cucmos_shell.node.tasks.offering import OK, WHO, FeedOffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cucmos_shell.frontends.host import Host
    from cucmos_shell.frontends.http import Request, Route
    from cucmos_shell.node import Node

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="feed of the cluster", charset="UTF-8"'}


def routes(node: Node, host: Host) -> Mapping[str, Route]:
    """Where the feed is, and what answers there."""
    return {PATH: partial(_answer, FeedOffer(node), host)}


async def _answer(offer: FeedOffer, host: Host, request: Request) -> Response:
    since, credentials = request.query.get("since"), request.headers.get("authorization")
    status, body = await host.by_itself(offer.answer, since, credentials)
    kind = MEDIA if status == OK else TEXT
    return Response(status, body, kind, {**HEADERS, **(CHALLENGE if status == WHO else {})})
