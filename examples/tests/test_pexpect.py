"""The script that uses pexpect."""

import shutil
from collections.abc import Callable

import pytest
from scripts import RestartFailed

from cucmos_shell.testing import Address

pytest.importorskip("pexpect")
if not shutil.which("ssh"):
    pytest.skip("OpenSSH's client is not installed", allow_module_level=True)

from scripts.with_pexpect import renew


def test_the_new_certificate_is_in_use(
    cucmos_shared_ssh: Address, renewed: Callable[[], bool]
) -> None:
    ssh = cucmos_shared_ssh.ssh_command("-tt")
    renew(ssh, cucmos_shared_ssh.password, "tomcat", "Cisco Tomcat")
    assert renewed()


@pytest.mark.usefixtures("hanging")
def test_a_restart_that_hangs_is_noticed(cucmos_shared_ssh: Address) -> None:
    ssh = cucmos_shared_ssh.ssh_command("-tt")
    with pytest.raises(RestartFailed):
        renew(ssh, cucmos_shared_ssh.password, "tomcat", "Cisco Tomcat", seconds=2)
