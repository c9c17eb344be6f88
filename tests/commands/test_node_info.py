"""What the node says about itself, and restarting it whole."""

import json

import pytest
from harness import Conversation

from cucmos_shell.cli.caller import Settings
from cucmos_shell.node import Node

FAILED = "Executed command unsuccessfully\n"


def changed(node, **fields):
    """The node with other facts in its profile."""
    return Node(node.state_dir, node.profile.replace(**fields), node.world)


def test_status_has_the_products_lines(say):
    """Scripts count lines: the uptime is the tenth after the echoed command."""
    say.node.world.sleep(3 * 86400 + 2 * 3600 + 180)
    lines = say("show status").split("\n")
    assert lines == [
        "",
        "Host Name          : imp-pub",
        "Date               : Sat Nov 21, 2026 13:09:40",
        "Time Zone          : Coordinated Universal Time (Etc/UTC)",
        "Locale             : en_US.UTF-8",
        "Product Ver        : 9.1.1.10000-8",
        "Unified OS Version : 5.0.0.0-2",
        "",
        "Uptime:",
        " 13:09:40 up 3 days,  2:03,  1 user,  load average: 0.21, 0.16, 0.11",
        "",
        "CPU Idle:   93.00%  System:   04.00%    User:   03.00%",
        "  IOWAIT:   00.00%     IRQ:   00.00%    Soft:   00.00%",
        "",
        "Memory Total:        3925432K",
        "        Free:         120000K",
        "        Used:        3805432K",
        "      Cached:         900000K",
        "      Shared:              0K",
        "     Buffers:         100000K",
        "",
        "                        Total            Free            Used",
        "Disk/active         14154228K        4154228K        9854228K (71%)",
        "Disk/inactive       14154228K       13854228K         292252K (3%)",
        "Disk/logging        47895592K       41895592K        3566000K (8%)",
        "",
    ]


def test_status_is_in_the_nodes_zone(node):
    """Its name where the profile knows it."""
    say = Conversation(
        changed(node, timezone="Europe/Warsaw", timezone_name="Central European Time")
    )
    text = say("show status")
    assert "Date               : Wed Nov 18, 2026 12:06:40\n" in text
    assert "Time Zone          : Central European Time (Europe/Warsaw)\n" in text
    assert "\n 12:06:40 up 0 min,  1 user," in text
    assert say("show timezone config") == (
        "Current timezone: Central European Time (Europe/Warsaw)\nTimezone version: 2012j\n"
    )


def test_version_of_both_sides(node, say):
    """An inactive side is there only if the profile has one."""
    assert say("show version active") == (
        "Active Master Version: 9.1.1.10000-8\n"
        "Active Version Installed Software Options:\n"
        "No Installed Software Options Found.\n"
    )
    assert say("show version inactive") == "There is no inactive side available\n" + FAILED
    other = changed(node, inactive_version="8.6.4.10000-28", software_options=("x.cop.sgn",))
    assert Conversation(other)("show version inactive") == (
        "Inactive Master Version: 8.6.4.10000-28\n"
        "Inactive Version Installed Software Options:\n"
        "No Installed Software Options Found.\n"
    )
    assert Conversation(other)("show version active").endswith("Options:\nx.cop.sgn\n")


def test_myself(node):
    """Whoever is signed in, with the session's own settings."""
    say = Conversation(node, account="anna", level=1)
    assert say("show myself") == (
        "Machine Name    : imp-pub\n"
        "account name    : anna\n"
        "privilege level : 1\n"
        "command count   : disabled\n"
        "logging setting : disabled\n"
    )
    say("set commandcount enable")
    assert "command count   : enabled\n" in say("show myself")


