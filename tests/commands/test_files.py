"""The file commands: exact listings, the viewer, the way out to SFTP, and no way out elsewhere."""

import contextlib
import gzip
import io
import json
import os
import socket
import subprocess
import sys
import time

import pytest
from harness import Conversation
from places import SUPPORT
from sftp_server import SftpServer

from cucmos_shell.cli.regex import searcher
from cucmos_shell.commands.files import PIECE, pieces
from cucmos_shell.errors import BadValue
from cucmos_shell.results import Ask, AskText, Done, Pause, Say, Secret
from cucmos_shell.text import local_time


@pytest.fixture
def logs(node_dir):
    """A log folder with two folders and two files of known dates."""
    folder = node_dir / "log" / "demo"
    folder.mkdir(parents=True)
    (folder / "drf").mkdir()
    (folder / "log").mkdir()
    (folder / "enGui.log").write_text("x" * 8556 + "\n")
    (folder / "startup.log").write_text("".join(f"line {i}\n" for i in range(1, 375)))
    for name, when in (
        ("drf", "2004-12-02 12:00:59"),
        ("log", "2004-12-02 12:00:59"),
        ("enGui.log", "2004-11-16 21:45:43"),
        ("startup.log", "2004-10-27 11:54:33"),
    ):
        seconds = time.mktime(time.strptime(f"{when} UTC", "%Y-%m-%d %H:%M:%S %Z")) - time.timezone
        os.utime(folder / name, (seconds, seconds))
    return folder


def test_tab_knows_the_files_of_the_area(say, logs, node_dir):
    """Of the one that the line names, whose word may be shortened."""
    complete = say.session.complete
    (node_dir / "upload").mkdir(exist_ok=True)
    (node_dir / "upload" / "my.cer").write_text("x")
    assert complete("file view activelog demo/e").insert == "nGui.log "
    assert complete("file list act demo/").candidates == ("demo/enGui.log", "demo/startup.log")
    assert complete("file dump certs tomcat/tomcat.p").insert == "em "
    assert complete("file del u m").insert == "y.cer "
    assert complete("file view activelog m").insert == ""


def test_the_detailed_listing_is_the_originals(say, logs):
    """Columns of the CLI reference; the node's zone decides about the hours."""
    say.node.profile = say.node.profile.replace(timezone="UTC")
    assert say("file list activelog demo detail") == (
        "02 Dec,2004 12:00:59      <dir>    drf\n"
        "02 Dec,2004 12:00:59      <dir>    log\n"
        "16 Nov,2004 21:45:43        8,557  enGui.log\n"
        "27 Oct,2004 11:54:33        3,258  startup.log\n"
        "dir count = 2, file count = 2\n"
    )
    assert say("file list activelog demo/*.log rev det date").splitlines()[0].endswith("enGui.log")
    assert say("file list activelog demo/*.log size det").splitlines()[0].endswith("startup.log")


def test_sizes_of_ten_digits_keep_their_distance(say, logs):
    """One blank between date and size at least; up to 999,999,999 octets the columns stand."""
    for octets, shown in ((999_999_999, "  999,999,999  "), (1_000_000_000, " 1,000,000,000  ")):
        with open(logs / "startup.log", "wb") as file:
            file.truncate(octets)
        line = say("file list activelog demo/startup.log detail").splitlines()[0]
        assert line[20:] == f"{shown}startup.log"


def test_the_short_listing_has_two_names_a_row(say, logs):
    """Padded to 40 columns."""
    assert say("file list activelog demo") == (
        f"{'<dir>   drf':40}<dir>   log\n{'enGui.log':40}startup.log\n"
        "dir count = 2, file count = 2\n"
    )
    assert say("file list activelog demo/*.log").endswith("dir count = 0, file count = 2\n")


def test_listing_as_json(say, logs):
    """Names, sizes and ISO times."""
    say("set output json")
    data = json.loads(say("file list activelog demo/enGui.log"))["data"]
    assert data == [
        {
            "name": "demo/enGui.log",
            "type": "file",
            "size": 8557,
            "changed": "2004-11-16T21:45:43Z",
        }
    ]


def test_what_is_not_there_is_said(say, logs):
    """Names and wildcards alike."""
    for line in ("file list activelog nothing", "file list activelog demo/*.x"):
        assert "no such file or directory can be found" in say(line)
        assert say.status == 1


