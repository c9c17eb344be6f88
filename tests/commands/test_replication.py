"""`utils dbreplication`: the screens of the product, and what programs find on them."""

import json
import re

import pytest
from harness import Conversation

from cucmos_shell.commands.replication import Replicate
from cucmos_shell.node import Node
from cucmos_shell.node.members import ClusterMember
from cucmos_shell.profile.profile import Peer

FAILED = "Executed command unsuccessfully\n"
STATE = "utils dbreplication runtimestate"
STATUS = "utils dbreplication status"

ROW = r"^(\S+)\s+(\d{1,3}(?:\.\d{1,3}){3})\s+([\d.]+)\s+([YN]/[YN]/[YN])\s+(\d+)\s+\(([^)]+)\)\s+\((\d+)\)\s*(.+)?"
LOOSE_ROW = r"(\w+)\s+([\d+\.]+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)"
# What public programs look for: `(expression, what its groups are)`, None for no match.
PARSED = {
    "before a check": [
        (r"DB Version:\s*(\S+)", ("ccm9_1_1_10000_8",)),
        (r"Repltimeout set to:\s*(\d+)s?", ("300",)),
        (r"Sync Status:\s*(.+)", ("All Tables are in sync",)),
        (r"(?m)^\S+\s+192\.0\.2\.22.*$", ()),
        (r"\([^)]+\)\s+Setup Completed\b", ()),
        (r"Checked\s+(\d+)\s+tables\s+out\s+of\s+(\d+)", None),
    ],
    "after a check": [
        (r"DB Version:\s*(\S+)", ("ccm9_1_1_10000_8",)),
        (r"Checked\s+(\d+)\s+tables\s+out\s+of\s+(\d+)", ("257", "257")),
        (r"No\s+Errors?\s+(or\s+Mismatche?s?\s+)?(found|detected)", ("or Mismatches ", "found")),
        (r"Sync Status:\s*(.+)", None),
    ],
}  # fmt: skip
# The screen of release 15, to the blank; names, address and figures are those of a real one.
RELEASE_15 = """
Server Time: Wed Nov 18 11:06:40 UTC 2026

Cluster Replication State: Replication status command started at: 2026-11-18-11-06
     Replication status command COMPLETED. Checked 754 tables out of 754
     Last Completed Table: functionrole
     No Errors or Mismatches found.

     Use 'file view activelog cm/trace/dbl/sdi/ReplicationStatus.2026_11_18_11_06_40.out' to see the details


DB Version: ccm15_0_1_12900_234

Repltimeout set to: 300s
PROCESS option set to: 1


Cluster Detailed View from cucm-01 (2 Servers):

                                           PING      DB/RPC/   REPL.    Replication    REPLICATION SETUP
SERVER-NAME              IP ADDRESS        (msec)    DbMon?    QUEUE    Group ID       (RTMT) & Details
-----------              ----------        ------    -------   -----    -----------    ------------------
cucm-01                  172.168.0.101     0.045     Y/Y/Y     0        (g_2)          (2) Setup Completed
cucm-02                  172.168.0.102     1.711     Y/Y/Y     0        (g_3)          (2) Setup Completed
"""


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


@pytest.mark.parametrize("when", PARSED)
def test_programs_find_what_they_look_for(say, when):
    """Their expressions are data here."""
    if when == "after a check":
        say(STATUS)
    text = say(STATE)
    assert say.status == 0
    for expression, groups in PARSED[when]:
        found = re.search(expression, text)
        assert (found and found.groups()) == groups, expression


def test_programs_find_a_row_for_each_node(say):
    """Name, address, time, services, queue, group, number and words of the setup."""
    lines = say(STATE).splitlines()
    rows = [found.groups() for line in lines if (found := re.search(ROW, line))]
    assert rows == [
        ("imp-pub", "192.0.2.21", "0.045", "Y/Y/Y", "0", "g_2", "2", "Setup Completed"),
        ("imp-sub", "192.0.2.22", "0.163", "Y/Y/Y", "0", "g_3", "2", "Setup Completed"),
    ]
    rows = [found.groups() for line in lines if (found := re.search(LOOSE_ROW, line))]
    assert rows == [
        ("pub", "192.0.2.21", "0.045", "Y/Y/Y", "0", "(g_2)", "(2) Setup Completed"),
        ("sub", "192.0.2.22", "0.163", "Y/Y/Y", "0", "(g_3)", "(2) Setup Completed"),
    ]


def test_the_screen_of_a_later_release_is_the_products(ucm_node):
    """Every blank of it."""
    database = ucm_node.profile.database.replace(tables=754, ping_milliseconds=(0.045, 1.711))
    say = changed(
        ucm_node,
        version="15.0.1.12900-234",
        hostname="cucm-01",
        ip="172.168.0.101",
        peers=(Peer("cucm-02", "172.168.0.102", "Subscriber"),),
        database=database,
    )
    say(STATUS)
    assert say(STATE) == RELEASE_15


def test_other_widths_and_words_are_the_profiles(ucm_node):
    """As releases before it had them."""
    database = ucm_node.profile.database.replace(
        completed="COMPLETED {tables} tables checked out of {tables}",
        widths=(20, 18, 10, 10, 9, 12),
    )
    say = changed(ucm_node, database=database)
    say(STATUS)
    text = say(STATE)
    assert re.search(r"COMPLETED ([0-9]+) tables checked out of ([0-9]+)", text)[1] == "681"
    assert (
        "\ncucm-pub            192.0.2.11        0.045     Y/Y/Y     0        (g_2)"
        "       (2) Setup Completed\n"
    ) in text


