"""Start-up, listings, regenerate, the quiet line: `python benchmarks/appliance.py [--rounds N]`.

Every row is a ratio to a yardstick measured in the same run; medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from measure import Pty, middle, peak_memory, process_time, ratio, raw_cat
from populate import fill, plain_copy
from report import Row, machine, table

from cucmos_shell.node import Node, impact
from cucmos_shell.node.install import install
from cucmos_shell.pki.certs import key_pem
from cucmos_shell.session import Session
from cucmos_shell.world import World

PYTHON = [sys.executable, "-I", "-c"]
SCRIPT = os.path.join(os.path.dirname(sys.executable), "cucmos-shell")
TRUST_STORE = "tomcat-trust"
COPY = f"{TRUST_STORE}/imp-pub.pem"
UNIT = "tomcat"
UNUSED = "cup"
SIGNER, OTHER_SIGNER = "CallManager", "TVS"
PARSE_ALL = """
import sys
from cryptography import x509
for path in sys.stdin.read().split():
    with open(path, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    print(certificate.subject.rfc4514_string())
"""


def shell(state: str, *arguments: str) -> list[str]:
    """The installed script with `state`."""
    return [SCRIPT, "--state", state, *arguments]


def one_shots(state: str, large: str, rounds: int) -> list[Row]:
    """Whole processes that answer one line."""
    rows = []
    for state_folder, line, yardstick, goal in (
        (state, "show cert list own", "pass", 4.0),
        (state, "utils service list", "pass", 4.0),
        (state, "show service pending", "pass", 4.0),
        (state, "show hardware", "pass", 4.0),
        (state, "show process load", "pass", 4.0),
        (state, "utils ntp status", "pass", 4.0),
        (state, "utils diagnose test", "pass", 4.0),
        (state, "run sql select name from processnode", "pass", 8.0),
        (state, "run sql select subjectname from certificate", "pass", 8.0),
        (state, "show cert own tomcat", "import cryptography.x509", 1.5),
        (large, "show cert list trust", "pass", 10.0),
    ):
        found = ratio(
            lambda s=state_folder, c=line: process_time(shell(s, "-c", c)),
            lambda y=yardstick: process_time([*PYTHON, y]),
            rounds,
        )
        what = f"`{line}`" + (", 10,000 certificates" if state_folder == large else "")
        rows.append(Row(what, f"`python -I -c '{yardstick}'`", *found, goal))
    return rows


def against_openssl(state: str, rounds: int) -> list[Row]:
    """Whole processes against OpenSSL's own view of one certificate, JSON against text, and what Tab
    costs in a shell."""
    pem = os.path.join(state, "store", "view", UNIT, f"{UNIT}.pem")
    openssl = ["openssl", "x509", "-noout", "-text", "-in", pem]
    rows = []
    for line, goal in (
        ("show cert list own", 1.2), ("show cert own tomcat", 2.0), (f"show cert trust {COPY}", 2.0),
    ):  # fmt: skip
        found = ratio(
            lambda c=line: process_time(shell(state, "-c", c)),
            lambda: process_time(openssl),
            rounds,
        )
        rows.append(Row(f"`{line}`", "`openssl x509 -noout -text`", *found, goal))
    for line in ("show cert list own", "show cert own tomcat"):
        found = ratio(
            lambda c=line: process_time(shell(state, "--json", "-c", c)),
            lambda c=line: process_time(shell(state, "-c", c)),
            rounds,
        )
        rows.append(Row(f"`{line}` in JSON", "the same as text", *found, 1.1))
    for line, name in (("utils service restart Cisco Tom", "Tom"), ("set cert regen tom", "tom")):
        typed = f"cucmos-shell --state {state} {line}"
        found = ratio(
            lambda t=typed, n=name: process_time([SCRIPT, "complete", "bash", "--", t, n]),
            lambda: process_time(shell(state, "-c", "show cert list own")),
            rounds,
        )
        rows.append(Row(f"Tab behind `{line}` in bash", "`show cert list own`", *found, 1.3))
    return rows


def against_parsing(large: str, rounds: int) -> Row:
    """Listing 10,000 from the index against reading and parsing them all."""
    with tempfile.TemporaryDirectory() as folder:
        paths = "\n".join(plain_copy(large, TRUST_STORE, folder)).encode()

        def parse_all() -> float:
            begin = time.perf_counter()
            subprocess.run([*PYTHON, PARSE_ALL], input=paths, stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - begin

        found = ratio(
            lambda: process_time(shell(large, "-c", "show cert list trust")), parse_all, rounds
        )
    return Row("list 10,000 trust certificates", "reading and parsing them", *found, 0.2)


def first_prompt(state: str, rounds: int) -> Row:
    """From start to the first prompt on a terminal."""

    def prompt() -> float:
        begin = time.perf_counter()
        program = Pty(shell(state))
        program.until(b"admin:")
        taken = time.perf_counter() - begin
        program.send(b"exit\r")
        program.close()
        return taken

    found = ratio(prompt, lambda: process_time([*PYTHON, "import prompt_toolkit"]), rounds)
    return Row("prompt on a terminal", "`python -I -c 'import prompt_toolkit'`", *found, 1.6)


def first_help(state: str, rounds: int) -> list[Row]:
    """The first Tab and the first `?` of a session behind a menu word, until the line is back."""

    def asked(line: bytes, key: bytes) -> float:
        program = Pty(shell(state))
        program.until(b"admin:")
        program.send(line)
        program.until(line)
        begin = time.perf_counter()
        program.send(key)
        program.until(b"admin:" + line)
        taken = time.perf_counter() - begin
        program.send(b"\x03exit\r")
        program.close()
        return taken

    rows = []
    for line, key, name in (
        ("show ", b"\t", "Tab"), ("set cert ", b"?", "?"), ("set cert regen ", b"?", "?"),
    ):  # fmt: skip
        times = [asked(line.encode(), key) * 1000 for _ in range(rounds)]
        what = f"first {name} behind `{line.strip()}`, pty, ms"
        rows.append(Row(what, "", middle(times), 0, 0, 60))
    return rows


def atomic_write(folder: str) -> float:
    """One durable file of 2 KB: write, fsync, rename, fsync of the folder."""
    data = os.urandom(2048)
    begin = time.perf_counter()
    path = os.path.join(folder, "atomic")
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, data)
    os.fsync(descriptor)
    os.close(descriptor)
    os.rename(path + ".new", path)
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - begin


def regenerating(state: str) -> Callable[[str], float]:
    """What regenerates a unit of the node in `state`, in process and without making its key."""
    real = World.real()
    keys = [real.new_key("rsa2048") for _ in range(4)]
    turn = iter(range(1_000_000))
    node = Node.open(state, real.replace(new_key=lambda kind: keys[next(turn) % 4]))
    session = Session(node, interactive=False)
    assert key_pem(keys[0])

    def regen(unit: str) -> float:
        begin = time.perf_counter()
        execution = session.execute(f"set cert regen {unit}")
        event = execution.step()
        while not hasattr(event, "status"):
            event = execution.step("yes")
        taken = time.perf_counter() - begin
        if event.status:
            raise SystemExit("set cert regen failed")
        return taken

    return regen


def regenerate(base: str, rounds: int) -> list[Row]:
    """`set cert regen` with 1,000 trust certificates, and what its warnings cost it."""
    state, phones = os.path.join(base, "thousand"), os.path.join(base, "phones")
    install(state, "imp-9.1", World.real(), speed=0)
    fill(state, TRUST_STORE, 1_000)
    install(phones, "ucm-9.1", World.real(), speed=0)
    regen, regen_phones = regenerating(state), regenerating(phones)
    what = "`set cert regen`, key apart, 1,000 trust certificates"
    regen(UNIT)
    rows = [
        Row(
            what,
            "one atomic write",
            *ratio(lambda: regen(UNIT), lambda: atomic_write(base), rounds),
            15,
        )
    ]
    knowing = impact.regenerating

    def unwarned(again: Callable[[str], float], unit: str) -> float:
        impact.regenerating = lambda *_: ()
        try:
            return again(unit)
        finally:
            impact.regenerating = knowing

    # Of the first a service is not activated; phones have not got the second's other signer yet.
    regen_phones(OTHER_SIGNER)
    for again, unit in ((regen, UNUSED), (regen_phones, SIGNER)):
        again(unit)
        found = ratio(
            lambda a=again, u=unit: a(u), lambda a=again, u=unit: unwarned(a, u), rounds * 4
        )
        rows.append(
            Row(f"`set cert regen {unit}`, key apart, warned", "without a warning", *found, 1.1)
        )
    return rows


def quiet_line(state: str, rounds: int) -> list[Row]:
    """Round trips on a pseudo-terminal."""
    cat, program = raw_cat(), Pty(shell(state))
    program.until(b"admin:")
    block = "".join("A" * 64 + "\r\n" for _ in range(20)).encode()
    paste = b"-----BEGIN CERTIFICATE-----\r\n" + block + b"-----END CERTIFICATE-----\r\n"

    def echo() -> float:
        begin = time.perf_counter()
        cat.send(b"x")
        cat.until(b"x")
        return time.perf_counter() - begin

    def empty() -> float:
        begin = time.perf_counter()
        program.send(b"\r")
        program.until(b"admin:")
        return time.perf_counter() - begin

    def pasted() -> float:
        program.send(f"set cert import own {UNIT}\r".encode())
        program.until(b"Hit Enter\r\n")
        program.send(paste)
        begin = time.perf_counter()
        program.until(b"-----END CERTIFICATE-----\r\n")
        taken = time.perf_counter() - begin
        program.until(b"admin:")
        return taken

    yardstick = "one byte through raw `cat`"
    rows = [
        Row("empty line to prompt, pty", yardstick, *ratio(empty, echo, rounds * 8), 5),
        Row("22-line paste, last byte echoed, pty", yardstick, *ratio(pasted, echo, rounds), 60),
    ]
    program.send(b"exit\r")
    program.close()
    cat.close()
    return rows


def memory(state: str, large: str) -> list[Row]:
    """Peak memory of a listing."""
    own = peak_memory(shell(state, "-c", "show cert list own"))
    many = peak_memory(shell(large, "-c", "show cert list trust"))
    return [
        Row("peak memory, `show cert list own`, MiB", "", own, own, 0, 20),
        Row("peak memory, 10,000 trust certificates, MiB", "", many, many, 0, 45),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    try:
        state, large = os.path.join(base, "small"), os.path.join(base, "large")
        install(state, "imp-9.1", World.real(), speed=0)
        shutil.copytree(state, large, symlinks=True)
        fill(large, TRUST_STORE, 10_000)
        rows = one_shots(state, large, options.rounds)
        rows.extend(against_openssl(state, options.rounds))
        rows.append(against_parsing(large, max(3, options.rounds // 5)))
        rows.append(first_prompt(state, options.rounds))
        rows.extend(first_help(state, options.rounds))
        rows.extend(regenerate(base, options.rounds))
        rows.extend(quiet_line(state, options.rounds))
        rows.extend(memory(state, large))
        print(machine(base))
        print(table(rows))
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