def test_names_match_without_regard_to_case(say, logs):
    """The exact one first, else the only one; wildcards and the rest of the path stay exact."""
    assert say("file list activelog DEMO/Engui.LOG").startswith("enGui.log\n")
    assert say("file tail activelog Demo/STARTUP.log lines 1") == "line 374\n"
    assert "startup.log:line 373" in say("file search activelog /var/log/active/DEMO/*.log 373")
    assert say("file dump certs TOMCAT/Tomcat.PEM").startswith("-----BEGIN CERTIFICATE-----\n")
    (logs / "ENGUI.log").write_text("other\n")
    assert say("file dump activelog demo/ENGUI.log") == "other\n"
    assert "no such file" in say("file dump activelog demo/engui.log")
    assert "no such file" in say("file list activelog demo/*.LOG")
    assert "stays" in say("file delete activelog PLATFORM/log/CLI00001.LOG noconfirm")


def test_a_folder_without_files_is_no_missing_one(say, logs):
    """Nor is a wildcard that fits folders."""
    for verb in ("delete", "get"):
        assert say(f"file {verb} activelog demo/drf").startswith(
            "demo/drf is a folder without files\n"
        )
        assert say(f"file {verb} activelog demo/d*").startswith("demo/d* fits folders only\n")
        assert say.status == 1


def test_an_ambiguous_option_is_called_one(say, logs):
    """What stands behind a whole command is no command."""
    assert say("file list activelog demo d") == (
        "Ambiguous option: d\n\tdate\n\tdetail\nExecuted command unsuccessfully\n"
    )
    assert say("file d activelog demo").startswith("Ambiguous command: d\n")


def test_options_explain_themselves(say):
    """In the third column of `?`."""
    lines = say.session.help("file list activelog ")
    assert "detail      optional    show detailed listing" in lines
    assert "page        optional    pause output" in lines


def test_certificates_are_an_area_without_keys(say, node):
    """Every own and trust certificate, PEM and DER, and nothing else."""
    text = say("file list certs tomcat")
    assert text.split()[:2] == ["tomcat.der", "tomcat.pem"]
    assert say("file dump certs tomcat/tomcat.pem").startswith("-----BEGIN CERTIFICATE-----\n")
    for name in ("tomcat/tomcat_priv.pem", "tomcat/keys", "node/accounts.json", "../store"):
        say(f"file dump certs {name}")
        assert say.status == 1


ESCAPES = [
    "..", "../profile.json", "demo/../../profile.json", "/etc/passwd", "//etc/passwd", "./../lock",
    "link", "link/passwd", "demo/out", "demo/out/passwd", "demo/fifo", "demo/hosts", "a\\0b",
    "demo/%2e%2e/profile.json", "-", "--help", "~", "$(id)", "*/../../profile.json",
]  # fmt: skip


@pytest.mark.parametrize("verb", ["list", "view", "dump", "tail", "search", "get", "delete"])
def test_nothing_outside_is_reached(say, logs, node_dir, verb):
    """Links, dots, pipes, devices: not there for anybody, and nobody hangs on them."""
    os.symlink("/etc", node_dir / "log" / "link")
    os.symlink("/etc", logs / "out")
    os.symlink("/etc/hosts", logs / "hosts")
    os.mkfifo(logs / "fifo")
    extra = ' "."' if verb == "search" else ""
    for spec in ESCAPES:
        text = say(f'file {verb} activelog "{spec}"{extra}')
        assert say.status == 1, text
        assert "root:" not in text
        assert "localhost" not in text
    assert (node_dir / "profile.json").exists()


def test_view_is_a_document_for_the_viewer(node, logs):
    """Whatever the pagination says; a filter makes it text again."""
    conversation = Conversation(node)
    execution = conversation.session.execute("file view activelog demo/startup.log")
    event = execution.step()
    assert isinstance(event, Say)
    assert event.viewer
    assert event.paged
    assert event.text.count("\n") == 374
    conversation("set cli pagination off")
    event = conversation.session.execute("file view activelog demo/startup.log | count").step()
    assert event == Say("Count: 374 lines\n", False, False)


def test_contents_cannot_steer_the_terminal(say, logs):
    """Control characters are shown as such, and the prompt's word never occurs."""
    (logs / "evil").write_bytes(b"\x1b[2Jadmin:\tx\xff\x9b\r\n\xe2\x80\xae")
    for verb in ("view", "dump", "tail"):
        text = say(f"file {verb} activelog demo/evil")
        assert "\x1b" not in text
        assert "admin:" not in text
        assert "\\u{1B}[2J" in text


