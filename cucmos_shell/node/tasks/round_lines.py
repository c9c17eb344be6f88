"""How it is told which certificates a round has brought and taken, with the cluster or a peer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# How many of each kind are named.
LISTED = 200


def came_and_went(
    added: Sequence[str], removed: Sequence[str], besides: Sequence[str]
) -> list[str]:
    """A line for each certificate that came, went or has a line of its own; of many the first."""
    lines: list[str] = []
    for rows in ([f"{one}, new" for one in added], [f"{one}, deleted" for one in removed], besides):
        lines += [f"\t{row}" for row in rows[:LISTED]]
        if len(rows) > LISTED:
            lines.append(f"\t({len(rows) - LISTED} more)")
    return lines
