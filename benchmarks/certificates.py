"""Requests, imports, lists, search: `python benchmarks/certificates.py [--rounds N] [--folder F]`.

Every row is a ratio to a yardstick measured in the same run; medians of interleaved rounds. Whole
processes, started anew for every round.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from measure import peak_memory, process_time, ratio
from populate import certificates, fill
from report import Row, machine, table

from cucmos_shell.node.install import install
from cucmos_shell.store.durable import find_syncfs
from cucmos_shell.world import World

PYTHON = [sys.executable, "-I", "-c"]
SCRIPT = os.path.join(os.path.dirname(sys.executable), "cucmos-shell")
TRUST_STORE, BASE = "tomcat-trust", "tomcat"
BUNDLE = 10_000
FIND = (
    "show cert list trust where issuer contains alpha"
    " and expiration before 2030-01-01 and key-type begins-with EC"
)


def shell(state: str, line: str) -> list[str]:
    """The installed script, one command."""
    return [SCRIPT, "--state", state, "-c", line]


def filtered(large: str, rounds: int) -> Row:
    """Three conditions over 10,000 certificates."""
    found = ratio(
        lambda: process_time(shell(large, FIND)), lambda: process_time([*PYTHON, "pass"]), rounds
    )
    what = "filter 10,000 trust certificates by three conditions"
    return Row(what, "`python -I -c 'pass'`", *found, 12)


# --- the bundle --------------------------------------------------------------------------------


def bundle(base: str) -> tuple[str, dict[str, bytes]]:
    """A file of 10,000 certificates in PEM, and the files that come of it, by name."""
    path = os.path.join(base, "bundle.pem")
    contents = {}
    with open(path, "wb") as file:
        for certificate in certificates(BUNDLE):
            pem = certificate.public_bytes(Encoding.PEM)
            file.write(pem)
            der = certificate.public_bytes(Encoding.DER)
            name = hashlib.sha256(der).hexdigest()
            contents |= {f"{name}.der": der, f"{name}.pem": pem}
    return path, contents


def plain_write(base: str, contents: dict[str, bytes]) -> float:
    """Seconds for writing the same files plainly into one folder, with one sync at the end."""
    folder = fresh(base)
    settle(base)
    begin = time.perf_counter()
    for name, data in contents.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    settle(base)
    return time.perf_counter() - begin


def fresh(base: str) -> str:
    """A new folder. Nothing is removed between rounds: without a journal, ext4 passes over inodes
    that were freed a moment ago one by one, and whoever makes files next would pay for it.
    """
    return tempfile.mkdtemp(dir=base)


def settle(folder: str) -> None:
    """Sync the file system, so that nobody pays for what others have written."""
    descriptor = os.open(folder, os.O_RDONLY)
    syncfs = find_syncfs()
    if syncfs is None or syncfs(descriptor):
        os.sync()
    os.close(descriptor)


def bundles(base: str, small: str, rounds: int) -> list[Row]:
    """One command, one transaction."""
    path, contents = bundle(base)
    line = f"utils cert upload trust {BASE} bundle.pem"

    def prepared() -> str:
        state = shutil.copytree(small, os.path.join(fresh(base), "node"), symlinks=True)
        shutil.copy(path, os.path.join(state, "upload"))
        settle(base)
        return state

    found = ratio(
        lambda: process_time(shell(prepared(), line)), lambda: plain_write(base, contents), rounds
    )
    memory = peak_memory(shell(prepared(), line))
    return [
        Row("upload a bundle of 10,000", "writing the same files plainly, one sync", *found, 5),
        Row("its peak memory, MiB", "", memory, memory, 0, 200),
    ]


# --- one certificate ---------------------------------------------------------------------------


def adding(base: str, hundred: str, rounds: int) -> list[Row]:
    """One certificate more in stores of 10,000 and of 100,000, against a store of 100."""
    states = {100: hundred}
    for count in (10_000, 100_000):
        states[count] = os.path.join(base, f"with-{count}")
        install(states[count], "imp-9.1", World.real(), speed=0)
        fill(states[count], TRUST_STORE, count)
    fresh = iter(certificates(4 * rounds + 8, 1_000_000))

    def add(count: int) -> float:
        data = next(fresh).public_bytes(Encoding.PEM)
        Path(states[count], "upload", "one.pem").write_bytes(data)
        settle(base)
        return process_time(shell(states[count], f"utils cert upload trust {BASE} one.pem"))

    rows = []
    for count, goal in ((10_000, 2.0), (100_000, 15.0)):
        add(count)
        found = ratio(lambda c=count: add(c), lambda: add(100), rounds)
        rows.append(Row(f"add one certificate to {count:,}", "to 100", *found, goal))
    return rows


def one_import(base: str, small: str, rounds: int) -> Row:
    """An own certificate imported, against the import of the library alone."""
    prepared = signed_state(base, small)
    pem = Path(prepared, "signed.pem").read_bytes()

    def run() -> float:
        state = shutil.copytree(prepared, os.path.join(fresh(base), "node"), symlinks=True)
        settle(base)
        begin = time.perf_counter()
        command = shell(state, "set cert import own tomcat")
        subprocess.run(command, input=pem, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begin

    found = ratio(run, lambda: process_time([*PYTHON, "import cryptography.x509"]), rounds)
    what = "import of one own certificate"
    return Row(what, "`python -I -c 'import cryptography.x509'`", *found, 2.5)


def signed_state(base: str, small: str) -> str:
    """A node that trusts a CA and has a request pending, with the answer beside it."""
    state = os.path.join(base, "signed")
    shutil.copytree(small, state, symlinks=True)
    name = ["-subj", "/CN=Benchmark Root"]
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    usage = ["-addext", "keyUsage=critical,keyCertSign"]

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=state, check=True, capture_output=True)

    openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", *name, *usage)
    subprocess.run(
        shell(state, "set cert import trust tomcat"),
        input=Path(state, "root.pem").read_bytes(), check=True, capture_output=True,
    )  # fmt: skip
    for line in ("set csr gen tomcat", "utils cert download csr tomcat"):
        subprocess.run(shell(state, line), check=True, capture_output=True)
    openssl("x509", "-req", "-in", "download/tomcat.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-copy_extensions", "copy", "-out", "signed.pem")  # fmt: skip
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="a part: filter, bundle, add or import")
    parser.add_argument("--folder", help="where to work; decides the file system measured")
    options = parser.parse_args()
    base = tempfile.mkdtemp(prefix="cucmos-bench-", dir=options.folder)
    try:
        small, large, hundred = (os.path.join(base, n) for n in ("small", "large", "hundred"))
        install(small, "imp-9.1", World.real(), speed=0)
        for state, count in ((large, 10_000), (hundred, 100)):
            shutil.copytree(small, state, symlinks=True)
            fill(state, TRUST_STORE, count)
        parts = {
            "filter": lambda: [filtered(large, options.rounds)],
            "bundle": lambda: bundles(base, small, max(3, options.rounds // 3)),
            "add": lambda: adding(base, hundred, options.rounds),
            "import": lambda: [one_import(base, small, options.rounds)],
        }
        rows = [row for name, part in parts.items() if options.only in ("", name) for row in part()]
        print(machine(base))
        print(table(rows))
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
