"""Sessions: limits, timeout, who is there, histories, and the second sign-in."""

import json
import os
import subprocess
import sys

import pytest
from harness import Conversation
from screen import Screen
from ssh_server import PROGRAM

from cucmos_shell.errors import Refused
from cucmos_shell.node import Node
from cucmos_shell.node.access.accounts import Locking
from cucmos_shell.session import Session
from cucmos_shell.store.shared_json import SharedJson

GOOD = "Blue-Harbour7"
ASKED = "Please enter the password of account admin : "


def test_the_timeout_is_for_new_sessions(say, node):
    """Half an hour unless told otherwise; it survives."""
    assert say("show cli session timeout") == "CLI session timeout : 30 minutes\n"
    assert node.logins.timeout() == 1800
    say("set cli session timeout 5", "y")
    assert node.logins.timeout() == 300
    assert say("show cli session timeout") == "CLI session timeout : 5 minutes\n"
    for minutes in ("4", "100000", "x"):
        assert "whole number from 5 to 99999" in say(f"set cli session timeout {minutes}")


def test_an_account_has_so_many_sessions(say, node):
    """Ten unless told otherwise; other accounts are not concerned; one that ends makes room."""
    there = [node.logins.begin("ann", "192.0.2.1") for _ in range(10)]
    with pytest.raises(Refused, match="limit of 10 sessions"):
        node.logins.begin("ann", "192.0.2.1")
    node.logins.begin("bob", "192.0.2.2")
    node.logins.end(there[3])
    node.logins.begin("ann", "192.0.2.1")
    # A server that goes on running sees at once what another process has changed.
    assert say("set session maxlimit 12") == "Maximum number of sessions is 12\n"
    node.logins.begin("ann", "192.0.2.1")


