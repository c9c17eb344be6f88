"""When certificates end."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.views import expiry as expiry_view
from cucmos_shell.node.areas import write_download
from cucmos_shell.node.expiry.life import DAY, Life
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cucmos_shell.node import Node

family = Family()

WITHIN = Argument("number", "days from now", parse=number(0, 100_000))
PICTURE = Argument("file", "file in the download area")


class Expiry(Value):
    """Certificates by their end, and the picture of them if one was written."""

    lives: tuple[Life, ...]
    picture: str = ""


def _lines(found: Expiry) -> list[str]:
    if found.picture:
        return [f"Picture: {found.picture} in the download area"]
    return expiry_view.lines(found.lives) or ["No certificates found"]


def _data(found: Expiry) -> Any:
    data = [one.data() for one in found.lives]
    return {"certificates": data, "picture": found.picture} if found.picture else data


def _all(node: Node, now: float) -> Iterator[Life]:
    """Own certificates and those of the trust stores; copies of own ones are left out."""
    snapshot = node.snapshot()
    for unit in snapshot.units:
        if row := snapshot.own(unit).row:
            name = f"{unit}/{row.name}.pem"
            yield Life(name, row.common_name, row.key_type, row.not_before, row.not_after, now)
    for store in snapshot.stores:
        for row in snapshot.trust(store):
            if not row.owner:
                name = f"{store}/{row.name}.pem"
                yield Life(name, row.common_name, row.key_type, row.not_before, row.not_after, now)


@family.command(
    "show cert expiry [within <number> days] [--svg <file>]",
    level=0,
    arguments=(WITHIN, PICTURE),
    view=_lines,
    json=_data,
    examples=("show cert expiry within 30 days", "show cert expiry --svg expiry.svg"),
)
def show_expiry(node: Node, number: int | None = None, file: str = "") -> Expiry:
    """Show when certificates end, the soonest first, with a bar of the life that is over.

    Own certificates and trust certificates; the trust copy of an own certificate is left out.
    `within` keeps those that end in that many days, expired ones included. With --svg a picture
    is put into the download area.
    """
    now = node.now()
    lives = [one for one in _all(node, now) if number is None or one.not_after < now + number * DAY]
    lives.sort(key=lambda one: one.not_after)
    picture = ""
    if file:
        name = file if file.lower().endswith(".svg") else f"{file}.svg"
        text = expiry_view.svg(lives, node.hostname, now)
        picture = write_download(node.state_dir, name, text.encode())
    return Expiry(tuple(lives), picture)