def test_a_name_that_fills_its_column_stays_a_word_of_its_own(node):
    """Programs split rows at blanks."""
    text = changed(node, hostname="h" * 25)(STATE)
    assert f"\n{'h' * 25} 192.0.2.21 " in text


def test_a_check_says_where_its_progress_is_shown(say):
    """The product's words, and the name of a file that carries the time."""
    file = "cm/trace/dbl/sdi/ReplicationStatus.2026_11_18_11_06_40.out"
    assert say(STATUS) == (
        "\n\n"
        "Replication status check is now running in background.\n"
        "Use command 'utils dbreplication runtimestate' to check its progress\n"
        "\n"
        f"The final output will be in file {file}\n"
        "\n"
        f'Please use "file view activelog {file} " command to see the output\n'
    )
    assert "command started at: 2026-11-18-11-06\n" in Conversation(say.node)(STATE)


def test_a_check_takes_the_time_that_the_profile_says(node):
    """Divided by the node's speed."""
    say = changed(node, defaults={**node.profile.defaults, "speed": 2})
    say(STATUS)
    assert "command in PROGRESS. Checked 0 tables out of 257\n" in say(STATE)
    node.world.sleep(5)
    assert "command in PROGRESS. Checked 128 tables out of 257\n" in say(STATE)
    node.world.sleep(5)
    assert "command COMPLETED. Checked 257 tables out of 257\n" in say(STATE)


def test_times_are_the_nodes(node):
    """Its zone, by the clock and in names of files."""
    say = changed(node, timezone="Europe/Warsaw")
    assert "BROADCAST SYNC ended at: 2026-11-18-12-06\n" in say(STATE)
    node.world.sleep(15 * 86_400)
    assert "ReplicationStatus.2026_12_03_12_06_40.out" in say(STATUS)
    assert "\nServer Time: Thu Dec  3 12:06:40 CET 2026\n" in say(STATE)


def test_the_state_as_data(say):
    """Keys stay whether a check was made or not."""
    say("set output json")
    before = json.loads(say(STATE))["data"]
    assert before["nodes"][1] == {
        "hostname": "imp-sub", "ip": "192.0.2.22", "ping_milliseconds": 0.163, "reachable": True,
        "queue": 0, "group": "g_3", "state": 2, "state_words": "Setup Completed",
    }  # fmt: skip
    assert (before["db_version"], before["copied"]) == (
        "ccm9_1_1_10000_8", "2026-11-18T11:06:40Z",
    )  # fmt: skip
    assert before["check"] is None
    made = json.loads(say(STATUS))["data"]
    after = json.loads(say(STATE))["data"]
    assert after.keys() == before.keys()
    assert after["check"] == {
        "started": made["started"], "completed": True, "name": made["name"], "tables": 257,
    }  # fmt: skip


def test_a_node_alone_has_nobody_to_replicate_to(node):
    """The product's text, and nothing else that a program could take for a state."""
    say = changed(node, peers=())
    assert say(STATE) == (
        "Runtime state cannot be performed on a cluster with a single active node;"
        f" aborting operation\n{FAILED}"
    )
    assert say.status == 1
    head = node.snapshot().head
    assert "on a cluster with a single active node; aborting operation\n" in say(STATUS)
    assert (say.status, node.snapshot().head) == (1, head)


@pytest.mark.parametrize("line", [STATE, STATUS])
def test_without_its_database_there_is_no_state(say, line):
    """The service that the profile names has to run."""
    say("utils service stop A Cisco DB")
    assert say(line) == f"Cisco DB is not running\n{FAILED}"
    assert say.status == 1


def test_a_profile_that_knows_no_database_is_told_how_to(node):
    """A node that an earlier version has made."""
    say = changed(node, database=None)
    assert say(STATE) == (
        "utils dbreplication runtimestate: a command of the real node that this one does not"
        " simulate\nIts profile says nothing of a database: see utils profile refresh\n" + FAILED
    )


def test_other_words_are_not_simulated(say):
    """An administrator can tell them from a typing mistake."""
    assert say("utils dbreplication reset all") == (
        "utils dbreplication reset: a command of the real node that this one does not simulate\n"
        + FAILED
    )
    head = say.node.snapshot().head
    assert "Syntax:\nutils dbreplication status\n" in say(f"{STATUS} all")
    assert (say.status, say.node.snapshot().head) == (1, head)


def test_levels_are_the_products(node):
    """Whoever may look may not check."""
    say = Conversation(node, level=0)
    say(STATE)
    assert say.status == 0
    say(STATUS)
    assert say.status == 1


def test_a_node_out_of_reach_is_not_replicated_to():
    """What a cluster that was joined will show."""
    away = ClusterMember("b", "", "192.0.2.9", "Subscriber", "Subscriber", "", 0.0, reachable=False)
    row = Replicate(away, 0.1, "g_3").cells()
    assert row[3:] == ("N/N/N", "0", "(g_3)", "(3) DB Active-Failed")