def test_the_network_interface(say):
    """The last octet of the mask has three digits, as on the product."""
    assert say("show network eth0") == (
        "Ethernet 0\n"
        "DHCP         : disabled           Status     : up\n"
        "IP Address   : 192.0.2.21         IP Mask    : 255.255.255.000\n"
        "Link Detected: yes                Mode       : Auto disabled, Full, 1000 Mbits/s\n"
        "Duplicate IP : no\n"
        "\n"
        "DNS\n"
        "Primary      : 192.0.2.53         Secondary  : Not Configured\n"
        "Options      : timeout:5 attempts:2\n"
        "Domain       : example.com\n"
        "Gateway      : 192.0.2.1 on Ethernet 0\n"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("show status", {"hostname": "imp-pub", "version": "9.1.1.10000-8", "up_seconds": 60}),
        ("show version active", {"side": "active", "version": "9.1.1.10000-8"}),
        ("show myself", {"account": "admin", "level": 4}),
        ("show network eth0", {"ip": "192.0.2.21", "dns": ["192.0.2.53"]}),
        ("show timezone config", {"time_zone": "Etc/UTC"}),
    ],
)
def test_all_of_it_as_data(node, line, expected):
    """The same facts, for programs."""
    say = Conversation(node, settings=Settings(output="json"))
    node.world.sleep(60)
    data = json.loads(say(line))["data"]
    assert {key: data[key] for key in expected} == expected


def test_a_restart_of_the_node_ends_the_session(say):
    """The dialogue of the product; the certificates of the store go live."""
    say("set cert regen tomcat", "yes")
    say.node.world.sleep(120)
    text = say("utils system restart", "yes")
    assert say.asked[-1] == "Enter (yes/no)? "
    assert text == (
        "\nDo you really want to restart ?\n\n"
        "\n Appliance is being Restarted ...\n"
        " Warning: Restart could take up to 5 minutes.\n"
        "Shutting down Service Manager. Please wait...\n"
        " \\Service Manager shutting down services... Please Wait\n"
        "\nBroadcast message from root (Wed Nov 18 11:08:40 2026):\n"
        "\nThe system is going down for reboot NOW!\n"
        "Waiting .\n"
        "\nOperation succeeded\n"
    )
    assert say.session.ended
    again = Conversation(say.node)
    assert again("show service pending").startswith("No service is waiting for a restart\n")
    assert " up 0 min, " in again("show status")


def test_no_leaves_the_node_alone(say):
    """Nothing stops, nobody is sent away."""
    say.node.world.sleep(120)
    assert say("utils system restart", "no").endswith("Restart cancelled\n")
    assert (say.status, say.session.ended) == (0, False)
    assert " up 2 min, " in say("show status")


def test_a_shutdown_says_so(say):
    """The same, in other words."""
    text = say("utils system shutdown", "y")
    assert "\nDo you really want to shutdown ?\n" in text
    assert "\nThe system is going down for system halt NOW!\n" in text
    assert say.session.ended


def test_there_is_no_other_side_to_switch_to(say):
    """As on the product with one installation."""
    assert say("utils system switch-version") == (
        "** There is no inactive side available **\n" + FAILED
    )
    assert say.status == 1


def test_whoever_has_two_versions_is_asked_before_a_switch(ucm_node):
    """What show version inactive says is there; nothing is installed on it, so nothing happens."""
    say = Conversation(ucm_node)
    assert "9.0.1.10000-37" in say("show version inactive")
    said = say("utils system switch-version", "no")
    assert said == "\nDo you really want to switch versions ?\n\nSwitch cancelled\n"
    assert (say.status, say.asked) == (0, ["Enter (yes/no)? "])
    said = say("utils system switch-version", "yes")
    assert said.endswith(
        "9.0.1.10000-37 cannot be started: of the inactive side this node knows the version only\n"
        "A node of another release is made by cucmos-shell init --profile.\n"
        "Executed command unsuccessfully\n"
    )
    assert say.status == 1
    assert not say.session.ended
    assert "9.1.1.10000-11" in say("show version active")


def test_commands_of_the_product_that_are_not_simulated_say_so(say):
    """An administrator can tell them from a typing mistake."""
    assert say("utils ntp start") == (
        "utils ntp start: a command of the real node that this one does not simulate\n" + FAILED
    )
    assert say("utils ntp zzz") == FAILED + "No valid command entered\n"
