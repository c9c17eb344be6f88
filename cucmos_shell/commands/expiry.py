"""When certificates end."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.fit import fits, hang
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.views.expiry import grouped, svg
from cucmos_shell.commands.views.listed import row_data
from cucmos_shell.node.areas import write_download
from cucmos_shell.node.expiry.life import BAR, DAY, Life, bar
from cucmos_shell.results import Value, each, record
from cucmos_shell.store.rows import LISTED
from cucmos_shell.text import columns, iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.store import CertificateRow

family = Family()

# Characters of a bar, as the terminal has room.
SIZES = (BAR, 16, 12, 8, 5)
WITHIN = Argument("number", "days from now", parse=number(0, 100_000))
PICTURE = Argument("file", "file in the download area")


class Ending(Value):
    """A certificate, `own` or of a `trust` store (`folder`, its unit or store), and its life."""

    form = record(**{**LISTED, **Life.form})

    node: Node
    kind: str
    folder: str
    row: CertificateRow
    life: Life

    def data(self) -> dict[str, Any]:
        """The JSON form: as in the list of certificates, and what is left of its life."""
        return {**row_data(self.node, self.kind, self.folder, self.row), **self.life.data()}


class Expiry(Value):
    """Certificates by their end, and the picture of them if one was written."""

    form = each(Ending.form)

    endings: tuple[Ending, ...]
    picture: str = ""

    @property
    def lives(self) -> list[Life]:
        """Their lives."""
        return [one.life for one in self.endings]

    def lines(self) -> list[str]:
        """The text: name, last day, bar, what is left; or where the picture is."""
        if self.picture:
            return [f"Picture: {self.picture} in the download area"]
        return self._rows(BAR) or ["No certificates found"]

    def _rows(self, size: int) -> list[str]:
        return columns((one.name, *rest) for one, *rest in self._cells(size))

    def _cells(self, size: int) -> Iterator[tuple[Any, ...]]:
        for one in self.lives:
            bars = (bar(one.used, size),) if size else ()
            yield (one, iso_time(one.not_after)[:10], *bars, one.words())

    def blocks(self, width: int) -> list[Sequence[str]]:
        """For each line those that it becomes: the bar shrinks, then the name stands above."""
        if self.picture or not self.lives:
            return [hang((line,), width) for line in self.lines()]
        for size in SIZES:
            if fits(lines := self._rows(size), width):
                return [(line,) for line in lines]
        for size in (*SIZES, 0):
            below = columns(rest for _, *rest in self._cells(size))
            if not size or fits((f"  {line}" for line in below), width):
                break
        pairs = zip(self.lives, below, strict=True)
        return [hang((one.name, f"  {rest}"), width) for one, rest in pairs]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(0 if self.lives else 1)

    def data(self) -> tuple[Ending, ...]:
        """The JSON form."""
        return self.endings


def _all(node: Node, now: float, *, copies: bool) -> Iterator[Ending]:
    """Own certificates and those of the trust stores, own ones first.

    Copies of own ones are left out unless they are wanted.
    """
    snapshot = node.snapshot()
    for kind in ("own", "trust"):
        for folder, rows in snapshot.listed(kind):
            for row in rows:
                if copies or not row.owner:
                    life = Life(
                        f"{folder}/{row.name}.pem", row.common_name, row.key_type,
                        row.not_before, row.not_after, now,
                    )  # fmt: skip
                    yield Ending(node, kind, folder, row, life)


@family.command(
    "show cert expiry [within <number> days] [--svg <file>]",
    level=0,
    own=True,
    arguments=(WITHIN, PICTURE),
    examples=("show cert expiry within 30 days", "show cert expiry --svg expiry.svg"),
    form=Expiry.form,
)
def show_expiry(node: Node, number: int | None = None, file: str = "") -> Expiry:
    """Show when certificates end, the soonest first, with a bar of the life that is over.

    Own certificates and trust certificates; the trust copy of an own certificate is left out.
    `within` keeps those that end in that many days, expired ones included. With --svg a picture
    is put into the download area: a bar for each certificate, as long as the days that are left,
    with all places that hold it.
    """
    now = node.now()
    picture = ""

    def wanted(*, copies: bool) -> list[Ending]:
        found = _all(node, now, copies=copies)
        if number is not None:
            found = (one for one in found if one.row.not_after < now + number * DAY)
        return sorted(found, key=lambda one: one.row.not_after)

    if file:
        name = file if file.lower().endswith(".svg") else f"{file}.svg"
        bars = grouped((one.row.sha256, one.life) for one in wanted(copies=True))
        picture = write_download(node.layout, name, svg(bars, node.hostname, now).encode())
    return Expiry(tuple(wanted(copies=False)), picture)
