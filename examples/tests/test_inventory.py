"""Many nodes at once, as `cucmos-shell serve --inventory` has them: each script drives its own.

`RENEWAL_NODES` and `RENEWAL_CLUSTERS` say how many there are.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module

import pytest

from cucmos_shell.testing import Address, Inventory, LabNode

UNIT, SERVICE = "tomcat", "Cisco Tomcat"
NODES = int(os.environ.get("RENEWAL_NODES", "3"))
CLUSTERS = int(os.environ.get("RENEWAL_CLUSTERS", "1"))
# Which script, and what of an address it takes.
CLIENTS: dict[str, Callable[[Address], object]] = {
    "asyncssh": Address.asyncssh,
    "netmiko": Address.netmiko,
    "paramiko": Address.paramiko,
    "paramiko_expect": Address.paramiko,
}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """The nodes, which are installed now, and their server."""
    file = tmp_path_factory.mktemp("lab") / "lab.yaml"
    clusters = "".join(f"  - {{name: pub{i}, nodes: 2}}\n" for i in range(CLUSTERS))
    file.write_text(
        "defaults: {profile: imp-9.1, speed: 0}\n"
        f"nodes:\n  - {{name: node, count: {NODES}}}\n"
        f"clusters:\n{clusters}"
    )
    with Inventory(file) as made:
        yield made


def scripts() -> list[Callable[[Address], object]]:
    """Those whose client is installed, made ready for an address."""
    found: list[Callable[[Address], object]] = []
    for name, login in CLIENTS.items():
        try:
            renew = import_module(f"scripts.with_{name}").renew
        except ImportError:
            continue
        found.append(partial(_renewed, renew, login))
    return found


def _renewed(
    renew: Callable[..., object], login: Callable[[Address], object], address: Address
) -> None:
    done = renew(login(address), UNIT, SERVICE)
    if asyncio.iscoroutine(done):
        asyncio.run(done)


def serial(node: LabNode) -> int:
    return node.loaded(SERVICE).serial_number


def fails(renew: Callable[[Address], object], address: Address) -> bool:
    """Whether the script says so, in whatever way its client has."""
    try:
        renew(address)
    except Exception:
        return True
    return False


def test_scripts_renew_on_all_nodes(inventory: Inventory) -> None:
    """In turn the clients that there are; some at the same time."""
    before = {name: serial(node) for name, node in inventory.items()}
    addresses = [node.ssh for node in inventory.values()]
    clients = scripts()
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(clients[i % len(clients)], address) for i, address in enumerate(addresses)
        ]
        for job in jobs:
            job.result()
    assert not [name for name, node in inventory.items() if serial(node) == before[name]]


def test_a_node_that_is_down_is_noticed(inventory: Inventory) -> None:
    """And the others go on."""
    renew = scripts()[0]
    first, second = list(inventory.values())[:2]
    with first.fault("node", "down"):
        assert fails(renew, first.ssh)
        renew(second.ssh)
    renew(first.ssh)
