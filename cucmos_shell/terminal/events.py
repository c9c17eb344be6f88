"""What the line editor tells its front end."""

from __future__ import annotations

from cucmos_shell.results import Value


class Event(Value):
    """Something happened at the terminal; no input is read until the front end has reacted."""


class Line(Event):
    """A command line was entered; it has a character that is not a blank."""

    text: str


class Answer(Event):
    """A question was answered."""

    text: str


class Pasted(Event):
    """A paste is over; `problem` says why `text` is empty, if it was refused."""

    text: str
    problem: str = ""


class Key(Event):
    """A single key: `enter`, `space` or the character."""

    name: str


class HelpWanted(Event):
    """`?` was typed behind `text`; answer with `show_help`."""

    text: str


class CompletionWanted(Event):
    """Tab was typed behind `text`; answer with `complete`."""

    text: str


class Interrupted(Event):
    """Ctrl-C, anywhere but at the prompt."""


class Closed(Event):
    """Ctrl-D on an empty line."""


class AnswersDropped(Event):
    """What was typed ahead for questions that nobody asks is gone."""


class Dropped(Event):
    """The block `drop_block` was asked to drop is gone."""
