"""The program's own command line: options around a verb, words for the node, and what is wrong."""

import os
import shlex
import subprocess
import sys

import pytest

from cucmos_shell.errors import UsageError
from cucmos_shell.frontends.options import read
from cucmos_shell.frontends.verbs import EXIT_STATUSES, SHELL, VERBS

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]


def asked(line):
    return read(line.split(), VERBS)


def run(*arguments, **options):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, **options)


def refusal(line):
    """What is said of a line that cannot be meant."""
    with pytest.raises(UsageError) as caught:
        asked(line)
    return [caught.value.message(), *caught.value.details]


@pytest.mark.parametrize(
    "line",
    ["--state a --port 3 serve", "serve --state a --port 3", "--state=a serve --port=3",
     "--port 3 serve --state a"],
)  # fmt: skip
def test_options_stand_before_or_after_the_verb(line):
    """As the person thinks of them."""
    found = asked(line)
    assert found.verb.name == "serve"
    assert (found.values["state"], found.values["port"]) == ("a", 3)


def test_what_follows_the_first_word_of_a_command_is_the_commands():
    """Its options too, and a word that would be a verb."""
    line = "show cert expiry --svg f serve --json -- x"
    found = asked(f"--state a {line}")
    assert found.verb is SHELL
    assert found.words == tuple(line.split())
    assert found.values["json"] is None


@pytest.mark.parametrize("name", [name for name in VERBS if name])
def test_two_dashes_end_the_options_and_no_more(name):
    """A verb stays one; what looks like an option is a word."""
    assert asked(f"-- {name}").verb.name == name
    assert asked("-- show --json").words == ("show", "--json")
    assert "--port: cucmos-shell serve takes no such word" in refusal("serve -- --port")