def test_dump_and_tail(say, logs):
    """Octets, matching lines, the last lines."""
    assert say("file dump activelog demo/startup.log hex").startswith(
        "00000000: 6c 69 6e 65 20 31 0a 6c 69 6e 65 20 32 0a 6c 69 [line 1.line 2.li]\n"
    )
    assert say('file dump activelog demo/startup.log regexp "37[34]"') == "line 373\nline 374\n"
    assert say("file tail activelog demo/startup.log lines 2") == "line 373\nline 374\n"
    assert say("file tail activelog demo/startup.log").count("\n") == 10


def test_tail_takes_the_products_options(say, logs):
    """A bare number, octets, the file's date first, in any order; `lines N` as before."""
    tail = "file tail activelog demo/startup.log"
    assert say(f"{tail} 2") == "line 373\nline 374\n"
    assert say(f"{tail} 1 regexp 37").startswith("line 374")
    assert say(f'{tail} regexp "37[12]" 5') == "line 371\nline 372\n"
    assert say(f"{tail} 1 det").splitlines()[0].endswith("  startup.log")
    assert "[" in say(f"{tail} hex 1").splitlines()[0]
    for wrong in ("x", "0", "1 2", "lines", "regexp", "lines x", "detail detail", '""', "100001"):
        say(f"{tail} {wrong}")
        assert say.status == 1, wrong


def test_help_of_tail_says_what_is_left(say, logs):
    """Options once, and what an option takes."""
    found = say.session.help("file tail activelog demo/startup.log 30 hex ")
    assert [line.split()[0] for line in found] == ["detail", "follow", "lines", "regexp"]
    assert say.session.help("file tail activelog demo/startup.log regexp ") == ("\tEXPRESSION",)


def test_get_takes_files_by_time_and_name(say, logs, node):
    """Relative to now, between two times of the node's zone, with a text in the name."""
    ages = {"startup.log": 30 * 60, "enGui.log": 3 * 3600}
    for name, age in ages.items():
        when = node.now() - age
        os.utime(logs / name, (when, when))

    def affected(options):
        text = say(f"file get activelog demo {options}", "n")
        return [line for line in text.splitlines() if line.startswith("Number of")]

    one, two = ["Number of files affected: 1"], ["Number of files affected: 2"]
    assert affected("reltime hours 1") == affected("reltime minutes 31 recurs") == one
    assert affected("reltime da 1") == affected("") == two
    assert affected("match GUI") == one
    begin, end = (local_time(node.now() + by, node.zone) for by in (-3600, 0))
    span = " ".join(time.strftime("%H:%M:%m/%d/%y", t) for t in (begin, end))
    assert affected(f"abstime {span}") == one
    for wrong in (
        "reltime years 1", "reltime hours 0", "reltime hours", "reltime hours x", "match",
        "abstime 08:00:11/18/26", "abstime 99:00:11/18/26 08:00:11/18/26", "match nothing-like-it",
        f"reltime hours 1 abstime {span}", "abstime 09:00:11/18/26 08:00:11/18/26",
    ):  # fmt: skip
        say(f"file get activelog demo {wrong}", "n")
        assert say.status == 1, wrong


def test_tail_follows_until_interrupted(node, logs):
    """What is added comes; Ctrl-C ends it."""
    execution = Conversation(node).session.execute(
        "file tail activelog demo/startup.log lines 1 follow"
    )
    assert execution.step() == Say("line 374\n")
    execution.step()
    with open(logs / "startup.log", "a") as file:
        file.write("line 375\nhalf")
    assert execution.step() == Say("line 375\n")
    execution.step()
    assert execution.interrupt() == Say("Control-C pressed\n")


def test_search_in_the_originals_words(say, logs):
    """Path, hits, end."""
    assert say('file search activelog demo/startup.log "LINE 37[34]" ignorecase') == (
        "Searching path: /var/log/active/demo/startup.log\n"
        "/var/log/active/demo/startup.log:line 373\n"
        "/var/log/active/demo/startup.log:line 374\n"
        "Search completed\n"
    )
    (logs / "log" / "deep.log").write_text("line 374\n")
    assert "log/deep.log:" in say("file search activelog demo 374 recurs")
    assert "log/deep.log:" not in say("file search activelog demo 374")


