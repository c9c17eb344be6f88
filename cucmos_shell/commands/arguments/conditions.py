"""The `where` of the lists: what an admin may type after it, with Tab."""

from __future__ import annotations

from cucmos_shell.cli import Argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition


def _parse(_: Node, words: tuple[str, ...]) -> tuple[Condition, ...]:
    from cucmos_shell.node.certificates import search

    return search.parse(words)


def _complete(_: Node, words: tuple[str, ...]) -> tuple[str, ...]:
    from cucmos_shell.node.certificates import search

    return search.follow(words)


CONDITION = Argument(
    "condition",
    "FIELD RELATION [TEXT], and more of them joined by and",
    words=True,
    parse=_parse,
    complete=_complete,
)
