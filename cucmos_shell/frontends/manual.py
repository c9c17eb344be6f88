"""The manual page of the program, made from its verbs and options, as `man` reads it."""

from __future__ import annotations

from cucmos_shell import __version__
from cucmos_shell.frontends.options import PROGRAM, option_rows, usage
from cucmos_shell.frontends.verbs import ENVIRONMENT, EXIT_STATUSES, SHELL, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.frontends.options import Verb

ABOUT = "command line of an open appliance with a certificate store"
DESCRIPTION = (
    "Without a verb and without words, a session at the prompt; where standard input is no"
    " terminal, its lines are a batch. A node that is not there yet is installed first.",
    "Words that are no verb are one command of the node. From the first of them on everything"
    " belongs to that command, as with ssh(1): a filter behind a bar has to be quoted for the"
    " shell. Standard input, unless it is a terminal, answers its questions and fills its pastes.",
    "Options of the program stand before or after the verb; -- ends them.",
    "In a batch the line behind a question answers it, if it is one of its answers. Otherwise the"
    " command fails and nothing has changed. A batch stops at the first failure.",
)
FILES = (
    ("store/view/", "certificates, requests and trust stores, for people and for openssl(1)"),
    ("upload/, download/", "what comes in, what is taken out"),
    ("log/", "the audit log and the alarms"),
)
SEE_ALSO = (
    "openssl(1), ssh(1). The commands of the node: cucmos-shell reference, or help in a session."
)


def text() -> str:
    """The page as roff, in the macros of man(7)."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    shown = [verb for verb in VERBS.values() if not verb.hidden]
    yield f'.\\" Written by `{PROGRAM} reference --man`; do not edit.'
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- {_text(ABOUT)}"
    yield ".SH SYNOPSIS"
    for line in usage(SHELL):
        yield from (".B " + _text(PROGRAM), _text(line.removeprefix(PROGRAM).strip()), ".br")
    yield ".SH DESCRIPTION"
    for paragraph in DESCRIPTION:
        yield from (".PP", _text(paragraph))
    yield ".SH OPTIONS"
    yield from _rows(option_rows(SHELL))
    yield ".SH VERBS"
    for verb in shown:
        if verb.name:
            yield from _verb(verb)
    yield ".SH EXIT STATUS"
    yield from _rows((str(number), what) for number, what in EXIT_STATUSES.items())
    yield ".SH ENVIRONMENT"
    yield from _rows(ENVIRONMENT.items())
    yield ".SH FILES"
    yield _text("In the node's folder, ~/.local/state/cucmos-shell unless another is named:")
    yield from _rows(FILES)
    yield ".SH EXAMPLES"
    for verb in shown:
        for line, what in verb.examples:
            yield from (".PP", f"{_text(what[:1].upper() + what[1:])}:", ".PP", ".RS 4", ".nf")
            yield from (_text(line), ".fi", ".RE")
    yield ".SH SEE ALSO"
    yield _text(SEE_ALSO)


def _verb(verb: Verb) -> Iterator[str]:
    yield f'.SS "{_text(next(usage(verb)))}"'
    yield _text(verb.about)
    yield from _rows(option_rows(verb))


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, what in rows:
        yield from (".TP", f"\\fB{_text(name)}\\fR", _text(what[:1].upper() + what[1:]))


def _text(line: str) -> str:
    """`line` as roff takes it: no sign steers, and a hyphen is one that can be copied."""
    shown = (
        line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    return f"\\&{shown}" if shown[:1] in (".", "\\") else shown
