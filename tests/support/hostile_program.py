"""The program with commands of a handler that makes nothing safe, whatever it is asked for."""

import sys

from cucmos_shell import commands
from cucmos_shell.__main__ import main
from cucmos_shell.cli import Argument, Family
from cucmos_shell.errors import Refused
from cucmos_shell.results import Ask, AskText, Notice, Progress, Secret

EVIL = "\x1b[2J\x9b1m\r\nadmin:\x07\u202e\u2028\x00 x"
SHOWN = r"\u{1B}[2J\u{9B}1m\u{D}\u{A}admin\u{3A}\u{7}\u{202E}\u{2028}\u{0} x"

family = Family()
NAME = Argument("name", "name", choices=lambda node: (f"one{EVIL}", f"two{EVIL}"))


@family.command("hostile talk", level=0)
def talk(node):
    """Say and ask something."""
    yield Progress(f"progress {EVIL}")
    yield Ask(f"ask {EVIL}?")
    yield AskText(f"text {EVIL}?")
    yield Secret(f"secret {EVIL}?")
    return Notice((f"value\t{EVIL}", EVIL))


@family.command("hostile fail", level=0)
def fail(node):
    """Fail."""
    raise Refused(f"template {EVIL} {{field}}", field=EVIL, details=(f"\tdetail {EVIL}",))


@family.command("hostile name <name>", level=0, arguments=(NAME,))
def name(node, name):
    """Want a name."""


if __name__ == "__main__":
    commands.FAMILIES["hostile"] = ("hostile 0+",)
    sys.modules["cucmos_shell.commands.hostile"] = sys.modules[__name__]
    main()
