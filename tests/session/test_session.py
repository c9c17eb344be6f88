"""The session words every outcome, and tells it to the audit log."""

import json
import os

import pytest
from harness import Conversation

from cucmos_shell.cli.wording import choice
from cucmos_shell.node import Node


def test_an_unknown_command_reverses_the_two_lines(say):
    """Only an unknown command says so before its reason."""
    assert say("bogus") == "Executed command unsuccessfully\nNo valid command entered\n"
    assert say.status == 1


def test_any_other_failure_ends_in_the_failure_line(say):
    """The reason and what could follow come first."""
    lines = say("show cert").splitlines()
    assert lines[0] == "Incomplete command entered"
    assert "\tlist*" in lines
    assert lines[-1] == "Executed command unsuccessfully"


def test_commands_of_the_real_node_are_told_from_typing_mistakes(say):
    """What the profile lists as not simulated is named."""
    assert say("run loadxml x") == (
        "run loadxml: a command of the real node that this one does not simulate\n"
        "Executed command unsuccessfully\n"
    )


@pytest.mark.parametrize("verb", ["delete", "dump", "get", "list", "search", "tail", "view"])
def test_areas_of_the_real_node_are_told_from_typing_mistakes(say, verb):
    """Where only certain words may stand, too; each is named by Enter and by `?`."""
    text = "a command of the real node that this one does not simulate"
    for area in ("inactivelog", "salog", "install", "partBsalog"):
        line = f"file {verb} {area}"
        assert say(f"{line} x") == f"{line}: {text}\nExecuted command unsuccessfully\n"
        assert say.session.help(f"{line} x ") == (f"{line}: {text}",)
    if verb != "delete":
        assert say(f"file {verb} tftp x").startswith(f"file {verb} tftp: {text}\n")
        assert say(f"file {verb} inactivelg x").startswith("inactivelg is not one of: activelog, ")


def test_a_near_unit_is_suggested(say):
    """A mistyped name is answered with the nearest ones."""
    assert "\ttomcat\n" in say("set cert regen tomcta")
    assert say.status == 1


def test_empty_lines_and_comments_do_nothing(say, node):
    """They are neither failures nor entries of the log."""
    before = len(node.audit.entries(1000))
    assert say("") == say("   ") == say("# a comment") == ""
    assert say.status == 0
    assert len(node.audit.entries(1000)) == before


def test_json_says_success_and_failure_in_one_line(node):
    """Every command can be read by a program."""
    say = Conversation(node)
    say("set output json")
    good = json.loads(say("show cli pagination"))
    assert good == {
        "schema": 1,
        "command": "show cli pagination",
        "ok": True,
        "data": {"pagination": True},
        "error": None,
        "warnings": [],
    }
    bad = json.loads(say("show nonsense"))
    assert bad["ok"] is False
    assert bad["error"]["kind"] == "unknown-command"
    assert bad["warnings"] == []


def test_filters_work_on_any_listing(say):
    """include, exclude, begin and count."""
    every = say("show cert list own").splitlines()
    some = say("show cert list own | include tomcat").splitlines()
    assert some == [line for line in every if "tomcat" in line]
    assert say("show cert list own | exclude tomcat").splitlines() == [
        line for line in every if "tomcat" not in line
    ]
    assert say("show cert list own | begin ipsec").splitlines()[0].startswith("ipsec/")
    assert say("show cert list own | count") == f"Count: {len(every)} lines\n"


def test_the_log_holds_typed_and_canonical_line_and_outcome(say, node):
    """Begun before, ended after; failures too."""
    say("sh cli pag")
    say("bogus")
    begun, ended, wrong, failed = node.audit.entries(4)
    assert (begun.typed, begun.canonical, begun.what) == (
        "sh cli pag",
        "show cli pagination",
        "begun",
    )
    assert (ended.what, ended.outcome, ended.account) == ("ended", "ok", "admin")
    assert (wrong.typed, wrong.canonical) == ("bogus", "-")
    assert failed.outcome == "failed(1)"


def test_key_material_on_a_line_is_logged_as_its_length_only(say, node):
    """A pasted key line that lands at the prompt stays out of log and history."""
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDDdeadbeef"
    say(line)
    assert not say.session.remember(line)
    assert say.session.remember("show status")
    assert all(line not in entry.typed for entry in node.audit.entries(10))
    with open(node.layout.audit_log()) as log:
        text = log.read()
    assert line not in text
    assert f"({len(line)} characters not logged)" in text


def test_a_changing_command_needs_the_log_others_go_on_with_one_warning(say, node):
    """What cannot be recorded does not happen."""
    folder = os.path.dirname(node.layout.audit_log())
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)
    with open(folder, "w"):
        pass
    first, second = say("show cli pagination"), say("show cli pagination")
    assert first.startswith("Warning: The audit log cannot be written")
    assert not second.startswith("Warning")
    head = node.snapshot().head
    assert "The audit log cannot be written" in say("set cert regen tomcat", "yes")
    assert say.status == 4
    assert node.snapshot().head == head


def test_a_line_over_the_limit_is_one_clear_failure(say):
    """64 KiB is more than any command."""
    assert say("show " + "x" * 70_000) == (
        "The line is longer than 65536 characters\nExecuted command unsuccessfully\n"
    )


