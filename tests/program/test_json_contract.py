"""The JSON contract: every command keeps it, whatever is in the data, and `docs/json.md` is true."""

import ast
import itertools
import json
import os
import re
import subprocess
import sys

import pytest
from harness import Conversation
from json_watch import commands_of, mistakes
from one_shot import loaded
from places import CHECKOUT

from cucmos_shell.cli.render import to_data
from cucmos_shell.cli.wording import success_json
from cucmos_shell.commands.cert_list import Listing
from cucmos_shell.frontends import contract
from cucmos_shell.frontends.reference import every_command
from cucmos_shell.results import Finding

PASSWORD = "Blue-Harbour-77"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJLrnVYr4n9bqGnBtQKK2A6zNdDv0sZ0zBkHJc1mVzqe"
# A line for each command, with its answers, on a node that is its own; in this order.
LINES = {
    "imp": (
        "help", "help show cert list", "show cert list own", "show cert list trust",
        "show cert own tomcat", "show cert own tomcat brief", "show cert own tomcat pem",
        "show cert trust tomcat-trust/imp-pub.pem", "show cert trust tomcat-trust/imp-pub.pem brief",
        "show cert trust tomcat-trust/imp-pub.pem pem", "show cert chain tomcat",
        "show cert expiry", "show cert expiry --svg p.svg", "show cert impact tomcat",
        "show cert loaded", "set csr gen tomcat", "show csr list", "show csr own tomcat",
        "set csr delete tomcat", "set cert regen tomcat <yes>", "set cert regen cup <no>",
        "show service pending", "utils service restart pending", "utils service list",
        "utils service stop Cisco CDP", "utils service start Cisco CDP",
        "utils service restart Cisco CDP", "utils service activate Cisco SIP Proxy",
        "utils service deactivate Cisco SIP Proxy",
        "utils service auto-restart disable Cisco Tomcat",
        "utils service auto-restart show Cisco Tomcat", "show web-security",
        "set web-security a b c d US <yes>", "utils cert download own tomcat",
        "utils cert download store tomcat-trust p7b", "show store history",
        "utils store rollback 3 <yes>", "utils store purge", "show ocsp",
        "set ocsp unknown accept", "set ocsp deadline 5", "set ocsp max-age 24",
        "set ocsp disable", "show cert monitor", "set cert monitor start 30",
        "set cert monitor frequency 1 days", "set cert monitor recipients a@example.com",
        "set smtp mail.example.com", "show smtp", "set cert monitor email enable",
        "utils cert monitor run", "utils cert monitor metrics", "delete smtp",
        "show alarm", "set alarm syslog off", "set alarm syslog log.example.com tcp",
        "show status", "show version active", "show myself", "show network eth0",
        "show network cluster", "show timezone config", "utils dbreplication status",
        "utils dbreplication runtimestate", "utils ha status", "run sql select * from processnode",
        "show hardware", "show date", "utils ntp status", "utils diagnose test",
        "show process load num 3", "show process using-most cpu", "utils core active list",
        "utils disaster_recovery history backup", "utils disaster_recovery status backup",
        "utils system upgrade status", "utils system upgrade initiate <q>",
        "show tech ccm_service", "show tech network hosts", "show tech network resolv",
        "show tech runtime disk", "show tech dbstateinfo", "show perf query class Memory",
        "show perf query counter Process PID", "show perf list classes",
        "show risdb query phone", "set trace enable Error cdps", "set trace disable cdps",
        "show trace", "show trace cdps", "utils network ping imp-sub 1",
        "utils network host imp-sub", "utils network connectivity imp-sub <n>",
        "utils network connectivity imp-sub <y>", "utils network capture count 1",
        "utils snmp config 1/2c community-string add <public> <> <> <yes>",
        "utils snmp config 1/2c community-string add <public> <> <> <no>",
        "utils snmp config 1/2c community-string list", "utils snmp config 1/2c trap list",
        "utils snmp config 1/2c community-string delete <public>",
        "utils snmp config 1/2c inform list", "utils snmp config mib2 list",
        f"utils reset_application_ui_administrator_password <{PASSWORD}> <{PASSWORD}>",
        "utils reset_application_ui_administrator_name <pat>",
        "show network status all", "show network ipprefs all", "show cli pagination", "set cli pagination off",
        "show cli editor", "set cli editor quiet", "set commandcount disable", "show history",
        "show audit", "show account", f"set account name ann <1> <{PASSWORD}> <{PASSWORD}>",
        f"set account ssh-key ann <{KEY}>", "set accountlocking unlock ann",
        "set accountlocking enable", "set accountlocking count 3",
        "set accountlocking unlocktime 60", "show accountlocking", "delete account ann",
        f"set password user security <x> <{PASSWORD}> <{PASSWORD}> <y>",
        f"set password user admin <x> <{PASSWORD}> <{PASSWORD}>", "show cli session timeout",
        "set cli session timeout 30 <y>", "set cli session timeout 30 <n>",
        "show session maxlimit", "set session maxlimit 10", "show logins", "set password change-at-login disable admin",
        "show security reauth", "set security reauth off", "file list activelog platform/log",
        "file view activelog platform/log/cli00001.log",
        "file dump activelog platform/log/cli00001.log",
        "file tail activelog platform/log/cli00001.log",
        "file search activelog platform/log cert", "file delete download p.svg noconfirm",
        "utils profile refresh", "set output json", "show csr list | count",
        "show cert list own | redirect list.txt", "show cert list own | last 2", "nonsense",
        "show cert own nonsense", "utils system shutdown <no>", "utils system restart <yes>",
    ),
    "ucm": (
        "show ctl", "show itl", "utils ctl set-cluster mixed-mode <n>",
        "utils ctl set-cluster mixed-mode <y>", "utils ctl set-cluster mixed-mode", "show ctl",
        "utils ctl update CTLFile <y>", "utils ctl reset localkey", "utils ctl download ctl",
        "utils itl reset localkey", "file delete tftp CTLFile.tlv noconfirm", "exit",
    ),
    "ucm-15": (
        "set csr gen tomcat <no>", "utils itl reset localkey", "show tls min-version",
        "set tls min-version 1.2 <no>", "set tls min-version 1.2 <yes>",
        "utils tls client-auth-validation disable <yes>",
        "utils tls client-auth-validation status", "utils fips status", "utils fips enable <no>",
        "utils fips enable <yes>", "utils fips disable <yes>",
    ),
}  # fmt: skip
# What needs somebody else, or a paste: what they answer in their own tests is looked at, too.
ELSEWHERE = {
    "delete sftp-host-key", "file get", "set cert bulk consolidate", "set cert bulk export",
    "set cert bulk import", "set cert bulk sftp", "set cert delete", "set cert import",
    "run cuc dbquery", "set cert default-ca-list", "set ocsp enable certificate-uri",
    "set ocsp enable configured-uri", "show cert default-ca-list", "show cert distribution",
    "delete cluster feed", "delete cluster peer", "set cluster feed", "set cluster peer",
    "show cluster feed", "show cluster peer", "utils cluster peer sync",
    "show cuc cluster status", "utils cuc cluster makeprimary",
    "show cert impact delete", "utils cert upload", "utils cluster create",
    "utils cluster credentials", "utils cluster join", "utils cluster leave",
    "utils cluster rebuild", "utils cluster remove", "utils cluster sync",
    "utils core active analyze", "utils ctl upload",
    "utils itl reset remotekey", "utils ocsp check", "utils smtp test",
}  # fmt: skip
FAILING = {"nonsense", "show cert own nonsense"}
LEFT = {"quit", "utils system switch-version", "utils system upgrade cancel"}


