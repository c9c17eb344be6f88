"""The replication of the database between the nodes of the cluster.

There is no database: nothing is ever out of sync, and what cannot be measured is the profile's.
Layouts are the product's, to the blank, since programs read them.
"""

from __future__ import annotations

import time

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.commands.dialogues.settings import put_setting
from cucmos_shell.errors import NotSimulated, Refused
from cucmos_shell.node.members import members
from cucmos_shell.results import (
    MOMENT,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    Notice,
    Value,
    each,
    maybe,
    record,
)
from cucmos_shell.text import iso_time, local_time, unix_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.members import ClusterMember
    from cucmos_shell.profile.cluster import DatabaseSpec
    from cucmos_shell.results import Conversation

family = Family()

SETTING = "replication_checked"  # when the last check began, in seconds since the epoch
FIRST_GROUP = 2
_HEADER = (
    ("", "", "PING", "DB/RPC/", "REPL.", "Replication", "REPLICATION SETUP"),
    ("SERVER-NAME", "IP ADDRESS", "(msec)", "DbMon?", "QUEUE", "Group ID", "(RTMT) & Details"),
    ("-" * 11, "-" * 10, "-" * 6, "-" * 7, "-" * 5, "-" * 11, "-" * 18),
)


class TableCheck(Value):
    """The last check of the tables: when it began, where it writes, and how far it is."""

    form = record(started=MOMENT, tables=WHOLE, completed=TRUTH, name=TEXT)

    started: float
    file: str
    tables: int
    total: int

    @property
    def completed(self) -> bool:
        """Whether all tables are checked."""
        return self.tables >= self.total

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "started": iso_time(self.started),
            "tables": self.tables,
            "completed": self.completed,
            "name": self.file,
        }


class Replicate(Value):
    """A node's part in the replication; `ping` is in milliseconds."""

    form = record(
        hostname=TEXT,
        ip=TEXT,
        ping_milliseconds=NUMBER,
        reachable=TRUTH,
        queue=WHOLE,
        group=TEXT,
        state=WHOLE,
        state_words=TEXT,
    )

    member: ClusterMember
    ping: float
    group: str

    def cells(self) -> tuple[str, ...]:
        """Its row in the detailed view."""
        number, details = self.state()
        runs = "Y/Y/Y" if self.member.reachable else "N/N/N"
        ping = f"{self.ping:.3f}"
        setup = f"({number}) {details}"
        return self.member.hostname, self.member.ip, ping, runs, "0", f"({self.group})", setup

    def state(self) -> tuple[int, str]:
        """Number and words of how far the replication is set up."""
        if not self.member.reachable:
            return 3, "DB Active-Failed"
        return (3, "Out Of Sync") if self.member.behind else (2, "Setup Completed")

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        state, details = self.state()
        return {
            "hostname": self.member.hostname,
            "ip": self.member.ip,
            "ping_milliseconds": self.ping,
            "reachable": self.member.reachable,
            "queue": 0,
            "group": self.group,
            "state": state,
            "state_words": details,
        }


class RuntimeState(Value):
    """The replication as the node `hostname` sees it at `now`; times are shown in `zone`.

    Without a `check` the last thing that happened is that all tables were copied, at `copied`.
    """

    form = record(
        server_time=MOMENT,
        db_version=TEXT,
        tables=WHOLE,
        check=maybe(TableCheck.form),
        copied=MOMENT,
        repl_timeout_seconds=WHOLE,
        process_option=WHOLE,
        nodes=each(Replicate.form),
    )

    hostname: str
    now: float
    zone: str
    version: str
    database: DatabaseSpec
    copied: float
    check: TableCheck | None
    nodes: tuple[Replicate, ...]

    def lines(self) -> list[str]:
        """The text: state, version and limits, and a row for each node."""
        servers = f"{len(self.nodes)} Server{'' if len(self.nodes) == 1 else 's'}"
        return [
            "",
            f"Server Time: {unix_date(self.now, self.zone)}",
            "",
            *(self._copied() if self.check is None else self._checked(self.check)),
            "",
            "",
            f"DB Version: {self.version}",
            "",
            f"Repltimeout set to: {self.database.timeout_seconds}s",
            f"PROCESS option set to: {self.database.process_option}",
            "",
            "",
            f"Cluster Detailed View from {self.hostname} ({servers}):",
            "",
            *self._table(),
        ]

    def _copied(self) -> list[str]:
        total = self.database.tables
        file = f"cm/trace/dbl/{self._stamp('%Y%m%d_%H%M%S', self.copied)}_dbl_repl_output_Broadcast"
        return [
            "Cluster Replication State: BROADCAST SYNC ended at: "
            f"{self._stamp('%Y-%m-%d-%H-%M', self.copied)}",
            f"     Sync Result: SYNC COMPLETED on {total} tables out of {total}",
            "     Sync Status: All Tables are in sync",
            f"     Use CLI to see detail: 'file view activelog {file}.log'",
        ]

    def _checked(self, check: TableCheck) -> list[str]:
        progress = f"in PROGRESS. Checked {check.tables} tables out of {check.total}"
        if check.completed:
            progress = self.database.completed.format(tables=check.total)
        return [
            "Cluster Replication State: Replication status command started at: "
            f"{self._stamp('%Y-%m-%d-%H-%M', check.started)}",
            f"     Replication status command {progress}",
            f"     Last Completed Table: {self.database.last_table}",
            "     No Errors or Mismatches found.",
            "",
            f"     Use 'file view activelog {check.file}' to see the details",
        ]

    def _stamp(self, form: str, seconds: float) -> str:
        return time.strftime(form, local_time(seconds, self.zone))

    def _table(self) -> Iterator[str]:
        for cells in (*_HEADER, *(node.cells() for node in self.nodes)):
            *padded, last = cells
            # A name that fills its column keeps a blank, or programs would take it for one word
            # with the address.
            row = (
                f"{cell} ".ljust(width)
                for cell, width in zip(padded, self.database.widths, strict=True)
            )
            yield "".join(row) + last

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "server_time": iso_time(self.now),
            "db_version": self.version,
            "tables": self.database.tables,
            "check": self.check,
            "copied": iso_time(self.copied),
            "repl_timeout_seconds": self.database.timeout_seconds,
            "process_option": self.database.process_option,
            "nodes": [node.data() for node in self.nodes],
        }


