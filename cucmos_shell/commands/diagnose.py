"""`utils diagnose test`: the product's diagnosis."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.cli.grammar import MIXED
from cucmos_shell.node.diagnosis import FAILED, PASSED, SKIPPED, checks, write_log
from cucmos_shell.results import TEXT, Value, each, maybe, one_of, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.diagnosis import Check

family = Family()

MODULE = 20  # the width that names of modules are padded to


class Diagnosis(Value):
    """What the modules of a diagnosis found, and where its log is."""

    form = record(
        log=TEXT,
        tests=each(
            record(module=TEXT, outcome=one_of(PASSED, FAILED, SKIPPED), reason=maybe(TEXT))
        ),
    )

    log: str
    found: tuple[Check, ...]

    def lines(self) -> list[str]:
        """The text: a line for each module, and where the log is."""
        return [
            f"Log file: {self.log}",
            "",
            *found_lines(self.found),
            "",
            "",
            f" The final output will be in Log file: {self.log}",
            "",
            "",
            f" Please use 'file view activelog {self.log}' command to see the output",
        ]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        tests = [
            {"module": one.module, "outcome": one.outcome, "reason": one.reason or None}
            for one in self.found
        ]
        return {"log": self.log, "tests": tests}


def found_lines(found: tuple[Check, ...]) -> list[str]:
    """The lines about the modules, from the heading on."""
    head = "Starting diagnostic test(s)"
    return [head, "=" * len(head), *map(_line, found), "", "Diagnostics Completed"]


def _line(check: Check) -> str:
    if check.outcome == SKIPPED:
        return f"skip - {check.module:<{MODULE}}: {check.reason}"
    how = f" - {check.reason}" if check.outcome == FAILED else f" ({check.reason})"
    outcome = check.outcome.capitalize()
    return f"test - {check.module:<{MODULE}}: {outcome}{how if check.reason else ''}"


@family.command("utils diagnose test", basis=MIXED, level=0, form=Diagnosis.form)
def test(node: Node) -> Diagnosis:
    """Look at the node: its services, its web server's certificate, its cluster, its time.

    The certificate and its private key are really looked at; disks and the like are those of the
    product's profile. A log of it is kept, of the latest ones.
    """
    found = tuple(checks(node))
    lines = found_lines(found)
    name = write_log(node, "\n".join(lines) + "\n")
    return Diagnosis(name, found)