def test_help_is_of_the_verb_wherever_it_is_asked_for():
    """Before it, behind it, and whatever else is wrong."""
    for line in ("--help serve", "serve --help", "serve -h --bogus", "-h --bogus serve"):
        found = asked(line)
        assert (found.help, found.verb.name) == (True, "serve")
    assert not asked("show --help").help


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--state a --state a", "--state is given twice"),
        ("--state a serve --state b", "--state is given twice"),
        ("--bogus", "--bogus: no such option"),
        ("--state", "--state needs a value"),
        ("serve --state --port 3", "--state needs a value"),
        ("--json=x", "--json takes no value"),
        ("init --port 3", "cucmos-shell init has no option --port"),
        ("serve --json", "cucmos-shell serve has no option --json"),
        ("serve --port many", "--port: many will not do"),
        ("--role king init", "--role: king will not do"),
        ("init a", "a: cucmos-shell init takes no such word"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_to_the_help(line, said):
    """One line for it, one for the help of the verb that was meant."""
    first, *others = refusal(line)
    assert first == said
    assert others[-1].startswith("Try: cucmos-shell")
    assert others[-1].endswith("--help")


def test_what_may_be_meant_is_named():
    """A near option, the verb that has it, the values that there are."""
    assert "\t--profile" in refusal("--profil x")
    assert "It is an option of: cucmos-shell serve" in refusal("init --port 3")
    assert "One of: publisher, subscriber" in refusal("init --role king")


def test_a_switch_may_stand_twice_and_a_command_be_an_option():
    """An alias may have it already; a command of the node is whatever was typed."""
    assert asked("--json --json").values["json"] is True
    assert asked("-c --json -c -").values["c"] == ["--json", "-"]


def test_words_are_a_command_line(node_dir):
    """Joined by a blank as ssh does, shortened words and filters included."""
    state = ("--state", str(node_dir))
    whole = run(*state, "-c", "show cert list own | count")
    assert run(*state, "show", "cert", "list", "own", "|", "count").stdout == whole.stdout
    assert run(*state, "sh cert list own", "|", "count").stdout == whole.stdout
    done = run(*state, "--yes", "set", "cert", "regen", "tomcat")
    assert "Successfully Regenerated Certificate for tomcat.\n" in done.stdout
    done = run(*state, "set", "cert", "regen", "tomcat", input="yes\n")
    assert "Successfully Regenerated Certificate for tomcat.\n" in done.stdout
    assert run(*state, "show", "bogus").returncode == 1


def test_options_of_a_command_are_its_own(node_dir, tmp_path):
    """`--svg` is none of the program's."""
    words = ("show", "cert", "expiry", "--svg", "bars.svg")
    done = run("--state", str(node_dir), *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "bars.svg" in done.stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [("srve", "\tserve"), ("shwo cert list own", "\tshow"), ("intl --speed 0", "\tinit")],
)
def test_a_misspelt_verb_is_usage_and_installs_nothing(tmp_path, words, meant):
    """It names the nearest one."""
    done = run("--state", str(tmp_path / "new"), *words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cucmos-shell: {meant}\n" in done.stderr
    assert not os.listdir(tmp_path)


def test_a_word_like_nothing_names_the_verbs(tmp_path):
    """A password is not repeated."""
    done = run("--state", str(tmp_path / "new"), "Blue-Harbour7")
    assert done.returncode == 2
    assert "Verbs: init, serve, agent, lab, reference" in done.stderr
    assert "Harbour" not in done.stderr


def test_a_command_that_is_not_simulated_is_named(node_dir):
    """Where there is a node to ask; its product has the command."""
    done = run("--state", str(node_dir), "show", "diskusage", "common")
    assert done.returncode == 1
    assert done.stdout.startswith("show diskusage: a command of the real node")


def test_ways_to_give_a_command_do_not_go_together(node_dir):
    """Nothing is silently left out."""
    for option in (("-c", "show status"), ("-f", "-"), ("--forced",)):
        done = run("--state", str(node_dir), *option, "show", "myself")
        assert done.returncode == 2
        assert f"a command in words and {option[0]} do not go together" in done.stderr


@pytest.mark.parametrize("verb", ["init", "serve", "agent", "show status"])
@pytest.mark.parametrize("below", ["", "/nodes/one"])
def test_a_state_folder_that_is_a_file_is_named(tmp_path, verb, below):
    """Nothing is written over, whoever asks, and the file is named where it stands above."""
    place = tmp_path / "state"
    place.write_text("mine")
    done = run("--state", f"{place}{below}", *verb.split())
    assert done.returncode == 4
    assert done.stderr == f"cucmos-shell: {place} is a file, and no folder for a node\n"
    assert place.read_text() == "mine"


def test_an_agent_needs_a_node(tmp_path):
    """It keeps one in step, and makes none."""
    done = run("agent", "--state", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "holds no node" in done.stderr


def test_one_name_is_one_option():
    """Whether it takes a value is known before the verb is."""
    kinds = {}
    for verb in VERBS.values():
        for option in verb.options.values():
            kinds.setdefault(option.name, set()).add((bool(option.metavar), option.many))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_the_help_page_has_verbs_options_examples_and_statuses():
    """All there is to know, but what is hidden."""
    page = run("--help").stdout
    for name, verb in VERBS.items():
        assert not name or (f"\n  {name} " in page) is not verb.hidden
    for name in SHELL.options:
        assert f"\n  {name} " in page
    for line, _ in SHELL.examples:
        assert f"\n  {line} " in page
    for number, what in EXIT_STATUSES.items():
        assert f"\n  {number}".ljust(8) + f"{what}\n" in page


@pytest.mark.parametrize("verb", [verb for verb in VERBS.values() if not verb.hidden])
def test_examples_are_understood(verb):
    """Each is a line of its verb."""
    for line, _ in verb.examples:
        words = shlex.split(line.partition(" | man")[0])
        assert words[0] == "cucmos-shell"
        assert read(words[1:], VERBS).verb is verb
