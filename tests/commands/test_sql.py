"""`run sql`: what programs read of it, that it is the node's, and what it does not do."""

import itertools
import json
import re

import pytest
from harness import START, Conversation, clock_world

from cucmos_shell.node import Node, query
from cucmos_shell.profile.profile import Peer

FAILED = "Executed command unsuccessfully\n"
OF_TYPE = (
    "run sql select c.servername, t.name, d.moniker, c.ipv4address from certificate as c"
    " inner join certificateservicecertificatemap as m on c.pkid = m.fkcertificate"
    " inner join typecertificateservice as t on m.tkcertificateservice = t.enum"
    " inner join typecertificatedistribution as d on c.tkcertificatedistribution = d.enum"
    " order by t.enum"
)


def table(text):
    """Rows by their headings, as programs cut them: at the single blanks of the second line."""
    head, rule, *rows = text.splitlines()
    assert set(rule) == {"=", " "} or set(rule) == {"="}
    widths = [len(part) for part in rule.split(" ")]
    ends = list(itertools.accumulate(width + 1 for width in widths))
    spans = [(end - width - 1, end - 1) for width, end in zip(widths, ends, strict=True)]
    names = [head[a:b].strip() for a, b in spans]
    return [dict(zip(names, [row[a:b].strip() for a, b in spans], strict=True)) for row in rows]


def test_programs_cut_columns_at_the_line_of_signs(say):
    """The product's layout, to the blank but for those at the end."""
    text = say("run sql select name,nodeid from processnode")
    assert [line.rstrip() for line in text.splitlines()] == [
        "name               nodeid",
        "================== ======",
        "EnterpriseWideData 1",
        "imp-pub            2",
        "imp-sub            3",
    ]
    assert table(text)[1] == {"name": "imp-pub", "nodeid": "2"}
    columns = [line.split() for line in text.splitlines()[2:]]
    assert columns[1] == ["imp-pub", "2"]


def test_the_nodes_are_those_of_the_cluster(node):
    """Another host name, other peers: the table follows, in the order of the replication."""
    profile = node.profile.replace(
        hostname="other", peers=(Peer("far", "192.0.2.99", "Publisher"),), role="Subscriber"
    )
    say = Conversation(Node(node.state_dir, profile, node.world))
    rows = table(say("run sql select name,tknodeusage from processnode where nodeid>1"))
    assert rows == [
        {"name": "far", "tknodeusage": "0"},
        {"name": "other", "tknodeusage": "1"},
    ]
    groups = re.findall(r"\((g_\d)\)", say("utils dbreplication runtimestate"))
    assert groups == ["g_2", "g_3"]


def test_certificates_are_those_of_the_store(say):
    """A new one has a new row, under the key that the old one had."""
    line = "run sql select pkid,serialnumber,subjectname from certificate where issuername like '%'"
    before = table(say(line))
    say("set cert regen tomcat", "yes")
    after = table(say(line))
    assert [row["pkid"] for row in before] == [row["pkid"] for row in after]
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    serial = say.node.snapshot().own("tomcat").row.serial
    assert [row["serialnumber"] for row in changed] == [serial.lower()]
    assert changed[0]["subjectname"] == (
        "CN=imp-pub,OU=Collaboration,O=Example,L=San Jose,ST=California,C=US"
    )


def test_the_certificate_itself(say):
    """As `show cert own` has it."""
    text = say("run sql select certificate from certificate limit 1")
    assert text.splitlines()[0].rstrip() == "certificate"
    pem = "\n".join(line.rstrip() for line in text.splitlines()[2:])
    assert f"{pem}\n" == say("show cert own tomcat pem")


def test_a_join_that_is_in_the_products_notes(ucm_node):
    """Four tables; numbers are the product's."""
    say = Conversation(ucm_node)
    rows = table(say(OF_TYPE))
    assert [row["name"] for row in rows] == [
        "CallManager", "CallManager-trust", "tomcat", "tomcat-trust", "ipsec", "ipsec-trust",
        "CAPF", "CAPF-trust", "TVS", "TVS-trust",
    ]  # fmt: skip
    assert {row["servername"] for row in rows} == {"cucm-pub"}
    found = table(
        say(
            "run sql select serialnumber, subjectname from certificate A,"
            " certificateservicecertificatemap B where B.fkcertificate=A.pkid"
            " and B.tkcertificateservice=6"
        )
    )
    assert len(found) == 1


def test_the_mode_of_the_cluster(ucm_node):
    """It follows `utils ctl`."""
    say = Conversation(ucm_node)
    line = "run sql select paramvalue from processconfig where paramname='ClusterSecurityMode'"
    assert table(say(line)) == [{"paramvalue": "0"}]
    say("utils ctl set-cluster mixed-mode", "y")
    assert table(say(line)) == [{"paramvalue": "1"}]


