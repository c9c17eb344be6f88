"""Nodes for test suites: the one part of this package that is made to be imported by others.

    from cucmos_shell.testing import install

    with install("node", "ucm-9.1") as node:
        assert node.run("show cert list own").ok
        client.connect(**node.ssh.paramiko())

With pytest there are fixtures (`cucmos_node`, `cucmos_ssh` and more), which nobody has to import:
see docs/testing.md. Everything else in `cucmos_shell` may change from one version to the next.
"""

from __future__ import annotations

from cucmos_shell.testing.address import Address
from cucmos_shell.testing.answers import Answer, CommandFailed
from cucmos_shell.testing.authority import LabCA
from cucmos_shell.testing.clock import LabClock
from cucmos_shell.testing.cluster import LabCluster, install_cluster
from cucmos_shell.testing.faults import Fault, Faults, Happened
from cucmos_shell.testing.inventory import Inventory
from cucmos_shell.testing.node import Command, FolderInUse, LabNode, Snapshot, install
from cucmos_shell.testing.server import ServerFailed
from cucmos_shell.world.fault_forms import FaultMistake

__all__ = [
    "Address",
    "Answer",
    "Command",
    "CommandFailed",
    "Fault",
    "FaultMistake",
    "Faults",
    "FolderInUse",
    "Happened",
    "Inventory",
    "LabCA",
    "LabClock",
    "LabCluster",
    "LabNode",
    "ServerFailed",
    "Snapshot",
    "install",
    "install_cluster",
]
