"""What may follow on a command line of the program: what the completions of shells ask for.

The grammar answers for a command of the node, the declared verbs and options for everything else.
A node is looked at for its names; none is installed or changed, and nothing is waited for.
"""

from __future__ import annotations

import os

from cucmos_shell.cli import Walker
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.commands import common_grammar, grammar
from cucmos_shell.errors import ShellError
from cucmos_shell.frontends.options import HELP, ArgumentReader
from cucmos_shell.frontends.place import state_folder
from cucmos_shell.frontends.verbs import LAB, VERBS
from cucmos_shell.node import Node
from cucmos_shell.results import Value
from cucmos_shell.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmos_shell.frontends.options import Option
    from cucmos_shell.world import World

# What the shell itself completes besides the names that follow.
WORDS, FILES, FOLDERS = "words", "files", "folders"
INSTALLER = 4
# Shells that take what is to stand on the line; others quote it themselves.
_AS_TYPED = ("bash", "zsh")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-")


class ShellWord(Value):
    """A word of a shell's line: what it means, as it is typed, and its quote if that is open."""

    text: str = ""
    typed: str = ""
    quote: str = ""


def shell_words(line: str) -> list[ShellWord]:
    """The words of `line` as a shell has them; the last one, which may be empty, is not ended."""
    words: list[ShellWord] = []
    text, quote, start, i = "", "", 0, 0
    while i < len(line):
        c = line[i]
        if c == "\\" and quote != "'" and i + 1 < len(line):
            i += 1
            text += line[i] if not quote or line[i] in '\\"$`' else f"\\{line[i]}"
        elif quote:
            quote, text = ("", text) if c == quote else (quote, text + c)
        elif c in "\"'":
            quote = c
        elif c in " \t\n":
            if i > start:
                words.append(ShellWord(text, line[start:i]))
            text, start = "", i + 1
        else:
            text += c
        i += 1
    return [*words, ShellWord(text, line[start:], quote)]


def answer(shell: str = "", line: str = "", part: str = "", *, world: World) -> str:
    """What may stand at the end of `line`, of which `shell` replaces `part`.

    In the first line `words`, `files` or `folders`: what the shell completes by itself; then a
    name a line, behind a TAB what it is.
    """
    words = shell_words(line)[1:]
    reader = ArgumentReader(VERBS)
    kind, found = WORDS, list[Offer]()
    try:
        for word in words[:-1]:
            reader.take(word.text)
        if words:
            kind, offers = _offered(reader, words[-1].text, world)
            found = list(_put(shell, reader, words[-1], part, offers))
    except (ShellError, OSError):
        # What is wrong there is told when the line is run.
        pass
    return "".join([f"{kind}\n", *(f"{o.text}\t{o.about}\n" for o in found)])


def _put(
    shell: str, reader: ArgumentReader, word: ShellWord, part: str, offers: Iterable[Offer]
) -> Iterator[Offer]:
    """The offers as they stand on the line in the place of `part`, the end of `word`."""
    kept = ""
    if part != word.typed and word.typed.endswith(part):
        kept = shell_words(word.typed[: len(word.typed) - len(part)])[-1].text
    one_word = reader.waiting is not None
    for offer in offers:
        if not offer.text.casefold().startswith(kept.casefold()):
            continue
        text = offer.text[len(kept) :]
        if shell in _AS_TYPED:
            text = _quoted(text, word.quote) if word.quote else _escaped(text, one_word)
        yield offer.replace(text=text)


def _quoted(text: str, quote: str) -> str:
    """`text` as it stands behind an open quote."""
    if quote == "'":
        return text.replace("'", "'\\''")
    return "".join(f"\\{c}" if c in '\\"$`' else c for c in text)


def _escaped(text: str, one_word: bool) -> str:
    """`text` for a line without quotes; single blanks stay unless it has to be one word."""
    typed = ""
    for i, c in enumerate(text):
        lone = c == " " and not one_word and text[i - 1 : i] not in ("", " ")
        typed += c if c in _PLAIN or lone or not c.isascii() else f"\\{c}"
    return typed


# --- what is offered --------------------------------------------------------------------------


def _offered(reader: ArgumentReader, text: str, world: World) -> tuple[str, list[Offer]]:
    """What the shell completes, and what may become of the word `text`."""
    if reader.waiting is not None:
        return _values(reader, reader.waiting, text, world)
    if reader.in_command:
        return WORDS, _in_command(reader, text, world)
    if text.startswith("-") and not reader.ended:
        name, equals, value = text.partition("=")
        option = reader.known.get(name)
        if equals and option is not None and option.metavar:
            kind, offers = _values(reader, option, value, world)
            return kind, [offer.replace(text=f"{name}={offer.text}") for offer in offers]
        return WORDS, _beginning(text, _options(reader))
    if reader.verb is LAB:
        return _of_lab(reader, text)
    if reader.verb.name:
        return (FILES if "FILE" in reader.verb.words and not reader.words else WORDS), []
    verbs = [Offer(name, v.about) for name, v in VERBS.items() if name and not v.hidden]
    return WORDS, [*_beginning(text, verbs), *_in_command(reader, text, world)]


def _of_lab(reader: ArgumentReader, text: str) -> tuple[str, list[Offer]]:
    """What may become of `text` behind the verb lab: a word of an action, or its file."""
    from cucmos_shell.frontends.lab import FORMS

    given = " ".join(reader.words)
    if given in FORMS and FORMS[given][2] == "FILE":
        return FILES, []
    before = f"{given} " if given else ""
    rest = [name.removeprefix(before) for name in FORMS if name.startswith(before)]
    words = dict.fromkeys(name.partition(" ")[0] for name in rest)
    return WORDS, _beginning(text, [Offer(word, "") for word in words])


def _beginning(text: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer.text.startswith(text)]


def _options(reader: ArgumentReader) -> Iterator[Offer]:
    """The options of the verb that do not stand there already."""
    given = {name for name, _ in reader.given}
    for option in reader.verb.options.values():
        if option.many or option.name not in given:
            yield Offer(option.name, option.help)
    yield Offer(HELP[-1], "show how it is used")


def _values(
    reader: ArgumentReader, option: Option, text: str, world: World
) -> tuple[str, list[Offer]]:
    if option.metavar == "COMMAND":
        return WORDS, _in_command(reader, text, world)
    kind = FOLDERS if "DIR" in option.metavar else FILES if "FILE" in option.metavar else WORDS
    return kind, _beginning(text, map(Offer, (*option.choices, *option.names())))


def _in_command(reader: ArgumentReader, text: str, world: World) -> list[Offer]:
    """What may become of `text` behind the words of a command of the node."""
    line = " ".join([*reader.words, text])
    kept = len(line) - len(text)
    start, offers = _walker(reader, world).continuations(line)
    wholes = [(line[:start] + offer.text, offer.about) for offer in offers]
    begin = line[:kept].casefold()
    return [Offer(w[kept:], about) for w, about in wholes if w[:kept].casefold() == begin]


def _walker(reader: ArgumentReader, world: World) -> Walker:
    given = dict(reader.given)
    level = given.get("--level")
    level_number = int(level) if level and level.isdigit() else INSTALLER
    folder = state_folder(given.get("--state") and os.path.expanduser(str(given["--state"])))
    node = Node.look(folder, world) if Store(folder).exists() else None
    known = grammar(node.profile) if node is not None else common_grammar()
    return Walker(known, node, level_number, live=node is not None)
