"""Each fault of the table, in each front end in which its point exists, on a node that is served."""

import shutil

import pytest
from lab_front_ends import FRONT_ENDS, FrontEnds
from quick_authority import Authority, pem

from cucmos_shell.node import Node
from cucmos_shell.node.lab.faults import Faults
from cucmos_shell.node.lab.lab import make_lab
from cucmos_shell.node.tasks.lab.states import named, put, wanted
from cucmos_shell.store.paths import Layout
from cucmos_shell.world import World
from cucmos_shell.world.fault_forms import fault_of
from cucmos_shell.world.faults import EVERYWHERE, POINTS

SERVICE = "Cisco CDP"
SHOW = ("show cli pagination",)
OTHER = "Cisco Database Layer Monitor"
CHANGE = (f"utils service auto-restart enable {OTHER}",)
RESTART = (f"utils service restart {SERVICE}",)
ANSWER = "Automatic Pagination : On."
DONE = f"Automatic restart of {OTHER} is enabled"
WAITS = 0.2


class Case:
    """Lines that meet the fault, and what is said then and otherwise.

    `hangs`: the command is broken off when it is said. `least`: seconds that it takes. `beside`:
    another fault that is set then, without which the point is not come to.
    """

    def __init__(self, lines, says, usually, *, hangs=False, least=0.0, beside=None, **arguments):
        self.lines, self.says, self.usually, self.beside = lines, says, usually, beside
        self.hangs, self.least, self.arguments = hangs, least, arguments


BUSY = "Another session is changing this node; try again in a moment"
FULL = "The certificate store cannot be written: No space left on device"
COMMAND = {
    "delay": Case(SHOW, ANSWER, ANSWER, seconds=WAITS, least=WAITS),
    "refuse": Case(SHOW, "not today", ANSWER, text="not today"),
    "busy": Case(SHOW, BUSY, ANSWER),
    "internal-error": Case(SHOW, "Internal error (RuntimeError)", ANSWER),
}
NODE = {
    "down": Case(SHOW, "The node is down", ANSWER),
    "reboot-on": Case(CHANGE, "The node has been restarted: this session is over", DONE),
}
UP = f"{SERVICE}[STARTED]"
FAILS = {"at": "service.start", "do": "fail", "times": 1}
CASES = {
    **{("command.begin", do): case for do, case in COMMAND.items()},
    **{("node", do): case for do, case in NODE.items()},
    ("command.step", "delay"): Case(CHANGE, DONE, DONE, seconds=WAITS, least=WAITS),
    ("command.step", "refuse"): Case(CHANGE, "not today", DONE, text="not today", step="commit"),
    ("command.step", "busy"): Case(CHANGE, BUSY, DONE),
    ("command.step", "internal-error"): Case(CHANGE, "Internal error (RuntimeError)", DONE),
    ("service.start", "fail"): Case(RESTART, f"{SERVICE}[FAILED]", UP),
    ("service.start", "hang"): Case(RESTART, f"{SERVICE}[STARTING]", UP, hangs=True),
    ("service.start", "delay"): Case(RESTART, UP, UP, seconds=WAITS, least=WAITS),
    ("service.start", "flap"): Case(RESTART, f"{SERVICE}[FAILED]", UP, count=1, seconds=0.1),
    ("service.stop", "fail"): Case(RESTART, f"{SERVICE}[FAILED]", UP),
    ("service.stop", "hang"): Case(RESTART, f"{SERVICE}[STOPPING]", UP, hangs=True),
    ("service.stop", "delay"): Case(RESTART, UP, UP, seconds=WAITS, least=WAITS),
    ("import.check", "refuse"): Case(
        ("set cert import trust tomcat", "PEM", ""), "not today", "", text="not today"
    ),
    ("store.commit", "disk-full"): Case(CHANGE, FULL, DONE),
    ("store.commit", "read-error"): Case(
        CHANGE, "The certificate store cannot be read: Input/output error", DONE
    ),
    ("store.commit", "unknown-outcome"): Case(CHANGE, "The change is made, but the disk did", DONE),
}
OCSP = ("utils ocsp check tomcat",)
MAIL = ("utils smtp test a@example.com",)
FILE = "file get activelog platform/log/cli00001.log"
SFTP = (FILE, "y", "127.0.0.1", "1", "user", "password", "/")
CLOSED = "Connection refused"
CASES |= {
    ("http", "dead"): Case(OCSP, "no answer within", CLOSED),
    ("http", "refuse"): Case(OCSP, CLOSED, CLOSED),
    ("http", "delay"): Case(OCSP, CLOSED, CLOSED, seconds=WAITS, least=WAITS),
    ("http", "bad-answer"): Case(OCSP, "its answer cannot be decoded", CLOSED),
    ("mail", "dead"): Case(MAIL, "no answer within 30 s", CLOSED),
    ("mail", "refuse"): Case(MAIL, CLOSED, CLOSED, recipient="a@*"),
    ("mail", "delay"): Case(MAIL, CLOSED, CLOSED, seconds=WAITS, least=WAITS),
    ("mail", "bad-answer"): Case(MAIL, "its answer is not SMTP", CLOSED),
    ("syslog", "dead"): Case(RESTART, "Syslog did not take the alarm: no answer", UP, beside=FAILS),
    ("syslog", "refuse"): Case(RESTART, f"localhost: {CLOSED}", UP, beside=FAILS),
    ("syslog", "delay"): Case(
        RESTART, f"{SERVICE}[FAILED]", UP, seconds=WAITS, least=WAITS, beside=FAILS
    ),
    ("sftp", "dead"): Case(SFTP, "127.0.0.1:1 did not answer in time", CLOSED),
    ("sftp", "refuse"): Case(SFTP, CLOSED, CLOSED),
    ("sftp", "delay"): Case(SFTP, CLOSED, CLOSED, seconds=WAITS, least=WAITS),
    ("sftp", "bad-answer"): Case(SFTP, "127.0.0.1:1: its answer is not SSH", CLOSED),
}
TABLE = {
    (point.name, one.name): point
    for point in POINTS.values()
    if point.where == EVERYWHERE
    for one in point.actions
}


