"""The `where` of the lists: what an admin may type after it, with Tab."""

from __future__ import annotations

from cucmos_shell.cli import Argument
from cucmos_shell.cli.pattern import Offer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition

ABOUT = {
    "file-name": "name behind the slash",
    "certificate-name": "unit or trust store",
    "type": "own, trust or csr",
    "common-name": "CN of its subject",
    "issuer": "who signed it",
    "serial": "hexadecimal number",
    "expiration": "end, as 2031-11-17T12:26:39Z",
    "description": "text behind the colon",
    "key-type": "such as RSA 2048",
    "within": "NUMBER days from now, or over",
    "before": "a day, YYYY-MM-DD",
    "and": "one more condition",
    "<cr>": "list what meets these",
    "NUMBER": "of days",
    "YYYY-MM-DD": "a day",
    "TEXT": "any text; case does not matter",
}


def _parse(_: Node, words: tuple[str, ...]) -> tuple[Condition, ...]:
    from cucmos_shell.node.certificates import search

    return search.parse(words)


def _complete(node: Node, typed: Typed) -> list[Offer]:
    """What may follow, and after a relation what there is to be found. Raises BadValue."""
    from cucmos_shell.node.certificates import search

    next_one = search.follow(typed.words)
    names, free = next_one.names, next_one.free
    if names and not any(name.startswith(typed.part.casefold()) for name in names):
        # A wrong word: it is said which are right.
        search.follow((*typed.words, typed.part))
    offers = [Offer(name, ABOUT.get(name, "")) for name in names]
    if free == "TEXT":
        offers = [Offer(value) for value in _values(node, typed, next_one.field)]
    if free and not (typed.part and offers):
        offers.insert(len(names), Offer(free, ABOUT[free], True))
    return offers


def _values(node: Node, typed: Typed, field: str) -> list[str]:
    """What the field says of the certificates, or requests, that the command lists."""
    from cucmos_shell.node.certificates import search

    snapshot = node.snapshot()
    kind = typed.bound.get("kind")
    if kind is not None:
        type_name = search.CERTIFICATE if kind == "own" else search.TRUST
        return search.values(field, snapshot.listed(kind), type_name)
    found = ((unit, snapshot.own(unit).request) for unit in snapshot.units)
    return search.request_values(field, [(unit, one) for unit, one in found if one])


CONDITION = Argument(
    "condition",
    "FIELD RELATION [TEXT], and more of them joined by and",
    words=True,
    parse=_parse,
    complete=_complete,
    kind="field",
)