def steps(say, line):
    """The events of `line`."""
    execution = say.session.execute(line)
    events = [execution.step()]
    while not isinstance(events[-1], Done):
        events.append(execution.step())
    return events


@pytest.mark.parametrize(("line", "count"), [("x", 5000), ("x" * 4000, 132)])
def test_a_search_ends_where_it_finds_too_much(say, logs, line, count):
    """Whoever searches the audit log for what they type finds more of it each time."""
    (logs / "many").write_text(f"{line}\n" * 6000)
    warning, begin, *found, end = say("file search activelog demo/many x").splitlines()
    assert f"{count} lines were found until then" in warning
    assert begin == "Searching path: /var/log/active/demo/many"
    assert found == [f"/var/log/active/demo/many:{line}"] * count
    assert end == "Search completed"
    (logs / "many").write_text("x\n" * 5000)
    assert "until then" not in say("file search activelog demo/many x")


def test_a_search_gives_way(say, logs):
    """A large file without a line end is a step per piece and no work; Ctrl-C is heard there."""
    with open(logs / "zeros", "wb") as file:
        file.write(b"begin\n")
        file.truncate(60 * PIECE)
        file.seek(0, os.SEEK_END)
        file.write(b"\nthe end\n")
    line = "file search activelog demo/zeros end"
    events = steps(say, line)
    assert events.count(Pause(0.0)) == 61
    assert events[-2].text.endswith("zeros:the end\nSearch completed\n")
    execution = say.session.execute(line)
    assert execution.step() == Pause(0.0)
    assert execution.interrupt() == Say("Control-C pressed\n")


def test_a_long_line_is_cut(say, logs):
    """Only its beginning is compared and shown; what steers a terminal is escaped."""
    (logs / "long").write_bytes(b"hit\x1b\t" + b"\xc3\xa9" * PIECE + b" miss\nhit two\nmiss")
    text = say("file search activelog demo/long hit")
    first, second = text.splitlines()[1:3]
    assert first.startswith("/var/log/active/demo/long:hit\\u{1B}")
    assert first.endswith("é...")
    assert first.count("é") == 4096 - 5
    assert second.endswith(":hit two")
    assert say("file search activelog demo/long miss").count("\n") == 3


def test_lines_end_as_they_did_elsewhere():
    """LF, CR LF and CR, also where a piece ends between the two, or in the middle of a character."""
    for end in (b"\n", b"\r\n", b"\r"):
        data = (b"\xe2\x82\xac" + b"a" * 1020 + end) * 2100 + b"last"
        found = [line for _, lines in pieces(io.BytesIO(data), len(data)) for line in lines]
        assert found == data.decode().splitlines()
    data = b"x" * (PIECE - 1) + b"\r\ny"
    found = [line for _, lines in pieces(io.BytesIO(data), len(data)) for line in lines]
    assert [line[-1] for line in found] == ["x", "y"]
    assert list(pieces(io.BytesIO(b"a\nb\n"), 2)) == [(2, ["a"])]


def test_an_expression_is_compared_with_what_the_file_holds(say, logs):
    """Not with what the screen gets."""
    (logs / "plain").write_bytes(b"C:\\temp\tx\nadmin:show\n")
    for verb in ('file search activelog demo/plain "{}"', 'file dump act demo/plain regexp "{}"'):
        assert "C:\\\\temp x\n" in say(verb.format(r"C:\\temp\tx"))
        assert "show\n" in say(verb.format("admin:"))


@pytest.mark.parametrize(
    "expression",
    ["(", "[", r"(a)\1", "(?=a)", "((a{1,40}){1,400})", "a" * 1001, "a**"],
)
def test_what_is_no_expression_is_refused(expression):
    """Nor is one that cannot be matched in linear time."""
    with pytest.raises(BadValue, match="regular expression"):
        searcher(expression)


@pytest.mark.parametrize(
    "expression", ["set cert", "^a.*b$", r"\d+-\d+", "(one|two) three", "a{3}"]
)
def test_usual_expressions_are_fine(expression):
    """What one types in a search."""
    searcher(expression)


