"""The servers of a voice mail cluster: exactly one of those that run is the primary one."""

from __future__ import annotations

from cucmos_shell.node.members import members
from cucmos_shell.profile.profile import PUBLISHER
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.node.node import Node

SETTING = "primary_server"  # the host name of the server that was made it
PRIMARY, SECONDARY, AWAY = "Primary", "Secondary", "Not Functioning"


class VoiceServer(Value):
    """A server with its state, one of PRIMARY, SECONDARY and AWAY."""

    member: ClusterMember
    state: str


def voice_servers(node: Node) -> Iterator[VoiceServer]:
    """The servers in the order of the cluster. Raises as `members`.

    The primary one is the one that was made it, else the publisher, else the first that runs.
    """
    found = members(node)
    running = [one.hostname for one in found if one.reachable]
    chosen = node.snapshot().settings().get(SETTING)
    first = next(one.hostname for one in found if one.role == PUBLISHER)
    primary = next(name for name in (chosen, first, *running) if name in running)
    for one in found:
        state = PRIMARY if one.hostname == primary else SECONDARY
        yield VoiceServer(one, state if one.reachable else AWAY)
