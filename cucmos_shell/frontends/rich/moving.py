"""The terminal of the rich console: coloured words, counted pastes, and a mark that moves."""

from __future__ import annotations

from cucmos_shell.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.frontends.rich.theme import Paint
    from cucmos_shell.terminal.protocols import Partner

# Nothing moves before somebody might wonder; then so often.
SILENT, STEP = 0.5, 0.1
FRAMES = "|/-\\"
WIPE = b"\r\x1b[K"


class MovingTerminal(Terminal):
    """A `Terminal` for somebody who reads: while a command says nothing, a mark moves.

    The mark stands on a line of its own and is wiped before anything else is written.
    """

    def __init__(
        self,
        session: Partner,
        paint: Paint,
        *,
        columns: int = 0,
        rows: int = 0,
        idle_timeout: float | None = None,
    ) -> None:
        super().__init__(
            session, columns=columns, rows=rows, idle_timeout=idle_timeout, prompts=False
        )
        self._paint = paint
        self.editor.output.paint = paint
        self.editor.tell = lambda blocks: paint.one(f"   {blocks} pasted", "faint")
        self._began = self._next = 0.0
        self._marked = False

    @property
    def _moves(self) -> bool:
        works = not (self.idle or self.ended or self.waiting)
        return works and self.editor.output.at_line_start

    @property
    def deadline(self) -> float | None:
        """As of any terminal, and when the mark moves."""
        before = super().deadline
        if not self._moves or not self._next:
            return before
        return self._next if before is None else min(before, self._next)

    def take_output(self, now: float) -> bytes:
        """The next bytes for the terminal; call it until there are none."""
        out = super().take_output(now)
        if self.idle:
            self._began = self._next = 0.0
        elif out or not self._next:
            self._began = self._began or now
            self._next = now + SILENT
        if not out and self._moves and now >= self._next:
            return self._move(now)
        if self._marked and (out or not self._moves):
            self._marked = False
            return WIPE + out
        return out

    def _move(self, now: float) -> bytes:
        self._next = now + STEP
        self._marked = True
        seconds = now - self._began
        text = f"{FRAMES[int(seconds / STEP) % len(FRAMES)]} {seconds:.0f} s"
        if columns := self.editor.columns:
            text = text[: columns - 1]
        return b"\r" + self._paint.one(text, "faint").encode() + b"\x1b[K"
