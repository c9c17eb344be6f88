"""The playbook, which uses Ansible's raw module."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmos_shell.testing import Address

PLAYBOOK = Path(__file__).parents[1] / "scripts" / "with_ansible.yml"
PROGRAM = shutil.which("ansible-playbook", path=os.path.dirname(sys.executable)) or shutil.which(
    "ansible-playbook"
)
if PROGRAM is None:
    pytest.skip("ansible-core is not installed", allow_module_level=True)


def played(address: Address, folder: Path, seconds: int) -> "subprocess.CompletedProcess[str]":
    """The finished playbook."""
    inventory = folder / "hosts.yml"
    inventory.write_text(
        "all:\n"
        "  hosts:\n"
        "    node:\n"
        f"      ansible_host: {address.host}\n"
        f"      ansible_port: {address.port}\n"
        f"      ansible_user: {address.username}\n"
        f"      ansible_password: {address.password}\n"
        "      ansible_ssh_password_mechanism: ssh_askpass\n"
        "      ansible_ssh_common_args: -F /dev/null -o UserKnownHostsFile=/dev/null\n"
    )
    told = ["-e", f"unit=tomcat service='Cisco Tomcat' seconds={seconds}"]
    return subprocess.run(
        [str(PROGRAM), "-i", str(inventory), *told, str(PLAYBOOK)],
        capture_output=True, text=True, cwd=folder, check=False,
        env={
            **os.environ, "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        },
    )  # fmt: skip


def test_the_new_certificate_is_in_use(
    cucmos_shared_ssh: Address, renewed: Callable[[], bool], tmp_path: Path
) -> None:
    done = played(cucmos_shared_ssh, tmp_path, 60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert renewed()


@pytest.mark.usefixtures("hanging")
def test_a_restart_that_hangs_is_noticed(cucmos_shared_ssh: Address, tmp_path: Path) -> None:
    done = played(cucmos_shared_ssh, tmp_path, 2)
    assert done.returncode == 2, done.stdout + done.stderr
