"""A session: runs lines, drives handlers, and is the only place that turns an error into words.

`dialogue` drives the conversations of handlers, `words` has what the person sees.
"""

from __future__ import annotations

from cucmos_shell import commands
from cucmos_shell.cli import Walker
from cucmos_shell.cli.caller import Caller, Settings
from cucmos_shell.cli.paste import STRAY_BLOCK, STRAY_KEY, begins_block
from cucmos_shell.errors import (
    BadValue,
    Cancelled,
    InternalError,
    Refused,
    ShellError,
    Unavailable,
    from_os,
)
from cucmos_shell.node.logs.audit import NO_COMMAND, holds_key, looks_secret, redacted
from cucmos_shell.results import Done, DropAnswers, Say
from cucmos_shell.session import words
from cucmos_shell.text import PROMPT, safe, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.cli.match import Match
    from cucmos_shell.cli.suggest import Completion
    from cucmos_shell.node import Node
    from cucmos_shell.node.access.sessions import AccountHistory
    from cucmos_shell.results import Conversation, Event, Events, Finding

MAX_LINE = 65_536


class Session:
    """One account at one front end. `history` is where the lines it types are kept.

    `identity` is that of the account that has signed in, empty if there is none of that name: each
    line and each answer asks whether it still is. Nobody has signed in without one (None).
    `interactive`: a wrong answer is asked again; otherwise it fails the command. `width` is that of
    the terminal, which keeps it up to date; 0 if there is none, or an unknown one.
    """

    def __init__(
        self,
        node: Node,
        *,
        account: str = "admin",
        level: int = 4,
        origin: str = "console",
        interactive: bool = True,
        settings: Settings | None = None,
        history: AccountHistory | None = None,
        identity: str | None = None,
    ) -> None:
        self.node = node
        self.history = history
        self.interactive = interactive
        self.settings = settings or Settings()
        self.walker = Walker(commands.grammar(node.profile), node, level)
        self.caller = Caller(account, level, origin, self.settings, self.walker)
        self.caller.identity = identity
        if history is not None:
            self.caller.history = history.recent
        self.width = 0
        self.executed = 0
        self.audit_warned = False
        # The start of the node that the session is of.
        self.start = self._last_start() if interactive else None

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self.caller.ended

    def check_account(self) -> None:
        """Raise AccountChanged, and end the session, if its account is not what it was."""
        if self.caller.identity is not None:
            from cucmos_shell.session import reauth

            reauth.check_account(self.node, self.caller)

    def rebooted(self) -> bool:
        """Whether the node was restarted since this session began, which ends sessions."""
        before, now = self.start, self._last_start()
        return before is not None and now is not None and now > before

    def _last_start(self) -> tuple[int, float] | None:
        try:
            return self.node.services.start_mark()
        except ShellError:
            return None

    @property
    def prompt(self) -> str:
        """The prompt, after the number of commands where these are counted."""
        return f"{self.executed} {PROMPT}" if self.settings.command_count else PROMPT

    @property
    def banner(self) -> tuple[str, ...]:
        """The lines before the first prompt."""
        return words.banner(self.node.profile.hardware)

    def execute(self, line: str) -> Execution:
        """Start `line`; the front end drives what comes back."""
        return Execution(self, line)

    def complete(self, text: str) -> Completion:
        """What Tab does after `text`; a failing lookup completes nothing."""
        from cucmos_shell.cli.suggest import Completion

        try:
            self.check_account()
            return self.walker.complete(text)
        except (ShellError, OSError):
            return Completion()

    def help(self, text: str) -> tuple[str, ...]:
        """The lines `?` shows after `text`."""
        try:
            self.check_account()
            return tuple(map(safe_line, self.walker.help(text, self.width)))
        except ShellError as problem:
            error = self.explained(problem, text)
            return (error.message(), *error.details)

    def explained(self, problem: ShellError, line: str) -> ShellError:
        """`problem` with `line`, or that it begins a command of the product not simulated here."""
        missing = self.node.profile.not_simulated
        return words.explained(problem, line, missing, self.walker.begins(line))

    def understands(self, line: str) -> bool:
        """Whether the words of `line` are a command's; its arguments are not looked up."""
        return self.walker.understands(line)

    def remember(self, line: str) -> bool:
        """Whether `line` may be kept in a history."""
        return bool(line.strip()) and not looks_secret(line)


