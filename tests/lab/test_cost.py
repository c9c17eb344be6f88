"""What a lab costs those who have none: one question about a file."""

import subprocess
import sys

import pytest
from one_shot import loaded

from cucmos_shell.node.lab.lab import make_lab

LINES = ("show cert list own", "utils service list", "set cert regen tomcat")


@pytest.mark.unmeasured
@pytest.mark.parametrize("line", LINES)
def test_a_node_that_is_no_lab_loads_nothing_of_it(node_dir, line):
    """Nor does one that is, of what it does not need."""

    def there():
        names, _ = loaded(node_dir, ["--yes", "-c", line])
        return {name for name in names if "lab" in name.split(".") or "fault" in name}

    assert not there()
    make_lab(str(node_dir))
    assert "cucmos_shell.node.lab.lab" in there()
    assert not [name for name in there() if "tasks.lab" in name or "session.faults" in name]


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
