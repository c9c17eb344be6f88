"""What the tests of all clients share."""

from collections.abc import Callable

import pytest

from cucmos_shell.testing import LabNode

UNIT, SERVICE = "tomcat", "Cisco Tomcat"


@pytest.fixture
def renewed(cucmos_shared_node: LabNode) -> Callable[[], bool]:
    """Whether the service uses a certificate by now that it did not use when the test began."""
    before = cucmos_shared_node.loaded(SERVICE).serial_number
    return lambda: cucmos_shared_node.loaded(SERVICE).serial_number != before


@pytest.fixture
def hanging(cucmos_shared_node: LabNode) -> None:
    """The service does not come up again."""
    cucmos_shared_node.fault("service.start", "hang", when={"service": SERVICE})