def test_a_statement_arrives_as_it_was_typed(say):
    """Quotation marks, blanks and two bars."""
    text = say("""run sql select name||'  '||"nodeid" as both from processnode where nodeid=2""")
    assert text.splitlines()[2] == "imp-pub  nodeid"
    assert table(say("run sql select count(*) from certificate"))[0] == {"(count(*))": "5"}
    assert say("run sql select name from processnode | count") == "Count: 3 lines\n"
    assert say("run sql select name from device").splitlines() == ["name", "===="]
    say.session.settings.output = "json"
    answer = json.loads(say("run sql  select name,  description from processnode limit 1"))
    assert answer["command"] == "run sql select name,  description from processnode limit 1"
    assert answer["data"] == {
        "columns": ["name", "description"],
        "rows": [["EnterpriseWideData", None]],
    }


class TestTheProductsWords:
    """What programs write is not the language of SQLite."""

    NAMES = "name from processnode order by nodeid"

    def test_the_first_rows(self, say):
        def names(head):
            return [row["name"] for row in table(say(f"run sql select {head} {self.NAMES}"))]

        every = names("")
        assert len(every) == 3
        assert names("first 2") == every[:2]
        assert names("SKIP 1 FIRST 1") == every[1:2]
        assert names("skip 2") == every[2:]
        assert names("first 0") == []
        assert names("first 100") == every

    def test_within_a_statement(self, say):
        text = say(
            "run sql select unique tknodeusage from processnode where name in (select first 2 name"
            " from processnode order by nodeid desc) order by 1;"
        )
        assert [row["tknodeusage"] for row in table(text)] == ["0", "1"]

    def test_a_part_of_a_union_is_not_cut(self, say):
        for line in (
            "select first 1 name from processnode union select name from device",
            "select name from device union select first 1 name from processnode",
        ):
            assert "FIRST and SKIP are not allowed with UNION." in say(f"run sql {line}")
            assert say.status == 1

    def test_texts(self, say):
        """Double quotation marks are those of a text; small letters are not capitals."""
        line = 'run sql select name from processnode where name != "EnterpriseWideData"'
        assert [row["name"] for row in table(say(line))] == ["imp-pub", "imp-sub"]
        line = "run sql select count(*) as n from processnode where"
        assert table(say(f"{line} name like 'IMP%'")) == [{"n": "0"}]
        assert table(say(f"{line} upper(name) like 'IMP%'")) == [{"n": "2"}]

    def test_numbers_may_be_texts(self, say):
        line = "run sql select name from processnode where tknodeusage = '0' and nodeid = '2'"
        assert table(say(line)) == [{"name": "imp-pub"}]
        line = "run sql select nvl('', 'x') as a, nvl(null, 'x') as b, to_char(0) as c"
        assert table(say(line)) == [{"a": "", "b": "x", "c": "0"}]


class TestRedundancyGroups:
    # As a public program asks for them.
    STATES = (
        'run sql select name, isprimary, case when tkhaserverstate = 2 then "idle"'
        ' when tkhaserverstate = 3 then "normal" when tkhaserverstate = 4 then "backup"'
        " else to_char(tkhaserverstate) end as tkhaserverstate from enterprisenode"
    )

    def test_they_are_those_of_the_other_command(self, node, say):
        """That high availability is not enabled is said by both."""
        assert table(say(self.STATES)) == [
            {"name": "imp-pub", "isprimary": "t", "tkhaserverstate": "0"},
            {"name": "imp-sub", "isprimary": "f", "tkhaserverstate": "0"},
        ]
        groups = table(say("run sql select name, haenabled from enterprisesubcluster"))
        assert groups == [{"name": "DefaultCluster", "haenabled": "f"}]
        status = say("utils ha status")
        assert f"Subcluster Name: {groups[0]['name']}\n" in status
        assert "Not Enabled" in status
        peers = (Peer("far", "192.0.2.99", "Subscriber"),)
        other = Conversation(Node(node.state_dir, node.profile.replace(peers=peers), node.world))
        names = [row["name"] for row in table(other(self.STATES))]
        assert names == re.findall(r"\tName:  (\S+)", other("utils ha status"))
        assert names == ["imp-pub", "far"]

    def test_a_call_manager_has_no_such_tables(self, ucm_node):
        text = Conversation(ucm_node)(self.STATES)
        assert text.startswith("The specified table (enterprisenode) is not in the database.\n")