@pytest.mark.parametrize("product", LINES)
def test_every_command_answers_as_the_document_says(node, ucm_node, ucm_15_node, product):
    """What the schema names is there, nothing else is, and nothing fails."""
    known = ucm_15_node.profile
    ucm_15_node.profile = known.replace(commands=(*known.commands, "utils tls"))
    say = Conversation({"imp": node, "ucm": ucm_node, "ucm-15": ucm_15_node}[product])
    say.session.settings.output = "json"
    for line in LINES[product]:
        answers = re.findall(r"<(.*?)>", line)
        words = re.sub(r" <.*", "", line)
        answer = say(words, *answers)
        assert mistakes(answer.encode()) == []
        assert json.loads(answer)["ok"] is (words not in FAILING), answer


HOSTILE = (
    '"',
    "\\",
    "admin:",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "a\nb",
    "\x00",
    "\x85",
    "</script>",
    "",
)


def test_ten_thousand_rows_with_hostile_names(node):
    """One line of ASCII, and each row as the document has it."""
    row = node.snapshot().own("tomcat").row
    rows = tuple(
        row._replace(
            name=f"r{i}",
            common_name=text,
            issuer=text,
            description=text,
            subject=text,
            alternative_names=[text, f"DNS:{text}"],
        )
        for i, text in zip(range(10_000), itertools.cycle(HOSTILE), strict=False)
    )
    listing = Listing(node, "trust", (("tomcat-trust", rows),))
    line = success_json(to_data(listing), "show cert list trust")
    assert line.isascii()
    assert line.count("\n") == 1
    assert "admin:" not in line
    assert mistakes(line.encode()) == []
    shown = json.loads(line)["data"][: len(HOSTILE)]
    assert [one["common_name"] for one in shown] == [*HOSTILE]
    assert [one["alternative_names"][0] for one in shown] == [*HOSTILE]


def test_no_command_is_left_out():
    """Each has a line above, or tests of its own."""
    lines = [re.sub(r" <.*", "", line) for found in LINES.values() for line in found]
    asked = {usage for line in lines for usage in commands_of(line.partition(" | ")[0])}
    missing = {c.words for c in every_command() if c.usage not in asked} - LEFT
    assert missing == ELSEWHERE