@pytest.fixture(scope="module")
def front_ends(imp_template, tmp_path_factory):
    folder = shutil.copytree(imp_template, tmp_path_factory.mktemp("lab") / "node", symlinks=True)
    make_lab(str(folder))
    uri = wanted("ocsp_enabled", {"uri": "http://127.0.0.1:1/"})
    put(Node.open(str(folder), World.real()), [named("tomcat-ca-signed"), uri])
    made = FrontEnds(folder)
    assert made.served.run("set smtp 127.0.0.1:1").returncode == 0
    yield made
    made.close()


@pytest.fixture
def faults(front_ends):
    """The faults of the node, none at first and none left."""
    made = Faults(Layout(str(front_ends.folder)), lambda: 0.0)
    yield made
    made.reset()


@pytest.fixture(scope="module")
def certificate():
    return pem(Authority("Lab Root").certificate).strip()


def test_every_fault_has_its_case():
    """The table and the tests know the same faults; those of SSH have tests of their own."""
    assert CASES.keys() == TABLE.keys()


@pytest.mark.parametrize(
    ("at", "do", "front_end"),
    [(*key, one) for key in TABLE for one in FRONT_ENDS],
)
def test_a_fault_happens_once_and_then_no_more(
    front_ends, faults, capfd, certificate, at, do, front_end
):
    """On a running server, at the console and in a batch; it is counted, and its end is one."""
    case = CASES[at, do]
    lines = [certificate if line == "PEM" else line for line in case.lines]
    # The node's own look at its certificates is a command, too; and a server looks at its node.
    of_command = at.startswith(("command.", "node"))
    when = {"when": {"account": "admin"}} if of_command else {}
    faults.add(fault_of("it", {"at": at, "do": do, "times": 1, **when, **case.arguments}))
    if case.beside:
        faults.add(fault_of("beside", case.beside))
    until = case.says if case.hangs else ""
    said, took = front_ends.give(front_end, capfd, *lines, until=until)
    assert case.says in said
    assert not (case.hangs and case.usually in said)
    assert took >= case.least
    assert faults.hits("it").fired == 1
    assert "it" in [row["fault"] for row in faults.log()][-2:]
    said, _ = front_ends.give(front_end, capfd, *lines)
    assert case.usually in said
    assert case.hangs or case.says == case.usually or case.says not in said
    assert faults.hits("it").fired == 1


def test_without_the_marker_no_fault_happens(node):
    """A file of faults in the folder of any other node is nothing."""
    there = Faults(node.layout, node.now)
    for at, do in TABLE:
        arguments = CASES[at, do].arguments
        there.add(fault_of(f"{at}-{do}", {"at": at, "do": do, **arguments}))
    other = Node.open(node.state_dir, node.world)
    for at, do in TABLE:
        assert other.world.fault(at, dict.fromkeys(TABLE[at, do].facts, "")) is None
        assert there.hits(f"{at}-{do}").calls == 0
    assert (other.world.http, other.world.sftp) == (node.world.http, node.world.sftp)
