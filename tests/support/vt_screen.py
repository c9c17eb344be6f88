"""A terminal small enough to trust: what a screen shows after the bytes an editor may send."""

import re
import unicodedata

TOKEN = re.compile("\x1b\\[([0-9]*)([A-Za-z])|(.)", re.S)


def width(character):
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """Rows without end, `columns` wide, with the late wrap of xterm (autowrap, DECAWM)."""

    def __init__(self, columns):
        self.columns = columns
        self.cells = {}
        self.row = 0
        self.column = 0
        self.late = False

    def feed(self, text):
        for found in TOKEN.finditer(text):
            count, final, character = found.groups()
            if final:
                self.escape(final, int(count or 1), count)
            else:
                self.character(character)

    def escape(self, final, n, count):
        self.late = False
        if final == "A":
            self.row -= n
        elif final == "C":
            self.column = min(self.column + n, self.columns - 1)
        elif final in "KJ":
            assert not count
            for place in list(self.cells):
                if (place[0] == self.row and place[1] >= self.column) or (
                    final == "J" and place[0] > self.row
                ):
                    del self.cells[place]
        else:
            raise AssertionError(f"ESC[{count}{final} may not be sent")

    def character(self, character):
        if character == "\r":
            self.column, self.late = 0, False
        elif character == "\n":
            self.row += 1
        elif character == "\b":
            assert self.column or self.late, "BS at the left margin"
            assert not self.late, "BS where terminals differ"
            self.column -= 1
        elif character == "\t":
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
        else:
            assert character.isprintable(), f"{character!r} may not be sent"
            self.print(character)

    def print(self, character):
        size = width(character)
        if not size:
            return
        if self.late or self.column + size > self.columns:
            self.row, self.column, self.late = self.row + 1, 0, False
        for i in range(size):
            self.cells[self.row, self.column + i] = character if i == 0 else ""
        self.column += size
        if self.column == self.columns:
            self.column, self.late = self.columns - 1, True

    @property
    def place(self):
        """Row and column, the late wrap taken as done: both look and behave alike."""
        return (self.row + 1, 0) if self.late else (self.row, self.column)

    def text(self):
        rows = {}
        for (row, column), character in sorted(self.cells.items()):
            line = rows.setdefault(row, [])
            line += [" "] * (column - len(line)) + [character]
        return {row: "".join(line).rstrip() for row, line in rows.items() if "".join(line).strip()}
