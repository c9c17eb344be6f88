"""`run cuc dbquery`: what programs read of a voice mail server's directory."""

import json
import re

import pytest
from harness import Conversation

from cucmos_shell.node import Node
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import Peer, find

FAILED = "Executed command unsuccessfully\n"
ASK = "run cuc dbquery unitydirdb"
SERVERS = f"{ASK} select hostname,ipaddress,serverdisplaystate from vw_vmsserver"
# What public programs ask for.
SENT = [
    "select first 100 dtmfaccessid, count(dtmfaccessid) as occurrencecount from vw_user where"
    " dtmfaccessid is not null and dtmfaccessid != '' group by dtmfaccessid having"
    " count(dtmfaccessid) > 1 order by occurrencecount desc",
    "select first 100 ch.displayname as callhandler, ch.dtmfaccessid, me.touchtonekey,"
    " acn.transfernumber from vw_callhandler as ch inner join vw_menuentry as me on"
    " ch.objectid=me.callhandlerobjectid and ch.isprimary='0' and me.action='7' inner join"
    " vw_alternatecontactnumber as acn on acn.menuentryobjectid=me.objectid",
    "select first 100 ch.displayname as callhandler, me.targetconversation from vw_callhandler as"
    " ch inner join vw_menuentry as me on ch.objectid=me.callhandlerobjectid where"
    " me.targetconversation in ('SubSysTransfer','SystemTransfer','AD')",
    "select first 501 s.displayname as owner_name,s.dtmfaccessid as primary_extension,"
    "'TransferNumber' as matched_field,a.transfernumber as matched_number,a.touchtonekey as"
    " setting from vw_alternatecontactnumber_subscriber a join vw_subscriberbasic s on"
    " s.objectid=a.subscriberobjectid where a.transfernumber like '%1234%'",
    "select first 501 coalesce(s.displayname,h.displayname) as owner_name from"
    " vw_transferoptiondisplay t join vw_callhandler h on h.objectid=t.callhandlerobjectid left"
    " join vw_subscriberbasic s on s.callhandlerobjectid=h.objectid where t.extension='1234'",
    "select alias from vw_usertemplate",
]


def changed(node, **fields):
    """A conversation with a voice mail server that has the node's state and other facts."""
    peers = (Peer("cuc-sub", "192.0.2.42", "Subscriber"),)
    facts = {"commands": ("show cuc", "utils cuc", "run cuc"), "peers": peers, **fields}
    return Conversation(Node(node.state_dir, node.profile.replace(**facts), node.world))


@pytest.fixture
def voice_mail(node):
    """A conversation with a voice mail server."""
    return changed(node)


def table(text):
    """Rows as programs cut them: where the signs of the second line begin and end."""
    first, head, rule, *rows, last = text.split("\n")[:-1]
    assert (first, last) == ("", "")
    assert re.fullmatch(r"-+(  -+)*", rule)
    spans = [(match.start(), match.end()) for match in re.finditer(r"-+", rule)]
    names = [head[a:b].strip() for a, b in spans]
    return [dict(zip(names, [row[a:b].strip() for a, b in spans], strict=True)) for row in rows]


def cut_at_gaps(lines):
    """Rows as another program cuts them: at the two blanks of the line of signs."""
    rule = next(line for line in lines[:3] if line.startswith("-"))
    ends = [match.start() for match in re.finditer("  ", rule)]
    starts = [0, *(end + 2 for end in ends)]
    spans = list(zip(starts, [*ends, len(rule)], strict=True))
    return [[line[a:b].strip() for a, b in spans] for line in lines if line[:1] != "-"]


def test_programs_find_the_servers(voice_mail):
    """With `-` and two blanks, empty lines around, to the blank."""
    text = voice_mail(SERVERS)
    assert text == (
        "\n"
        "hostname             ipaddress   serverdisplaystate\n"
        "-------------------  ----------  ------------------\n"
        "imp-pub.example.com  192.0.2.21  3\n"
        "cuc-sub.example.com  192.0.2.42  4\n"
        "\n"
    )
    assert [row["ipaddress"] for row in table(text)] == ["192.0.2.21", "192.0.2.42"]
    rows = cut_at_gaps(text.strip("\n").split("\n"))
    assert rows[0] == ["hostname", "ipaddress", "serverdisplaystate"]
    assert rows[2] == ["cuc-sub.example.com", "192.0.2.42", "4"]


