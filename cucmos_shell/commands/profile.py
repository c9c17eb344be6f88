"""The node's profile: what it knows about its product."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.node.refresh import differences, new_keys, newer, take_over
from cucmos_shell.results import TEXT, Ask, Commit, Notice, Progress, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()


@family.command(
    "utils profile refresh",
    level=1,
    changes=True,
    form=maybe(record(profile=TEXT, changes=each(TEXT))),
)
def refresh(node: Node) -> Conversation[Notice]:
    """Take over what this version of the program knows about the node's product.

    A node keeps the profile that it was made from. This shows what the program's copy says by now,
    asks, and makes it the node's: units, trust stores, services and their times, limits, defaults.
    Names, addresses and the subject of the node stay, and so do its certificates; a unit that is
    new gets one. Other processes that serve the node know it when they are started again.
    """
    before = node.profile
    fresh = newer(before)
    lines = differences(before, fresh)
    facts = {"profile": before.name, "changes": lines}
    if not lines:
        return Notice((f"Nothing about {before.name} is new",), facts)
    yield Progress(f"What is new about {before.name}:")
    for line in lines:
        yield Progress(f"\t{line}")
    if (yield Ask("Continue (yes|no)? ")) != "yes":
        return Notice(("Nothing was changed",))
    keys = new_keys(node, fresh)
    yield Commit(lambda change: take_over(node, change, fresh, keys))
    node.adopt(fresh)
    return Notice((f"The node knows what is new about {fresh.name}",), facts)
