"""The text being typed behind a prompt, and its picture on the screen."""

from __future__ import annotations

from cucmos_shell.terminal.keys import EDITING, edit
from cucmos_shell.terminal.kills import Kills
from cucmos_shell.terminal.screen import offsets, repaint, rows_below

MAX_LINE = 65_536
# Of what is typed inside of a line, so many octets come together; a key costs what so many
# characters do, beside those of the line.
FEW, KEY_COST = 16, 64


class Field:
    """A prompt and what is typed behind it.

    Every operation returns the characters the terminal is to get. `kills` is where cut text goes,
    which nothing secret does. `columns` is the terminal's width, 0 if unknown. `secret` shows `*`
    for each character; `echo=False` shows nothing. `overflow`: the line grew over `MAX_LINE`
    characters and was forgotten. `text` is what was typed.
    """

    def __init__(
        self,
        prompt: str,
        *,
        kills: Kills | None = None,
        columns: int = 0,
        secret: bool = False,
        echo: bool = True,
    ) -> None:
        self.prompt = prompt
        self._kills = kills if kills is not None and not secret else Kills()
        self.columns = columns
        self.overflow = False
        self._secret = secret
        self._echoes = echo
        # A list of its characters would take eighty octets for each.
        self.text = ""
        self._cursor: int | None = None  # None: at the end
        self._by_print = True

    @property
    def at_once(self) -> int:
        """How many octets may be typed together."""
        return MAX_LINE if self._cursor is None else FEW

    def cost(self, octets: int) -> int:
        """How many characters are gone through to type so many octets; 0 of them: for a key."""
        at_end = octets > 0 and self._cursor is None
        return 0 if at_end else max(octets, 1) * (KEY_COST + len(self.text))

    @property
    def searching(self) -> bool:
        """Whether what is typed is what is searched for."""
        return False

    @property
    def before_cursor(self) -> str:
        """What was typed, up to the cursor."""
        return self.text[: self._cursor]

    @property
    def _index(self) -> int:
        return len(self.text) if self._cursor is None else self._cursor

    @property
    def _start(self) -> int:
        return offsets(self.prompt, 0, self.columns or 1 << 30)[-1]

    def _picture(self, text: str) -> str:
        return "*" * len(text) if self._secret else text

    def insert(self, text: str, erase: int = 0) -> str:
        """Type `text`, in place of the last `erase` characters before the cursor."""
        if not text or self.overflow:
            return ""
        if erase:
            old, cursor = self.text, self._index
            start = max(0, cursor - erase)
            return self.replace(old[:start] + text + old[cursor:], start + len(text))
        self._kills.typed()
        room = MAX_LINE - len(self.text)
        taken = text[:room]
        if self._cursor is None:
            self.text += taken
            self._by_print = True
            out = self._picture(taken) if self._echoes else ""
        else:
            out = "".join(map(self._insert_inside, self._portions(taken)))
        if len(text) > room:
            self.text = ""
            self._cursor = None
            self.overflow = True
        return out

    def _portions(self, text: str) -> list[str]:
        """Single characters, so that the screen does not depend on packets; but not without end."""
        return list(text) if len(text) * len(self.text) <= MAX_LINE else [text]

    def _insert_inside(self, text: str) -> str:
        old, cursor = self.text, self._index
        return self.replace(old[:cursor] + text + old[cursor:], cursor + len(text))

    def press(self, key: str) -> str:
        """An editing key by its name (see `keys`); others do nothing."""
        if self.overflow or key not in EDITING:
            return ""
        if key == "yank":
            return self.insert(self._kills.text)
        before = self.text
        out = self.replace(*edit(key, before, self._index))
        self._kills.pressed(key, before, self.text)
        return out

    def settle(self, *, at_end: bool = False) -> str:
        """Be the line itself, whatever was shown instead, with the cursor there or at its end."""
        return ""

    def replace(self, text: str, cursor: int) -> str:
        """Let the line be `text`."""
        old, index = self.text, self._index
        self.text = text
        self._cursor = cursor if cursor < len(text) else None
        if (old, index) == (text, cursor) or not self._echoes:
            return ""
        return self._repaint(old, index, text, cursor)

    def _repaint(self, old: str, index: int, text: str, cursor: int) -> str:
        out, self._by_print = repaint(
            self._picture(old), index, self._picture(text), cursor,
            self._start, self.columns, self._by_print,
        )  # fmt: skip
        return out

    def leave(self, last: str = "") -> str:
        """Go to the row below; `last` is shown at the end of the line before."""
        out = ""
        if self._cursor is not None and self._echoes:
            text, index = self.text, self._cursor
            below = rows_below(self._picture(text), index, self._start, self.columns)
            if last or below:
                out = self._repaint(text, index, text, len(text))
        return f"{out}{last if self._echoes else ''}\r\n"

    def show(self) -> str:
        """Prompt and line, the cursor where it belongs."""
        if not self._echoes:
            return self.prompt
        text = self.text
        out = self.prompt + self._picture(text)
        self._by_print = True
        if self._cursor is not None:
            out += self._repaint(text, len(text), text, self._cursor)
        return out
