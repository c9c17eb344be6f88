"""Statements as programs write them for the product's database, put into the words of SQLite."""

from __future__ import annotations

import re

from cucmos_shell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Token = tuple[str, str]

# What is not closed goes to the end, so that each sign is looked at once.
_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*(?:'|\Z))
    | (?P<text>"(?:[^"]|"")*(?:"|\Z))
    | (?P<blank>\s+ | --[^\n]* | /\*(?:.*?\*/|.*))
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d+)
    | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


def to_sqlite(statement: str) -> str:
    """`statement` with `select skip M first N`, `select unique` and texts in double quotation marks
    as SQLite has them. Raises BadValue where a part of a UNION is cut.
    """
    tokens = [(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(statement)]
    out: list[str] = []
    # Of each parenthesis that is open: how many SELECTs it has, and what cuts it at its end.
    open_: list[tuple[int, str]] = [(0, "")]
    at = 0
    while at < len(tokens):
        kind, text = tokens[at]
        at += 1
        if kind == "text":
            text = _quoted(text)
        elif kind == "blank":
            text = " "
        elif text == "(":
            open_.append((0, ""))
        elif text in (")", ";"):
            out.append(open_.pop()[1])
            if text == ";" or not open_:
                open_.append((0, ""))
        elif text.casefold() == "select":
            at, words, cut = _head(tokens, at)
            selects, before = open_.pop()
            if before or (cut and selects):
                raise BadValue("FIRST and SKIP are not allowed with UNION.")
            open_.append((selects + 1, cut))
            text += words
        out.append(text)
    return "".join((*out, *(cut for _, cut in reversed(open_))))


def _head(tokens: Sequence[Token], at: int) -> tuple[int, str, str]:
    """Where the columns of a SELECT begin, what stands before them, and what is to cut it."""
    skipped = first = ""
    for word in ("skip", "first"):
        if (found := _number(tokens, at, word)) is not None:
            at, number = found
            skipped, first = (number, first) if word == "skip" else (skipped, number)
    cut = f" limit {first or -1} offset {skipped or 0} " if skipped or first else ""
    after = _next(tokens, at)
    if after < len(tokens) and tokens[after][1].casefold() == "unique":
        return after + 1, " distinct", cut
    return at, "", cut


def _number(tokens: Sequence[Token], at: int, word: str) -> tuple[int, str] | None:
    """What comes after `word` and the number behind it, and that number, if they are next."""
    name = _next(tokens, at)
    number = _next(tokens, name + 1)
    if number >= len(tokens) or tokens[number][0] != "number":
        return None
    return (number + 1, tokens[number][1]) if tokens[name][1].casefold() == word else None


def _next(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at][0] == "blank":
        at += 1
    return at


def _quoted(text: str) -> str:
    """A text in double quotation marks, in single ones; one that is not closed stays so."""
    closed = len(text) > 1 and text.endswith('"')
    inner = text[1:-1] if closed else text[1:]
    return "'" + inner.replace('""', '"').replace("'", "''") + "'" * closed
