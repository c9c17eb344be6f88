"""The script that uses Node's ssh2."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmos_shell.testing import Address

FOLDER = Path(__file__).parents[1]
if not shutil.which("node"):
    pytest.skip("Node.js is not installed", allow_module_level=True)
if not (FOLDER / "node_modules" / "ssh2").exists():
    pytest.skip("ssh2 is not installed: npm install", allow_module_level=True)


def renew(address: Address, seconds: int) -> "subprocess.CompletedProcess[str]":
    """The finished script."""
    login = [address.host, str(address.port), address.username, address.password]
    return subprocess.run(
        ["node", "scripts/with_ssh2.js", *login, "tomcat", "Cisco Tomcat", str(seconds)],
        capture_output=True, text=True, cwd=FOLDER, check=False,
    )  # fmt: skip


def test_the_new_certificate_is_in_use(
    cucmos_shared_ssh: Address, renewed: Callable[[], bool]
) -> None:
    done = renew(cucmos_shared_ssh, 60)
    assert done.returncode == 0, done.stderr
    assert renewed()


@pytest.mark.usefixtures("hanging")
def test_a_restart_that_hangs_is_noticed(cucmos_shared_ssh: Address) -> None:
    done = renew(cucmos_shared_ssh, 2)
    assert (done.returncode, done.stderr) == (1, "Cisco Tomcat has not come up\n")
