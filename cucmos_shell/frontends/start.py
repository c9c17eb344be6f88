"""The start of the program: options, the state folder, and the front end that fits."""

from __future__ import annotations

import gc
import os
import sys

from cucmos_shell import __version__
from cucmos_shell.errors import ShellError, Unavailable, UsageError, untold
from cucmos_shell.frontends.options import help_text, read
from cucmos_shell.frontends.place import state_folder
from cucmos_shell.frontends.verbs import (
    AGENT,
    COMPLETE,
    DEFAULT_PROFILE,
    EXIT_STATUSES,
    INIT,
    LAB,
    REFERENCE,
    SERVE,
    SHELL,
    VERBS,
)
from cucmos_shell.frontends.who import Who, over_ssh, parse_command, who
from cucmos_shell.store import Store
from cucmos_shell.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from cucmos_shell.frontends.options import Invocation, Verb
    from cucmos_shell.node import Node
    from cucmos_shell.session import Session


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        # The terminal is raw already: what is typed meanwhile must not be echoed.
        sys.stderr.write(line + "\r\n")
        sys.stderr.flush()


def _installed(state: str, profile: str | None, world: World) -> Node:
    """The node in `state`, installed now if there is none."""
    from cucmos_shell.node import Node

    if not Store(state).exists():
        from cucmos_shell.commands import check_words
        from cucmos_shell.node.install import install

        install(state, profile or DEFAULT_PROFILE, world, progress=_progress, check=check_words)
    node = Node.open(state, world)
    if profile and os.path.sep not in profile and profile not in (node.profile.name, ""):
        raise UsageError(
            "{folder} holds a node of {name} already", folder=state, name=node.profile.name
        )
    return node


def _init(options: dict[str, Any], world: World) -> int:
    from cucmos_shell.commands import check_words
    from cucmos_shell.node.install import install

    state = state_folder(options["state"])
    if options["cluster"] is not None:
        return _init_cluster(state, options, world)
    place = {name: options[name] for name in ("hostname", "ip", "role", "speed")}
    fresh = install(
        state, options["profile"], world, progress=_progress, check=check_words, **place
    )
    if not fresh:
        raise UsageError("{folder} holds a node already", folder=state)
    _make_labs(options, (state,))
    return _done(f"Installed {options['profile']} in {state}\n")


def _make_labs(options: dict[str, Any], states: Iterable[str]) -> None:
    if options["lab"]:
        from cucmos_shell.node.lab.lab import make_lab

        for state in states:
            make_lab(state)


def _init_cluster(folder: str, options: dict[str, Any], world: World) -> int:
    from cucmos_shell.frontends.cluster import init_cluster

    if options["ip"] is not None or options["role"] is not None:
        raise UsageError("--cluster gives addresses and roles itself")
    states = init_cluster(
        folder, options["profile"], world,
        count=options["cluster"], hostname=options["hostname"], speed=options["speed"],
        password_file=options["security_password_file"], progress=_progress,
    )  # fmt: skip
    _make_labs(options, states)
    return _done("".join(f"Installed {options['profile']} in {state}\n" for state in states))


def _agent(options: dict[str, Any], world: World) -> int:
    from cucmos_shell.frontends import agent

    state = state_folder(options["state"])
    if not Store(state).exists():
        raise UsageError("{folder} holds no node: cucmos-shell init makes one", folder=state)
    _started()
    return agent.run(state, world, agent.until_signal())


def _serve(options: dict[str, Any], world: World) -> int:
    try:
        from cucmos_shell.frontends import serve
    except ImportError as error:
        raise UsageError("serve needs the extra ssh: pip install 'cucmos-shell[ssh]'") from error
    given, profile = options.pop("state"), options.pop("profile")
    options["legacy_algorithms"] = bool(options["legacy_algorithms"])
    asked = serve.ServeOptions(**options)
    if asked.inventory is None:
        _installed(state := state_folder(given), profile, world)
        _started()
        return serve.serve(state, asked, world)
    serve.refuse_besides({"--state": given, "--profile": profile, "--host": asked.host})
    _started()
    return serve.serve_inventory(asked, world)


