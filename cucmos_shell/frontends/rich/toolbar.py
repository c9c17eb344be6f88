"""The line at the bottom: services that wait for a restart, and certificates that end soon."""

from __future__ import annotations

from itertools import product

from prompt_toolkit.utils import get_cwidth

from cucmos_shell.frontends.rich.theme import days_class
from cucmos_shell.text import counted, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from cucmos_shell.node.expiry.life import Life
    from cucmos_shell.node.node import Attention

KEYS = (
    "Tab completes   ? helps   → takes a suggestion   Ctrl-R searches   Ctrl-D leaves",
    "Tab completes   ? helps   Ctrl-R searches   Ctrl-D leaves",
    "Tab completes   ? helps   Ctrl-D leaves",
    "? helps",
    "",
)
NOTHING = "Nothing to restart, nothing ends soon"
GAP = "   "
# More names than these of a kind stand on no terminal.
MOST = 8


def toolbar(attention: Attention | None, width: int) -> StyleAndTextTuples:
    """The toolbar in at most `width` columns, as much of it as fits; `attention` may be unknown.

    First the keys go, then names behind a count, at last all names.
    """
    form: StyleAndTextTuples = []
    for form in _forms(attention):
        if sum(get_cwidth(part[1]) for part in form) <= width:
            return form
    return [(form[0][0], "".join(part[1] for part in form)[:width])] if form else []


def _forms(attention: Attention | None) -> Iterator[StyleAndTextTuples]:
    """The toolbar, from its longest form to its shortest."""
    if attention is None:
        for keys in KEYS:
            yield [("", f" {keys}")]
        return
    restarts, ending = len(attention.restarts), len(attention.ending)
    for keys in KEYS:
        yield _form(attention, restarts, ending, keys)
    names = product(range(min(restarts, MOST) + 1), range(min(ending, MOST) + 1))
    for some, few in sorted(names, key=lambda pair: (min(pair), sum(pair)), reverse=True):
        yield _form(attention, some, few, "")
    yield _form(attention, 0, 0, "", soon="")


def _form(
    attention: Attention, restarts: int, ending: int, keys: str, soon: str = " soon"
) -> StyleAndTextTuples:
    """The toolbar with that many names of each kind, as counts where there are none."""
    form: StyleAndTextTuples = []
    if attention.restarts:
        names = ", ".join(map(safe_line, attention.restarts[:restarts]))
        form += [
            ("", " "),
            ("class:soon", _counted("restart", names, restarts, attention.restarts)),
        ]
    if attention.ending:
        form += [("", GAP if form else " ")]
        if not ending:
            verb = "ends" if len(attention.ending) == 1 else "end"
            form += [(_class(attention.ending[0]), f"{len(attention.ending)} {verb}{soon}")]
        for i, one in enumerate(attention.ending[:ending]):
            form += [("", ", " if i else ""), (_class(one), f"{safe_line(one.name)} {one.words()}")]
        if 0 < ending < len(attention.ending):
            form += [("", f" +{len(attention.ending) - ending}")]
    if not form:
        form = [("", f" {NOTHING}")]
    return [*form, ("", f"{GAP}{keys}" if keys else "")]


def _counted(verb: str, names: str, shown: int, all_names: tuple[str, ...]) -> str:
    if not shown:
        return counted(len(all_names), verb)
    more = len(all_names) - shown
    return f"{verb} {names} +{more}" if more else f"{verb} {names}"


def _class(life: Life) -> str:
    return f"class:{days_class(life.days)}"
