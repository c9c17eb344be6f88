"""What somebody may have meant who typed a name that there is not."""

from __future__ import annotations

from cucmos_shell.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NEAR_NAMES = 3
FEW_NAMES = 12


def near(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names most like `name`, nearest first."""
    import difflib

    known = {n.casefold(): n for n in names}
    text = name.casefold()
    found = difflib.get_close_matches(text, known, NEAR_NAMES, 0.8)
    if not found:
        found = [key for key in known if text and key.startswith(text)][:NEAR_NAMES]
    if not found:
        found = difflib.get_close_matches(text, known, NEAR_NAMES, 0.6)
    if not found:
        found = [key for key in known if text and text in key][:NEAR_NAMES]
    return tuple(known[key] for key in found)


def unknown(text: str, names: Iterable[str], kind: str) -> NotFound:
    """What is said when `text` is none of `names`, which are of that kind."""
    return NotFound(
        "{text} is not a known {kind}",
        text=text,
        kind=kind,
        details=_nearest(text, tuple(names)),
    )


def _nearest(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Lines that name what `text` may have been meant for; all of a few, if nothing is near."""
    if close := near(text, names):
        return ("Did you mean:", *(f"\t{name}" for name in close))
    if 0 < len(names) <= FEW_NAMES:
        return ("One of:", *(f"\t{name}" for name in names))
    return ()
