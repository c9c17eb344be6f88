"""Conversations with the nodes of two clusters: `tests/transcripts/peers/*.txt`.

Their form, and how they are written anew, is that of `test_transcripts`.
"""

import os
import pathlib
import re

import pytest
from places import CHECKOUT
from three_nodes import PASSWORD
from two_clusters import Peers

FOLDER = pathlib.Path(CHECKOUT) / "tests" / "transcripts" / "peers"
DIGEST = re.compile(r"\b(?:[0-9A-F]{2}:){31}[0-9A-F]{2}\b|\b[0-9a-f]{64}\b")


def happens(peers, what, ca):
    """What a line behind `... ` says."""
    if what.startswith("round:"):
        names = what.split()[1:]
        peers.of(names[0]).settle(*names)
    elif match := re.fullmatch(r"(\w+) has (\S+) in its upload area", what):
        path = peers.of(match[1]).folder / match[1] / "upload" / match[2]
        path.write_bytes(ca.root(match[2].partition(".")[0]).pem)
    else:
        raise AssertionError(f"nothing known happens when {what}")


def said(peers, name, line):
    """What a node says; names of clusters, fingerprints and dates of certificates are starred."""
    line, *answers = line.split(" || ")
    answers = [PASSWORD if answer == "PASSWORD" else answer for answer in answers]
    text = peers.say(name, line, *answers, status=None)
    text = re.sub(r"\b[0-9a-f]{8}\b", "********", DIGEST.sub("SHA-256", text))
    return re.sub(r"(Valid until: ).*", r"\1...", text)


def run(text, peers, ca):
    """The transcript `text` as it happens now."""
    result = []
    for line in text.splitlines():
        if line.startswith("#"):
            result.append(line)
        elif line.startswith("... "):
            happens(peers, line[4:], ca)
            result.append(line)
        elif match := re.match(r"(\w+)--> (.*)", line):
            result += [line, *said(peers, match[1], match[2]).splitlines()]
    return "\n".join(result) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path, imp_template, tmp_path, keys, outside_ca):
    """What the nodes say is what the transcript says."""
    text = path.read_text()
    now = run(text, Peers(imp_template, tmp_path, keys), outside_ca)
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    assert now == text
