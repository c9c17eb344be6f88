"""Where a node has its time from, by its profile and its cluster."""

from __future__ import annotations

from cucmos_shell.node.members import members
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node.node import Node

LOCAL = "LOCAL(1)"  # the clock of the server itself


class TimeSource(Value):
    """The server that is asked and its stratum; `above` is where it has its own time from.

    `daemon` asks since `since`, if it is `running`.
    """

    daemon: str
    running: bool
    since: float
    server: str
    stratum: int
    above: str


def time_source(node: Node) -> TimeSource:
    """The publisher asks the profile's servers, all others ask the publisher."""
    profile, spec = node.profile, node.profile.ntp
    server, above, stratum = (*spec.servers, profile.gateway)[0], LOCAL, spec.stratum
    if not profile.publisher:
        first = [one for one in members(node) if one.role == PUBLISHER and not one.local]
        if first:
            server, above, stratum = first[0].ip, server, stratum + 1
    since = node.services.booted()
    if spec.service:
        since = max(since, node.services.state(spec.service).at)
    running = not spec.service or node.services.running(spec.service)
    return TimeSource(spec.daemon, running, since, server, stratum, above)
