"""A line said to a node inside this process, and what its screen shows then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cucmos_shell.node import Node
    from cucmos_shell.session import Session
    from cucmos_shell.session.session import Execution
    from cucmos_shell.terminal import Terminal

# What the audit log has as the origin of lines that are said so.
ORIGIN = "test-kit"
# Seconds that a terminal is told have passed, so that it waits for nobody.
_LATER = 1.0
_ENTER, _CTRL_C, _CTRL_D = b"\r", b"\x03", b"\x04"


class Answer(NamedTuple):
    """What a node answers to a line.

    `text` is all that the screen shows after the echo of the line, up to the next prompt: questions
    with the answers to them, progress, the result, or why there is none. `data` is the result as
    JSON has it, None where there is none. `status` is the exit status of the command.
    """

    text: str
    data: Any
    status: int

    @property
    def ok(self) -> bool:
        """Whether the command has succeeded."""
        return self.status == 0


class CommandFailed(Exception):
    """A command that had to succeed has not.

    `line` is the command, `kind` the kind of its failure as JSON has it, `status` its exit status.
    """

    def __init__(self, line: str, message: str, kind: str, status: int) -> None:
        super().__init__(f"{line}: {message}")
        self.line = line
        self.kind = kind
        self.status = status


def say(
    node: Node,
    line: str,
    answers: Sequence[str],
    *,
    output: str = "text",
    seconds: float = float("inf"),
) -> Answer:
    """Run `line` in a session of its own; `answers` are typed and pasted where it asks.

    A question that finds no answer is broken off, as by Ctrl-C, and so is a command that has waited
    for longer than `seconds`.
    """
    from cucmos_shell.cli.caller import Settings
    from cucmos_shell.node.access.accounts import ADMINISTRATOR, installer
    from cucmos_shell.session import Session

    account = installer(node.snapshot()).name
    settings = Settings(output=output)
    settings.pagination = False
    session = Session(node, account=account, level=ADMINISTRATOR, origin=ORIGIN, settings=settings)
    return _Screen(session, seconds).show(line, answers)


class _Screen:
    """A terminal of unknown size, for one line."""

    def __init__(self, session: Session, seconds: float) -> None:
        from cucmos_shell.terminal import Terminal

        self._session = session
        # How long the pauses of the command may be, together.
        self._patience = seconds
        self._node = session.node
        self._executions: list[Execution] = []
        self._seen: list[bytes] = []
        # What the terminal is told of time; nothing is waited for but what a command waits for.
        self._now = 0.0
        self.width = 0
        self.prompt = ""
        self.complete = session.complete
        self.help = session.help
        self.understands = session.understands
        self._terminal: Terminal = Terminal(self, prompts=False)

    def execute(self, line: str) -> Execution:
        """Start `line`, and keep hold of it."""
        self._executions.append(self._session.execute(line))
        return self._executions[-1]

    def remember(self, line: str) -> bool:
        """Keep no line in a history."""
        return False

    def show(self, line: str, answers: Sequence[str]) -> Answer:
        """Run `line` to its end."""
        terminal, given = self._terminal, iter(answers)
        terminal.start((), self._now)
        terminal.run_line(line)
        self._settle()
        while not (terminal.idle or terminal.ended):
            answer = next(given, None)
            self._type(_CTRL_C if answer is None else _keys(answer))
        text = b"".join(self._seen).decode().replace("\r\n", "\n")
        return Answer(text, _data(self._executions[0]), terminal.status)

    def _type(self, keys: bytes) -> None:
        self._terminal.receive(keys, self._now)
        self._settle()

    def _settle(self) -> None:
        """Work and write until the terminal waits for a key."""
        terminal = self._terminal
        while True:
            if work := terminal.take_work():
                terminal.worked(work(), self._now)
            elif out := terminal.take_output(self._now):
                self._seen.append(out)
            elif terminal.ended or terminal.idle or not self._wait():
                return

    def _wait(self) -> bool:
        """Let time pass; whether that is worth it. Only a command's own pauses are slept."""
        terminal, deadline = self._terminal, self._terminal.deadline
        if deadline is None or (terminal.waiting and deadline > self._now + _LATER):
            return False
        if not terminal.waiting:
            pause = deadline - self._now
            if pause > self._patience:
                self._patience = float("inf")
                terminal.receive(_CTRL_C, self._now)
                return True
            self._patience -= pause
            self._node.world.sleep(pause)
        self._now = deadline
        terminal.tick(self._now)
        return True


def _data(execution: Execution) -> Any:
    """The result of a command as JSON has it, filters included; None where there is none."""
    from cucmos_shell.cli.filters import filtered_data
    from cucmos_shell.cli.render import to_data
    from cucmos_shell.errors import BadValue

    if execution.match is None or execution.result is None:
        return None
    filters = [(item.kind, item.text) for item in execution.match.filters]
    try:
        data = to_data(execution.result)
        return filtered_data(data, filters) if filters else data
    except BadValue:
        return None


def _keys(answer: str) -> bytes:
    """An answer as it is typed; a paste ends with the key that says so."""
    if "\n" in answer.rstrip("\n"):
        return answer.rstrip("\n").encode() + _ENTER + _CTRL_D
    return answer.encode() + _ENTER
