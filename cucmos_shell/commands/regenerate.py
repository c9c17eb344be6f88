"""A new key and self-signed certificate for a unit."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import UNIT
from cucmos_shell.commands.dialogues.regenerate import CANCELLED, agreed, regenerated
from cucmos_shell.commands.dialogues.release import same_for_client
from cucmos_shell.commands.views.replaced import Installed
from cucmos_shell.node import impact
from cucmos_shell.results import Notice, Warn, maybe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.issuing import Credential
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()


@family.command(
    "set cert regen <unit>",
    level=1,
    changes=True,
    arguments=(UNIT,),
    examples=("set cert regen tomcat",),
    form=maybe(Installed.form),
)
def regen(node: Node, unit: str) -> Conversation[Installed | Notice]:
    """Regenerate a self-signed certificate.

    Makes a new key and a certificate with the subject and alternative names of the present one.
    Its copy in the trust store is replaced, and a pending CSR of the unit is deleted. Services go
    on with the old certificate until they are restarted. Before the question you are warned of what
    would break: see show cert impact.
    """
    if not (yield from agreed(node, unit)):
        return Notice((CANCELLED,))
    client = yield from same_for_client(node, unit)
    if client:
        yield Warn(impact.regenerating(node, node.snapshot(), client))
    # It loads the library for certificates, which whoever asks what may follow need not wait for.
    from cucmos_shell.node.certificates import issuing

    key, serial = node.world.new_key(node.profile.units[unit].key), node.world.new_serial()

    def make(transaction: Transaction) -> Credential:
        return issuing.anew(transaction, node.profile, unit, key, serial=serial)

    return (yield from regenerated(node, unit, make, client))
