"""One certificate in full."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import OWN_NAME, TRUST_NAME, TrustName, listed_own
from cucmos_shell.commands.views.certificate import certificate_data, certificate_lines
from cucmos_shell.pki import certs
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node

family = Family()


class Shown(Value):
    """A certificate as it is shown; `name` is its name in the list."""

    name: str
    description: certs.Description
    pem: str
    zone: str


def shown_lines(shown: Shown) -> list[str]:
    """The product's layout."""
    return certificate_lines(shown.description, shown.pem, shown.zone)


def shown_data(shown: Shown) -> dict[str, Any]:
    """The JSON form: key `name`, and those of `certificate_data`."""
    return {"name": shown.name, **certificate_data(shown.description, shown.pem)}


def _shown(name: str, pem: bytes, zone: str) -> Shown:
    return Shown(name, certs.describe(certs.load_pem(pem)), pem.decode("ascii"), zone)


@family.command(
    "show cert own <name>",
    level=1,
    arguments=(OWN_NAME,),
    view=shown_lines,
    json=shown_data,
    examples=("show cert own tomcat", "show cert own tomcat/tomcat.pem"),
)
def show_own(node: Node, name: str) -> Shown:
    """Show one of the node's own certificates in full, and its PEM."""
    return _shown(listed_own(name), node.snapshot().own_pem(name), node.zone)


@family.command(
    "show cert trust <name>",
    level=1,
    arguments=(TRUST_NAME,),
    view=shown_lines,
    json=shown_data,
    examples=("show cert trust tomcat-trust/Example_Root_CA.pem",),
)
def show_trust(node: Node, name: TrustName) -> Shown:
    """Show a certificate of a trust store in full, and its PEM."""
    return _shown(name.listed, node.snapshot().certificate_pem(name.row.sha256), node.zone)
