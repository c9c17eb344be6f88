"""`help`, the history, and the output filters as a person meets them."""

import json
import os

import pytest
from harness import Conversation
from screen import Screen

from cucmos_shell import commands
from cucmos_shell.node.access.sessions import AccountHistory


def test_every_family_is_for_something():
    """Once."""
    named = [module for modules in commands.GROUPS.values() for module in modules]
    assert sorted(named) == sorted((*commands.FAMILIES, *commands.BY_PROFILE))


def test_help_groups_commands_by_what_they_are_for(say):
    """Groups in their order, filters explained; only what the level may run."""
    text = say("help")
    for title in commands.GROUPS:
        assert f"\n{title}:\n" in text
    assert "  | section TEXT" in text
    assert "\n  set cert regen " in text.partition("\nServices:")[0]
    ordinary = Conversation(say.node, level=0)("help")
    assert "set cert regen" not in ordinary
    assert "show cert expiry" in ordinary


def test_help_pages_and_the_rest_of_it_does_not(node):
    """The overview stops at each page, unless pagination is off."""
    screen = Screen(node, banner=False)
    assert "Press <enter>" in screen.type("help\r")
    screen.type("q")
    assert "Press <enter>" not in screen.type("help utils\r")
    screen.type("set cli pagination off\r")
    assert screen.type("help\r").endswith("admin:")


def test_help_completes_its_argument(say):
    """As the command itself does, for Tab and `?`."""
    complete, help_ = say.session.complete, say.session.help
    assert complete("help sh").insert == "ow "
    assert complete("help show cert li").insert == "st "
    assert complete("help SHOW").erase == 4
    assert "audit*" in complete("help show a").candidates
    assert help_("help show cert li") == ("\tlist*",)
    assert help_("help set cert regen ")[0] == "Syntax:"
    assert complete("help nonsense x").insert == ""
    assert not Conversation(say.node, level=0).session.complete("help set cert r").insert


def test_filters_are_explained_where_they_may_follow(say):
    """On the page of a command that takes them."""
    assert "Filters may follow" in say("help show cert list")
    assert "Filters may follow" not in say("help set cert regen")


def test_a_misspelt_word_is_answered_with_what_may_be_meant(say):
    """Before the two lines of the product; nothing above the level, nothing for short words."""
    unknown = "Executed command unsuccessfully\nNo valid command entered\n"
    assert say("shwo cert list") == f"Did you mean:\n\tshow\n{unknown}"
    assert say("show certt") == f"Did you mean:\n\tcert\n{unknown}"
    assert say("xq") == say("nothing-like-it") == say("z" * 5000) == unknown
    assert Conversation(say.node, level=0)("set accont x") == unknown
    say.session.settings.output = "json"
    assert json.loads(say("shwo"))["error"]["lines"] == ["Did you mean:", "show"]


def test_history(node, node_dir):
    """The account's own lines, this one included, without what looks like a secret."""
    history = AccountHistory(str(node_dir / "run"), "history-of-ann")
    say = Conversation(node, history=history)
    for line in ("show myself", "Blue-Harbour7", "show cli pagination"):
        say(line)
    assert say("show history").splitlines()[2:] == [
        "1         show myself", "2         show cli pagination", "3         show history",
    ]  # fmt: skip
    assert say("show history last 1").splitlines()[2:] == ["4         show history last 1"]
    for wrong in ("0", "x", "100001", ""):
        say(f"show history last {wrong}")
        assert say.status == 1
    assert Conversation(node)("show history") == "No history\n"


def test_count_counts_rows(say):
    """No heading, no frame, no sentence that there is nothing."""

    def count(line):
        return int(say(f"{line} | count").split()[1])

    say.session.settings.output = "json"
    services = json.loads(say("utils service list"))["data"]
    say.session.settings.output = "text"
    assert count("utils service list") == sum(len(services[k]) for k in services if "serv" in k)
    assert count("show account") == 1
    assert count("show service pending") == count("show csr list") == count("show alarm") == 0
    assert count("show cert list own") == count("show cert expiry") == 5
    assert count("show cert list own where issuer is-empty") == 0
    assert count("show cert chain tomcat") == 1
    assert count("file list activelog platform/log detail") == count("file list upload /") + 1
    assert count("show account | include account") == 0
    say("set cert regen tomcat", "yes")
    assert count("show service pending") == 1


def test_section_and_last(say):
    """A block is what is indented deeper below a line; the last lines are the last ones."""
    text = say("show cert own tomcat | section validity")
    assert text.splitlines()[0].startswith("  Validity From:")
    assert text.splitlines()[1].startswith("           To:")
    assert len(text.splitlines()) == 2
    assert (
        say("show cert list own | last 2").splitlines()
        == say("show cert list own").splitlines()[-2:]
    )
    assert say("show cert list own | sec cup | last 1 | count") == "Count: 1 line\n"
    for wrong in ("last", "last 0", "last x", "last -1", "last " + "9" * 5000, "section", "x", ""):
        say(f"show cert list own | {wrong}")
        assert say.status == 1, wrong
    say.session.settings.output = "json"
    assert len(json.loads(say("show cert list own | last 2"))["data"]) == 2
    assert len(json.loads(say("show cert list own | section cup-"))["data"]) == 2
    assert json.loads(say("show myself | last 2"))["ok"] is False


def test_redirect_writes_a_new_file(say, node_dir):
    """In the download area, never over one that is there, never elsewhere."""
    area = node_dir / "download"
    shown = say("show cert list own")
    assert say("show cert list own | include cup | redirect list.txt") == (
        "3 lines in list.txt, in the download area\n"
    )
    assert (area / "list.txt").read_text() == "".join(
        line for line in shown.splitlines(keepends=True) if "cup" in line
    )
    text = say("show myself | redirect list.txt")
    assert text.startswith("list.txt is in the download area already\n")
    assert say.status == 1
    os.symlink("/etc/hostname", area / "link")
    for wrong in ("link", "../x", "/tmp/x", '"a b"', "a" * 241, ".x", "x | count", '""', ""):
        say(f"show myself | redirect {wrong}")
        assert say.status == 1, wrong
    assert sorted(os.listdir(area)) == ["link", "list.txt"]
    assert say("show csr list | exclude CSR | redirect none.txt").startswith("0 lines in none.txt")
    say.session.settings.output = "json"
    answer = json.loads(say("show myself | redirect me.json"))
    assert answer["data"] == {"name": "me.json", "size": (area / "me.json").stat().st_size}
    assert json.loads((area / "me.json").read_text())["ok"] is True


@pytest.mark.parametrize("line", ["set cert regen tomcat", "utils service restart Cisco Tomcat"])
def test_what_changes_takes_no_filter(say, line):
    """Nor a file to go to."""
    assert "show, list and file commands only" in say(f"{line} | redirect x")


def test_words_that_begin_no_command_are_looked_for_in_all(say):
    """People remember what it is about, not what it begins with."""
    found = [line.partition("  ")[0].strip() for line in say("help csr").splitlines()]
    assert found == ["set csr delete", "set csr gen", "show csr list", "show csr own"]
    assert say.status == 0
    assert "utils cert upload" in say("help upload")
    found = {" ".join(line.split()[:3]) for line in say("help cert imp").splitlines()}
    assert found == {"set cert bulk", "set cert import", "show cert impact"}
    assert "\nshow cert list " in say("help certificate")
    assert say("help nothing-like-this").endswith("No valid command entered\n")
    assert say.status == 1


def test_words_above_ones_level_are_found_nowhere(node):
    """As they are unknown everywhere else."""
    assert "set csr gen" not in Conversation(node, level=0)("help csr")
