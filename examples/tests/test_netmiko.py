"""The script that uses Netmiko."""

from collections.abc import Callable

import pytest
from scripts import RestartFailed

from cucmos_shell.testing import Address

pytest.importorskip("netmiko")

from scripts.with_netmiko import renew


def test_the_new_certificate_is_in_use(
    cucmos_shared_ssh: Address, renewed: Callable[[], bool]
) -> None:
    renew(cucmos_shared_ssh.netmiko(), "tomcat", "Cisco Tomcat")
    assert renewed()


@pytest.mark.usefixtures("hanging")
def test_a_restart_that_hangs_is_noticed(cucmos_shared_ssh: Address) -> None:
    with pytest.raises(RestartFailed):
        renew(cucmos_shared_ssh.netmiko(), "tomcat", "Cisco Tomcat", seconds=2)
