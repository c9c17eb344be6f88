"""The nodes of the cluster, in the layouts of the product's releases."""

import json

import pytest
from harness import START, Conversation

from cucmos_shell.commands.network_cluster import ClusterNodes
from cucmos_shell.node import Node
from cucmos_shell.node.members import ClusterMember, members
from cucmos_shell.profile.cluster import NetworkClusterSpec
from cucmos_shell.profile.profile import Peer

PRESENCE = NetworkClusterSpec("later", "cups", "Subscriber")
CALLS = NetworkClusterSpec("later", "callmanager", "Publisher", True)


def changed(node, **fields):
    """A conversation with the node, that has other facts in its profile."""
    return Conversation(Node(node.state_dir, node.profile.replace(**fields), node.world))


def test_the_cluster_lists_the_publisher_first(node, say):
    """The local node has no connection to tell of."""
    assert say("show network cluster") == (
        "192.0.2.21 imp-pub Publisher authenticated\n"
        "192.0.2.22 imp-sub Subscriber authenticated"
        " using TCP since Wed Nov 18 11:06:40 2026\n"
    )
    alone = changed(node, peers=(), hostname="solo")
    assert alone("show network cluster") == "192.0.2.21 solo Publisher authenticated\n"


def test_a_subscriber_stands_below_its_publisher(node):
    """Names and addresses are padded, as in the product's four columns."""
    peers = (Peer("imp-sub-2", "192.0.2.123", "Subscriber"), Peer("p", "192.0.2.7", "Publisher"))
    say = changed(node, role="Subscriber", peers=peers)
    since = "authenticated using TCP since Wed Nov 18 11:06:40 2026\n"
    assert say("show network cluster") == (
        f"192.0.2.7   p         Publisher {since}"
        "192.0.2.21  imp-pub   Subscriber authenticated\n"
        f"192.0.2.123 imp-sub-2 Subscriber {since}"
    )


def test_connections_are_as_old_as_the_nodes_last_start(say):
    """In the node's zone; days of one digit are padded with a blank."""
    say.node.world.sleep(15 * 86_400)
    say("utils system restart", "yes")
    shown = Conversation(say.node)("show network cluster")
    assert shown.endswith("using TCP since Thu Dec  3 11:06:40 2026\n")
    warsaw = changed(say.node, timezone="Europe/Warsaw")
    assert warsaw("show network cluster").endswith("using TCP since Thu Dec  3 12:06:40 2026\n")


def test_the_later_layout_of_presence_nodes(node):
    """Their publisher is a subscriber of the whole cluster."""
    say = changed(node, network_cluster=PRESENCE)
    assert say("show network cluster") == (
        "192.0.2.21 imp-pub.example.com imp-pub Subscriber cups DBPub authenticated\n"
        "192.0.2.22 imp-sub.example.com imp-sub Subscriber cups DBSub authenticated"
        " using TCP since Wed Nov 18 11:06:40 2026\n"
    )


def test_the_later_layout_of_call_managers(ucm_node):
    """The table of servers follows."""
    say = changed(ucm_node, network_cluster=CALLS)
    assert say("show network cluster") == (
        "192.0.2.11 cucm-pub.example.com cucm-pub Publisher callmanager DBPub authenticated\n"
        "192.0.2.12 cucm-sub.example.com cucm-sub Subscriber callmanager DBSub authenticated"
        " using TCP since Wed Nov 18 11:06:40 2026\n"
        "\n"
        "Server Table (processnode) Entries\n"
        "----------------------------------\n"
        "cucm-pub.example.com\n"
        "cucm-sub.example.com\n"
    )


def test_without_a_domain_the_short_names_place_is_empty(ucm_node):
    """Two blanks, as on the product."""
    say = changed(ucm_node, network_cluster=CALLS, domain="", peers=())
    assert say("show network cluster").splitlines() == [
        "192.0.2.11 cucm-pub  Publisher callmanager DBPub authenticated",
        "",
        "Server Table (processnode) Entries",
        "-" * 34,
        "cucm-pub",
    ]


@pytest.mark.parametrize("screen", [NetworkClusterSpec(), PRESENCE])
def test_a_node_out_of_reach_is_not_authenticated(screen):
    """Since when the connection is being tried."""
    away = ClusterMember("imp-sub", "example.com", "192.0.2.22", "Subscriber", "Subscriber", "cups", START,
                  reachable=False)  # fmt: skip
    nodes = ClusterNodes((away,), screen, "UTC")
    (line,) = nodes.lines()
    assert line.endswith(" not authenticated - INITIATOR since Wed Nov 18 11:06:40 2026")
    assert nodes.data()[0]["authenticated"] is False


def test_the_cluster_as_data(node):
    """One object a node, with the same keys in every layout."""
    say = changed(node, network_cluster=PRESENCE)
    say("set output json")
    own, peer = json.loads(say("show network cluster"))["data"]
    assert own == {
        "ip": "192.0.2.21", "hostname": "imp-pub", "fqdn": "imp-pub.example.com",
        "role": "Publisher", "server": "cups", "local": True, "authenticated": True, "since": None,
    }  # fmt: skip
    assert (peer["local"], peer["since"]) == (False, "2026-11-18T11:06:40Z")
    say = Conversation(node)
    say("set output json")
    plain, _ = json.loads(say("show network cluster"))["data"]
    assert plain == {**own, "server": None}


def test_a_damaged_plan_of_services_is_told(say):
    """Nobody knows since when the others are connected then."""
    say("utils service restart Cisco Tomcat")
    with open(say.node.layout.services, "w", encoding="ascii") as file:
        file.write("{")
    assert "is damaged" in say("show network cluster")
    assert say.status == 5


def test_nobody_of_the_profiles_peers_has_joined(node):
    """What is distributed does not reach them."""
    assert [(m.hostname, m.local, m.joined) for m in members(node)] == [
        ("imp-pub", True, False), ("imp-sub", False, False),
    ]  # fmt: skip
