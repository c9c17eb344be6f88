"""What a profile says of the cluster: what reaches the other nodes, and how screens show them."""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The layouts of `show network cluster`: until 9.1, and from 10.5 on.
COLUMNS4, LATER = "columns4", "later"


class DistributionSpec(Value):
    """What reaches the other nodes of the cluster, by which service; without one, nothing does.

    What is uploaded to the trust stores `stores`, or deleted there, is so on all nodes. `copies`
    maps a unit to the trust stores of other nodes that take a copy of its certificate. Units
    `publisher_only` are missing on other nodes. What other clusters offer is read as a whole every
    `reconcile_minutes`.
    """

    service: str = ""
    stores: tuple[str, ...] = ()
    copies: Mapping[str, tuple[str, ...]] = {}
    publisher_only: tuple[str, ...] = ()
    reconcile_minutes: int = 30


class NetworkClusterSpec(Value):
    """The screen of `show network cluster`: its `layout`, COLUMNS4 or LATER.

    The later one says what `server` a node is, and `publisher_role` is what it calls the publisher
    of this product, which may be a subscriber of the cluster as a whole. With `server_table` the
    names of all nodes follow.
    """

    layout: str = COLUMNS4
    server: str = ""
    publisher_role: str = "Publisher"
    server_table: bool = False


class DatabaseSpec(Value):
    """What nothing here can measure of the database and its replication.

    While `service` is down, commands say `stopped`. A check of all `tables` takes `check_seconds`
    at speed 1 and ends with `last_table`; `completed` is a template over `tables`.
    `ping_milliseconds` are for the node itself and for others, `widths` those of all columns of
    `utils dbreplication runtimestate` but the last. `certificate_services` are units and trust
    stores in the order of the numbers that the database has for them, from 1 on.
    `subclusters`: it has the tables of presence redundancy groups.
    """

    prefix: str
    service: str
    stopped: str
    tables: int
    last_table: str
    completed: str
    check_seconds: float
    timeout_seconds: int
    process_option: int
    ping_milliseconds: tuple[float, ...]
    widths: tuple[int, ...]
    certificate_services: tuple[str, ...] = ()
    subclusters: bool = False
