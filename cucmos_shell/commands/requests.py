"""Certificate signing requests: made, listed, shown, deleted."""

from __future__ import annotations

from itertools import starmap

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.certificates import UNIT, complete_unit, parse_unit
from cucmos_shell.commands.arguments.conditions import CONDITION
from cucmos_shell.commands.arguments.requests import (
    NONE_FOUND,
    REQUEST,
    listed_request,
    parse_request,
)
from cucmos_shell.commands.dialogues.release import ask_for_unit
from cucmos_shell.commands.views.certificate import EXTENSION, KEY
from cucmos_shell.errors import BadValue, Refused
from cucmos_shell.node.certificates.issuing import request_row
from cucmos_shell.node.impact import requesting
from cucmos_shell.node.members import members
from cucmos_shell.results import (
    MOMENT,
    PEM,
    SHA256,
    TEXT,
    TRUTH,
    Commit,
    Finding,
    Notice,
    Value,
    Warn,
    each,
    record,
)
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.search import Condition
    from cucmos_shell.pki.csr import RequestDescription
    from cucmos_shell.profile.profile import UnitSpec
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import RequestRow
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.world import PrivateKey


family = Family()


ROW = record(
    name=TEXT,
    unit=TEXT,
    subject=TEXT,
    common_name=TEXT,
    alternative_names=each(TEXT),
    key_type=TEXT,
    sha256=SHA256,
    created=MOMENT,
)


class Generated(Value):
    """A new request, and whether it has replaced a pending one."""

    form = record(**ROW, replaced=TRUTH)

    unit: str
    row: RequestRow
    replaced: bool
    done: str

    def lines(self) -> list[str]:
        """The text: exactly the product's line, which clients compare."""
        return [self.done]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {**_row_data(self.unit, self.row), "replaced": self.replaced}


class Requests(Value):
    """Pending requests by their unit."""

    form = each(ROW)

    found: tuple[tuple[str, RequestRow], ...]

    def lines(self) -> list[str]:
        """The text: `tomcat/tomcat.csr`, one a line."""
        return [listed_request(unit) for unit, _ in self.found] or [NONE_FOUND]

    def no_rows(self) -> range:
        """The numbers of the lines that are no rows."""
        return range(0 if self.found else 1)

    def data(self) -> list[dict[str, Any]]:
        """The JSON form."""
        return [_row_data(unit, row) for unit, row in self.found]


def _row_data(unit: str, row: RequestRow) -> dict[str, Any]:
    return {
        "name": listed_request(unit),
        "unit": unit,
        "subject": row.subject,
        "common_name": row.common_name,
        "alternative_names": row.alternative_names,
        "key_type": row.key_type,
        "sha256": row.sha256,
        "created": iso_time(row.created),
    }


class RequestShown(Value):
    """One request in full."""

    form = record(
        name=TEXT,
        subject=TEXT,
        signature_algorithm=TEXT,
        key_type=TEXT,
        key=KEY,
        alternative_names=each(TEXT),
        extensions=each(EXTENSION),
        sha256=SHA256,
        pem=PEM,
    )

    name: str
    description: RequestDescription
    pem: str

    def lines(self) -> list[str]:
        """The text: the decoded request as certificates are, then its PEM, nothing after it."""
        from cucmos_shell.commands.views.certificate import key_lines, rest_lines, safe_name

        one = self.description
        return [
            "[",
            f"  Version: V{one.version}",
            f"  SignatureAlgorithm: {one.signature_name} ({one.signature_oid})",
            f"  Subject Name: {safe_name(one.subject)}",
            *key_lines(one.key),
            *rest_lines(one.extensions, one.signature),
            "]",
            *self.pem.splitlines(),
        ]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        from cucmos_shell.commands.views.certificate import extension_data, key_data
        from cucmos_shell.pki.description import name_text

        one = self.description
        return {
            "name": self.name,
            "subject": name_text(one.subject),
            "signature_algorithm": one.signature_name,
            "key_type": one.key.text,
            "key": key_data(one.key),
            "alternative_names": one.alternative_names,
            "extensions": extension_data(one.extensions),
            "sha256": one.sha256,
            "pem": self.pem,
        }


def _unit(node: Node, name: str) -> str:
    refusal = "{store} has no own certificate, so there is no CSR for {base}"
    return parse_unit(node, name, refusal)


OWNER = Argument("unit", UNIT.help, parse=_unit, complete=complete_unit)


