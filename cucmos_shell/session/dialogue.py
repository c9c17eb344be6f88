"""Drives the conversation that a handler holds: asks, waits, and commits under the store's lock."""

from __future__ import annotations

from cucmos_shell.cli.wording import choice
from cucmos_shell.errors import Busy, Cancelled
from cucmos_shell.results import (
    Ask,
    AskText,
    Commit,
    Paste,
    Pause,
    Progress,
    Say,
    Secret,
    Warn,
    remark,
)
from cucmos_shell.text import iso_time, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Events, Finding
    from cucmos_shell.store.transaction import Transaction

# Seconds that a change waits for the lock, and between two looks at it.
LOCK_PATIENCE, LOCK_RETRY = 10.0, 0.05
# Seconds that the clock may be behind the last change before somebody should look at it.
MAX_BEHIND = 3600.0


class Dialogue:
    """The conversations of one command on `node`.

    Changes are made in the name of `who`, by the command `what`. `interactive`: a wrong answer is
    asked again, otherwise it fails the command. `json`: nothing is said but questions. `warnings`
    takes up what is warned of. `check` raises what ends the command at an answer, and before a
    change; `on_change` is told of each change that was made.
    """

    def __init__(
        self,
        node: Node,
        warnings: list[Finding],
        *,
        who: str,
        what: str,
        interactive: bool,
        json: bool,
        check: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._check = check
        self._node = node
        self._warnings = warnings
        self._who = who
        self._what = what
        self._interactive = interactive
        self._json = json
        self._on_change = on_change

    def converse(self, handler: Generator[Any, Any, Any]) -> Events[Any]:
        """The events of `handler`'s steps; what it returns is returned."""
        answer: Any = None
        try:
            while True:
                try:
                    wanted = handler.send(answer)
                except StopIteration as stop:
                    return stop.value
                yield from self._fault(wanted)
                answer = yield from self._answer(wanted)
        finally:
            handler.close()

    def _fault(self, wanted: object) -> Events[None]:
        step = type(wanted).__name__.lower()
        facts = {"words": self._what, "account": self._who, "step": step}
        fault = self._node.world.fault("command.step", facts)
        if fault is not None:
            from cucmos_shell.session.faults import meet

            yield from meet(fault)

    def _answer(self, wanted: object) -> Events[Any]:
        if isinstance(wanted, Progress):
            if not self._json:
                yield Say(safe_line(wanted.line) + "\n", aside=wanted.aside)
            return None
        if isinstance(wanted, Warn):
            self._warnings += wanted.findings
            lines = [line for finding in wanted.findings for line in finding.lines()]
            if lines and not self._json:
                yield Say("".join(f"{safe_line(line)}\n" for line in lines))
            return None
        if isinstance(wanted, Ask | AskText | Secret | Paste):
            wanted = wanted.replace(prompt=safe_line(wanted.prompt))
        if isinstance(wanted, Ask):
            return (yield from self._choice(wanted))
        if isinstance(wanted, AskText | Secret | Paste):
            text = yield wanted
            self._check()
            if text is None:
                raise Cancelled("No answer was given")
            if "-----BEGIN" in text and not isinstance(wanted, Paste):
                yield from self._drop_block(text)
            return text or wanted.default if isinstance(wanted, AskText) else text
        if isinstance(wanted, Pause):
            yield wanted
            return None
        if isinstance(wanted, Commit):
            return (yield from self._commit(wanted))
        raise TypeError(f"{type(wanted).__name__} is not a step")

    def _choice(self, wanted: Ask) -> Events[str]:
        while True:
            answer = choice((yield wanted), wanted.choices)
            self._check()
            if answer is not None:
                return answer
            if not self._interactive:
                raise Cancelled("No answer ({choices}) was given", choices="|".join(wanted.choices))

    def _drop_block(self, line: str) -> Events[None]:
        """`line` was an answer: if it begins a block, drop that to its END, or it would be run."""
        from cucmos_shell.cli.paste import PasteCollector, begins_block

        block = PasteCollector()
        block.drop()
        if begins_block(line) and block.feed(line) and block.inside and not self._json:
            yield Say("A key or certificate begins here: it is dropped, up to its END line\n")
        while block.inside:
            answer = yield Secret("")
            if answer is None:
                raise Cancelled("No answer was given")
            block.feed(answer)

    def _commit(self, wanted: Commit) -> Events[Any]:
        node = self._node
        deadline = node.world.patience() + LOCK_PATIENCE
        while (lock := node.store.try_lock()) is None:
            if node.world.patience() >= deadline:
                raise Busy("Another session is changing this node; try again in a moment")
            yield Pause(LOCK_RETRY)
        behind = 0.0

        def function(change: Transaction) -> Any:
            nonlocal behind
            behind = change.behind
            return wanted.function(change)

        with lock:
            # Whoever deletes the account needs the lock, too.
            self._check()
            result = node.change(lock, self._who, self._what, function)
        self._on_change()
        if behind > MAX_BEHIND:
            yield from self._answer(Warn((_behind(node.now(), behind),)))
        return result


def _behind(now: float, behind: float) -> Finding:
    return remark(
        f"the clock says {iso_time(now)}, but the change before this one was made at"
        f" {iso_time(now + behind)}"
    )
