"""Conversations with the nodes of two clusters: `tests/transcripts/peers/*.txt`.

Their form, and how they are written anew, is that of `test_transcripts`.
"""

import re
from functools import partial

import pytest
from node_transcripts import play, transcripts, typed
from two_clusters import Peers

DIGEST = re.compile(r"\b(?:[0-9A-F]{2}:){31}[0-9A-F]{2}\b|\b[0-9a-f]{64}\b")


def happens(peers, ca, what):
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
    text = peers.say(name, *typed(line), status=None)
    text = re.sub(r"\b[0-9a-f]{8}\b", "********", DIGEST.sub("SHA-256", text))
    return re.sub(r"(Valid until: ).*", r"\1...", text)


@pytest.mark.parametrize("path", transcripts("peers"), ids=lambda path: path.stem)
def test_transcript(path, imp_template, tmp_path, keys, outside_ca):
    """What the nodes say is what the transcript says."""
    peers = Peers(imp_template, tmp_path, keys)
    play(path, partial(happens, peers, outside_ca), partial(said, peers))
