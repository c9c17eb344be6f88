"""A line as words: quotes group, a bar stands alone."""

from __future__ import annotations

from cucmos_shell.results import Value


class Lexeme(Value):
    """A word of the line; `start` and `end` are its place, quotes included."""

    text: str
    start: int
    end: int
    quoted: bool
    open: bool


def split(line: str) -> list[Lexeme]:
    """The words of `line`: `"..."` groups, in it `\\"` is a quotation mark, `|` stands alone."""
    lexemes: list[Lexeme] = []
    i, n = 0, len(line)
    while i < n:
        if line[i] in " \t":
            i += 1
            continue
        start, quoted, opened = i, False, False
        parts: list[str] = []
        while i < n and line[i] not in " \t":
            if line[i] == '"':
                quoted, opened = True, True
                i += 1
                while i < n and line[i] != '"':
                    if line[i] == "\\" and i + 1 < n and line[i + 1] == '"':
                        i += 1
                    parts.append(line[i])
                    i += 1
                if i < n:
                    opened = False
                    i += 1
            elif line[i] == "|" and line[i : i + 2] != "||":
                if i == start:
                    parts.append("|")
                    i += 1
                break
            else:
                # Two bars are one sign, of languages that join texts by it.
                end = i + 2 if line[i] == "|" else i + 1
                parts.append(line[i:end])
                i = end
        lexemes.append(Lexeme("".join(parts), start, i, quoted, opened))
    return lexemes


def is_pipe(lexeme: Lexeme) -> bool:
    """Whether the word is the bar between a command and its filters."""
    return lexeme.text == "|" and not lexeme.quoted


def quote(text: str) -> str:
    """`text` as one word of a line."""
    if text and " " not in text and "\t" not in text and '"' not in text and "|" not in text:
        return text
    return '"' + text.replace('"', '\\"') + '"'
