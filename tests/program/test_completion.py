"""What Tab does in bash, zsh and fish: the real ones, on a terminal."""

import os
import subprocess
import sys

import pexpect
import pytest
from places import CHECKOUT

from cucmos_shell.cli.lexemes import split
from cucmos_shell.frontends.completion import answer, shell_words
from cucmos_shell.node import Node

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
PACKAGING = CHECKOUT / "packaging"
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        f"bind 'set enable-bracketed-paste off'; source {PACKAGING}/cucmos-shell.bash",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"unsetopt zle_bracketed_paste; fpath=({PACKAGING} $fpath);"
        " autoload -Uz compinit; compinit -u -D",
    ),
    "fish": (
        ["fish", "--no-config", "--private", "-i"],
        f"source {PACKAGING}/cucmos-shell.fish",
    ),
}
TO_LINE_START = "\x01"


@pytest.fixture
def tab(request, node_dir, tmp_path):
    """The words that a shell has made of a line which ends in Tab."""
    tools = tmp_path / "bin"
    tools.mkdir()
    script = tools / "cucmos-shell"
    script.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    script.chmod(0o755)
    command, setting = SHELLS[request.param]
    environment = {
        "PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "xterm",
        "LC_ALL": "C.UTF-8", "CUCMOS_STATE": str(node_dir),
    }  # fmt: skip
    shell = pexpect.spawn(
        command[0], command[1:], env=environment, cwd=tmp_path, timeout=30, encoding="utf-8",
        dimensions=(24, 300),
    )  # fmt: skip
    shell.delaybeforesend = None
    shell.sendline(f"{setting}; echo rea''dy")
    shell.expect("ready\r\n")

    def complete(line):
        # What is typed ahead waits until the line is completed.
        shell.send(f"{line}\t{TO_LINE_START}printf '<%s>' \r")
        # Something else has to follow, or what has come so far would do.
        shell.expect(r"<cucmos-shell>((<[^>]*>)*)[^<]")
        return shell.match[1][1:-1].split("><")

    yield complete
    shell.close(force=True)


every_shell = pytest.mark.parametrize("tab", list(SHELLS), indirect=True)


@every_shell
def test_names_of_the_node_complete(tab, node_dir, tmp_path):
    """A unit, a certificate, a service of several words, a file of the node, a folder."""
    (node_dir / "upload" / "signed by us.pem").write_text("")
    assert tab("cucmos-shell set cert regen tom") == ["set", "cert", "regen", "tomcat"]
    assert tab("cucmos-shell show cert own ips")[-1] == "ipsec/ipsec.pem"
    restart = tab("cucmos-shell utils service restart Cisco Tomcat St")
    assert " ".join(restart) == "utils service restart Cisco Tomcat Stats Servlet"
    assert " ".join(tab("cucmos-shell utils service restart cisco ser")).startswith(
        "utils service restart cisco Ser"
    )
    quoted = tab('cucmos-shell utils service restart "Cisco Tomcat St')
    assert quoted[-1] == "Cisco Tomcat Stats Servlet"
    upload = tab("cucmos-shell utils cert upload trust tomcat sig")
    assert " ".join(upload[5:]) == '"signed by us.pem"'
    (tmp_path / "lab-states").mkdir()
    # zsh takes the slash away where the word ends.
    assert tab("cucmos-shell --state lab-s")[-1].rstrip("/") == "lab-states"


@every_shell
def test_the_program_itself_completes(tab, tmp_path):
    """Verbs, options on both sides of them, values, files, commands in quotes."""
    (tmp_path / "my-profile.yaml").write_text("")
    assert tab("cucmos-shell ser") == ["serve"]
    assert tab("cucmos-shell serve --leg") == ["serve", "--legacy-algorithms"]
    assert tab("cucmos-shell --kee") == ["--keep-going"]
    assert tab("cucmos-shell init --role sub")[-1] == "subscriber"
    assert tab("cucmos-shell init --role=sub")[-1] == "--role=subscriber"
    assert tab("cucmos-shell --profile ucm-9")[-1] == "ucm-9.1"
    assert tab("cucmos-shell --profile my-p")[-1] == "my-profile.yaml"
    assert tab("cucmos-shell lab inventory my-p")[-1] == "my-profile.yaml"
    assert tab("cucmos-shell -c 'show cert li")[-1] == "show cert list"


def offers(world, line, shell="bash", part=None):
    """What is offered at the end of `line`, in the place of its last word unless `part` is that."""
    part = line.rpartition(" ")[2] if part is None else part
    kind, *rows = answer(shell, f"cucmos-shell {line}", part, world=world).split("\n")[:-1]
    return kind, [row.split("\t")[0] for row in rows]


