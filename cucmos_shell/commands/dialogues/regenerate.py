"""A unit gets a self-signed certificate in place of its own: the question, and the change."""

from __future__ import annotations

from cucmos_shell.commands.dialogues.release import with_clients
from cucmos_shell.commands.views.replaced import Installed
from cucmos_shell.node import impact
from cucmos_shell.node.tasks.alarms import renewed
from cucmos_shell.results import Ask, Commit, Progress, Warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.issuing import Credential
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

WARNING = "WARNING: This operation will overwrite any CA signed certificate previously imported for"
QUESTION = "Proceed with regeneration (yes|no)? "
CANCELLED = "Regeneration cancelled"


def agreed(node: Node, unit: str) -> Conversation[bool]:
    """Warn of what a new certificate of `unit` breaks, and ask whether to go on."""
    own = node.profile.units[unit].warning
    yield Progress("")
    # Two blanks: clients in the field match the product's line as it is.
    yield Progress(own or f"{WARNING}  {unit}")
    yield Warn(impact.regenerating(node, node.snapshot(), unit))
    if own:
        yield Progress("")
    answer: str = yield Ask(QUESTION)
    return answer == "yes"


def regenerated(
    node: Node, unit: str, make: Callable[[Transaction], Credential], client: str = ""
) -> Conversation[Installed]:
    """Let what `make` has made be the certificate of `unit`, and of its `client` if there is one.

    Pending requests go, and the unit's alarm is raised.
    """
    from cucmos_shell.node.certificates import issuing

    spec = node.profile.units[unit]
    advice = spec.advice or (node.profile.defaults["restart_advice_regenerated"],)
    units = [unit, client] if client else [unit]
    services = with_clients(node, unit, client)

    def change(transaction: Transaction) -> Installed:
        credential = make(transaction)
        pending = issuing.replace(transaction, node.profile, credential, client)
        return Installed(
            unit=unit,
            done=f"Successfully Regenerated Certificate for {' and '.join(units)}.",
            advice=tuple(line.format(unit=unit) for line in advice),
            row=credential.row,
            services=services,
            running=node.services.affected(services),
            requests_deleted=pending,
        )

    installed: Installed = yield Commit(change)
    yield from renewed(node, unit, "regenerated")
    return installed