def _lab(asked: Invocation, world: World) -> int:
    from cucmos_shell.frontends import lab

    state = state_folder(asked.values["state"])
    answer = lab.run(state, asked.words, world, ansible=bool(asked.values["ansible"]))
    return _print(lab.text(answer, asked.values["json"]))


def _reference(asked: Invocation) -> int:
    if asked.values["json"]:
        from cucmos_shell.frontends import contract

        return _print(contract.text(*asked.words))
    if len(asked.words) > 1:
        raise UsageError(
            "reference writes to one FILE; a COMMAND needs --json",
            details=(f"Try: {REFERENCE.full_name} --help",),
        )
    from cucmos_shell.frontends import reference

    if asked.values["man"]:
        from cucmos_shell.frontends.manual import text
    elif asked.values["faults"]:
        from cucmos_shell.frontends.fault_page import text
    else:
        from cucmos_shell.frontends.reference import text
    file = asked.words[0] if asked.words else "-"
    if file == "-":
        return _print(text())
    try:
        reference.write(file, text())
    except OSError as error:
        raise Unavailable(
            "{file}: {reason}", file=file, reason=error.strerror or "not written"
        ) from error
    return 0


RUN: dict[str, Callable[[dict[str, Any], World], int]] = {
    AGENT.name: _agent,
    INIT.name: _init,
    SERVE.name: _serve,
}


def _help(verb: Verb) -> int:
    return _print(help_text(verb, VERBS, {} if verb.name else EXIT_STATUSES))


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        # The interpreter would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise
    return 0


def _done(text: str) -> int:
    """Say what was changed. Raises OutcomeUnknown if that cannot be written."""
    try:
        return _print(text)
    except OSError as error:
        raise untold(error) from error


def _started() -> None:
    """From here on garbage is collected, though not in what the start has made."""
    gc.freeze()
    gc.enable()


def _introduce(session: Session, caller: Who) -> None:
    """Let commands know more about who is there than an account and a level."""
    session.caller.verified = caller.signed_in
    session.caller.provisional = caller.provisional


def _input(options: dict[str, Any]) -> int:
    """The descriptor of what a batch reads. Raises UsageError."""
    if options["c"] or options["f"] in (None, "-"):
        return 0
    try:
        return os.open(options["f"], os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            "{file}: {reason}", file=options["f"], reason=error.strerror or "unreadable"
        ) from error


def _batch(node: Node, caller: Who, options: dict[str, Any], descriptor: int) -> int:
    from cucmos_shell.cli.caller import Settings
    from cucmos_shell.frontends.batch import Batch, Lines
    from cucmos_shell.session import Session

    settings = Settings(output="json" if options["json"] else "text")
    answers = Lines(descriptor)
    asks = bool(options["c"]) and answers.terminal
    session = Session(
        node,
        account=caller.account,
        level=caller.level,
        origin="batch" if caller.origin == "console" else caller.origin,
        interactive=asks,
        settings=settings,
        identity=caller.identity,
    )
    _introduce(session, caller)
    node.audit.keep_reserve()
    _started()
    batch = Batch(session, answers, yes=options["yes"], keep_going=options["keep_going"])
    return batch.run(iter(options["c"]) if options["c"] else None)


def _console(node: Node, rich: bool, caller: Who) -> int:
    from cucmos_shell.commands.shell import editor_of
    from cucmos_shell.session import Session

    logins = node.logins
    node.audit.keep_reserve()
    history = logins.history(caller.identity or caller.account)
    session = Session(
        node, account=caller.account, level=caller.level, origin=caller.origin,
        history=history, identity=caller.identity,
    )  # fmt: skip
    _introduce(session, caller)
    _started()
    login = logins.begin(caller.account, caller.origin, limited=caller.origin != "console")
    try:
        timeout, lines = logins.timeout(), history.lines
        if rich or editor_of(node, caller.account) == "rich":
            from cucmos_shell.frontends.rich import run as run_rich

            return run_rich(
                session, 0, 1, session.banner,
                attention=node.attention, now=node.now, history=lines, idle_timeout=timeout,
            )  # fmt: skip
        from cucmos_shell.frontends.console import run as run_quiet

        return run_quiet(
            session,
            0,
            1,
            session.banner,
            history=lines,
            idle_timeout=timeout,
            over=session.rebooted,
            clock=node.world,
        )
    finally:
        logins.end(login)


