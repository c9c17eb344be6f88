"""What somebody may have meant who typed a name that there is not."""

from __future__ import annotations

from cucmos_shell.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NEAR_NAMES = 3
FEW_NAMES = 12
MAX_WORD = 40


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


def misspelt(word: str, words: Iterable[str]) -> list[str]:
    """The `words` that `word` may stand for, nearest first; for a short one there are none."""
    import difflib

    if not 3 <= len(word) <= MAX_WORD:
        return []
    text, known = word.casefold(), list(words)
    # `certificate` for `cert` is no misspelling, but looks like none of the words either.
    longer = [each for each in known if len(each) >= 3 and text.startswith(each)]
    return longer or difflib.get_close_matches(text, known, NEAR_NAMES, 0.7)


def begun(line: str, commands: Iterable[str]) -> str:
    """The one of `commands` that `line` begins with, its words shortened or not; empty if none.

    One whose words are all typed in full is before others; of several shortened ones none is meant.
    """
    typed = line.casefold().split()
    found = []
    for command in commands:
        words = command.casefold().split()
        pairs = list(zip(words, typed, strict=False))
        if len(pairs) < len(words) or not all(word.startswith(text) for word, text in pairs):
            continue
        if all(word == text for word, text in pairs):
            return command
        found.append(command)
    return found[0] if len(found) == 1 else ""


def unknown(text: str, names: Iterable[str], what: str, few: int = 0) -> NotFound:
    """The error for a `text` that is none of `names`, with the names it may have been meant for.

    `what` says what it is not, such as "a known service". If no name is near, all of them are
    named, provided that they are no more than `few`.
    """
    known = tuple(names)
    head, found = "Did you mean:", near(text, known)
    if not found and len(known) <= few:
        head, found = "One of:", known
    details = (head, *(f"\t{name}" for name in found)) if found else ()
    return NotFound("{text} is not {what}", text=text, what=what, details=details)
