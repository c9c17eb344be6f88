"""How people name pending requests: as the list prints them, in any case, or by their unit."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.near import unknown
from cucmos_shell.commands.arguments.certificates import parse_own
from cucmos_shell.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node

EXTENSION = ".csr"
NONE_FOUND = "No CSR found"


def listed_request(unit: str) -> str:
    """The name that `show csr list` prints."""
    return f"{unit}/{unit}{EXTENSION}"


def parse_request(node: Node, name: str) -> str:
    """The unit whose pending request `name` means. Raises NotFound, also where none is pending."""
    stem = name[: -len(EXTENSION)] if name.lower().endswith(EXTENSION) else name
    try:
        unit = parse_own(node, stem)
    except NotFound:
        raise unknown(name, node.profile.units, "a CSR of this node") from None
    if node.snapshot().own(unit).request is None:
        raise NotFound(NONE_FOUND, details=(f"set csr gen {unit} makes one.",))
    return unit


def complete_requests(node: Node, _: Typed) -> list[str]:
    """All pending requests, as `show csr list` prints them."""
    snapshot = node.snapshot()
    return [listed_request(unit) for unit in snapshot.units if snapshot.own(unit).request]


REQUEST = Argument(
    "name", "CSR, as show csr list prints it, or its unit",
    parse=parse_request, complete=complete_requests, kind="CSR",
)  # fmt: skip