def test_answers_are_words_or_their_beginnings_in_any_case():
    """`Y` means yes; an empty answer means nothing."""
    assert choice("Y", ("yes", "no")) == "yes"
    assert choice(" NO ", ("yes", "no")) == "no"
    assert [choice(x, ("yes", "no")) for x in ("", None, "maybe", "yesterday")] == [None] * 4
    assert [choice(x, ("y", "n")) for x in ("y", "N", "yes", " No ", "YES")] == list("ynyny")
    assert [choice(x, ("y", "n")) for x in ("", None, "maybe", "yesterday")] == [None] * 4
    assert [choice(x, ("0", "1")) for x in ("0", "yes")] == ["0", None]


def test_a_wrong_answer_is_asked_again_on_a_terminal_only(node):
    """At a terminal any other answer asks again; a batch fails and nothing changes."""
    say = Conversation(node)
    say("set cert regen tomcat", "what", "no")
    assert len(say.asked) == 2
    assert say.status == 0
    batch = Conversation(node, interactive=False)
    head = node.snapshot().head
    assert batch("set cert regen tomcat", None).endswith("Executed command unsuccessfully\n")
    assert node.snapshot().head == head


def test_control_c_at_a_question_changes_nothing(say, node):
    """`Control-C pressed`, and the state is as before."""
    head = node.snapshot().head
    assert say("set cert regen tomcat").endswith("Control-C pressed\n")
    assert node.snapshot().head == head


def test_another_session_holding_the_lock_makes_busy_after_ten_seconds(say, node):
    """The wait holds no thread and ends with one line."""
    begin = node.world.now()
    with node.store.try_lock():
        assert "Another session is changing this node" in say("set cert regen tomcat", "yes")
    assert say.status == 4
    assert 10 <= node.world.now() - begin < 11


def test_an_ordinary_account_does_not_see_advanced_commands(node):
    """A command above the level is unknown."""
    say = Conversation(node, account="ops", level=0)
    assert (
        say("set cert regen tomcat")
        == "Executed command unsuccessfully\nNo valid command entered\n"
    )
    assert say("show cli pagination") == "Automatic Pagination : On.\n"


def test_the_editor_choice_is_kept_per_account(say, node):
    """It survives the session, and other accounts keep theirs."""
    assert say("set cli editor rich") == "Command line editor is rich from the next session on\n"
    again = Conversation(Node.open(node.state_dir, node.world))
    assert again("show cli editor") == "Command line editor : rich\n"
    other = Conversation(node, account="ops", level=1)
    assert other("show cli editor") == "Command line editor : quiet\n"


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_leaving_ends_the_session(say, word):
    """Both words end it."""
    say(word)
    assert say.session.ended


def test_the_command_count_stands_before_the_prompt(say):
    """Scripts still find `admin:` at its end."""
    say("set commandcount enable")
    assert say.session.prompt == "1 admin:"
    say("set commandcount disable")
    assert say.session.prompt == "admin:"


def test_a_restart_of_the_node_ends_every_session(node):
    """The one that asked for it, and the others when they next want something."""
    one, two = Conversation(node), Conversation(node)
    node.world.sleep(60)
    one("utils system restart", "yes")
    assert one.session.ended
    assert "restarted" in two("show myself")
    assert two.session.ended
    assert "imp-pub" in Conversation(node)("show myself")


def test_help_explains_a_command_and_lists_all(say):
    """Header, text, syntax."""
    text = say("help set cert regen")
    assert text.startswith("set cert regen help:\n")
    assert "Syntax:\nset cert regen unit\n" in text
    assert "show cert list" in say("help")
    assert say("help bogus").startswith("Executed command unsuccessfully\n")


def test_long_names_are_logged_and_only_key_material_is_not(say, node):
    """A name of 48 letters and underscores is no key; a run of base64 is left out, not the line."""
    name = "VeriSign_Class_3_Public_Primary_Certification_Authority_-_G5.pem"
    say(f"set cert delete tomcat-trust {name}")
    assert name in node.audit.entries(1)[0].typed
    say("show cert list own where common-name contains " + "A" * 60)
    entry = node.audit.entries(1)[0]
    assert entry.canonical.endswith("contains (60 characters not logged)")


def test_log_entries_cannot_be_forged(say, node):
    """A line that looks like the log's own fields stays one field."""
    say("xyz ] canonical=[show status] account=root")
    entry = node.audit.entries(1)[0]
    assert entry.canonical == "-"
    assert entry.account == "admin"
    assert entry.typed.startswith("xyz \\u{5D} canonical=[show status")


def test_control_c_is_logged_as_such(say, node):
    """It is no failure of the command."""
    say("set cert regen tomcat")
    assert node.audit.entries(1)[0].outcome == "interrupted"


def test_the_rich_editor_is_for_the_console(node):
    """Over SSH to the server it is set all the same, and said to be for elsewhere."""
    say = Conversation(node, origin="ssh/192.0.2.9")
    assert "console" not in say("set cli editor rich")
    say.session.caller.served = True
    assert say("set cli editor rich").splitlines() == [
        "Command line editor is rich from the next session on",
        "It is for the console: over SSH to this server the editor is always quiet",
    ]
    assert "console" not in say("set cli editor quiet")


@pytest.mark.parametrize("word", ["logout", "LOGOUT", "bye"])
def test_words_of_other_shells_are_answered_with_those_of_this(say, word):
    """In the order of an unknown command."""
    assert say(word) == (
        "Did you mean:\n\texit\n\tquit\nExecuted command unsuccessfully\nNo valid command entered\n"
    )
    assert not say.session.ended
