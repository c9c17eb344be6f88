"""A key in the rich session against a bare one: `python benchmarks/rich.py [--rounds N]`.

Both are prompt_toolkit sessions in this process, on a pseudo-terminal each, by turns. A key is
painted when the screen shows it with the menu that belongs to it; in the rich session, with the
colours, too.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import shutil
import struct
import tempfile
import termios
import threading
import time
from typing import TYPE_CHECKING

from measure import middle
from populate import fill
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.output.vt100 import Vt100_Output
from report import Row, machine, table

from cucmos_shell.frontends.rich.background import Background
from cucmos_shell.frontends.rich.line import LineReader
from cucmos_shell.node import Node
from cucmos_shell.node.install import install
from cucmos_shell.session import Session
from cucmos_shell.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

TRUST_STORE = "tomcat-trust"


class _Typist:
    """Types a line key by key into `session`, the next one when the one before is `painted`."""

    def __init__(
        self, prompts: PromptSession[str], read: Callable[[], str], master: int,
        painted: Callable[[str], bool],
    ) -> None:  # fmt: skip
        self._prompts, self._read, self._master, self._painted = prompts, read, master, painted
        prompts.app.after_render += lambda _: self._rendered()
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        while os.read(self._master, 65_536):
            pass

    def type(self, line: str) -> list[float]:
        """Seconds that each key of `line` took."""
        self._line, self._typed, self._taken, self._began = line, "", list[float](), 0.0
        self._read()
        return self._taken

    def _rendered(self) -> None:
        now = time.perf_counter()
        if self._prompts.app.is_done or self._prompts.default_buffer.text != self._typed:
            return
        if self._typed and not self._painted(self._typed):
            return
        if self._typed and self._typed != self._line:
            self._taken.append(now - self._began)
        elif self._typed:
            self._taken.append(now - self._began)
            os.write(self._master, b"\r")
            self._typed += "\r"
            return
        key = self._line[len(self._typed)]
        self._typed += key
        self._began = time.perf_counter()
        os.write(self._master, key.encode())


def _pty() -> tuple[int, int]:
    master, device = pty.openpty()
    fcntl.ioctl(device, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return master, device


def rich(session: Session) -> _Typist:
    """The rich session's line."""
    master, device = _pty()
    background = Background(session.walker.families())
    reader = LineReader(
        session, device, device, [], background, session.node.attention, None, session.node.now
    )

    def painted(text: str) -> bool:
        return reader.known.text == text and not reader.prompts.app.invalidated

    return _Typist(reader.prompts, reader.read, master, painted)


class _Told(Completer):
    """Completes from menus made before, by what is typed; tells of which text all is known."""

    def __init__(self, menus: dict[str, list[Completion]]) -> None:
        self.menus = menus
        self.known = ""

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        yield from self.menus[document.text]
        self.known = document.text


def _completions(session: Session, text: str) -> list[Completion]:
    menu = session.walker.menu(text)
    start = menu.start - len(text)
    return [Completion(one.text, start, display_meta=one.about) for one in menu.entries]


def bare(session: Session, line: str) -> _Typist:
    """A session as prompt_toolkit has it, with the same words and what is said of them."""
    begun = (line[:place] for place in range(len(line) + 1))
    completer = _Told({text: _completions(session, text) for text in begun})
    master, device = _pty()
    shown = open(device, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    prompts: PromptSession[str] = PromptSession(
        "admin:",
        completer=completer,
        input=Vt100Input(open(device, encoding="utf-8", closefd=False)),  # noqa: SIM115
        output=Vt100_Output.from_pty(shown, term="xterm-256color"),
    )

    def painted(text: str) -> bool:
        return completer.known == text and not prompts.app.invalidated

    return _Typist(prompts, prompts.prompt, master, painted)


def row(session: Session, line: str, what: str, rounds: int, goal: float) -> Row:
    """The median key of `line`."""
    one, two = rich(session), bare(session, line)
    ours, theirs = list[float](), list[float]()
    one.type(line), two.type(line)
    for _ in range(rounds):
        theirs += two.type(line)
        ours += one.type(line)
    found = middle(ours) / middle(theirs), middle(ours), middle(theirs)
    return Row(what, "a bare session with a completer", *found, goal)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    # Nobody answers the question for the cursor here.
    os.environ |= {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    try:
        state = os.path.join(base, "node")
        install(state, "imp-9.1", World.real(), speed=0)
        session = Session(Node.open(state, World.real()))
        rows = [
            row(session, line, f"a key of `{line}` painted", options.rounds, 1.5)
            for line in ("show cert list own", "set cert regen tomcat")
        ]
        fill(state, TRUST_STORE, 1_000)
        line = f"show cert trust {TRUST_STORE}/A"
        what = "a key of `show cert trust`, 1,000 certificates, painted"
        rows.append(row(session, line, what, options.rounds // 5, 1.5))
        print(machine(base))
        print(table(rows))
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
