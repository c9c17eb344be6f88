"""Editing keys: their names, and what they do to a line.

prompt_toolkit knows the escape sequences of many terminals and how words are edited. It takes a
tenth of a second to import, so it is loaded when the first such key is pressed, or by `preload`
before; scripts, which press none, never pay for it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.input.vt100_parser import Vt100Parser
    from prompt_toolkit.key_binding.key_processor import KeyPress

ESCAPE = 0x1B
_MAX_SEQUENCE = 32

CONTROL_KEYS = {
    0x01: "home",
    0x02: "left",
    0x05: "end",
    0x06: "right",
    0x07: "cancel",
    0x08: "backspace",
    0x0B: "kill-end",
    0x0E: "down",
    0x10: "up",
    0x12: "search",
    0x15: "kill-start",
    0x17: "kill-word",
    0x19: "yank",
    0x7F: "backspace",
}
_SEQUENCE_KEYS = {
    "left": "left",
    "right": "right",
    "up": "up",
    "down": "down",
    "home": "home",
    "end": "end",
    "delete": "delete",
    "c-left": "word-left",
    "c-right": "word-right",
}


# Keys behind ESC, as readline has them: words are of letters and digits.
_META_KEYS = {"b": "word-start", "f": "word-end", "d": "kill-next", "\x7f": "kill-back"}
EDITING = frozenset(
    (
        "left", "right", "home", "end", "backspace", "delete", "word-left", "word-right",
        "kill-end", "kill-start", "kill-word", "yank", *_META_KEYS.values(),
    )
)  # fmt: skip


def single_key(byte: int) -> str:
    """The name of a key that is read alone: `enter`, `space`, the character; empty for others."""
    if byte in b"\r\n ":
        return "space" if byte == 0x20 else "enter"
    return chr(byte) if 0x20 < byte < 0x7F else ""


class Sequence:
    """One escape sequence as its bytes come (ECMA-48 5.4; `ESC O x` and Linux's `ESC [ [ x`).

    Or ESC and one of the keys that mean a word. `take` a byte: True while it belongs to it. `key`
    is the name of the key once the sequence is whole, empty for one that edits nothing.
    """

    def __init__(self) -> None:
        self.key = ""
        self.whole = False
        self._text = "\x1b"

    def take(self, byte: int) -> bool:
        """Whether `byte` was taken; if not, the sequence is over and the byte means itself."""
        text = self._text
        if text == "\x1b" and (meta := _META_KEYS.get(chr(byte).lower())):
            self.key, self.whole = meta, True
            return True
        if text == "\x1b":
            if byte not in b"[O":
                return False
        elif not 0x20 <= byte < 0x7F or len(text) >= _MAX_SEQUENCE:
            return False
        self._text = text = text + chr(byte)
        if text == "\x1b[[" or len(text) == 2:
            return True
        self.whole = text[1] == "O" or text[2] == "[" or byte >= 0x40
        if self.whole:
            self.key = _sequence_key(text)
        return True


class _Toolkit:
    """The parts of prompt_toolkit that are in use, made once."""

    def __init__(self) -> None:
        from prompt_toolkit.buffer import Buffer
        from prompt_toolkit.input.vt100_parser import Vt100Parser

        self.buffer: Buffer = Buffer()
        self.pressed: list[KeyPress] = []
        self.parser: Vt100Parser = Vt100Parser(self.pressed.append)


_toolkits: list[_Toolkit] = []


def preload() -> None:
    """Load what editing keys need, so that the first one is not late."""
    if not _toolkits:
        _toolkits.append(_Toolkit())


def _toolkit() -> _Toolkit:
    preload()
    return _toolkits[0]


def _sequence_key(text: str) -> str:
    toolkit = _toolkit()
    # A bracketed paste would leave the parser waiting for its end, and nobody asked for one.
    toolkit.parser.reset()
    toolkit.pressed.clear()
    toolkit.parser.feed_and_flush(text)
    if len(toolkit.pressed) != 1:
        return ""
    key = toolkit.pressed[0].key
    return _SEQUENCE_KEYS.get(getattr(key, "value", key), "")


def edit(key: str, text: str, cursor: int) -> tuple[str, int]:
    """The line and its cursor after `key`; up and down are not editing."""
    if not text:
        return text, cursor
    if key in _META_KEYS.values():
        return _edit_word(key, text, cursor)
    from prompt_toolkit.document import Document

    buffer = _toolkit().buffer
    buffer.set_document(Document(text, cursor), bypass_readonly=True)
    _press(key, buffer)
    return buffer.text, buffer.cursor_position


def _edit_word(key: str, text: str, cursor: int) -> tuple[str, int]:
    place, step = cursor, -1 if key in ("word-start", "kill-back") else 1
    inside = False
    while 0 <= (here := place - 1 if step < 0 else place) < len(text):
        if inside and not text[here].isalnum():
            break
        inside = inside or text[here].isalnum()
        place += step
    if key in ("word-start", "word-end"):
        return text, place
    first, last = min(place, cursor), max(place, cursor)
    return text[:first] + text[last:], first


def _press(key: str, buffer: Buffer) -> None:
    document = buffer.document
    if key == "left":
        buffer.cursor_left()
    elif key == "right":
        buffer.cursor_right()
    elif key == "home":
        buffer.cursor_position = 0
    elif key == "end":
        buffer.cursor_position = len(buffer.text)
    elif key == "word-left":
        buffer.cursor_position += document.find_previous_word_beginning(WORD=True) or 0
    elif key == "word-right":
        buffer.cursor_position += document.find_next_word_ending(WORD=True) or 0
    elif key == "backspace":
        buffer.delete_before_cursor()
    elif key == "delete":
        buffer.delete()
    elif key == "kill-end":
        buffer.delete(len(buffer.text) - buffer.cursor_position)
    elif key == "kill-start":
        buffer.delete_before_cursor(buffer.cursor_position)
    elif key == "kill-word":
        back = document.find_start_of_previous_word(WORD=True)
        buffer.delete_before_cursor(-back if back else buffer.cursor_position)