@family.command(
    "set csr gen <unit> [key {rsa2048|rsa3072|rsa4096|ec256|ec384|ec521:key}]"
    " [hash {sha256|sha384|sha512:hash}] [multi-server]",
    level=1,
    changes=True,
    arguments=(OWNER,),
    options={"multi-server": "one certificate for all nodes of the cluster"},
    examples=("set csr gen tomcat", "set csr gen cup-xmpp key ec256 hash sha384 multi-server"),
    form=Generated.form,
)
def generate(
    node: Node, unit: str, key: str = "", hash: str = "", multi_server: str = ""
) -> Conversation[Generated]:
    """Generate a certificate signing request for a CA.

    Makes a new key beside the present one, which stays in use until the signed certificate is
    imported. A new CSR replaces a pending one, and the CA's answer to that one will not fit any
    more. With multi-server the certificate is for all nodes of the cluster. Values with characters
    that public CAs refuse are warned about. From release 14 on it is asked whether the CSR has the
    organizational unit; a CA may leave it out in any case.
    """
    from cucmos_shell.pki import certs, csr
    from cucmos_shell.pki.der import to_pem

    spec = node.profile.units[unit]
    kind = key or spec.key
    hash_name = csr.hash_for(kind, hash, spec.hash)
    if multi_server and unit not in node.profile.multi_server_units():
        raise Refused("{unit} has no multi-server certificates", unit=unit)
    with_ou = yield from ask_for_unit(node)
    pairs, names = _contents(node, unit, kind, bool(multi_server), with_ou)
    odd = csr.odd_characters([*pairs, *(_split(name) for name in names)])
    yield Warn((*starmap(_odd, odd), *requesting(node.snapshot(), unit)))
    private = node.world.new_key(kind)
    der = _made(private, spec, pairs, names, hash_name)
    row = request_row(unit, der, node.now(), multi_server=bool(multi_server))

    def change(transaction: Transaction) -> Generated:
        replaced = transaction.own(unit).request is not None
        transaction.put_request(unit, row, to_pem(der, csr.LABEL), certs.key_pem(private))
        done = node.profile.dialogues.csr_generated.format(unit=unit)
        return Generated(unit, row, replaced, done)

    generated: Generated = yield Commit(change)
    return generated


def _made(
    key: PrivateKey,
    spec: UnitSpec,
    pairs: tuple[tuple[str, str], ...],
    names: tuple[str, ...],
    hash_name: str,
) -> bytes:
    """A request in DER with the usages of the unit. Raises BadValue."""
    from cucmos_shell.pki import csr

    try:
        return csr.make(
            key,
            subject=pairs,
            alternative_names=names,
            key_usage=spec.csr_key_usage,
            extended_key_usage=spec.csr_extended_key_usage,
            hash_name=hash_name,
        )
    except ValueError as error:
        raise BadValue("No CSR can say this: {reason}", reason=str(error)) from None


def _contents(
    node: Node, unit: str, key: str, multi_server: bool, with_ou: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Subject, in DER order, with organizational units or not, and names of a request."""
    from cucmos_shell.profile import subjects

    profile = node.profile
    subject = subjects.current(profile, node.snapshot().settings())
    if not with_ou:
        subject = subject.replace(units=())
    if not multi_server:
        names = subjects.alternative_names(profile, unit, subject)
        return subjects.subject_pairs(profile, unit, subject), names
    name = subjects.multi_server_name(profile, key)
    pairs = subjects.subject_pairs(profile, unit, subject, common_name=name)
    hosts = [one.hostname for one in members(node)]
    return pairs, subjects.multi_server_names(profile, unit, key, hosts)


def _split(name: str) -> tuple[str, str]:
    kind, _, value = name.partition(":")
    return kind, value


def _odd(attribute: str, value: str, characters: str) -> Finding:
    text = f"many public CAs refuse {' '.join(characters)} in {attribute} ({value})"
    facts = {"attribute": attribute, "value": value, "characters": characters}
    return Finding("odd-characters", (text,), facts)


@family.command(
    "show csr list [own] [where <condition...>]",
    level=1,
    arguments=(CONDITION,),
    options={"own": "requests for own certificates; there are no others"},
    examples=("show csr list own", "show csr list where key-type begins-with EC"),
    form=Requests.form,
)
def list_requests(node: Node, own: str = "", condition: tuple[Condition, ...] = ()) -> Requests:
    """List the pending certificate signing requests.

    `where` works as in show cert list; a CSR has no issuer, serial, expiration or description.
    """
    snapshot = node.snapshot()
    found = [(unit, request) for unit in snapshot.units if (request := snapshot.own(unit).request)]
    if condition:
        from cucmos_shell.node.certificates import search

        found = [
            (unit, request)
            for unit, request in found
            if search.meets(request, condition, certificate_name=unit)
        ]
    return Requests(tuple(found))


@family.command(
    "show csr own <name>",
    level=1,
    arguments=(REQUEST,),
    examples=("show csr own tomcat", "show csr own tomcat/tomcat.csr"),
    form=RequestShown.form,
)
def show_request(node: Node, name: str) -> RequestShown:
    """Show a certificate signing request in full, and its PEM, which a CA takes."""
    from cucmos_shell.pki import csr
    from cucmos_shell.pki.der import from_pem

    pem = node.snapshot().request_pem(name)
    description = csr.describe(from_pem(pem, csr.LABEL))
    return RequestShown(listed_request(name), description, pem.decode("ascii"))


@family.command(
    "set csr delete <unit>",
    level=1,
    changes=True,
    arguments=(OWNER,),
    examples=("set csr delete tomcat",),
    form=record(name=TEXT),
)
def delete(node: Node, unit: str) -> Conversation[Notice]:
    """Delete a pending certificate signing request and its key."""
    parse_request(node, unit)

    def change(transaction: Transaction) -> None:
        if transaction.own(unit).request is None:
            raise Refused(NONE_FOUND)
        transaction.drop_request(unit)

    yield Commit(change)
    return Notice((f"Successfully deleted CSR for {unit}.",), {"name": listed_request(unit)})
