"""Typed bytes as text that may be shown, and where quotes are open."""

from __future__ import annotations

import codecs
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder

_PLAIN, _PLAIN_AT_PROMPT = re.compile(rb"[ -~\x80-\xff]*"), re.compile(rb"[ ->@-~\x80-\xff]*")
_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte != 0x09)


class Decoder:
    """UTF-8 in pieces to text without characters that steer a terminal or hide themselves.

    Bytes that are no UTF-8 become U+FFFD, blanks of any kind a plain blank.
    """

    def __init__(self) -> None:
        self._inner: IncrementalDecoder | None = None

    def decode(self, data: bytes) -> str:
        """The text of `data`; an unfinished character waits for its other bytes."""
        data = data.translate(None, _CONTROLS)
        if self._inner is None:
            if data.isascii():
                return data.decode("ascii")
            self._inner = codecs.getincrementaldecoder("utf-8")("replace")
        return visible(self._inner.decode(data))

    def flush(self) -> str:
        """U+FFFD for an unfinished character, since nothing more comes; empty if there is none."""
        if self._inner is None:
            return ""
        text = self._inner.decode(b"", True)
        self._inner = None
        return text


def plain_octets(data: bytes, place: int, at_prompt: bool, most: int) -> bytes:
    """At most so many octets from `place` on, before one that is a key; at a prompt `?` is one."""
    found = (_PLAIN_AT_PROMPT if at_prompt else _PLAIN).match(data, place, place + most)
    return found[0] if found else b""


def visible(text: str) -> str:
    """`text` without control, format, surrogate, private and unassigned characters."""
    if text.isprintable():
        return text
    kept = [c if c.isprintable() or c == "\t" else " " if c.isspace() else "" for c in text]
    return "".join(kept)


def in_quotes(text: str) -> bool:
    """Whether a `"` in `text` is still open; inside quotes `\\"` is a plain quotation mark."""
    inside = False
    escaped = False
    for character in text:
        if character == '"' and not escaped:
            inside = not inside
        escaped = inside and character == "\\" and not escaped
    return inside