def _given_by_ssh(options: dict[str, Any]) -> None:
    """Take the command from sshd: `-c TEXT` for a login shell, or the forced original one."""
    given = options["c"]
    if options["forced"]:
        original = os.environ.get("SSH_ORIGINAL_COMMAND")
        given = [] if original is None else [original]
    if len(given) == 1 and (options["forced"] or over_ssh(os.environ)):
        switches, lines = parse_command(given[0])
        for name in switches:
            options[name[2:].replace("-", "_")] = True
        given = lines or [""]
    options["c"] = given


def _words(asked: Invocation, world: World) -> None:
    """Make one command of the words that are no verb. Raises UsageError where they are none."""
    options = asked.values
    if options["c"] or options["f"] is not None or options["forced"]:
        other = "-c" if options["c"] else "-f" if options["f"] is not None else "--forced"
        raise UsageError("a command in words and {option} do not go together", option=other)
    line = " ".join(asked.words)
    first = line.partition(" ")[0].casefold()
    if not (_begins_command(first) or _begins_other(first, options["state"], world)):
        from cucmos_shell.commands import first_words
        from cucmos_shell.frontends.options import unknown_word

        raise unknown_word(asked.words[0], VERBS, first_words())
    options["c"] = [line]


def _begins_command(first: str) -> bool:
    from cucmos_shell.commands import first_words

    return any(word.startswith(first) for word in first_words())


def _begins_other(first: str, state: str | None, world: World) -> bool:
    """Whether the product has such a command, which the node that is there does not simulate."""
    from cucmos_shell.node import Node

    folder = state_folder(state)
    if not Store(folder).exists():
        return False
    known = Node.look(folder, world).profile.not_simulated
    return any(name.casefold().partition(" ")[0] == first for name in known)


def run(arguments: Sequence[str], world: World) -> int:
    """Run the program. Returns the exit status. Raises ShellError."""
    return carry_out(understood(arguments), world)


def understood(arguments: Sequence[str]) -> Invocation:
    """What the command line asks for. Raises UsageError."""
    return read(arguments, VERBS)


def carry_out(asked: Invocation, world: World) -> int:
    """Do what is asked for. Returns the exit status. Raises ShellError."""
    if asked.help:
        return _help(asked.verb)
    if asked.verb is REFERENCE:
        return _reference(asked)
    if asked.verb is LAB:
        return _lab(asked, world)
    if asked.verb is COMPLETE:
        from cucmos_shell.frontends import completion

        return _print(completion.answer(*asked.words, world=world))
    if asked.verb is not SHELL:
        return RUN[asked.verb.name](asked.values, world)
    options = asked.values
    if options["version"]:
        return _print(f"cucmos-shell {__version__}\n")
    if options["c"] and options["f"] is not None:
        raise UsageError("-c and -f do not go together")
    if asked.words:
        _words(asked, world)
    _given_by_ssh(options)
    if options["c"] or options["f"] is not None or not (os.isatty(0) and os.isatty(1)):
        return _without_terminal(options, world)
    return _at_terminal(options, world)


def _opened(options: dict[str, Any], world: World) -> tuple[Node, Who]:
    """The node, and who is there."""
    node = _installed(state_folder(options["state"]), options["profile"], world)
    named = options["account"] is not None or options["level"] is not None
    if options["forced"] or named or over_ssh(os.environ):
        return node, who(node, os.environ, options["account"], options["level"])
    return node, Who()


def _without_terminal(options: dict[str, Any], world: World) -> int:
    """A batch; a program that wants JSON gets what keeps it from starting as JSON too."""
    try:
        descriptor = _input(options)
        node, caller = _opened(options, world)
    except ShellError as error:
        if not options["json"]:
            raise
        from cucmos_shell.cli.wording import failure_json

        _print(failure_json(error, None))
        return error.status
    return _batch(node, caller, options, descriptor)


def _at_terminal(options: dict[str, Any], world: World) -> int:
    """A session at the terminal, which is raw from before the banner (and a first installation)."""
    import signal

    from cucmos_shell.frontends.tty import Leaving, RawMode, Signals

    with Leaving(*Signals.ENDING, signal.SIGINT), RawMode(0, flush=False):
        node, caller = _opened(options, world)
        return _console(node, bool(options["rich"]), caller)
