"""Rooms and rows: imports go down only, hidden ones counted, and who may use what from outside."""

import pytest
from tree import circles, imported, inside, modules

from cucmos_shell.commands import BY_PROFILE, FAMILIES

# From the cellar up: a room may use those of rows below its own, and no other of its row.
ROWS = (
    ("text",),
    ("errors",),
    ("results",),
    ("world", "profile", "cli", "pki"),
    ("terminal", "store", "pki.chains", "pki.ocsp", "pki.trust_lists"),
    ("cluster", "node.logs"),
    ("node.access", "node.services", "node.certificates", "node.expiry"),
    ("node.lab",),
    ("node",),
    ("node.tasks",),
    ("commands.arguments", "commands.views"),
    ("commands.dialogues",),
    ("commands",),
    ("session",),
    ("frontends",),
    ("frontends.sshd",),
    ("frontends.serve",),
    ("frontends.start",),
    ("__main__",),
    # The public API and the pytest plugin: on top of everything.
    ("testing",),
)
OUTSIDE = {
    "asyncssh": ("world.sftp", "frontends.sshd", "frontends.serve"),
    "cryptography": (
        "pki", "node.certificates", "node.access.passwords", "node.tasks.revocation", "commands",
        "world.world", "node.lab.authority", "testing.authority", "testing.node",
    ),
    "email": ("node.tasks.expiry_mail",),
    "msgspec": ("profile",),
    "prompt_toolkit": ("terminal.keys", "frontends.rich"),
    "pty": (),
    "pytest": ("testing.plugin",),
    "random": (),
    "re2": ("cli.regex",),
    "secrets": ("world.world",),
    "smtplib": ("world.mail",),
    "socket": (
        "world", "frontends.arrivals", "frontends.listeners", "frontends.control",
        "frontends.serve", "frontends.tls", "frontends.sshd.entrance", "frontends.sshd.seats",
        "frontends.sshd.server",
    ),
    "sqlite3": ("node.query", "world.buses.database", "world.buses.directory"),
    "subprocess": ("testing.server",),
    "tabulate": ("cli.render",),
    "yaml": ("profile.source",),
}  # fmt: skip
ROW = {room: i for i, row in enumerate(ROWS) for room in row}


def room(name):
    """The room of a module: its package, or one of those that are rooms of their own."""
    parts = name.split(".")
    for length in (2, 1):
        if ".".join(parts[:length]) in ROW:
            return ".".join(parts[:length])
    pytest.fail(f"{name} has no row")


def arrows():
    """`(importer, imported)` between modules, without the version that the root holds."""
    return [
        (name, other) for name, others in inside().items() for other in others if name and other
    ]


def test_imports_go_down_only():
    """No room knows one above it or beside it."""
    wrong = []
    for name, other in arrows():
        here, there = room(name), room(other)
        if here != there and ROW[there] >= ROW[here]:
            wrong.append(f"{name} imports {other}")
    assert not wrong


def test_no_circle_of_files():
    """Nor inside a package."""
    assert not circles(inside())


def test_no_family_knows_another():
    """What several share stands in a room for it, so that a line loads one family."""
    families = {f"commands.{name}" for name in (*FAMILIES, *BY_PROFILE)}
    assert families < modules().keys()
    wrong = [f"{name} imports {other}" for name, other in arrows() if {name, other} <= families]
    assert not wrong


def test_the_outside_has_its_rooms():
    """The terminal, the network, randomness and mail are reached from one place each."""
    wrong = []
    for name, (_, tree) in modules().items():
        for dotted in imported(tree):
            rooms = OUTSIDE.get(dotted.partition(".")[0])
            here = name
            if rooms is not None and not any(f"{here}.".startswith(f"{one}.") for one in rooms):
                wrong.append(f"{name} imports {dotted}")
    assert not wrong
