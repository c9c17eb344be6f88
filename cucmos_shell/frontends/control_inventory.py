"""What can be asked at the control socket of many nodes: of each, what is asked of one alone."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from cucmos_shell.errors import NotFound
from cucmos_shell.frontends.control_routes import Routes
from cucmos_shell.node.lab.lab import open_lab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cucmos_shell.frontends.control_routes import Body, Reply
    from cucmos_shell.node import Node
    from cucmos_shell.world import World

NODES = "nodes"


class InventoryRoutes:
    """The answers of nodes by name, each with where its SSH server listens.

    `/nodes` are all of them, and `/nodes/NAME/faults` is what `/faults` is of a node alone.
    """

    def __init__(self, nodes: Mapping[str, tuple[Node, str]], world: World) -> None:
        self._nodes = nodes
        self._world = world

    def answer(self, method: str, target: str, body: Body) -> Reply:
        """As `Routes.answer`. Raises Refused for a node that is not of a lab."""
        parts = urlsplit(target)
        first, name, rest = (*parts.path.strip("/").split("/", 2), "", "")[:3]
        if first != NODES:
            raise NotFound("There is no {path}: see /nodes", path=parts.path)
        if not name:
            if method != "GET":
                return 405, {"error": {"kind": "request", "message": "known: GET"}}
            return 200, [Routes.row(node, address) for node, address in self._nodes.values()]
        found = self._nodes.get(unquote(name))
        if found is None:
            raise NotFound("There is no node {name}", name=unquote(name))
        node, address = found
        query = f"?{parts.query}" if parts.query else ""
        routes = Routes(node, open_lab(node.state_dir, self._world), address)
        return routes.answer(method, f"/{rest or NODES}{query}", body)
