"""A new key and self-signed certificate for a unit."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import UNIT
from cucmos_shell.commands.dialogues.release import same_for_client, with_clients
from cucmos_shell.commands.views.replaced import Installed
from cucmos_shell.errors import Damaged
from cucmos_shell.node import impact
from cucmos_shell.node.tasks.alarms import renewed
from cucmos_shell.results import Ask, Commit, Notice, Progress, Warn, maybe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.issuing import Credential
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.world import PrivateKey

family = Family()

WARNING = "WARNING: This operation will overwrite any CA signed certificate previously imported for"
QUESTION = "Proceed with regeneration (yes|no)? "
CANCELLED = "Regeneration cancelled"


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
    key = node.world.new_key(node.profile.units[unit].key)
    serial = node.world.new_serial()
    installed: Installed = yield Commit(
        lambda change: install(node, change, unit, key, serial, client)
    )
    yield from renewed(node, unit, "regenerated")
    return installed


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


def install(
    node: Node, transaction: Transaction, unit: str, key: PrivateKey, serial: int, client: str = ""
) -> Installed:
    """Give `unit`, and `client`, a self-signed certificate for `key`, like the unit's present one.

    Where that is damaged, like the one that the profile describes.
    """
    # It loads the library for certificates, which whoever asks what may follow need not wait for.
    from cucmos_shell.node.certificates import issuing

    spec, now = node.profile.units[unit], transaction.now
    try:
        credential = issuing.again(spec, transaction.own_der(unit), key, now=now, serial=serial)
    except Damaged:
        credential = issuing.first(node.profile, unit, key, now=now, serial=serial)
    return put(node, transaction, credential, client)


def put(
    node: Node, transaction: Transaction, credential: Credential, client: str = ""
) -> Installed:
    """Let a self-signed certificate be its unit's, and that of the unit `client` if there is one.

    Pending requests go.
    """
    from cucmos_shell.node.certificates import issuing

    unit = credential.row.name
    units = [unit, client] if client else [unit]
    pending = []
    for one in units:
        # What is damaged is readable only once it is replaced.
        issuing.stage(transaction, node.profile, credential.of(one))
        if transaction.own(one).request is not None:
            pending.append(one)
        transaction.drop_request(one)
    usual: str = node.profile.defaults["restart_advice_regenerated"]
    advice = node.profile.units[unit].advice or (usual,)
    services = with_clients(node, unit, client)
    return Installed(
        unit=unit,
        done=f"Successfully Regenerated Certificate for {' and '.join(units)}.",
        advice=tuple(line.format(unit=unit) for line in advice),
        row=credential.row,
        services=services,
        running=node.services.affected(services),
        requests_deleted=tuple(pending),
    )
