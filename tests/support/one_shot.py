"""What the program loads, asked in a process of its own."""

import subprocess
import sys

_CODE = """
import sys
before = set(sys.modules)
import cucmos_shell.frontends.start as start
from cucmos_shell.world.world import World
for options in {runs!r}:
    status = start.run(["--state", {state!r}, *options], World.real())
    assert not status, status
print(*(set(sys.modules) - before), file=sys.stderr)
"""


def loaded(node_dir, *runs):
    """The modules that are there once the program has run on a node, each time with such options.

    Those that the interpreter loads itself do not count. Each run has to succeed; what they have
    printed comes along.
    """
    code = _CODE.format(runs=runs, state=str(node_dir))
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, input=""
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split()), done.stdout