def test_sessions_of_a_process_that_is_gone_are_gone(node_dir, node):
    """However it went: nothing has to be cleaned up."""
    code = (
        "import os, sys\n"
        "from cucmos_shell.node.node import Node\n"
        "from cucmos_shell.world.world import World\n"
        f"node = Node.open({str(node_dir)!r}, World.real())\n"
        "for _ in range(10): node.logins.begin('ann', '192.0.2.1')\n"
        "print(len(node.logins.now())); sys.stdout.flush(); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "10\n", done.stderr
    assert node.logins.now() == []
    node.logins.begin("ann", "192.0.2.1")


def test_a_disk_that_takes_nothing_keeps_nobody_out(node, node_dir):
    """Somebody must be able to come and clear it."""
    (node_dir / "run").mkdir(exist_ok=True)
    (node_dir / "run" / "sessions").write_text("")
    node.logins.end(node.logins.begin("admin", "192.0.2.1"))
    assert node.logins.now() == []


def test_what_is_no_session_is_none(node, node_dir):
    """A file that was cut short, or that somebody left, is neither shown nor in anybody's way."""
    there = node.logins.begin("ann", "192.0.2.1")
    folder = node_dir / "run" / "sessions" / "ann"
    (name,) = os.listdir(folder)
    (folder / "notes.txt").write_text("nothing")
    (folder / name.replace("-s1", "-s9")).write_text('{"account": "ann"')
    assert node.logins.now() == [there]
    assert not (folder / "notes.txt").exists()


def test_names_that_look_alike_share_nothing(node):
    """Neither a history nor the number of sessions; a system's user may be called anything."""
    names = ("svc", "svc_", "_svc", "SVC", "EXAMPLE\\svc", "EXAMPLE/svc", "..", "=svc", "svc\n")
    for name in names:
        assert node.logins.history(name).lines == []
        node.logins.history(name).keep(f"show account {name.strip()}")
        for _ in range(10):
            node.logins.begin(name, "192.0.2.1")
    assert [node.logins.history(name).lines for name in names[:3]] == [
        [f"show account {name}"] for name in names[:3]
    ]
    assert len(node.logins.now()) == 10 * len(names)


def test_logins_are_shown(say, node):
    """Those who are there, who were, and who was refused."""
    gone = node.logins.begin("ann", "192.0.2.1")
    node.logins.end(gone)
    node.audit.session(node.now(), "refused", "eve x\n", "192.0.2.66", reason="unknown account")
    node.logins.begin("bob", "192.0.2.2")
    say("set output json")
    rows = json.loads(say("show logins"))["data"]
    assert [(r["account"], r["origin"]) for r in rows] == [
        ("ann", "192.0.2.1"), ("eve_x", "192.0.2.66"), ("bob", "192.0.2.2"),
    ]  # fmt: skip
    assert rows[0]["ended"].startswith("2026-")
    assert [(r["state"], r["reason"]) for r in rows] == [
        ("ended", None), ("refused", "unknown_account"), ("live", None),
    ]  # fmt: skip
    assert rows[1]["ended"] is rows[2]["ended"] is None
    for _ in range(300):
        say("show myself")
    assert json.loads(say("show logins last 3"))["data"] == rows
    assert json.loads(say("show logins last 1"))["data"] == rows[2:]
    say("set output text")
    assert "refused (unknown_account)" in say("show logins")
    assert "still logged in" in say("show logins last 1")


def test_an_id_that_comes_again_is_another_session(say, node, world):
    """Processes' numbers do: each end belongs to the last beginning before it."""
    for what, account in (
        ("begun", "ann"), ("ended", "ann"), ("begun", "bob"), ("begun", "carl"), ("ended", "carl"),
    ):  # fmt: skip
        node.audit.session(node.now(), what, account, "ssh/192.0.2.1", "7-s1")
        world.sleep(60)
    say("set output json")
    rows = json.loads(say("show logins"))["data"]
    assert [(r["account"], r["state"], r["ended"]) for r in rows] == [
        ("ann", "ended", "2026-11-18T11:07:40Z"), ("bob", "gone", None),
        ("carl", "ended", "2026-11-18T11:10:40Z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"n:admin": 5}', '{"n:admin": {"until": 9e9}}', "\0"]
)
def test_a_shared_file_may_hold_anything(node, node_dir, text):
    """It counts as empty."""
    (node_dir / "run").mkdir(exist_ok=True)
    (node_dir / "run" / "failures.json").write_text(text)
    assert node.accounts.locked_for("admin") == 0
    assert node.accounts.delay("admin", "192.0.2.1") == 0
    node.accounts.failed("admin", "192.0.2.1", Locking())
    node.accounts.succeeded("admin")


def test_a_shared_file_on_a_full_disk_stays_as_it_was(tmp_path):
    """The limit on the size of files stands in for the disk."""
    code = (
        "import resource, signal, sys\n"
        "from cucmos_shell.errors import Unavailable\n"
        "from cucmos_shell.store.shared_json import SharedJson\n"
        "shared = SharedJson(sys.argv[1] + '/run/hosts.json', durable=True)\n"
        "with shared.change() as entries: entries['a'] = 'x' * 900\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with shared.change() as entries: entries['b'] = 'x' * 900\n"
        "except Unavailable as error: print(type(error).__name__, sorted(shared.read()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Unavailable ['a']\n", done.stderr


def test_a_lock_outlasts_a_spray_of_names(node):
    """When there are too many counters, those that lock nobody go first."""
    rules = Locking(count=2)
    for _ in range(2):
        node.accounts.failed("ann", "192.0.2.1", rules)
    assert node.accounts.locked_for("ann") > 0
    full = {f"n:x{i}": {"count": 1, "last": node.now()} for i in range(5000)}
    with SharedJson(node.layout.failures).change() as entries:
        entries.update(full)
    node.accounts.failed("eve", "192.0.2.1", rules)
    assert node.accounts.locked_for("ann") > 0


def test_a_history_belongs_to_an_account_and_lasts(node_dir, node, world):
    """Up to 500 lines, in a file for the owner only; the same line again is not kept again."""
    history = node.logins.history("ann")
    for i in range(1200):
        history.keep(f"show account {i}")
        history.keep(f"show account {i}")
    history.keep("x" * 5000)
    again = Node.open(str(node_dir), world).logins.history("ann")
    assert again.lines[-1] == "show account 1199"
    assert len(again.lines) == 500
    assert node.logins.history("bob").lines == []
    path = node_dir / "run" / "history" / "ann"
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert path.read_text().count("\n") == 500
    assert os.listdir(path.parent) == ["ann"]
    assert node.logins.history("../../escape").lines == []
    assert not (node_dir.parent / "escape").exists()


def test_a_session_keeps_what_is_typed(node):
    """What runs, not what is secret; a shell's own list is its front end's."""
    session = Session(node, history=node.logins.history("ann"))
    for line in ("show myself", "-----BEGIN PRIVATE KEY-----", "A" * 64, "bogus"):
        session.execute(line).step()
    assert node.logins.history("ann").lines == ["show myself", "bogus"]


def test_the_second_sign_in_is_off_at_first(say):
    """Programs do not expect it."""
    assert say("show security reauth") == "Second sign-in : off\n"
    say("set cert regen tomcat", "yes")
    assert say.status == 0


def test_the_second_sign_in_needs_a_password_to_ask_for(say):
    """Otherwise nobody could ever switch it off."""
    assert "no password" in say("set security reauth on")
    assert say.status == 1


def test_a_security_command_wants_the_password_once(say, node):
    """Asked before anything else; right once, right for the session."""
    say("set password user admin", "", GOOD, GOOD)
    assert say("set security reauth on") == "Second sign-in is on\n"
    say.asked.clear()
    say("show cert list own")
    assert say.asked == []
    text = say("set cert regen tomcat", "wrong", GOOD, "no")
    assert text.startswith("Permission denied, please try again.\n")
    assert say.asked[:2] == [ASKED] * 2
    say.asked.clear()
    say("set cert regen tomcat", "no")
    assert ASKED not in say.asked
    other = Conversation(node)
    other("set security reauth off", "wrong", "bad", "worse")
    assert other.status == 1
    assert node.snapshot().settings()["security_reauth"] is True
    assert say("set security reauth off") == "Second sign-in is off\n"


def test_the_second_sign_in_keeps_json_to_one_line(say, node):
    """A wrong try is told in it, not beside it."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    say("set output json")
    answer = json.loads(say("set cert regen tomcat", "wrong", GOOD, "no"))
    assert answer["ok"] is True


def test_a_batch_gives_the_password_as_its_next_line(say, node):
    """One try."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    batch = Conversation(node, interactive=False)
    assert "Permission denied" in batch("set cert regen tomcat", "wrong", "yes")
    batch("set cert regen tomcat", GOOD, "yes")
    assert batch.status == 0
    assert "No answer was given" in Conversation(node, interactive=False)("set cert regen tomcat")


def test_the_question_reads_alike_on_a_terminal_and_in_a_batch(say, node, node_dir):
    """No account's name makes the prompt's own word of it."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    shown = Screen(node, banner=False).type(f"set cert regen tomcat\r{GOOD}\rno\r")
    assert f"\r\n{ASKED}{'*' * len(GOOD)}\r\n\r\nWARNING:" in shown
    batch = subprocess.run(
        [*PROGRAM, "--state", str(node_dir), "-c", "set cert regen tomcat"],
        input=f"{GOOD}\nno\n", capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert batch.stdout.startswith(f"{ASKED.rstrip()}\n\nWARNING:")


def test_a_block_as_the_second_sign_ins_password_is_dropped(say, node):
    """To its END line, or the rest of a key would be run, shown and logged."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    key = ("-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEIA", "-----END PRIVATE KEY-----")
    text = say("set cert regen tomcat", *key, GOOD, "no")
    assert "it is dropped" in text
    assert say.asked[-1] == "Proceed with regeneration (yes|no)? "


def test_a_locked_account_is_told_so_instead_of_asked_again(say, node):
    """Its owner is signed in already."""
    say("set password user admin", "", GOOD, GOOD)
    say("set security reauth on")
    text = say("set cert regen tomcat", "wrong", "bad", "worse")
    assert "Account admin is locked for 300 seconds" in text
    assert "is locked" in Conversation(node)("set cert regen tomcat", GOOD)


@pytest.mark.parametrize(
    ("line", "reauth"),
    [
        ("set cert regen tomcat", True),
        ("set cert delete tomcat-trust x", True),
        ("set ocsp disable", True),
        ("utils cert download own tomcat", True),
        ("set security reauth off", True),
        ("show cert list own", False),
        ("utils service list", False),
        ("set cli pagination off", False),
    ],
)
def test_what_touches_security_is_guarded(node, line, reauth):
    """By the leading words, and nothing else."""
    walker = Conversation(node).session.walker
    words = tuple(line.split()[:3])
    found = walker.grammar.below(walker.command(words)[0])
    assert {command.reauth for command in found} == {reauth}
