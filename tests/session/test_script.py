"""What a batch does with its lines, driven without input or output."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cucmos_shell.cli.caller import Settings
from cucmos_shell.results import Pause, Say
from cucmos_shell.session import Session
from cucmos_shell.session.script import Order, Peek, Script, Work


class Drive:
    """Runs a script on a node; `said` is what it said, `left` what of the input it left."""

    def __init__(self, node, given, lines=None, output="text", **policy):
        self.node = node
        self.said = ""
        self.left = list(given)
        self.waits = []
        session = Session(node, interactive=False, settings=Settings(output=output))
        script = Script(session, None if lines is None else iter(lines), **policy)
        wants, answer = script.run(), None
        while True:
            try:
                answer = self.meet(wants.send(answer))
            except StopIteration as stop:
                self.status = stop.value
                return

    def meet(self, want):
        if isinstance(want, Work):
            return want.function()
        if isinstance(want, Say):
            self.said += want.text
        elif isinstance(want, Pause):
            self.node.world.sleep(want.seconds)
        elif isinstance(want, Peek):
            self.waits.append(want.seconds)
            return self.left[0] if self.left else None
        else:
            del self.left[0]
        return None


def pem(key, width=64):
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    first, *body, last = text.splitlines()
    whole = "".join(body)
    return [first, *(whole[i : i + width] for i in range(0, len(whole), width)), last]


@pytest.fixture(scope="module")
def secrets():
    return {"ed448": ed448.Ed448PrivateKey.generate(), "rsa": rsa.generate_private_key(65537, 2048)}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], ""),
        (["", " "], ""),
        (["show myself"], "; 1 line was taken for text before it, and not run"),
        (["show myself", "", "x"], "; 2 lines were taken for text before it, and not run"),
    ],
)
def test_a_paste_that_never_came_says_what_it_took(node, lines, says):
    """The lines of a script that forgot it are not lost in silence."""
    drive = Drive(node, ["set cert import trust tomcat", *lines], keep_going=True)
    assert drive.said == (
        "Paste the Certificate and Hit Enter\n"
        f"Nothing was pasted: the BEGIN line of a certificate is missing{says}\n"
        "Executed command unsuccessfully\n"
    )


def test_a_paste_that_is_too_long_says_so(node):
    """One failure, and the lines behind it are commands again."""
    block = ["-----BEGIN CERTIFICATE-----", *["M" * 64] * 17_000, "-----END CERTIFICATE-----"]
    drive = Drive(node, ["set cert import trust tomcat", *block, LOUD[0]], keep_going=True)
    assert drive.said == (
        "Paste the Certificate and Hit Enter\n"
        "The paste is longer than 1 MiB: nothing was kept\n"
        f"Executed command unsuccessfully\n{LOUD[1]}"
    )
    assert drive.status == 1


LOUD = ("show cli pagination", "Automatic Pagination : On.\n")


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("kind", ["ed448", "rsa"])
@pytest.mark.parametrize("width", [64, 20])
@pytest.mark.parametrize("by_option", [True, False], ids=["lines given", "lines of the input"])
def test_a_block_nobody_asked_for_is_one_failure(node, secrets, kind, width, by_option, output):
    """Up to its END; nothing of it is run, shown or logged, whatever its lines look like."""
    block = pem(secrets[kind], width)
    given = [LOUD[0], *block, LOUD[0]]
    drive = Drive(
        node, [] if by_option else given, given if by_option else None, output, keep_going=True
    )
    assert drive.status == 1
    if output == "json":
        answers = [json.loads(line) for line in drive.said.splitlines()]
        assert [answer["ok"] for answer in answers] == [True, False, True]
    else:
        failure = "The pasted block was dropped: no command had asked for it"
        assert drive.said == f"{LOUD[1]}{failure}\nExecuted command unsuccessfully\n{LOUD[1]}"
    entries = node.audit.entries(100)
    assert [entry.outcome for entry in entries if entry.what == "ended"] == [
        "ok",
        "failed(1)",
        "ok",
    ]
    logged = " ".join(entry.typed for entry in entries)
    for line in block[1:-1]:
        assert line not in logged + drive.said


def test_without_keep_going_the_block_is_the_end(node, secrets):
    """As any other failure is."""
    drive = Drive(node, [*pem(secrets["rsa"]), LOUD[0]])
    assert drive.status == 1
    assert "Pagination" not in drive.said


def test_a_block_without_an_end_takes_the_rest(node):
    """Nobody knows where it would have ended."""
    drive = Drive(node, ["-----BEGIN RSA PRIVATE KEY-----", "abc", LOUD[0]], keep_going=True)
    assert drive.status == 1
    assert "Pagination" not in drive.said


def test_an_answer_of_the_input_is_taken_and_another_line_is_run(node):
    """What is no answer stays a command."""
    drive = Drive(node, ["set cert regen cup", "yes", LOUD[0]])
    assert (drive.status, drive.left) == (0, [])
    assert drive.said.endswith(LOUD[1])
    drive = Drive(node, ["set cert regen cup", LOUD[0]], keep_going=True)
    assert drive.status == 1
    assert drive.said.endswith(LOUD[1])


def test_yes_takes_an_answer_that_is_there_and_waits_for_none(node):
    """In the order of the input where the commands are there; else only what has come."""
    drive = Drive(node, ["set cert regen cup", "no", LOUD[0]], yes=True)
    assert drive.status == 0
    assert "Successfully Regenerated" in drive.said
    assert drive.said.endswith(LOUD[1])
    assert 0.0 not in drive.waits
    drive = Drive(node, ["y", "left"], ["set cert regen cup"], yes=True)
    assert (drive.status, drive.left) == (0, ["left"])
    assert drive.waits == [0.0]


def test_a_paste_waits_for_more_behind_its_end_only_for_a_moment(node, outside_ca):
    """A client may keep its channel open."""
    lines = outside_ca.root("Example Root").pem.decode().splitlines()
    drive = Drive(node, lines, ["set cert import trust tomcat"])
    assert drive.status == 0, drive.said
    assert drive.waits[-1] == 2.0
    assert set(drive.waits[:-1]) == {None}


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("by_option", [True, False], ids=["lines given", "lines of the input"])
def test_a_paste_that_is_too_long_is_told_as_that(node, by_option, output):
    """Not as an empty one; all of it is taken."""
    block = ["-----BEGIN CERTIFICATE-----", *["A" * 64] * 17_000, "-----END CERTIFICATE-----"]
    line = "set cert import trust tomcat"
    if by_option:
        drive = Drive(node, block, [line], output)
    else:
        drive = Drive(node, [line, *block, LOUD[0]], None, output, keep_going=True)
    assert drive.status == 1
    assert "The paste is longer than 1 MiB: nothing was kept" in drive.said
    assert "empty" not in drive.said
    assert "AAAA" not in drive.said
    assert drive.left == []


def test_order_says_what_runs_and_when_it_is_enough():
    """The first failure is the status; blocks are their first line."""
    order = Order(keep_going=True)
    lines = ["a", "-----BEGIN X-----", "b", "-----END X-----", "c", "-----BEGIN Y----- -----END Y-----", "d"]  # fmt: skip
    assert [line for line in lines if order.runs(line)] == ["a", lines[1], "c", lines[5], "d"]
    for status in (0, 3, 1):
        order.ended(status)
    assert (order.status, order.over) == (3, False)
    order = Order(keep_going=False)
    order.ended(4)
    assert (order.status, order.over) == (4, True)


# --- answers to questions that do not come --------------------------------------------------------

MAKE, PASSWORD = "set account name admin", "Blue-Harbour7"


@pytest.mark.parametrize("by_option", [True, False], ids=["lines given", "lines of the input"])
def test_the_answers_of_a_refused_command_go_with_it(node, by_option):
    """At most three, and none from a command on; nothing of them is logged."""
    given = [MAKE, "1", PASSWORD, PASSWORD, "bogus", MAKE, "1", LOUD[0], LOUD[0]]
    drive = (
        Drive(node, [], given, keep_going=True)
        if by_option
        else Drive(node, given, keep_going=True)
    )
    assert drive.said.count("Account name already exists") == 2
    assert drive.said.count("No valid command entered") == 1
    assert drive.said.count(LOUD[1]) == 2
    with open(node.layout.audit_log(0), encoding="utf-8") as log:
        assert PASSWORD not in log.read()


def test_so_do_answers_that_an_input_of_its_own_supplies(node):
    """Or the next command would take them."""
    given = ["1", PASSWORD, PASSWORD, "no"]
    drive = Drive(node, given, [MAKE, "set cert regen tomcat"], keep_going=True)
    assert drive.left == []
    assert "Regeneration cancelled" in drive.said


def test_the_timeout_needs_its_answer_in_a_batch(node):
    """A script that does not answer changes nothing."""
    set_it, shown = "set cli session timeout 40", "show cli session timeout"
    drive = Drive(node, [set_it, shown], keep_going=True)
    assert drive.status == 1
    assert "CLI session timeout : 30 minutes" in drive.said
    assert "timeout : 40" in Drive(node, [set_it, "y", shown]).said
    assert Drive(node, [set_it], yes=True).status == 0


# --- text between the blocks of a paste -----------------------------------------------------------


def test_text_between_two_blocks_is_dropped(node, outside_ca):
    """A block follows before a command does."""
    first, second = (outside_ca.root(name).pem.decode().splitlines() for name in ("One", "Two"))
    given = ["set cert import trust tomcat", *first, "Now the other:", "", *second, LOUD[0]]
    said = Drive(node, given).said
    assert said.count(": imported") == 2
    assert said.endswith(LOUD[1])


@pytest.mark.parametrize("more", [[], [LOUD[0]]])
def test_text_behind_the_last_block_is_lines_again(node, outside_ca, more):
    """In their order, before what follows."""
    block = outside_ca.root().pem.decode().splitlines()
    given = ["set cert import trust tomcat", *block, "bogus", "show myself", *more]
    drive = Drive(node, given, keep_going=True)
    assert drive.said.index(": imported") < drive.said.index("No valid command entered")
    assert drive.said.index("No valid command entered") < drive.said.index("Machine Name")
    assert drive.left == []


@pytest.mark.parametrize("yes", [False, True])
def test_warnings_before_a_question_take_no_answer(node, say, yes):
    """They are lines of their own; what stands behind the command is still its answer."""
    say("set csr gen tomcat")
    drive = Drive(node, ["set cert regen tomcat", "yes", "show csr list own"], yes=yes)
    assert drive.status == 0
    assert "WARNING: The pending CSR of tomcat would be deleted" in drive.said
    assert drive.said.endswith("The pending CSR of tomcat was deleted.\nNo CSR found\n")
