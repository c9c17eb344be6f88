"""The program's entry point: what holds for its process, and how it ends when something fails."""

from __future__ import annotations

# What `signal` is made of, without the enumerations that it takes a millisecond to make.
import _signal  # type: ignore[import-not-found]
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def main() -> NoReturn:
    """The entry point of `cucmos-shell`."""
    # Ctrl-C during the imports ends the program without a word; there is nothing to tidy up yet.
    _end_by_interrupt()
    # What a start makes is there to its end: looking for garbage in it takes a millisecond.
    gc.disable()
    import resource

    from cucmos_shell.frontends import confine

    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    confine.clean_environment(os.environ)
    try:
        try:
            status = _status(_run)
        finally:
            # The interpreter must not complain about Ctrl-C while it ends.
            _end_by_interrupt()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _end_by_interrupt() -> None:
    """Let Ctrl-C end the process without a word, unless it is ignored, or heard otherwise."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def _run() -> int:
    from cucmos_shell.frontends import confine
    from cucmos_shell.frontends.start import carry_out, understood
    from cucmos_shell.frontends.verbs import SERVE
    from cucmos_shell.world import World

    asked = understood(sys.argv[1:])
    # The server makes its workers first.
    confine.no_programs(forks=asked.verb is SERVE)
    if _signal.getsignal(_signal.SIGINT) == _signal.SIG_DFL:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    return carry_out(asked, World.real())


def _status(run: Callable[[], int]) -> int:
    """The exit status of `run`; why it failed goes to the standard error."""
    from cucmos_shell.errors import ShellError, debugging

    try:
        return run()
    except ShellError as error:
        for line in (error.message(), *error.details):
            sys.stderr.write(f"cucmos-shell: {line}\n")
        return error.status
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        # A terminal that hung up, or output that goes to a full disk.
        sys.stderr.write(f"cucmos-shell: {error.strerror or type(error).__name__}\n")
        return 4
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # A mistake of the program; what the error says might hold foreign data or a key.
        sys.stderr.write(f"cucmos-shell: internal error ({type(error).__name__})\n")
        if debugging():
            sys.excepthook(type(error), error, error.__traceback__)
        return 70


if __name__ == "__main__":
    main()
