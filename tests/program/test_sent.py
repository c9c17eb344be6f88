"""What public programs send, over SSH and on a terminal, and read by their own expressions."""

import shutil
import sys

import pexpect
import pytest
from clients import PROMPT, Paramiko
from programs_sent import DIALOGUES, mistakes, readings
from ssh_server import Served

from cucmos_shell.node import Node
from cucmos_shell.world import world as real

# A few of each kind: read, with a table, with a question.
ON_A_TERMINAL = (
    "show hardware", "utils ntp status", "utils dbreplication runtimestate",
    "run sql select name,nodeid from processnode",
)  # fmt: skip


@pytest.fixture
def folder(imp_template, tmp_path):
    return shutil.copytree(imp_template, tmp_path / "node", symlinks=True)


def profile_of(folder):
    return Node.look(str(folder), real.World.real()).profile


def plain(text):
    """The answer without the line that was sent, and the prompt behind it, as a program has it."""
    rest = text.partition("\r\n")[2]
    assert "\x1b" not in rest
    assert "\n" not in rest.replace("\r\n", "")
    return rest.removesuffix(PROMPT).replace("\r\n", "\n")


def test_over_ssh(folder):
    """All of it in one session of one client, with a clock that goes."""
    wrong = []
    with Served(folder) as served:
        client = Paramiko(served.port, "admin", None)
        client.line("set cli pagination off")
        for reading in readings(profile_of(folder)):
            wrong += mistakes(reading, plain(client.line(reading.line)))
        for dialogue in DIALOGUES:
            text, sent = "", dialogue.line
            for end, answer in dialogue.answers:
                text += client.line(sent, end)
                sent = answer
            wrong += mistakes(dialogue, text + client.line(sent))
        client.leave()
    assert wrong == []


def test_on_a_terminal(folder):
    """Each prompt comes alone, and the screens are those that programs read."""
    arguments = ["-I", "-m", "cucmos_shell", "--state", str(folder)]
    child = pexpect.spawn(sys.executable, arguments, timeout=20, encoding="utf-8")
    child.delaybeforesend = None
    try:
        child.expect_exact(PROMPT)
        for reading in readings(profile_of(folder)):
            if reading.line in ON_A_TERMINAL:
                child.send(f"{reading.line}\r")
                child.expect_exact(f"\r\n{PROMPT}")
                assert mistakes(reading, plain(child.before + "\r\n")) == []
        dialogue = DIALOGUES[0]
        child.send(f"{dialogue.line}\r")
        ((end, answer),) = dialogue.answers
        child.expect_exact(end)
        child.send(f"{answer}\r")
        child.expect_exact(PROMPT)
        child.send("exit\r")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