def test_delete_asks_for_each_file(say, logs):
    """In the original's words; noconfirm does not ask; the audit log stays."""
    text = say("file delete activelog demo/*.log", "y", "n")
    assert text == (
        "Delete the File enGui.log?\nDelete the File startup.log?\nfiles: found = 2, deleted = 1\n"
    )
    assert say.asked == ['Enter "y" followed by return to continue: '] * 2
    assert not (logs / "enGui.log").exists()
    assert say("file delete activelog demo/startup.log noconfirm") == (
        "files: found = 1, deleted = 1\n"
    )
    assert "stays" in say("file delete activelog platform/log/cli00001.log noconfirm")
    assert Conversation(say.node, account="x", level=0)(
        "file delete activelog demo/startup.log noconfirm"
    ).endswith("No valid command entered\n")


def test_the_words_yes_and_no_are_answers(say, logs):
    """Where the question asks for `y` and `n`, too; what follows stays a command."""
    assert say("file delete activelog demo/*.log", "YES", "no").endswith(
        "files: found = 2, deleted = 1\n"
    )
    assert say.asked == ['Enter "y" followed by return to continue: '] * 2
    assert say("file get activelog demo", "no").endswith("Files transfer cancelled.\n")


def test_get_in_the_originals_dialogue(say, logs, tmp_path):
    """Counts, questions, the host key once; what arrives is what was there."""
    remote = tmp_path / "remote"
    remote.mkdir()
    with SftpServer(remote) as server:
        text = say("file get activelog demo/*.log", "y", *server.answers, "in/box", "yes")
        assert text.splitlines() == [
            "Please wait while the system is gathering files info ...done.",
            "Sub-directories were not traversed.",
            "Number of files affected: 2",
            "Total size in Bytes: 11815",
            "Total size in Kbytes: 11.538",
            f"The authenticity of host '[127.0.0.1]:{server.port}' can't be established.",
            f"ED25519 key fingerprint is {server.key.get_fingerprint()}.",
            "Transfer completed",
        ]
        assert say.asked == [
            "Would you like to proceed [y/n]? ",
            "SFTP server IP: ",
            "SFTP server port [22]: ",
            "User ID: ",
            "Password: ",
            "Download directory: ",
            "Are you sure you want to continue connecting (yes/no)? ",
        ]
        got = remote / "in" / "box" / "startup.log"
        assert got.read_bytes() == (logs / "startup.log").read_bytes()
        text = say("file get activelog demo recurs compress", "y", "y", *server.answers, "z")
        assert text.endswith("Transfer completed\n")
        assert gzip.decompress((remote / "z" / "startup.log.gz").read_bytes()) == got.read_bytes()
        answers = [*server.answers[:3], "wrong"]
        assert "password is wrong" in say("file get activelog demo", "y", *answers, "")
    assert "127.0.0.1" in say("file get activelog demo", "y", *server.answers, "")
    assert say.status == 4


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(3460015, "3378.921"), (2_000_000_000, "1953125.000"), (0, "0.000"), (1, "0.001")],
)
def test_kilobytes_have_three_decimals(say, logs, octets, shown):
    """As in the original's transcript (CLI reference, file get), never an exponent."""
    with open(logs / "startup.log", "wb") as file:
        file.truncate(octets)
    text = say("file get activelog demo/startup.log", "n")
    assert f"Total size in Kbytes: {shown}\n" in text


def test_get_refuses_a_changed_host_key(say, logs, tmp_path):
    """Until the old one is forgotten on purpose."""
    with SftpServer(tmp_path) as first:
        say("file get activelog demo/startup.log", "y", *first.answers, "", "yes")
        assert say.status == 0
        port = first.port
    with SftpServer(tmp_path) as second:
        ledger = tmp_path / "node" / "run" / "known_hosts.json"
        ledger.write_text(ledger.read_text().replace(str(port), str(second.port)))
        text = say("file get activelog demo/startup.log", "y", *second.answers, "")
        assert "has changed" in text
        assert say.status == 1
        say(f"delete sftp-host-key [127.0.0.1]:{second.port}")
        say("file get activelog demo/startup.log", "y", *second.answers, "", "yes")
        assert say.status == 0


