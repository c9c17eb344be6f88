"""The program: options, the state folder, and the front end that fits."""

from __future__ import annotations

import os
import sys

from cucmos_shell import __version__
from cucmos_shell.errors import ShellError, UsageError
from cucmos_shell.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

    from cucmos_shell.node import Node

DEFAULT_PROFILE = "imp-9.1"
VERBS = ("init", "reference")


def state_folder(given: str | None) -> str:
    """`--state`, else `$CUCMOS_STATE`, else the XDG state folder."""
    if given or os.environ.get("CUCMOS_STATE"):
        return os.path.abspath(given or os.environ["CUCMOS_STATE"])
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(home, "cucmos-shell")


def _parser() -> argparse.ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError("{message}\n{usage}", message=message, usage=self.format_usage())

    common = Parser(add_help=False)
    common.add_argument("--state", metavar="DIR", help="the node's folder")
    common.add_argument("--profile", metavar="NAME|FILE", help="product of a new node")
    parser = Parser(
        prog="cucmos-shell", parents=[common], description="The command line of an open appliance."
    )
    parser.add_argument("--version", action="version", version=f"cucmos-shell {__version__}")
    parser.add_argument("--json", action="store_true", help="one line of JSON a command")
    parser.add_argument("--yes", action="store_true", help="answer yes to every question")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failure")
    parser.add_argument("-c", metavar="COMMAND", action="append", dest="commands", help="run this")
    parser.add_argument(
        "-f", metavar="FILE", dest="file", help="run the lines of FILE (- for stdin)"
    )
    parser.add_argument("--rich", action="store_true", help="menus, history search, a toolbar")
    parser.epilog = "Other verbs: cucmos-shell init --help, cucmos-shell reference --help."
    return parser


def _init_parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="cucmos-shell init", description="Install a node, and say where."
    )
    parser.add_argument("--state", metavar="DIR", help="the node's folder")
    parser.add_argument("--profile", metavar="NAME|FILE", default=DEFAULT_PROFILE)
    parser.add_argument("--hostname", metavar="NAME", help="host name, instead of the profile's")
    parser.add_argument(
        "--speed", metavar="N", type=float, help="services are N times as fast; 0: at once"
    )
    return parser


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _installed(state: str, profile: str | None, world: World) -> Node:
    """The node in `state`, installed now if there is none."""
    from cucmos_shell.node import Node

    if not os.path.lexists(os.path.join(state, "store", "current")):
        from cucmos_shell.installation import install

        install(state, profile or DEFAULT_PROFILE, world, progress=_progress)
    return Node.open(state, world)


def _init(arguments: Sequence[str], world: World) -> int:
    from cucmos_shell.installation import install

    options = _init_parser().parse_args(arguments)
    state = state_folder(options.state)
    fresh = install(
        state, options.profile, world,
        hostname=options.hostname, speed=options.speed, progress=_progress,
    )  # fmt: skip
    if not fresh:
        raise UsageError("{folder} holds a node already", folder=state)
    print(f"Installed {options.profile} in {state}")  # noqa: T201
    return 0


def _reference(arguments: Sequence[str], world: World) -> int:
    import argparse

    from cucmos_shell.reference import write

    parser = argparse.ArgumentParser(
        prog="cucmos-shell reference", description="Write the command reference."
    )
    parser.add_argument("file", nargs="?", default="docs/commands.md")
    write(parser.parse_args(arguments).file)
    return 0


def _batch(node: Node, options: argparse.Namespace) -> int:
    from cucmos_shell.batch import Batch, Lines
    from cucmos_shell.session import Session, Settings

    settings = Settings(output="json" if options.json else "text")
    if options.commands is not None:
        lines = Lines(iter(options.commands))
        answers = Lines(0)
    else:
        descriptor = 0
        if options.file not in (None, "-"):
            try:
                descriptor = os.open(options.file, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UsageError(
                    "{file}: {reason}", file=options.file, reason=error.strerror or "unreadable"
                ) from error
        lines = answers = Lines(descriptor)
    asks = options.commands is not None and answers.terminal
    session = Session(node, origin="batch", interactive=asks, settings=settings)
    batch = Batch(session, answers, yes=options.yes, keep_going=options.keep_going)
    return batch.run(lines)


def _console(node: Node, rich: bool) -> int:
    from cucmos_shell.commands.shell import editor_of
    from cucmos_shell.session import Session

    session = Session(node)
    if rich or editor_of(node, session.caller.account) == "rich":
        from cucmos_shell.rich_console import run as run_rich

        return run_rich(session, 0, 1, session.banner, attention=lambda: attention(node))
    from cucmos_shell.console import run as run_quiet

    return run_quiet(session, 0, 1, session.banner)


def run(arguments: Sequence[str], world: World) -> int:
    """Run the program; the exit status. Raises ShellError."""
    if arguments and arguments[0] in VERBS:
        verb = {"init": _init, "reference": _reference}[arguments[0]]
        return verb(arguments[1:], world)
    options = _parser().parse_args(arguments)
    state = state_folder(options.state)
    node = _installed(state, options.profile, world)
    terminal = os.isatty(0) and os.isatty(1)
    if options.commands is None and options.file is None and terminal:
        return _console(node, options.rich)
    return _batch(node, options)


def main() -> NoReturn:
    """The entry point of `cucmos-shell`."""
    import resource

    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        status = run(sys.argv[1:], World.real())
    except ShellError as error:
        for line in (error.message(), *error.details):
            sys.stderr.write(f"cucmos-shell: {line}\n")
        status = error.status
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
