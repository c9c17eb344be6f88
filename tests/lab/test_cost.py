"""What a lab costs those who have none: one question about a file."""

import subprocess
import sys

import pytest

from cucmos_shell.node.lab.lab import make_lab

LINES = ("show cert list own", "utils service list", "set cert regen tomcat")


@pytest.mark.unmeasured
@pytest.mark.parametrize("line", LINES)
def test_a_node_that_is_no_lab_loads_nothing_of_it(node_dir, line):
    """Nor does one that is, of what it does not need."""
    code = (
        "import sys, cucmos_shell.frontends.start as m\n"
        "from cucmos_shell.world.world import World\n"
        f"status = m.run(['--state', {str(node_dir)!r}, '--yes', '-c', {line!r}], World.real())\n"
        "there = [n for n in sys.modules if 'lab' in n.split('.') or 'fault' in n]\n"
        "print(status, *there, file=sys.stderr)\n"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, input="")
    assert done.stderr.strip() == "0"
    make_lab(str(node_dir))
    done = subprocess.run(command, capture_output=True, text=True, check=False, input="")
    there = done.stderr.split()
    assert "cucmos_shell.node.lab.lab" in there
    assert not [name for name in there if "tasks.lab" in name or "session.faults" in name]


@pytest.mark.unmeasured
def test_a_node_that_is_no_lab_asks_for_the_marker_once(node_dir):
    """And for no other file of a lab."""
    command = [sys.executable, "-I", "-m", "cucmos_shell", "--state", str(node_dir)]
    trace = ["strace", "-f", "-qq", "-e", "trace=file", "-o", str(node_dir.parent / "calls")]
    subprocess.run(
        [*trace, *command, "show", "cert", "list", "own"], check=True, capture_output=True
    )
    calls = (node_dir.parent / "calls").read_text().splitlines()
    names = ("/lab", "/run/clock", "/run/faults", "/run/fault-hits", "/restoring", "/snapshots")
    asked = [line for line in calls if any(f'{node_dir}{name}"' in line for name in names)]
    assert len(asked) == 1
    assert f'access("{node_dir}/lab"' in asked[0] or f'"{node_dir}/lab", F_OK' in asked[0]