@pytest.fixture
def silent_server():
    """A socket that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


@pytest.mark.parametrize(
    ("line", "first"), [("set cert bulk sftp", []), ("file get activelog demo", ["y"])]
)
def test_a_silent_server_is_named_and_can_be_left(node, logs, silent_server, line, first):
    """What is waited for is said, once and aside; Ctrl-C is heard and leaves no connection."""
    port = silent_server.getsockname()[1]
    execution = Conversation(node).session.execute(line)
    answers = iter([*first, "127.0.0.1", str(port), "u", "p", ""])
    event = execution.step()
    while not (isinstance(event, Say) and event.text.startswith("Waiting")):
        asks = isinstance(event, Ask | AskText | Secret)
        event = execution.step(next(answers) if asks else None)
    assert event == Say(f"Waiting for 127.0.0.1:{port} ...\n", aside=True)
    assert [execution.step() for _ in range(3)] == [Pause(0.0)] * 3
    assert execution.interrupt() == Say("Control-C pressed\n")
    assert isinstance(execution.step(), Done)
    peer, _ = silent_server.accept()
    with peer:
        peer.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(4096):
                pass


def test_reasons_are_in_words(say, logs):
    """No address, and a server that refuses."""
    text = say("file get activelog demo", "y", "", "22", "u", "p", "")
    assert "No address of a server was given\n" in text
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    text = say("file get activelog demo", "y", "127.0.0.1", str(port), "u", "p", "")
    assert f"127.0.0.1:{port}: Connection refused\n" in text


def test_get_can_be_called_off(say, logs):
    """Before anything is sent."""
    assert say("file get activelog demo", "n").endswith("Files transfer cancelled.\n")
    assert say.status == 0
    text = say("file get activelog demo", "y", "bad host!", "22", "u", "p", "")
    assert "not the address" in text
    text = say("file get activelog demo", "y", "127.0.0.1", "99999", "u", "p", "")
    assert "not a port" in text


FULL = """
import os, shutil, sys
from harness import Conversation
from cucmos_shell.node.node import Node
from cucmos_shell.world.world import World

shutil.copytree(sys.argv[1], sys.argv[2] + "/node", symlinks=True)
node = Node.open(sys.argv[2] + "/node", World.real())
say = Conversation(node)
if sys.argv[3] == "reserve":
    node.audit.keep_reserve()
say("show myself")
os.makedirs(sys.argv[2] + "/node/upload", exist_ok=True)
for name, size in (("big", 1 << 16), ("rest", 1)):
    with open(sys.argv[2] + "/node/upload/" + name, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * size):
                pass
        except OSError:
            pass
texts = [say("show myself") for _ in range(60)]
print("warned" if any("audit log" in text for text in texts) else "logged")
print(say("file delete upload big noconfirm"), end="")
print(say("show myself").count("audit log"))
"""


@pytest.mark.parametrize(
    ("reserve", "expected"),
    [
        ("reserve", "logged\nfiles: found = 1, deleted = 1\n0\n"),
        ("none", "warned\nThe audit log cannot be written: "),
    ],
)
def test_a_full_disk_can_be_cleared(imp_template, tmp_path, reserve, expected):
    """Room for the log was set aside; without it no change is made, as ever."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("wants a small disk of its own, by unshare")
    (tmp_path / "disk").mkdir()
    script = f'mount -t tmpfs -o size=4m tmpfs {tmp_path}/disk && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-c", FULL,
         str(imp_template), str(tmp_path / "disk"), reserve],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
    )  # fmt: skip
    assert done.stdout.startswith(expected), done.stdout + done.stderr


BATCH = """
import os, shutil, subprocess, sys

state = sys.argv[2] + "/node"
shutil.copytree(sys.argv[1], state, symlinks=True)

def run(line):
    command = [sys.executable, "-I", "-m", "cucmos_shell", "--state", state, "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr

run("show myself")
os.makedirs(state + "/upload", exist_ok=True)
for name, size in (("big", 1 << 16), ("rest", 1)):
    with open(state + "/upload/" + name, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * size):
                pass
        except OSError:
            pass
texts = [run("show myself") for _ in range(20)]
print("warned" if any("audit log" in text for text in texts) else "logged")
print(run("file delete upload big noconfirm"), end="")
print(run("show myself").count("audit log"))
"""


def test_a_full_disk_can_be_cleared_by_a_batch(imp_template, tmp_path):
    """Where nobody but batches has ever been: these set room for the log aside, too."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("wants a small disk of its own, by unshare")
    (tmp_path / "disk").mkdir()
    script = f'mount -t tmpfs -o size=4m tmpfs {tmp_path}/disk && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-c", BATCH,
         str(imp_template), str(tmp_path / "disk")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = "logged\nfiles: found = 1, deleted = 1\n0\n"
    assert done.stdout == expected, done.stdout + done.stderr