class Execution:
    """One line being carried out: `step` until `Done`; `interrupt` between steps ends it early.

    `changed`: something was changed by it. `result` is what its handler has returned.
    """

    def __init__(self, session: Session, line: str) -> None:
        self._session = session
        self._node = session.node
        self._line = line
        self._events: Events[Done] | None = self._run()
        self._started = False
        self._interrupted = False
        self._failed = False
        self._warnings: list[Finding] = []
        self.match: Match | None = None
        self.changed = False
        self.result: Any = None

    def step(self, answer: str | None = None) -> Event:
        """Go on to the next event; `answer` belongs to the question before it."""
        if self._events is None:
            return Done(0, self._session.ended)
        try:
            if not self._started:
                self._started = True
                return next(self._events)
            return self._events.send(answer)
        except StopIteration as stop:
            self._events = None
            return stop.value if isinstance(stop.value, Done) else Done(0)

    def interrupt(self) -> Event:
        """Break the command off between steps, as Ctrl-C does."""
        return self._break_off(KeyboardInterrupt())

    def refuse(self, reason: str) -> Event:
        """Break the command off: what was brought to answer it cannot be taken, for `reason`."""
        return self._break_off(Refused("{reason}", reason=reason))

    def _break_off(self, how: BaseException) -> Event:
        if self._events is None or not self._started:
            self._events = None
            return Done(1, self._session.ended)
        if self._failed:
            return self.step()
        try:
            return self._events.throw(how)
        except StopIteration as stop:
            self._events = None
            return stop.value if isinstance(stop.value, Done) else Done(1)

    # --- one line ------------------------------------------------------------------------------

    @property
    def _json(self) -> bool:
        return self._session.settings.output == "json"

    def _run(self) -> Events[Done]:
        session, line = self._session, self._line.strip()
        if line and (over := self._over()) is not None:
            yield self._failure(over)
            return Done(over.status, session.ended)
        if session.history is not None and session.remember(self._line):
            session.history.keep(self._line)
        if not line or line.startswith("#"):
            return Done(0, session.ended)
        session.executed += 1
        caller = session.caller
        error = self._understand(line)
        caller.notes.clear()
        changes = self.match is not None and self.match.command.changes
        canonical = self.match.canonical if self.match else NO_COMMAND
        token = None
        try:
            token = self._node.audit.begin(
                self._node.now(), line, canonical, caller.account, caller.origin
            )
        except Unavailable as problem:
            if changes:
                error = error or problem
            else:
                yield from self._warning(problem)
        if error is None:
            status = yield from self._guarded()
        else:
            yield self._failure(error)
            status = error.status
        if token is not None:
            try:
                for note in caller.notes:
                    self._node.audit.note(self._node.now(), token, note)
                outcome = "interrupted" if self._interrupted else words.outcome(status)
                self._node.audit.end(self._node.now(), token, outcome)
            except Unavailable as problem:
                yield from self._warning(problem)
        return Done(status, session.ended)

    def _over(self) -> ShellError | None:
        """Why no line is run any more, or not now; None if this one is."""
        session = self._session
        try:
            session.check_account()
        except ShellError as problem:
            return problem
        except OSError as problem:
            return from_os(problem)
        if session.rebooted():
            session.caller.end()
            return Refused("The node has been restarted: this session is over")
        return None

    def _understand(self, line: str) -> ShellError | None:
        """Set `match`; what stands in the way is returned."""
        try:
            if len(line) > MAX_LINE:
                raise BadValue("The line is longer than {limit} characters", limit=MAX_LINE)
            if begins_block(line):
                raise BadValue(STRAY_BLOCK)
            if holds_key(line):
                raise BadValue(STRAY_KEY)
            self.match = self._session.walker.match(line)
        except ShellError as problem:
            return self._session.explained(problem, line)
        except OSError as problem:
            return from_os(problem)
        except Exception as problem:
            return self._bug(problem)
        return None

    def _guarded(self) -> Events[int]:
        try:
            yield from self._drive()
        except KeyboardInterrupt:
            self._interrupted = True
            yield self._failure(Cancelled("Control-C pressed"), interrupted=True)
            return Cancelled.status
        except ShellError as problem:
            yield self._failure(problem)
            if problem.answers:
                yield DropAnswers(problem.answers)
            return problem.status
        except OSError as problem:
            error = from_os(problem)
            yield self._failure(error)
            return error.status
        except MemoryError:
            yield self._failure(Unavailable("Not enough memory for this command"))
            return Unavailable.status
        except Exception as problem:
            bug = self._bug(problem)
            yield self._failure(bug)
            return bug.status
        return 0

    def _bug(self, problem: BaseException) -> InternalError:
        from cucmos_shell.session.bug import bug

        return bug(problem, self._node.now(), self._node.layout)

    # --- the handler ----------------------------------------------------------------------------

    def _drive(self) -> Events[None]:
        assert self.match is not None
        session, command = self._session, self.match.command
        facts = {"words": self.match.canonical, "account": session.caller.account}
        if fault := self._node.world.fault("node", facts):
            from cucmos_shell.session.faults import lose_node

            yield from lose_node(fault, self._node, session.caller)
        if fault := self._node.world.fault("command.begin", facts):
            from cucmos_shell.session.faults import meet

            yield from meet(fault)
        if command.reauth:
            yield from self._sign_in_again()
        arguments = dict(self.match.arguments)
        if command.wants_caller:
            arguments["caller"] = session.caller
        value = command.handler(self._node, **arguments)
        if hasattr(value, "send"):
            value = yield from self._converse(value)
        else:
            self.changed = command.changes
        self.result = value
        failure: ShellError | None = getattr(value, "failure", None)
        if failure is not None and self._json:
            raise failure
        try:
            yield from self._shown(self.match, value)
        except KeyboardInterrupt:
            # What was to be done is done; only the showing is broken off.
            if not self._json:
                yield Say(words.INTERRUPTED)
        if failure is not None:
            raise failure

    def _shown(self, match: Match, value: Any) -> Iterator[Say]:
        settings = self._session.settings
        warnings = [*self._warnings, *getattr(value, "findings", ())]
        said = words.shown(
            match, value, warnings,
            json=self._json, pagination=settings.pagination, width=self._session.width,
        )  # fmt: skip
        if file := match.redirected:
            layout, canonical = self._node.layout, match.canonical
            said = words.redirected(layout, file, said, canonical, warnings, json=self._json)
        if said is not None:
            yield said

    def _converse(self, handler: Conversation[Any]) -> Events[Any]:
        from cucmos_shell.session.dialogue import Dialogue

        assert self.match is not None
        session = self._session
        dialogue = Dialogue(
            self._node,
            self._warnings,
            who=session.caller.account,
            what=self.match.canonical,
            interactive=session.interactive,
            json=self._json,
            check=session.check_account,
            on_change=self._on_change,
        )
        return dialogue.converse(handler)

    def _on_change(self) -> None:
        self.changed = True

    def _sign_in_again(self) -> Events[None]:
        from cucmos_shell.session import reauth

        session = self._session
        if reauth.wanted(self._node, session.caller):
            asking = reauth.sign_in_again(self._node, session.caller, session.interactive)
            yield from self._converse(asking)

    # --- what the person sees --------------------------------------------------------------------

    def _failure(self, error: ShellError, interrupted: bool = False) -> Say:
        # From here on there is nothing left to break off: Ctrl-C while it is shown changes nothing.
        self._failed = True
        command = self.match.canonical if self.match else safe(redacted(self._line.strip(), False))
        warnings = [*self._warnings, *error.findings]
        return words.failed(error, command, warnings, json=self._json, interrupted=interrupted)

    def _warning(self, problem: ShellError) -> Iterator[Say]:
        """Say once a session that the log has no room for it; a program reading JSON is spared."""
        if not (self._session.audit_warned or self._json):
            self._session.audit_warned = True
            yield Say(f"Warning: {problem.message()}\n", aside=True)
