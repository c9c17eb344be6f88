"""Conversations with three nodes of a cluster: `tests/transcripts/cluster/*.txt`.

`ann--> line` is said to a node, answers behind ` || `; what stands below it is what the node says.
`...` lines are what happens besides: `... 31 minutes go by`, `... a copy of ann is kept`,
`... ann is put back`, `... round: ann bob`, `... Root_A signs tomcat of ann, for bob`. `REWRITE_TRANSCRIPTS=1 pytest tests/cluster` writes
what is said anew: the diff is the review.
"""

import re
from functools import partial

import pytest
from node_transcripts import play, transcripts, typed
from three_nodes import Cluster


def happens(cluster, ca, what):
    """What a line behind `... ` says."""
    words = what.split()
    if what.endswith("minutes go by"):
        cluster.clock.sleep(60 * int(words[0]))
    elif what.startswith("a copy of"):
        cluster.snapshot(words[3])
    elif what.endswith("is put back"):
        cluster.restore(words[0])
    elif what.startswith("round:"):
        cluster.settle(*words[1:])
    elif match := re.fullmatch(r"(\w+) has (\S+) in its upload area", what):
        name = match[2].partition(".")[0]
        cluster.roots[name] = ca.root(name)
        path = cluster.folder / match[1] / "upload" / match[2]
        path.write_bytes(cluster.roots[name].pem)
    elif match := re.fullmatch(r"(\S+) signs (\S+) of (\w+), for (\w+)", what):
        root, unit, asking, getting = match.groups()
        csr = cluster.node(asking).snapshot().request_pem(unit)
        path = cluster.folder / getting / "upload" / f"{unit}.pem"
        path.write_bytes(ca.sign(csr, cluster.roots[root]).pem)
    else:
        raise AssertionError(f"nothing known happens when {what}")


def said(cluster, name, line):
    """What a node says; names that are random are starred."""
    text = cluster.say(name, *typed(line), status=None)
    return re.sub(r"(?m)(cluster|Cluster :) [0-9a-f]{8}\b", r"\1 ********", text)


@pytest.mark.parametrize("path", transcripts("cluster"), ids=lambda path: path.stem)
def test_transcript(path, imp_template, tmp_path, keys, outside_ca):
    """What the nodes say is what the transcript says."""
    cluster = Cluster(imp_template, tmp_path, keys)
    play(path, partial(happens, cluster, outside_ca), partial(said, cluster))
