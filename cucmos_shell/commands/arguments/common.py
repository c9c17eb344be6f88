"""The arguments that several families share."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.errors import BadValue
from cucmos_shell.profile.profile import RESERVED_WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.profile.profile import ServiceSpec


def number(least: int, most: int) -> Callable[[object, str], int]:
    """A parser of whole numbers from `least` to `most`."""

    def parse(_: object, text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:12]) <= most):
            raise BadValue(
                "{text} is not a whole number from {least} to {most}",
                text=text,
                least=least,
                most=most,
            )
        return int(text)

    return parse


def service(takes: Callable[[ServiceSpec], bool]) -> Argument:
    """Any service; those that the command `takes` are offered, each with its state."""

    def complete(node: Node, _: Typed) -> list[Offer]:
        states = {one.name: one.state for one in node.services.states(node.services.now())}
        known = node.profile.all_services().items()
        return [Offer(name, states.get(name, "")) for name, spec in known if takes(spec)]

    return Argument(
        "service", "service",
        choices=lambda node: node.profile.all_services(), complete=complete,
        reserves=RESERVED_WORDS,
    )  # fmt: skip


COUNT = Argument("number", "how many", parse=number(1, 100_000))