def test_they_are_those_of_the_cluster(node):
    """Other names and addresses, another primary server, and the table follows."""
    peers = (Peer("pub", "192.0.2.99", "Publisher"),)
    say = changed(node, hostname="other", role="Subscriber", peers=peers)

    def states():
        rows = table(say(f"{ASK} select displayname,clustermemberid,serverstate from vw_vmsserver"))
        return [tuple(row.values()) for row in rows]

    assert states() == [("pub", "0", "1"), ("other", "1", "8")]
    say("utils cuc cluster makeprimary")
    assert states() == [("pub", "0", "8"), ("other", "1", "1")]
    shown = say("show cuc cluster status")
    assert re.search(r"(?m)^other +1 +Primary ", shown)


@pytest.mark.parametrize("statement", SENT)
def test_there_are_no_users(voice_mail, statement):
    """In words that programs take for none, and for no mistake."""
    text = voice_mail(f"{ASK} {statement}")
    assert text == "\nNo records found\n\n"
    assert voice_mail.status == 0
    assert re.search(r"(?im)^(?:no records found|rows?:\s*0)\s*$", text)


def test_what_has_no_value(voice_mail):
    line = f"{ASK} select first 1 null as missing, 'x' as text from vw_vmsserver"
    assert table(voice_mail(line)) == [{"missing": "null", "text": "x"}]
    voice_mail.session.settings.output = "json"
    assert json.loads(voice_mail(line))["data"] == {
        "columns": ["missing", "text"],
        "rows": [[None, "x"]],
    }


def test_filters_see_the_rows(voice_mail):
    assert voice_mail(f"{SERVERS} | count") == "Count: 2 lines\n"
    assert voice_mail(f"{ASK} select alias from vw_user | count") == "Count: 0 lines\n"


def test_page_behind_it_stops(node):
    """And is no part of the statement."""
    from screen import Screen

    voice_mail = changed(node)
    line = f"{ASK} select a.hostname from " + ", ".join(f"vw_vmsserver {name}" for name in "abcdef")
    screen = Screen(voice_mail.node)
    assert "Press <enter> for 1 line" not in screen.type(f"{line}\r")
    assert "Press <enter> for 1 line" in screen.type(f"{line} page\r")


REFUSED = {
    "select * from enduser": "The specified table (enduser) is not in the database.",
    "select * from processnode": "The specified table (processnode) is not in the database.",
    "select * from sqlite_master": "The specified table (sqlite_master) is not in the database.",
    "select missing from vw_user": "Column (missing) not found in any table in the query",
    "select load_extension('x')": "Routine (load_extension) can not be resolved.",
    "update tbl_user set readonly='0'": "Only SELECT is answered here; nothing was changed",
    "execute procedure csp_usermodify(palias='x')": "Only SELECT is answered here",
    "select 1; delete from vw_user": "A syntax error has occurred.",
    "select first 1 alias from vw_user where": "A syntax error has occurred.",
    "with recursive a(x) as (select 1 union all select x+1 from a) select x from a": "asks itself",
    f"select '{'x' * (1 << 20)}'": "",
}


@pytest.mark.parametrize("statement", REFUSED, ids=range(len(REFUSED)))
def test_what_it_does_not_do(voice_mail, statement):
    text = voice_mail(f"{ASK} {statement}")
    assert voice_mail.status == 1
    assert REFUSED[statement] in text.splitlines()[0]
    assert text.endswith(FAILED)
    assert len(text) < 1000


def test_other_databases(node):
    """Those of the product are named."""
    say = changed(node, not_simulated=load_yaml(find("cuc-15")).not_simulated)
    for name in ("unitymbxdb1", "unitydyndb", "unityrptdb"):
        assert say(f"run cuc dbquery {name} select 1") == (
            f"run cuc dbquery {name}: a command of the real node that this one does not simulate\n"
            + FAILED
        )
    text = say("run cuc dbquery nothing select 1")
    assert text == f"nothing is not a known database\nDatabases: unitydirdb\n{FAILED}"
    assert say.session.complete("run cuc dbquery ").insert == "unitydirdb "


def test_who_may_ask(node, say):
    """Advanced accounts, and those of a voice mail server only."""
    low = Conversation(changed(node).node, account="low", level=0)
    for one in (low, say):
        assert one(SERVERS).endswith("No valid command entered\n")
