"""The chain above a certificate, or where and why it breaks."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.fit import fits, hang, stacked
from cucmos_shell.commands.arguments.certificates import complete_any, stored
from cucmos_shell.errors import Refused
from cucmos_shell.node.certificates.anchors import anchors
from cucmos_shell.node.certificates.own_chains import between
from cucmos_shell.pki import certs
from cucmos_shell.pki.chains.decide import ChainVerdict, Link, decide
from cucmos_shell.results import MOMENT, SERIAL, TEXT, TRUTH, Value, each, record
from cucmos_shell.text import columns, iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cucmos_shell.node import Node

family = Family()

HEADINGS = ("", "Name", "Until", "Where")


class Chain(Value):
    """A certificate's chain as far as it goes; `store` is the trust store it is judged by."""

    form = record(
        name=TEXT,
        store=TEXT,
        complete=TRUTH,
        chain=each(
            record(common_name=TEXT, serial=SERIAL, not_after=MOMENT, trusted=TRUTH, anchor=TRUTH)
        ),
        notes=each(TEXT),
    )

    name: str
    store: str
    verdict: ChainVerdict

    def lines(self) -> list[str]:
        """The text: one line each, the certificate itself first; then notes, and the verdict if it
        is a good one."""
        return [*columns([HEADINGS, *self._rows()]), *self._verdict()]

    def blocks(self, width: int) -> list[Sequence[str]]:
        """For each line those that it becomes on a terminal of that width: the rows may stack."""
        lines = columns([HEADINGS, *self._rows()])
        if fits(lines, width):
            top: list[Sequence[str]] = [(line,) for line in lines]
        else:
            rows = ((f"{depth} {name}", *rest) for depth, name, *rest in self._rows())
            top = [(), *stacked(HEADINGS[1:], rows, width)]
        return [*top, *(hang((line,), width) for line in self._verdict())]

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (str(depth), safe(link.words), _end(link)[:10], self._place(depth, link))
            for depth, link in enumerate(self.verdict.chain)
        ]

    def _verdict(self) -> list[str]:
        lines = [f"Note: {note}" for note in self.verdict.notes]
        if self.verdict.accepted:
            lines.append(f"The chain is complete: it ends in {self.store}.")
        return lines

    @property
    def failure(self) -> Refused | None:
        """Where and why the chain breaks, with all that is known of it; None if it does not."""
        if self.verdict.accepted:
            return None
        reason = self.verdict.refusal()
        failure = Refused(
            "The chain breaks here: {reason}", reason=reason.message(), details=reason.details
        )
        failure.data = self.data()
        return failure

    def no_rows(self) -> list[int]:
        """The numbers of the lines that are no rows: the heading, notes, the verdict."""
        return [0, *range(len(self.verdict.chain) + 1, len(self.lines()))]

    def _place(self, depth: int, link: Link) -> str:
        where = self.store if link.trusted else "kept with the certificate"
        if not depth:
            where = self.name
        return f"{where}, trust anchor" if link.anchor else where

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        verdict = self.verdict
        return {
            "name": self.name,
            "store": self.store,
            "complete": verdict.accepted,
            "chain": [
                {
                    "common_name": link.words,
                    "serial": f"{link.certificate.serial_number:x}",
                    "not_after": _end(link),
                    "trusted": link.trusted,
                    "anchor": link.anchor,
                }
                for link in verdict.chain
            ],
            "notes": verdict.notes,
        }


def _end(link: Link) -> str:
    return iso_time(link.certificate.not_valid_after_utc.timestamp())


NAME = Argument(
    "name", "own or trust certificate, as the lists print it",
    complete=complete_any, kind="certificate",
)  # fmt: skip


@family.command(
    "show cert chain <name>",
    level=0,
    own=True,
    arguments=(NAME,),
    examples=("show cert chain tomcat", "show cert chain tomcat-trust/Example_Issuing_CA.pem"),
    form=Chain.form,
    details=Chain.form,
)
def show_chain(node: Node, name: str) -> Chain:
    """Show the chain from a certificate up to its trust anchor, or where and why it breaks.

    An own certificate is judged by its unit's trust store and the certificates that were imported
    along with it, a trust certificate by its own store; by the rules of the node as it is now. If
    the chain breaks, the command fails.
    """
    snapshot = node.snapshot()
    one = stored(node, name, snapshot)
    verdict = decide(
        certs.load_der(one.der),
        between(snapshot, one.unit) if one.unit else [],
        anchors(snapshot, one.store),
        node.profile.policy,
        node.now(),
        store=one.store,
    )
    return Chain(one.listed, one.store, verdict)
