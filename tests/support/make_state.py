"""Writes state folders as a version of the program leaves them, for the versions that follow.

    python tests/support/make_state.py NAME [PROGRAM]

`PROGRAM` is the interpreter whose `cucmos_shell` makes them, this one by default. For each product
that it knows, `tests/support/states/NAME-PRODUCT.tar.xz` is written, and of a cluster of two
`cluster-NAME-PRODUCT.tar.xz`. Run it before a change of what the state folder holds, by the program
that is to be changed.
"""

import pathlib
import subprocess
import sys
import tarfile
import tempfile

STATES = pathlib.Path(__file__).parent / "states"
PRODUCTS = ("imp-9.1", "ucm-9.1")
PASSWORD = "Blue-Harbour7"
# Lines, and what is typed after each: something of everything that a state folder keeps.
CONVERSATIONS = (
    ("set cert regen ipsec", "yes"),
    ("utils service restart Cisco Tomcat", ""),
    ("set csr gen tomcat", ""),
    ("set account name ann", f"1\n{PASSWORD}\n{PASSWORD}"),
    ("set cert monitor start 45", ""),
    ("set cert monitor recipients admin@example.com", ""),
    ("set smtp mail.example.com", ""),
    ("set alarm syslog off", ""),
    ("set security reauth off", ""),
    ("set session maxlimit 20", ""),
    ("utils cert monitor run", ""),
    ("show status", ""),
)


def authority(folder):
    """A CA certificate in PEM, made by openssl."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=Kept-Root"
    made = subprocess.run(
        [*command.split(), "-keyout", f"{folder}/key.pem"], capture_output=True, check=True
    )
    return made.stdout.decode()


def make(product, program, archive):
    """Install a node, do something of everything, and pack its folder."""
    with tempfile.TemporaryDirectory() as folder:
        state = f"{folder}/node"

        def run(*words, typed=""):
            subprocess.run(
                [program, "-I", "-m", "cucmos_shell", *words],
                input=typed, capture_output=True, text=True, cwd=folder, check=True,
            )  # fmt: skip

        run("init", "--state", state, "--profile", product, "--speed", "0")
        for line, typed in CONVERSATIONS:
            run("--state", state, "-c", line, typed=f"{typed}\n")
        run("--state", state, "-c", "set cert import trust tomcat", typed=authority(folder))
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(state, arcname="node")


def make_cluster(product, program, archive):
    """Install two nodes that told each other something and offer a feed, and pack their folder."""
    with tempfile.TemporaryDirectory() as folder:

        def run(*words, typed=""):
            subprocess.run(
                [program, "-I", "-m", "cucmos_shell", *words],
                input=typed, capture_output=True, text=True, cwd=folder, check=True,
            )  # fmt: skip

        lab = f"{folder}/lab"
        names = ("pub", "pub-sub1")
        run("init", "--cluster", "2", "--hostname", "pub", "--state", lab,
            "--profile", product, "--speed", "0")  # fmt: skip
        run("--state", f"{lab}/pub", "-c", "set cert import trust tomcat", typed=authority(folder))
        run("--state", f"{lab}/pub", "-c", "set cluster feed west", typed=f"{PASSWORD}\n" * 2)
        for node in names * 2:
            run("--state", f"{lab}/{node}", "-c", "utils cluster sync")
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(lab, arcname="lab")


if __name__ == "__main__":
    name, program = sys.argv[1], (sys.argv[2:] or [sys.executable])[0]
    STATES.mkdir(exist_ok=True)
    for product in PRODUCTS:
        make(product, program, STATES / f"{name}-{product}.tar.xz")
        make_cluster(product, program, STATES / f"cluster-{name}-{product}.tar.xz")