def test_a_key_has_one_type_or_one_and_null():
    """All over the document."""

    def types(schema):
        if isinstance(schema, dict):
            if isinstance(schema.get("type"), list):
                assert len(schema["type"]) == 2
                assert schema["type"][1] == "null"
            for value in schema.values():
                types(value)

    types(contract.document(every_command()))


def test_the_document_is_of_json_schema():
    """Draft 2020-12, each part of it."""
    from jsonschema import Draft202012Validator

    document = contract.document(every_command())
    parts = [document["line"], document["error"], *document["filters"].values()]
    for command in document["commands"].values():
        parts += [command["data"], command["details"]]
    for part in parts:
        Draft202012Validator.check_schema(part)


def reference(*words):
    """`cucmos-shell reference --json WORDS`."""
    program = [sys.executable, "-m", "cucmos_shell", "reference", "--json", *words]
    return subprocess.run(program, capture_output=True, text=True)


def test_the_reference_prints_one_document():
    """Of all commands, or of those that begin so; of none there is no schema."""
    whole = json.loads(reference().stdout)
    assert whole["version"] == f"{whole['line']['properties']['schema']['const']}.{contract.MINOR}"
    some = json.loads(reference("show", "cert", "li").stdout)
    assert list(some["commands"]) == ["show cert list {own|trust} [where condition]"]
    assert whole["commands"].items() >= some["commands"].items()
    assert json.loads(reference("set cert regen tomcat").stdout)["commands"]


@pytest.mark.parametrize(
    ("words", "said"),
    [("shwo cert", "shwo cert: no command begins so"), ("show c", "show c: several commands begin so"),
     ("show cert list own extra", "extra: no command begins so"), ('"', '": no command begins so'),
     ("show | count", "no command begins so"), ("\x1b[2J", "\\u{1B}[2J: no command begins so")],
)  # fmt: skip
def test_of_no_command_there_is_no_schema(words, said):
    """It is said what is wrong with it."""
    wrong = reference(*words.split(" "))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said in wrong.stderr.splitlines()[0]


def test_nothing_else_looks_at_forms(node_dir):
    """A command pays for no schema, and a listing as text for nothing that JSON needs."""
    listing = ["-c", "show cert list own"]
    text, _ = loaded(node_dir, listing)
    assert "cucmos_shell.commands.views" not in text
    both, _ = loaded(node_dir, listing, ["--json", *listing])
    assert "cucmos_shell.cli.schema" not in both


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_goes_away(node_dir, tmp_path, options):
    """The answer is cut, nothing is said of it, and what stands behind it is not done."""
    line = "show cert own tomcat\n"
    batch = tmp_path / "batch"
    # More than a pipe takes that nobody reads.
    batch.write_text(line * 60 + "set cert regen tomcat\n")
    reader, writer = os.pipe()
    program = [sys.executable, "-m", "cucmos_shell", "--state", str(node_dir), *options]
    before = os.readlink(node_dir / "store" / "current")
    with subprocess.Popen(
        [*program, "--yes", "-f", str(batch)],
        stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        os.close(writer)
        assert os.read(reader, 10) == (b'{"schema":' if options else b"[\n  Versio")
        os.close(reader)
        assert running.stderr.read() == b""
    assert running.returncode == 1
    assert os.readlink(node_dir / "store" / "current") == before


def test_the_kinds_of_warnings_are_those_declared():
    """In the document, in the guide, and wherever one is made."""
    declared = contract.document(every_command())["warnings"]
    assert set().union(*(one["keys"] for one in declared.values())) | {"kind", "message"} == set(
        Finding.form
    )
    keys = {kind: ", ".join(f"`{key}`" for key in one["keys"]) for kind, one in declared.items()}
    rows = "\n".join(
        f"| `{kind}` | {one['meaning']}{keys[kind] and ': '}{keys[kind]} |"
        for kind, one in declared.items()
    )
    assert f"|---|---|\n{rows}\n\n" in (CHECKOUT / "docs" / "json.md").read_text(), rows
    made = [
        ast.literal_eval(node.args[0])
        for path in (CHECKOUT / "cucmos_shell").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
    ]
    assert set(made) == set(declared)


def one_liners():
    """The commands that `docs/json.md` shows."""
    text = (CHECKOUT / "docs" / "json.md").read_text()
    return re.findall(r"(?ms)^```sh\n(.*?)\n```$", text)


@pytest.mark.parametrize("line", one_liners())
def test_the_guide_is_true(node_dir, tmp_path, line):
    """Each line prints something, and nothing fails."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "cucmos-shell").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m cucmos_shell "$@"\n'
    )
    (programs / "cucmos-shell").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True, text=True, env={**environment, "CUCMOS_STATE": str(node_dir)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
