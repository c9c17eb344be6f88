"""The subject of the node's web certificate and of its requests."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.dialogues.regenerate import CANCELLED, agreed, regenerated
from cucmos_shell.commands.views.replaced import Installed
from cucmos_shell.errors import BadValue, Unavailable
from cucmos_shell.profile import subjects
from cucmos_shell.profile.subjects import Subject
from cucmos_shell.results import TEXT, Notice, Record, each, maybe, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.issuing import Credential
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()


SUBJECT = record(
    name=TEXT,
    common_name=maybe(TEXT),
    organizational_units=each(TEXT),
    organization=maybe(TEXT),
    locality=maybe(TEXT),
    state=maybe(TEXT),
    country=maybe(TEXT),
    alternate_host_name=maybe(TEXT),
)


def web_unit(node: Node) -> str:
    """The unit of the node's own web server: the one whose trust store the node itself uses."""
    unit = node.profile.trust_stores[node.profile.node_trust_store].base
    if unit not in node.profile.units:
        raise Unavailable("this product has no web certificate")
    return unit


@family.command("show web-security", level=0, form=SUBJECT)
def show(node: Node) -> Record:
    """Show the subject that set web-security gives to certificates and requests."""
    unit = web_unit(node)
    snapshot = node.snapshot()
    subject = subjects.current(node.profile, snapshot.settings())
    row = snapshot.own(unit).row
    fields = (
        ("Certificate", f"{unit}/{unit}.pem"),
        ("Common Name", row.common_name if row else ""),
        ("Organizational Unit", subjects.joined_units(subject.units)),
        ("Organization", subject.organization),
        ("Locality", subject.locality),
        ("State", subject.state),
        ("Country", subject.country),
        ("Alternate Host Name", subject.alternate),
    )
    data = {
        "name": f"{unit}/{unit}.pem",
        "common_name": row.common_name if row else None,
        "organizational_units": subject.units,
        "organization": subject.organization or None,
        "locality": subject.locality or None,
        "state": subject.state or None,
        "country": subject.country or None,
        "alternate_host_name": subject.alternate or None,
    }
    return Record(fields, data)


ORGANIZATIONAL_UNIT = Argument(
    "orgunit", "organizational unit; several with commas, \\, is a comma within one"
)
ORGANIZATION = Argument("orgname", "organization")
LOCALITY = Argument("locality", "locality")
STATE = Argument("state", "state")
COUNTRY = Argument("country", "country, two letters")
ALTERNATE = Argument("alternatehostname", "alternate host name or address for the certificate")


@family.command(
    "set web-security <orgunit> <orgname> <locality> <state> [<country> [<alternatehostname>]]",
    level=0,
    changes=True,
    arguments=(ORGANIZATIONAL_UNIT, ORGANIZATION, LOCALITY, STATE, COUNTRY, ALTERNATE),
    examples=(
        "set web-security accounting Cisco Milpitas CA",
        'set web-security "accounting,personnel\\,CA,personnel\\,MA" Cisco Milpitas CA US',
    ),
    form=maybe(Installed.form),
)
def change_subject(
    node: Node,
    orgunit: str,
    orgname: str,
    locality: str,
    state: str,
    country: str = "",
    alternatehostname: str = "",
) -> Conversation[Installed | Notice]:
    """Set the subject of the web certificate, and regenerate it.

    Later CSRs of all units take the same subject. Values with blanks stand in quotation marks.
    Without a country the present one stays; without an alternate host name there is none.

    As in the original, every account may do that, of level 0 too: a certificate that a CA has
    signed is replaced by a self-signed one. A profile may ask for a higher level (levels).
    """
    unit = web_unit(node)
    present = subjects.current(node.profile, node.snapshot().settings())
    units = subjects.split_units(orgunit)
    subject = subjects.checked(
        Subject(
            units, orgname, locality, state, country.upper() or present.country, alternatehostname
        )
    )
    if not (yield from agreed(node, unit)):
        return Notice((CANCELLED,))
    return (yield from _install(node, unit, subject))


def _install(node: Node, unit: str, subject: Subject) -> Conversation[Installed]:
    from cucmos_shell.node.certificates import issuing

    spec = node.profile.units[unit]
    key, serial = node.world.new_key(spec.key), node.world.new_serial()
    pairs = subjects.subject_pairs(node.profile, unit, subject, serial=serial)
    names = subjects.alternative_names(node.profile, unit, subject)

    def make(transaction: Transaction) -> Credential:
        try:
            credential = issuing.for_subject(
                spec, key, pairs, names, now=transaction.now, serial=serial
            )
        except ValueError as error:
            raise BadValue("No certificate can say this: {reason}", reason=str(error)) from None
        transaction.put_setting(subjects.SETTING, subjects.to_setting(subject))
        return credential

    return (yield from regenerated(node, unit, make))
