"""Secrets in every place where one can get to: nothing of them is said, logged or kept."""

import asyncio
import shutil
import subprocess
import sys

import asyncssh
import pexpect
import pytest
from planted import FORMS, PASSWORD, PlantedKey, PlantedPassword, contents
from ssh_server import Served, Shell
from ssh_server import run as within

from cucmos_shell.cli.pattern import Choice, Options, Slot, Word
from cucmos_shell.frontends.reference import every_command

PROGRAM = [sys.executable, "-I", "-m", "cucmos_shell"]
LOUD, SAID = "show cli pagination", "Automatic Pagination"
# What stands in front of a planted argument where a place has a value before it.
VALUES = {"unit": "tomcat", "store": "tomcat-trust", "name": "tomcat", "host": "mail.example"}


def run(node_dir, *options, stdin=""):
    """All that the program said."""
    done = subprocess.run(
        [*PROGRAM, "--state", str(node_dir), *options],
        input=stdin.encode(), capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def beginnings(tokens, before=()):
    """What is typed up to each argument of a pattern, and up to where there is none any more."""
    for token in tokens:
        if isinstance(token, Options):
            for group in token.groups:
                yield from beginnings(group, before)
        elif isinstance(token, Slot):
            yield before
            before = (*before, VALUES.get(token.argument.name, "1"))
        elif isinstance(token, Choice):
            yield before
            before = (*before, token.words[0])
        elif isinstance(token, Word):
            before = (*before, token.text)
    yield before


PLACES = sorted({" ".join(words) for c in every_command() for words in beginnings(c.tokens)})
PLACES += [f"show cert list own | {word}" for word in ("include", "exclude", "begin", "count")]
PLACES += ["help", "?", "bogus", '"', "#", "show", "", " "]


class Search:
    """Looks for a secret in what was said, and in the files that have changed since."""

    def __init__(self, folder, secret):
        self._folder = folder
        self._secret = secret
        self._before = contents(folder)

    def __call__(self, said, *legitimate):
        hits = {"said": self._secret.occurs_in(said)}
        for path, data in contents(self._folder).items():
            if self._before.get(path) != data and not path.startswith(legitimate or ("\0",)):
                hits[path] = self._secret.occurs_in(data)
        return {place: found for place, found in hits.items() if found}


AT_ONCE = 400
QUICK = [("ed25519", 20), ("ed448", 64), ("rsa-pkcs1", 20)]
EVERY = [
    pytest.param(form, width, marks=[] if (form, width) in QUICK else [pytest.mark.slow])
    for form in FORMS
    for width in (64, 20)
]


@pytest.mark.parametrize(("form", "width"), EVERY)
@pytest.mark.parametrize("output", [(), ("--json",)], ids=["text", "json"])
def test_a_key_as_any_argument(node_dir, form, width, output):
    """In one line without its ends, with them, and as it is copied."""
    key = PlantedKey(form, width)
    search = Search(node_dir, key)
    whole = " ".join(key.lines)
    lines = [f"{place} {text}" for place in PLACES for text in (key.body, whole)]
    lines += [f'{place} "{key.body}"' for place in PLACES]
    lines += [f"{place} " + "\n".join(key.lines) for place in PLACES]
    # The system takes no more than so much as the arguments of a program.
    for part in range(0, len(lines), AT_ONCE):
        some = (*lines[part : part + AT_ONCE], LOUD)
        options = [option for line in some for option in ("-c", line)]
        said = run(node_dir, *output, "--keep-going", *options)
        assert LOUD in said.decode() or SAID in said.decode()
        assert search(said) == {}


@pytest.mark.parametrize(("form", "width"), EVERY)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_key_piped_behind_any_word(node_dir, form, width, end):
    """Its lines are no commands, wherever on a line it begins."""
    key = PlantedKey(form, width)
    search = Search(node_dir, key)
    first, *others = key.lines
    for output in ((), ("--json",)):
        script = [line for place in PLACES for line in (f"{place} {first}", *others, "")]
        said = run(node_dir, *output, "--keep-going", stdin=end.join([*script, LOUD, ""]))
        assert LOUD in said.decode() or SAID in said.decode()
        assert search(said) == {}


# A command, and what it asks: a (text), s (secret), y (a choice), p (a paste).
DIALOGUES = {
    "set account name bob": "ass",
    "set account ssh-key admin": "a",
    "set cert bulk sftp": "aaasa",
    "set cert import own tomcat": "p",
    "set cert import trust tomcat": "p",
    "set cert regen tomcat": "y",
    "set password user admin": "sss",
    "set password user security": "sss",
    "set smtp 127.0.0.1:1 starttls account me": "s",
    "set web-security a b c d": "y",
    "file delete activelog platform/log/none*": "y",
    "file get activelog platform/log/*": "yaaasa",
    "utils ctl set-cluster mixed-mode": "y",
    "utils itl reset localkey": "y",
    "utils itl reset remotekey": "as",
    "utils system shutdown": "y",
}
ANSWERS = {"a": "127.0.0.1", "s": "another", "y": "y", "p": "-"}
# Where the secret that was asked for is kept, 0600.
KEPT = "store/"


def scripts(secret, kinds):
    """For each question, the lines of a dialogue with the secret as its answer."""
    for command, questions in DIALOGUES.items():
        for i, kind in enumerate(questions):
            if kind in kinds:
                given = [ANSWERS[before] for before in questions[:i]]
                after = [ANSWERS[later] for later in questions[i + 1 :]]
                yield [command, *given, *secret.lines, *after]


@pytest.fixture(params=["imp", "ucm"])
def folder(request, node_dir, ucm_node):
    """The folder of a node of either product."""
    return node_dir if request.param == "imp" else ucm_node.state_dir


@pytest.mark.parametrize(("form", "width"), EVERY)
@pytest.mark.parametrize("output", [(), ("--json",)], ids=["text", "json"])
def test_a_key_as_any_answer(folder, form, width, output):
    """Where a word is asked for, a password, a choice or a certificate."""
    key = PlantedKey(form, width)
    search = Search(folder, key)
    script = [line for lines in scripts(key, "asyp") for line in (*lines, LOUD)]
    said = run(folder, *output, "--keep-going", stdin="\n".join([*script, LOUD, ""]))
    assert search(said) == {}
    assert LOUD in said.decode() or SAID in said.decode()


@pytest.mark.parametrize("output", [(), ("--json",)], ids=["text", "json"])
def test_a_password_as_any_answer_and_as_a_command(folder, output):
    """Kept where it belongs, as it is or as its hash; asked for or not, it is said nowhere."""
    password = PlantedPassword()
    search = Search(folder, password)
    script = [line for lines in scripts(password, "sy") for line in (*lines, LOUD)]
    script += [PASSWORD, f"{PASSWORD} {PASSWORD}", LOUD]
    said = run(folder, *output, "--keep-going", stdin="\n".join([*script, ""]))
    assert search(said, KEPT) == {}
    assert LOUD in said.decode() or SAID in said.decode()


def test_what_is_left_of_a_key_without_its_first_line(folder):
    """Lines of any width are no commands; nothing of them is kept."""
    for form, width in (("rsa", 20), ("rsa", 64), ("ed448", 20), ("encrypted", 33)):
        key = PlantedKey(form, width)
        search = Search(folder, key)
        for output in ((), ("--json",)):
            script = "\n".join([*key.lines[1:], LOUD, ""])
            said = run(folder, *output, "--keep-going", stdin=script)
            assert search(said) == {}


def test_secrets_as_options_of_the_program(node_dir):
    """A mistake of the command line names what is wrong, but no key."""
    key = PlantedKey("rsa", 64)
    search = Search(node_dir, key)
    for words in (
        [key.body],
        [f"--{key.body}"],
        ["--level", key.body],
        ["x", "\n".join(key.lines)],
    ):
        assert search(run(node_dir, *words)) == {}


def at_terminal(node_dir, sent):
    """What the program shows when all of `sent` is typed at its prompt, one after the other."""
    command = [*PROGRAM[1:], "--state", str(node_dir)]
    child = pexpect.spawn(PROGRAM[0], command, timeout=20, dimensions=(24, 200))
    child.delaybeforesend = None
    shown = b""
    for text, end in sent:
        child.send(text)
        child.expect_exact(end)
        shown += child.before + child.after
    child.sendline("exit")
    child.expect(pexpect.EOF)
    shown += child.before
    child.close()
    return shown


@pytest.mark.parametrize(("form", "width"), EVERY)
def test_a_key_pasted_at_a_terminal(node_dir, form, width):
    """Where no paste was asked for its lines are not even shown; nor where a password was."""
    key = PlantedKey(form, width)
    search = Search(node_dir, key)
    block = "\r".join(key.lines) + "\r"
    dropped = "up to its END line"
    shown = at_terminal(node_dir, [
        ("", "admin:"),
        (block, "admin:"),
        (f"show cert own {block}", "admin:"),
        ("set account name bob\r", "level :"),
        (block, dropped),
        ("", "password :"),
        (block, dropped),
        ("", "confirm :"),
        (block, "admin:"),
        ("show cli pagination\r", SAID),
        ("", "admin:"),
    ])  # fmt: skip
    assert search(shown) == {}


@pytest.mark.parametrize(("form", "width"), EVERY)
def test_what_a_terminal_shows_is_not_kept(node_dir, form, width):
    """Lines of a key without its first, and as answers; a password as a command and as answers."""
    key, password = PlantedKey(form, width), PlantedPassword()
    searches = [Search(node_dir, secret) for secret in (key, password)]
    rest = "\r".join(key.lines[1:]) + "\r"
    sent = [
        ("", "admin:"),
        (rest, "admin:"),
        (f"{PASSWORD}\r", "admin:"),
        ("set cert regen tomcat\r", "? "),
    ]
    sent += [(f"{line}\r", "? ") for line in (*key.lines, PASSWORD)] + [("no\r", "admin:")]
    sent += [("set password user admin\r", ": ")] + [(f"{PASSWORD}\r", ":")] * 3
    at_terminal(node_dir, sent)
    for search in searches:
        assert search(b"", KEPT) == {}


def test_the_rich_console_keeps_nothing_either(node_dir):
    """Typed, or pasted as a terminal brackets it: neither its history nor the log has it."""
    key, password = PlantedKey("ed448", 20), PlantedPassword()
    searches = [Search(node_dir, secret) for secret in (key, password)]
    command = [*PROGRAM[1:], "--state", str(node_dir), "--rich"]
    child = pexpect.spawn(PROGRAM[0], command, timeout=20, dimensions=(24, 100))
    child.expect_exact("admin:")
    for first in (key.lines[0], f"show cert own {key.lines[0]}", ""):
        child.send("\r".join([first, *key.lines[1:], ""]))
        child.send("\x1b[200~" + "\n".join([first, *key.lines[1:]]) + "\x1b[201~\r")
    child.send(f"{PASSWORD}\r{LOUD}\rexit\r")
    child.expect_exact(SAID)
    child.expect(pexpect.EOF)
    child.close()
    for search in searches:
        assert search(b"") == {}


@pytest.fixture(scope="module")
def served(imp_template, tmp_path_factory):
    """A server for all that is planted over SSH."""
    folder = tmp_path_factory.mktemp("planted")
    node = shutil.copytree(imp_template, folder / "node", symlinks=True)
    with Served(node) as server:
        server.run("set accountlocking disable")
        yield server


async def by_exec(connection, commands):
    """What commands say that read `typed`; with a terminal, too, where they read nothing."""
    said = b""
    for command, typed in commands:
        for terminal in ({}, {"term_type": "vt100", "term_size": (80, 24)}):
            if not (typed and terminal):
                done = await connection.run(
                    command, input=typed.encode(), encoding=None, **terminal
                )
                said += done.stdout + done.stderr
    return said


@pytest.mark.parametrize(("form", "width"), EVERY)
def test_a_key_over_ssh(served, form, width):
    """As a command's line, behind it, as its input, and in a shell."""
    key = PlantedKey(form, width)
    search = Search(served.node_dir, key)
    block = "\n".join(key.lines)

    async def main():
        async with served.connect() as connection:
            said = await by_exec(connection, [
                (block, ""),
                (key.body, ""),
                (f"--json --keep-going show cert own tomcat\nshow myself {block}\n{LOUD}", ""),
                ("--keep-going set account name bob", f"{block}\n" * 3),
                ("--keep-going set cert import own tomcat", f"{block}\n"),
                ("set cert regen tomcat", f"{block}\n"),
            ])  # fmt: skip
            async with Shell(connection) as shell:
                shell.send("\r".join([*key.lines, LOUD, ""]).encode())
                return said + await shell.until(f"{SAID} : On.\r\nadmin:".encode())

    assert search(within(main())) == {}


def test_a_password_over_ssh(served):
    """As a command and as its input."""
    search = Search(served.node_dir, PlantedPassword())

    async def main():
        async with served.connect() as connection:
            return await by_exec(connection, [
                (PASSWORD, ""),
                (f"--json --keep-going {PASSWORD}\n{LOUD}", ""),
                ("set account name ann", f"1\n{PASSWORD}\n{PASSWORD}\n"),
                ("set password user admin", f"{PASSWORD}\n" * 3),
                ("set cert regen tomcat", f"{PASSWORD}\n"),
            ])  # fmt: skip

    assert search(within(main()), KEPT) == {}


def test_secrets_at_the_sign_in(served):
    """As the password, and too early, as the name."""
    key, password = PlantedKey("ed448", 64), PlantedPassword()
    searches = [Search(served.node_dir, secret) for secret in (key, password)]
    tries = [("admin", PASSWORD), (PASSWORD, "wrong"), (key.body[:64], "wrong"),
             (key.body[-60:], PASSWORD), ("admin", key.body)]  # fmt: skip

    async def main():
        tried = (served.connect(name, given) for name, given in tries)
        for outcome in await asyncio.gather(*tried, return_exceptions=True):
            assert isinstance(outcome, asyncssh.PermissionDenied)

    within(main())
    said = served.run("show logins", "show audit last 100").stdout.encode()
    assert said.count(b"unknown") >= 3
    for search in searches:
        assert search(said) == {}


def test_a_key_by_sftp(served):
    """What is uploaded lies in the upload area, under its name, and nowhere else."""
    key = PlantedKey("ed448", 20)
    search = Search(served.node_dir, key)
    name = key.body[-60:].replace("/", "+")

    async def main():
        async with served.connect() as connection, connection.start_sftp_client() as client:
            for path in ("upload/key.pem", f"upload/{name}", f"upload/{name}.pem"):
                async with client.open(path, "w") as file:
                    await file.write("\n".join(key.lines))
            for path in (f"download/{name}", f"certs/{name}"):
                with pytest.raises(asyncssh.SFTPError):
                    async with client.open(path, "w") as file:
                        await file.write("\n".join(key.lines))
            await client.rename(f"upload/{name}.pem", f"upload/{name}.txt")
            await client.remove(f"upload/{name}.txt")
            said = ""
            for line in ("utils cert upload own tomcat key.pem", "utils ctl upload key.pem",
                         "utils cert upload trust tomcat key.pem", "file search upload * xyzzy",
                         f"utils cert upload own tomcat {name}"):  # fmt: skip
                done = await connection.run(line)
                said += done.stdout + done.stderr
            return said.encode()

    assert search(within(main()), "upload/") == {}