def test_without_a_node_words_complete_and_none_is_made(tmp_path, world):
    """Behind a name that nobody knows as well."""
    nowhere = f"--state {tmp_path}/none"
    assert offers(world, f"{nowhere} show cert li") == ("words", ["list"])
    assert offers(world, f"{nowhere} utils cert upload own any ") == ("words", [])
    assert offers(world, f"{nowhere} show cert own ") == ("words", [])
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("content", ["", "a file", "{"])
def test_a_broken_node_completes_nothing_and_says_nothing(node_dir, world, content):
    """That is told when the line is run."""
    (node_dir / "profile.json").write_text(content)
    assert offers(world, f"--state {node_dir} show cert own ") == ("words", [])


def test_nothing_is_changed_and_nothing_waited_for(node_dir, world):
    """Not even a link that is missing is put back, while somebody else changes the node."""
    (node_dir / "store" / "view" / ".head").unlink()

    def everything():
        paths = sorted(node_dir.rglob("*"))
        return [(path, os.lstat(path).st_mtime_ns, os.lstat(path).st_ino) for path in paths]

    before = everything()
    with Node.look(str(node_dir), world).store.try_lock():
        for line in ("utils service restart Cis", "show cert trust ", "file view certs "):
            assert offers(world, f"--state {node_dir} {line}")[1]
        assert everything() == before


def test_a_level_sees_its_commands_only(node_dir, world):
    """As `?` would show them."""
    assert offers(world, f"--state {node_dir} --level 0 set cert re") == ("words", [])
    assert offers(world, f"--state {node_dir} set cert re") == ("words", ["regen"])


def test_wrong_words_before_complete_nothing(node_dir, world):
    """Neither an option that there is not nor a word."""
    for line in ("--bogus ser", "show bogus ", "serve x ", "init --port 3 --sp", "-- --sta"):
        assert offers(world, f"--state {node_dir} {line}")[1] in ([], ["--speed"])
    assert answer(world=world) == "words\n"
    assert answer("bash", "cucmos-shell", world=world) == "words\n"


HOSTILE = [
    "a b",
    "$(touch x)",
    "`x`",
    "a'b",
    'a"b',
    "a;b|c&d",
    "~x",
    "a  b",
    "*",
    "ä ö",
    "a\\b",
    "x\ny",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_names_stand_on_the_line_as_what_they_are(node_dir, world, tmp_path, name, quote):
    """Whatever they hold: the shell makes of them what the node understands, and runs nothing."""
    (node_dir / "upload" / f"q{name}").write_text("")
    line = f"--state {node_dir} utils cert upload trust tomcat {quote}q"
    _, found = offers(world, line, part="q")
    if "\n" in name:
        # What would not reach the node as it is, is not offered.
        assert found == []
        return
    (text,) = found
    script = f"printf '%s ' {quote}{text}{quote}"
    typed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert split(f"utils cert upload trust tomcat {typed.stdout}")[-1].text == f"q{name}"
    assert not (tmp_path / "x").exists()


def test_a_line_is_read_as_a_shell_reads_it():
    """Quotes, backslashes, and the word that is not ended."""
    found = shell_words("""a 'b c'd "e\\"f\\g" h\\ i "j k""")
    assert [word.text for word in found] == ["a", "b cd", 'e"f\\g', "h i", "j k"]
    assert (found[-1].quote, found[-1].typed) == ('"', '"j k')
    assert [word.text for word in shell_words("a ")] == ["a", ""]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("inventory ", ("files", [])),
        ("inventory --ansible ", ("files", [])),
        ("scenario bad", ("files", [])),
        ("inventory lab.yaml ", ("words", [])),
        ("inv", ("words", ["inventory"])),
        ("fault re", ("words", ["remove", "reset"])),
        ("clock ", ("words", ["show", "freeze", "advance", "run", "real"])),
        ("s", ("words", ["show", "state", "scenario", "snapshot"])),
        ("fault add ", ("words", [])),
        ("bogus ", ("words", [])),
    ],
)
def test_the_words_of_a_lab_complete_and_files_behind_them(world, line, found):
    """Each action has its own; a node need not be there."""
    assert offers(world, f"lab {line}") == found


def test_the_hidden_verb_answers_on_standard_output(node_dir):
    """Status 0 whatever it is asked; the standard error stays empty."""
    line = f"cucmos-shell --state {node_dir} show cert own ips"
    for words in (("bash", "--", line, "ips"), ("bash", "--", "x --no", "--no"), ("zsh",)):
        done = subprocess.run([*PROGRAM, "complete", *words], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
