"""README.md as it is typed: every block of it, one after the other, in a fresh copy of the project."""

import os
import re
import shutil
import socket
import subprocess

import pexpect
import pytest
from places import CHECKOUT

PS1 = "typed-[0-9]+> "
PASSWORD = "Blue-Harbour7"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What a program may ask, and what a person answers; None ends a line.
DIALOGUE = {
    PS1: None,
    "admin:": "exit",
    r"continue connecting \(yes/no": "yes",
    "[Pp]assword: ": PASSWORD,
}


def copied(folder):
    """The files of the checkout that a clone would have."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, place)
    return folder


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def terminal(tmp_path):
    """A person's bash in a fresh copy; what it knows of hosts is of its own."""
    tools = tmp_path / "bin"
    tools.mkdir()
    ssh = tools / "ssh"
    known = f"-F none -o UserKnownHostsFile={tmp_path}/known_hosts"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {known} "$@"\n')
    ssh.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environment = {
        **kept, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb",
        "LC_ALL": "C.UTF-8", "PAGER": "cat", "MANPAGER": "cat", "VIRTUAL_ENV_DISABLE_PROMPT": "1",
        "PIP_CONSTRAINT": str(CHECKOUT / "etc" / "constraints.txt"),
    }  # fmt: skip
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env=environment, timeout=120, encoding="utf-8",
        cwd=copied(tmp_path / "clone"), dimensions=(50, 400),
    )  # fmt: skip
    shell.delaybeforesend = None
    shell.sendline("bind 'set enable-bracketed-paste off'; PS1='typed-$?> '")
    shell.expect(PS1)
    yield shell
    shell.close(force=True)


def typed(shell, line):
    """Type `line`, and what a person would answer; its status, and the screen."""
    shell.sendline(line)
    screen = ""
    if line.endswith("&"):
        shell.expect("Listening on .*\r\n")
        shell.sendline()
    while True:
        answer = list(DIALOGUE.values())[shell.expect(list(DIALOGUE))]
        screen += shell.before + shell.after
        if answer is None:
            return int(re.search(r"typed-(\d+)> $", screen)[1]), screen
        shell.sendline(answer)


@pytest.mark.slow
def test_every_block_runs_as_it_stands(terminal):
    """With another port only, since others test here, too."""
    blocks = BLOCK.findall((CHECKOUT / "README.md").read_text())
    assert len(blocks) >= 4
    port = str(free_port())
    seen = ""
    for line in "".join(blocks).splitlines():
        status, screen = typed(terminal, line.replace("2222", port))
        assert status == 0, f"{line}\n{screen}"
        seen += screen
    for part in (
        "CallManager/CallManager.pem: Self-signed", '"ok": true',
        "Successfully Regenerated Certificate for ipsec.", "CUCMOS-SHELL(1)", "tomcat.pem: OK",
    ):  # fmt: skip
        assert part in seen