@family.command("utils dbreplication runtimestate", basis=MIXED, level=0, form=RuntimeState.form)
def runtime_state(node: Node) -> RuntimeState:
    """Show how the replication of the database is: the last check, and a row for each node.

    Nothing is replicated here, and all nodes are always in sync. The figures are those of the
    product's profile.
    """
    database = _database(node, "runtimestate", "Runtime state")
    settings = node.snapshot().settings()
    return RuntimeState(
        hostname=node.hostname,
        now=node.now(),
        zone=node.zone,
        version=database.prefix + node.profile.version.replace(".", "_").replace("-", "_"),
        database=database,
        copied=node.services.installed(),
        check=_last_check(node, settings, database),
        nodes=tuple(_replicates(members(node), database)),
    )


@family.command(
    "utils dbreplication status",
    basis=MIXED,
    level=1,
    changes=True,
    form=record(started=MOMENT, name=TEXT, tables=WHOLE),
)
def status(node: Node) -> Conversation[Notice]:
    """Check in the background that all nodes have the same tables.

    `utils dbreplication runtimestate` shows how far the check is. Nothing is looked at: the check
    takes the time that the profile says and finds no mistake.
    """
    database = _database(node, "status", "Replication status")
    now = node.now()
    yield put_setting(SETTING, now)
    file = _output(now, node.zone)
    lines = (
        "",
        "",
        "Replication status check is now running in background.",
        "Use command 'utils dbreplication runtimestate' to check its progress",
        "",
        f"The final output will be in file {file}",
        "",
        f'Please use "file view activelog {file} " command to see the output',
    )
    return Notice(lines, {"started": iso_time(now), "name": file, "tables": database.tables})


def _database(node: Node, word: str, what: str) -> DatabaseSpec:
    """What the profile says of the database, if there is something to ask it. `what` is asked."""
    database = node.profile.database
    if database is None:
        raise NotSimulated(
            "{name}: a command of the real node that this one does not simulate",
            name=f"utils dbreplication {word}",
            details=("Its profile says nothing of a database: see utils profile refresh",),
        )
    if not node.services.running(database.service):
        raise Refused("{text}", text=database.stopped)
    if len(members(node)) == 1:
        raise Refused(
            "{what} cannot be performed on a cluster with a single active node; aborting operation",
            what=what,
        )
    return database


def _last_check(
    node: Node, settings: Mapping[str, Any], database: DatabaseSpec
) -> TableCheck | None:
    started = settings.get(SETTING)
    if started is None:
        return None
    speed = float(settings.get("speed", node.profile.defaults["speed"]))
    seconds = database.check_seconds / speed if speed > 0 else 0.0
    passed = max(0.0, node.now() - started)
    share = passed / seconds if passed < seconds else 1.0
    tables = int(share * database.tables)
    return TableCheck(started, _output(started, node.zone), tables, database.tables)


def _output(started: float, zone: str) -> str:
    stamp = time.strftime("%Y_%m_%d_%H_%M_%S", local_time(started, zone))
    return f"cm/trace/dbl/sdi/ReplicationStatus.{stamp}.out"


def _replicates(nodes: Iterable[ClusterMember], database: DatabaseSpec) -> Iterator[Replicate]:
    here, away = database.ping_milliseconds
    for group, member in enumerate(nodes, FIRST_GROUP):
        yield Replicate(member, here if member.local else away, f"g_{group}")
