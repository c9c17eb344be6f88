"""Transcripts of what several nodes say: files below `tests/transcripts`.

`NODE--> line` is said to a node, answers behind ` || `; what stands below it is what the node says.
`...` lines are what happens besides.
"""

import os
import pathlib
import re

from places import CHECKOUT
from three_nodes import PASSWORD


def transcripts(folder):
    """Those of a folder, in order."""
    return sorted((pathlib.Path(CHECKOUT) / "tests" / "transcripts" / folder).glob("*.txt"))


def typed(line):
    """The line, and the answers behind it."""
    return [PASSWORD if one == "PASSWORD" else one for one in line.split(" || ")]


def play(path, happens, said):
    """Hold the transcript against what comes of it now, or write it anew: the diff is the review.

    `happens` does what a line behind `... ` says; `said` gives what a node says to a line.
    """
    text, result = path.read_text(), []
    for line in text.splitlines():
        if line.startswith("#"):
            result.append(line)
        elif line.startswith("... "):
            happens(line[4:])
            result.append(line)
        elif match := re.match(r"(\w+)--> (.*)", line):
            result += [line, *said(match[1], match[2]).splitlines()]
    now = "\n".join(result) + "\n"
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    assert now == text