REFUSED = {
    "select * from sqlite_master": "The specified table (sqlite_master) is not in the database.",
    "select * from enduser": "The specified table (enduser) is not in the database.",
    "select * from certificate_rows": "The specified table (certificate_rows) is not in",
    "select * from pragma_table_info('device')": "Only SELECT is answered",
    "select foo from device": "Column (foo) not found in any table in the query",
    "select load_extension('x')": "Routine (load_extension) can not be resolved.",
    "select randomblob(100)": "Routine (randomblob) can not be resolved.",
    "select certificate_pem('../x')": "Routine (certificate_pem) can not be resolved.",
    "select name from device where": "A syntax error has occurred.",
    "select 1; select 2": "A syntax error has occurred.",
    "select 1; delete from device": "A syntax error has occurred.",
    "delete from device": "Only SELECT is answered here; nothing was changed",
    "update device set name='x'": "Only SELECT is answered",
    "attach '/tmp/x' as y": "Only SELECT is answered",
    "pragma journal_mode": "Only SELECT is answered",
    "explain select 1": "Only SELECT is answered",
    "with a as (select 1) delete from device": "Only SELECT is answered",
    "with recursive a(x) as (select 1 union all select x+1 from a) select x from a": "asks itself",
    "with recursive a(x) as (values(1) union all select x+1 from a) select max(x) from a": "itself",
    f"select {'(' * 200}1{')' * 200}": "A syntax error has occurred.",
    f"select {'replace(' * 8}'aaaaaaaa'{', substr(name,1,1), name||name||name)' * 8} from processnode": "",
}  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED)
def test_what_it_does_not_do(say, statement):
    """It says why, and nothing has changed."""
    text = say(f"run sql {statement}")
    if REFUSED[statement]:
        assert say.status == 1
        assert REFUSED[statement] in text.splitlines()[0]
        assert text.endswith(FAILED)


def test_a_statement_without_end_is_given_up(say, monkeypatch):
    """By its steps, by its rows and by the certificates that it reads."""
    endless = "run sql select count(*) from " + ", ".join(f"processnode n{i}" for i in range(20))
    assert say(endless) == "The statement takes too long: it was given up\n" + FAILED
    monkeypatch.setattr(query, "MAX_ROWS", 5)
    assert say("run sql select 1 from processnode a, processnode b") == (
        "The statement finds more than 5 rows\n" + FAILED
    )
    monkeypatch.setattr(query, "MAX_READ", 3)
    assert say("run sql select certificate from certificate") == (
        "The statement reads more than 3 certificates\n" + FAILED
    )


LARGE = f"replace(a.name||b.name||'{'z' * 20}','z','{'w' * 10_000}')"


@pytest.mark.parametrize(
    "statement",
    [
        f"select length(x) from (select {LARGE} x from {{rows}} order by x desc) s",
        f"select sum(length(x)) from (select distinct {LARGE}||c.name||d.name x from {{rows}}) s",
    ],
    ids=["sorted", "distinct"],
)
def test_what_is_sorted_takes_no_more_than_it_may(say, statement):
    """Neither memory nor a disk: SQLite would write all of it to a file of the machine's."""
    rows = ", ".join(f"typecertificateservice {name}" for name in "abcd")
    assert say(f"run sql {statement.format(rows=rows)}") == (
        "The statement takes too much memory: it was given up\n" + FAILED
    )
    assert "imp-pub" in say("run sql select name from processnode")


def test_a_statement_has_so_much_of_a_processor(say, monkeypatch):
    """However few its steps are: each may work through long texts."""
    monkeypatch.setattr(query, "MAX_SECONDS", -1.0)
    rows = ", ".join(f"processnode n{i}" for i in range(12))
    assert say(f"run sql select count(*) from {rows}") == (
        "The statement takes too long: it was given up\n" + FAILED
    )


def test_a_line_without_measure_is_refused(say):
    """A MiB of text is no statement."""
    text = say("run sql select '" + "x" * (1 << 20) + "'")
    assert text.endswith(FAILED)
    assert len(text) < 200


def test_it_is_for_advanced_accounts(node):
    low = Conversation(node, account="low", level=0)
    assert low("run sql select 1").endswith("No valid command entered\n")


def test_names_from_outside_are_safe(node):
    """A prompt in a value is none."""
    world, _ = clock_world(None, START)
    profile = node.profile.replace(peers=(Peer("x\x1b[2Jadmin:", "192.0.2.9", "Subscriber"),))
    say = Conversation(Node(node.state_dir, profile, world))
    text = say("run sql select name from processnode")
    assert "\x1b" not in text
    assert "admin:" not in text


def test_columns_are_as_wide_as_what_is_shown(say):
    """Programs cut at the signs, whatever a value is made of."""
    text = say("run sql select 'a\x1b[2Jadmin:' as \"x\x07\", 2 as n, 'b\x7f' as last")
    assert text.splitlines()[1:] == [
        f"{'=' * 21} = {'=' * 7}",
        "a\\u{1B}[2Jadmin\\u{3A} 2 b\\u{7F}",
    ]


@pytest.mark.parametrize("text", ["'\udc80'", "'\0'", "\udc80", "cast(x'ff' as text)", "?", ":a"])
def test_what_is_no_text_is_no_bug(say, text):
    assert say(f"run sql select {text}").startswith("A syntax error has occurred.\n")
    assert say.status == 1


def test_a_damaged_certificate_is_named(node, say):
    """And not shown as if it were none."""
    row = node.snapshot().trust(node.snapshot().stores[0])[0]
    with open(node.layout.pool_file(row.sha256, "pem"), "w", encoding="ascii") as file:
        file.write("x")
    for store in node.snapshot().units:
        with open(node.snapshot().path(store, f"certs/{store}.pem"), "a", encoding="ascii") as file:
            file.write("x")
    assert "is damaged" in say("run sql select certificate from certificate")
    assert say.status == 5
