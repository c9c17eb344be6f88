"""What editing keys have cut out of lines, for Ctrl-Y."""

from __future__ import annotations

# Keys that cut, and whether what they cut stood before the cursor.
CUTS = {
    "kill-end": False,
    "kill-next": False,
    "kill-start": True,
    "kill-word": True,
    "kill-back": True,
}


class Kills:
    """The `text` that was cut last; cuts in a row count as one, as in readline."""

    def __init__(self) -> None:
        self.text = ""
        self._in_row = False

    def pressed(self, key: str, before: str, after: str) -> None:
        """A key has made the line `before` into the line `after`."""
        if key not in CUTS:
            self._in_row = False
            return
        cut = _cut(before, after)
        if not cut:
            return
        if not self._in_row:
            self.text = cut
        else:
            self.text = cut + self.text if CUTS[key] else self.text + cut
        self._in_row = True

    def typed(self) -> None:
        """Something else was done to the line."""
        self._in_row = False


def _cut(before: str, after: str) -> str:
    """What is in `before` and not in `after`, which is `before` without a part of it."""
    size = len(before) - len(after)
    start = 0
    while start < len(after) and before[start] == after[start]:
        start += 1
    return before[start : start + size]
