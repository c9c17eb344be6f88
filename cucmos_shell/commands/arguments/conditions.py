"""The `where` of the lists: what an admin may type after it, with Tab."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.pattern import Offer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition


def _parse(_: Node, words: tuple[str, ...]) -> tuple[Condition, ...]:
    from cucmos_shell.node.certificates import search

    return search.parse(words)


def _complete(_: Node, typed: Typed) -> list[Offer]:
    from cucmos_shell.node.certificates import search

    return [Offer(word, placeholder=word.isupper()) for word in search.follow(typed.words)]


CONDITION = Argument(
    "condition",
    "FIELD RELATION [TEXT], and more of them joined by and",
    words=True,
    parse=_parse,
    complete=_complete,
    kind="field",
)
