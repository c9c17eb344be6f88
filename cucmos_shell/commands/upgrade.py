"""Upgrades of the node's software: asked for as the product asks, and never found."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.results import TEXT, Ask, AskText, Notice, Progress, Secret, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

family = Family()

SOURCES = ("Remote Filesystem via SFTP", "Remote Filesystem via FTP", "DVD/CD")
LOCAL = "3"
# The first release that may go on, and switch over, by itself.
SWITCHING = 12


@family.command("utils system upgrade initiate", level=1, form=maybe(record(source=TEXT)))
def initiate(node: Node) -> Conversation[Notice]:
    """Upgrade the software.

    The questions are the product's. No server is asked and no disk is looked at: there is never
    anything to upgrade to.
    """
    choices = [str(number) for number in range(1, len(SOURCES) + 1)]
    for line in (
        "",
        "Warning: Do not close this window without first exiting the upgrade command.",
        "",
        "Source:",
        "",
        *(f" {number}) {name}" for number, name in zip(choices, SOURCES, strict=True)),
        " q) quit",
        "",
    ):
        yield Progress(line)
    prompt = f'Please select an option (1 - {len(SOURCES)} or "q" ): '
    chosen = yield Ask(prompt, (*choices, "q"))
    if chosen == "q":
        return Notice(("Exiting upgrade command. Please wait...",))
    if chosen != LOCAL:
        yield AskText("Directory: ")
        yield AskText("Server: ")
        yield AskText("User Name: ")
        yield Secret("Password: ")
    yield AskText("Please enter SMTP Host Server (optional): ")
    if int(node.profile.version.partition(".")[0]) >= SWITCHING:
        yield Ask("Continue with upgrade after download (yes/no): ")
        yield Ask("Switch-version server after upgrade [valid only for ISO] (yes/no): ")
    yield Progress("Checking for valid upgrades.  Please wait...")
    raise NotFound("No valid upgrade options were found.")


@family.command("utils system upgrade status", level=1, form=record(upgrade=maybe(TEXT)))
def status(node: Node) -> Notice:
    """Show how far the upgrade is that runs now: none does."""
    return Notice(("No upgrade is in progress.",), {"upgrade": None})


@family.command("utils system upgrade cancel", level=1)
def cancel(node: Node) -> Notice:
    """Break off the upgrade that runs now, which there is not."""
    raise Refused("No upgrade is in progress.")
