"""What commands say where releases differ; the node's profile names the manner (`dialogues`)."""

from __future__ import annotations

from cucmos_shell.profile.dialogues import LATER
from cucmos_shell.results import Ask, Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation

REPLICATION = (
    "",
    "              ***   W A R N I N G   ***",
    "Please make sure database replication setup is complete. Use the command"
    " 'utils dbreplication runtimestate' to get the current status.",
    "If database replication setup is in progress, restarting the server may leave"
    " database replication unable to complete.",
)
ITL_RESET = (
    "ITLFile on all the active TFTP nodes will be reset now",
    "and signed using {signer} certificate key...",
    "",
)
ITL_IS_RESET = ("ITL file Reset.", "", "Please reset all the phones to pickup the new ITL File.")
RULE = "*" * 100
OU_QUESTION = "Include OU in CSR (yes|no)?"


def with_rules(text: str) -> tuple[str, ...]:
    """A line between rules."""
    return (RULE, text, RULE)


def ask_for_unit(node: Node) -> Conversation[bool]:
    """Whether a request is to have the organizational unit."""
    if not node.profile.dialogues.csr_asks_ou:
        return True
    return bool((yield Ask(OU_QUESTION)) == "yes")


def before_power(node: Node) -> Conversation[None]:
    """What is said before the question whether to restart the node, or to shut it down."""
    if node.profile.dialogues.power == LATER:
        for line in REPLICATION:
            yield Progress(line)


def power_lines(node: Node, participle: str, noun: str, end: str, when: str) -> tuple[str, ...]:
    """The product's lines of a node that goes down for `end` at `when`.

    The order of the lines is matched by programs; they know the end by the last one of LATER.
    """
    later = node.profile.dialogues.power == LATER
    stopping = (
        ("Stopping Service Manager...",)
        if later
        else (
            "Shutting down Service Manager. Please wait...",
            " \\Service Manager shutting down services... Please Wait",
        )
    )
    lines = (
        "",
        f" Appliance is being {participle} ...",
        f" Warning: {noun} could take up to 5 minutes.",
        *stopping,
        "",
        f"Broadcast message from root ({when}):",
        "",
        f"The system is going down for {end} NOW!",
    )
    return lines if later else (*lines, "Waiting .", "", "Operation succeeded")


def same_for_client(node: Node, unit: str) -> Conversation[str]:
    """The unit for connections to others, if `unit` has one that is to have its certificate."""
    client = node.profile.units[unit].client
    question = f"Do you want to use the same certificate for {client} (yes|no) ? "
    return client if client and (yield Ask(question)) == "yes" else ""


def with_clients(node: Node, unit: str, client: str) -> tuple[str, ...]:
    """The services of `unit`, and those of `client` if that is one, each once."""
    units = node.profile.units
    more = units[client].services if client else ()
    return tuple(dict.fromkeys((*units[unit].services, *more)))
