"""Each command that public programs send answers what their expressions look for, and it is this
node's."""

import pytest
from harness import START, Conversation
from programs_sent import DIALOGUES, SENT, mistakes, readings

from cucmos_shell.frontends.reference import NOT_ANSWERED
from cucmos_shell.node import Node
from cucmos_shell.profile.profile import Peer

DAY = 86_400
VOICE_MAIL = ("show cuc", "utils cuc", "run cuc")
# Another name, place in its cluster, cluster and zone; the clock is another one, too.
ELSEWHERE = {
    "hostname": "far",
    "ip": "198.51.100.7",
    "domain": "example.org",
    "role": "Subscriber",
    "peers": (
        Peer("tail", "198.51.100.9", "Subscriber"), Peer("head", "198.51.100.5", "Publisher"),
    ),
    "timezone": "Europe/Warsaw",
    "version": "9.1.2.10000-28",
}  # fmt: skip


@pytest.fixture
def nodes(node, ucm_node):
    """A node of each kind of product."""
    voice_mail = node.profile.replace(commands=VOICE_MAIL)
    return {
        "presence": node,
        "calls": ucm_node,
        "voice mail": Node(node.state_dir, voice_mail, node.world),
    }


def wrong(node, profile=None, now=None):
    """What programs do not find on the node as it is now, or as a node of `profile` would be."""
    say = Conversation(node)
    return [
        mistake
        for reading in readings(profile or node.profile, now or node.now())
        for mistake in mistakes(reading, say(reading.line))
    ]


@pytest.mark.parametrize("product", ["presence", "calls", "voice mail"])
def test_programs_find_what_they_look_for(nodes, product):
    """By their own expressions."""
    assert nodes[product].now() == START
    assert wrong(nodes[product]) == []


@pytest.mark.parametrize("product", ["presence", "calls", "voice mail"])
def test_it_follows_the_node(nodes, product):
    """Another host name, another cluster, another clock: what was found before no longer is."""
    node = nodes[product]
    node.world.sleep(40 * DAY + 3601)
    other = Node(node.state_dir, node.profile.replace(**ELSEWHERE), node.world)
    assert wrong(other) == []
    lines = {line for line, *_ in wrong(other, node.profile, START)}
    assert {
        "utils dbreplication runtimestate", "run sql select name,nodeid from processnode",
        "show tech network hosts", "show network status", "show date", "utils ntp status",
        "show process load", "show tech dbstateinfo", "utils dbreplication status",
        "show network eth0 detail", "utils snmp config mib2 list",
    } <= lines  # fmt: skip


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.line)
def test_questions_end_as_programs_wait_for(ucm_node, dialogue):
    say = Conversation(ucm_node)
    text = say(dialogue.line, *(answer for _, answer in dialogue.answers))
    assert len(say.asked) == len(dialogue.answers)
    for asked, (end, _) in zip(say.asked, dialogue.answers, strict=True):
        assert asked.endswith(end)
    assert mistakes(dialogue, text) == []


NO_COMMAND = "Executed command unsuccessfully\nNo valid command entered\n"
# What another release or product has: the command itself, or a word behind it.
OF_OTHERS = {
    "show tls min-version": NO_COMMAND,
    "show tls": NO_COMMAND,
    "utils tls client-auth-validation status": NO_COMMAND,
    "utils imdb_replication status": NO_COMMAND,
    "show cuc cluster status": NO_COMMAND,
    "run cuc dbquery unitydirdb select 1": NO_COMMAND,
    "show cuic license-info": NO_COMMAND,
    "file load cop x.cop.sgn": NO_COMMAND,
    "file transfer secure-import ops@192.0.2.70:/x": NO_COMMAND,
    "utils fips status": "utils fips status: a command of the real node",
    "run pe sql ttlogin select * from clientsessions": "run pe: a command of the real node",
    "utils dbreplication reset all": "utils dbreplication reset: a command of the real node",
    "utils disaster_recovery backup network": "a command of the real node",
    "utils dbreplication status all": "Too many parameters, beginning with: all",
    "utils dbreplication runtimestate imp-sub": "Too many parameters, beginning with: imp-sub",
    "utils ntp status detail": "Too many parameters, beginning with: detail",
    "utils diagnose test all": "Too many parameters, beginning with: all",
    "utils core active list all": "Too many parameters, beginning with: all",
    "utils system upgrade initiate iso": "Too many parameters, beginning with: iso",
    "utils system upgrade status all": "Too many parameters, beginning with: all",
    "utils network ping imp-sub 1 64": "Too many parameters, beginning with: 64",
    "utils network ping imp-sub 0": "is not a whole number",
    "utils network ping imp-sub 1001": "is not a whole number",
    "show network eth0 detail all": "Too many parameters, beginning with: all",
    "show network eth0 ipv6": "ipv6 is not one of: detail",
    "show hardware detail": "Too many parameters, beginning with: detail",
    "show version former": "former is not one of: active, inactive",
    "show date utc": "Too many parameters, beginning with: utc",
    "show tech ccm_services": NO_COMMAND,
    "show risdb query ctiextn": "show risdb query: a command of the real node",
    "utils disaster_recovery history backups": "backups is not one of: backup, restore",
    "utils disaster_recovery history": "Incomplete command entered",
    "utils ha status all": "all is not a known presence redundancy group",
    "utils snmp config 3 user list": "utils snmp config: a command of the real node",
    "utils snmp config 1/2c trap add": "a command of the real node",
    "set trace enable Loud cdps": "Loud is not one of:",
    "set password change-at-login enable admin": "a command of the real node",
    "file get activelog platform/log reltime years 1": "years is not one of:",
    "file tail activelog platform/log/cli00001.log 30 40": "40",
    "utils network capture eth1": "eth1 is not one of:",
    "run sql": "Incomplete command entered",
}


@pytest.mark.parametrize("line", OF_OTHERS)
def test_arguments_of_another_release(node, line):
    """They are told from a typing mistake where the release has the command; nothing is changed."""
    say = Conversation(node)
    head = node.snapshot().head
    text = say(line)
    assert OF_OTHERS[line] in text
    assert say.status == 1
    assert "Executed command unsuccessfully\n" in text[-60:]
    assert say.asked == []
    assert node.snapshot().head == head


def test_no_command_is_left_out(nodes):
    """Each that is answered is read above, or has questions; two need the rest of a conversation."""
    fips = nodes["calls"].profile.replace(commands=("utils fips",))
    profiles = [*(node.profile for node in nodes.values()), fips]
    lines = [one.line for profile in profiles for one in readings(profile)]
    lines += [one.line for one in DIALOGUES]

    def sent(command):
        words = SENT[command][1] if len(SENT[command]) > 1 else command
        return [line for line in lines if line.split()[:3] == words.split()[:3]]

    missing = {command for command in SENT if not sent(command)}
    assert missing - set(NOT_ANSWERED) == {"utils network capture", "utils fips enable"}
