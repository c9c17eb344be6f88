"""What a handler forgets to make safe is made safe: in batches, over SSH, on terminals."""

import json
import subprocess
import sys

import pexpect
from hostile_program import SHOWN
from places import SUPPORT
from ssh_server import Served, Shell, run

PROGRAM = [sys.executable, "-I", str(SUPPORT / "hostile_program.py")]
TALK = [
    f"progress {SHOWN}", f"ask {SHOWN}?", f"text {SHOWN}?", f"secret {SHOWN}?", f"value\t{SHOWN}",
    SHOWN,
]  # fmt: skip
FAIL = [f"template {SHOWN} {SHOWN}", f"\tdetail {SHOWN}", "Executed command unsuccessfully"]
NAMES = [f"\tone{SHOWN}", f"\ttwo{SHOWN}"]
ANSWERS = "yes\nanswer\nsecret\n"


def batch(node_dir, line, *options):
    """The lines that the program answers `line` with."""
    done = subprocess.run(
        [*PROGRAM, "--state", str(node_dir), *options, "-c", line],
        input=ANSWERS.encode(), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == b""
    return done.stdout.decode().removesuffix("\n").split("\n")


def test_in_a_batch(node_dir):
    """As text, and as JSON, which is ASCII."""
    assert batch(node_dir, "hostile talk") == TALK
    assert batch(node_dir, "hostile fail") == FAIL
    assert batch(node_dir, "hostile name one")[-2:] == [NAMES[0], FAIL[-1]]
    for line in ("hostile talk", "hostile fail"):
        (answer,) = batch(node_dir, line, "--json")
        assert answer.isprintable()
        assert "admin:" not in answer
        json.loads(answer)


# What is typed at a terminal, and how it is answered.
TYPED = [
    ("hostile talk\r", f"hostile talk\r\n{TALK[0]}\r\n{TALK[1]}"),
    ("yes\r", f"yes\r\n{TALK[2]}"),
    ("answer\r", f"answer\r\n{TALK[3]}"),
    ("secret\r", f"******\r\n{TALK[4]}\r\n{TALK[5]}\r\nadmin:"),
    ("hostile fail\r", "\r\n".join(["hostile fail", *FAIL, "admin:"])),
    ("hostile name ?", "\r\n".join(["", "Name:", *NAMES, "admin:hostile name "])),
    ("\t", "\r\n".join(["", *NAMES, "admin:hostile name "])),
]


def test_over_ssh(node_dir):
    """As a single command, and in a shell."""

    async def main(served):
        async with served.connect() as connection, Shell(connection) as shell:
            done = await connection.run("hostile talk", input=ANSWERS)
            assert done.stdout.removesuffix("\n").split("\n") == TALK
            done = await connection.run("hostile fail")
            assert done.stdout.removesuffix("\n").split("\n") == FAIL
            for keys, answer in TYPED:
                shell.send(keys.encode())
                assert answer in (await shell.until(answer.encode())).decode()

    with Served(node_dir, program=PROGRAM) as served:
        run(main(served))


def test_on_a_terminal(node_dir):
    """Whether it says, asks, fails or is asked what there is."""
    child = pexpect.spawn(PROGRAM[0], [*PROGRAM[1:], "--state", str(node_dir)], timeout=20)
    child.delaybeforesend = None
    child.expect_exact("admin:")
    for keys, answer in TYPED:
        child.send(keys)
        child.expect_exact(answer)
        assert b"\x1b" not in child.before
    child.close(force=True)
