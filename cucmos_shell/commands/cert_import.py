"""Certificates brought to the node: pasted, or as a file in the upload area."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.near import unknown
from cucmos_shell.cli.paste import NOTHING
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.commands.arguments.certificates import (
    complete_unit,
    find_store,
    offer_in_store,
    parse_in_store,
    parse_unit,
    take_changes,
)
from cucmos_shell.commands.dialogues.release import same_for_client, with_clients
from cucmos_shell.commands.views.imported import Imported, OwnImported, TrustImported
from cucmos_shell.errors import BadValue, NotFound, Refused, ShellError
from cucmos_shell.node import impact
from cucmos_shell.node.areas import open_upload
from cucmos_shell.node.areas import uploads as upload_names
from cucmos_shell.node.certificates import own_import, trust_import
from cucmos_shell.node.tasks.alarms import renewed
from cucmos_shell.node.tasks.revocation import Checked, check_upload
from cucmos_shell.pki import bundle
from cucmos_shell.results import (
    Commit,
    Paste,
    Progress,
    Warn,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node
    from cucmos_shell.pki.bundle import Candidate
    from cucmos_shell.profile.profile import TrustStoreSpec
    from cucmos_shell.results import Conversation, Finding
    from cucmos_shell.store.transaction import Transaction

    T = TypeVar("T")

family = Family()

PROMPT = "Paste the Certificate and Hit Enter"
OWN_CAUTION = "WARNING: This operation will replace the certificate and the key of {unit}"
TRUST_CAUTION = "WARNING: This operation will change which certificates {store} trusts"
DESCRIPTION = "Trust Certificate"
MAX_DESCRIPTION = 256


def _bases(node: Node, typed: Typed) -> Iterable[str | Offer]:
    """After `own` the units, after `trust` the base names of the trust stores."""
    if typed.bound["kind"] == "own":
        return complete_unit(node, typed)
    return [Offer(spec.base, spec.name) for spec in node.profile.trust_stores.values()]


def _anchors(node: Node, typed: Typed) -> Iterable[Offer]:
    """After `own UNIT` the certificates of the unit's trust store; nobody else takes one."""
    if typed.bound["kind"] != "own":
        return ()
    store = node.profile.units[parse_unit(node, typed.bound["unit"])].trust_store
    return offer_in_store(store, node.snapshot().trust(store), typed.part)


def _files(node: Node, _: Typed) -> tuple[str, ...]:
    return upload_names(node.layout)


# No choices of its own: what it may be depends on the word before it.
UNIT = Argument(
    "unit", "unit, or base name of a trust store (not NAME-trust)", complete=_bases, kind="unit"
)
CA_CERT = Argument(
    "caCert", "file in the unit's trust store that the chain must lead to",
    complete=_anchors, kind="certificate of the trust store",
)  # fmt: skip
FILE = Argument("file", "file in the upload area", complete=_files)
ABOUT = Argument("text", "what lists say about it")


@family.command(
    "set cert import {own|trust:kind} <unit> [<caCert>]",
    level=1,
    changes=True,
    arguments=(UNIT, CA_CERT),
    examples=("set cert import trust tomcat", "set cert import own tomcat"),
    form=Imported.form,
    details=Checked.details,
)
def import_pasted(
    node: Node,
    kind: str,
    unit: str,
    caller: Caller,
    caCert: str = "",  # noqa: N803 - the name in the product's syntax
) -> Conversation[OwnImported | TrustImported]:
    """Import a certificate that is pasted.

    The CA's certificates come first, as trust; then the certificate that the CA has signed, as own.
    An own certificate must answer the unit's CSR: same key, same alternative names, valid now, and
    a chain that ends in the unit's trust store. Certificates between it and the root may be pasted
    along. Key, certificate and chain change together, and the CSR is gone.

    Of several trust certificates with one common name the one that begins later stays.
    """
    if kind == "own":
        (name, ends_in), found = yield from _pasted(lambda: _own_names(node, unit, caCert))
        _refuse_for_all_nodes(node, name)
        return (yield from _import_own(node, caller, name, found, ends_in))
    spec, found = yield from _pasted(lambda: _trust_names(node, unit, caCert))
    return (yield from _import_trust(node, caller, spec, found, DESCRIPTION))


def _own_names(node: Node, unit: str, file: str) -> tuple[str, bytes]:
    """The unit, and the certificate (DER) that its chain is to end in, if one is named."""
    name = parse_unit(node, unit)
    if not file:
        return name, b""
    named = parse_in_store(node, node.profile.units[name].trust_store, file)
    return name, node.snapshot().certificate_der(named.row.sha256)


def _refuse_for_all_nodes(node: Node, unit: str) -> None:
    """Raise Refused if what was pasted is for all nodes, and the release takes that elsewhere."""
    request = node.snapshot().own(unit).request
    if (
        request is not None
        and request.multi_server
        and not node.profile.dialogues.multi_server_paste
    ):
        raise Refused(
            "A multi-server certificate cannot be uploaded by this command in release {version}",
            version=node.profile.version,
            details=(
                "The product takes it on the page of its certificates. Here, put it into the upload"
                f" area: utils cert upload own {unit} FILE",
            ),
        )


def _trust_names(node: Node, unit: str, file: str) -> TrustStoreSpec:
    spec = _trust_store(node, unit)
    if file:
        raise BadValue("{file}: a CA certificate is named for an own one only", file=file)
    return spec


def _pasted(names: Callable[[], T]) -> Conversation[tuple[T, tuple[Candidate, ...]]]:
    """What the words before it name, and what is pasted.

    A paste is always taken, or it would become commands; but who is about to make one is told
    before that it will not be kept.
    """
    wrong: ShellError | None = None
    try:
        known = names()
    except ShellError as error:
        wrong = error
        yield Progress(f"{error.message()}: what is pasted will not be kept")
    text: str = yield Paste(PROMPT)
    if wrong is not None:
        raise wrong
    if not text:
        raise Refused(NOTHING)
    return known, bundle.read_paste(text)


@family.command(
    "utils cert upload {own|trust:kind} <unit> <file> [description <text...>]",
    level=1,
    changes=True,
    arguments=(UNIT, FILE, ABOUT),
    examples=(
        "utils cert upload trust tomcat ca-bundle.pem description Signed Certificate",
        "utils cert upload own tomcat tomcat.der",
    ),
    form=Imported.form,
    details=Checked.details,
)
def upload(
    node: Node, caller: Caller, kind: str, unit: str, file: str, text: str = ""
) -> Conversation[OwnImported | TrustImported]:
    """Import certificates from a file in the upload area, where SFTP puts them.

    PEM, DER, several of either, or PKCS#7. The rules are those of set cert import. A list of trust
    certificates is taken as a whole, or not at all.
    """
    if len(text) > MAX_DESCRIPTION:
        raise BadValue("The description is longer than {limit}", limit=MAX_DESCRIPTION)
    if kind == "own":
        name = parse_unit(node, unit)
        with open_upload(node.layout, file) as stream:
            found = tuple(bundle.read_file(stream, limit=bundle.MAX_PASTE))
        return (yield from _import_own(node, caller, name, found, b"", text))
    spec = _trust_store(node, unit)
    with open_upload(node.layout, file) as stream:
        found_there = bundle.read_file(stream)
        return (yield from _import_trust(node, caller, spec, found_there, text or DESCRIPTION))


def _trust_store(node: Node, name: str) -> TrustStoreSpec:
    """The trust store whose base name that is. Raises NotFound, Refused."""
    if spec := find_store(node, name):
        take_changes(node, spec.name)
        return spec
    bases = [spec.base for spec in node.profile.trust_stores.values()]
    for unit, own in node.profile.units.items():
        if unit.lower() == name.lower():
            base = node.profile.trust_stores[own.trust_store].base
            raise NotFound(
                "{unit} has no trust store of its own: its CA certificates are in {store}",
                unit=unit,
                store=own.trust_store,
                details=(f"Import them for {base}: set cert import trust {base}",),
            )
    raise unknown(name, bases, "the base name of a trust store")


def _advice(node: Node, unit: str) -> tuple[str, ...]:
    return (node.profile.defaults["restart_advice_imported"].format(unit=unit),)


def _import_own(
    node: Node,
    caller: Caller,
    unit: str,
    found: tuple[Candidate, ...],
    ends_in: bytes,
    text: str = "",
) -> Conversation[OwnImported]:
    _judged(node, "own", unit)
    snapshot = node.snapshot()
    accepted = own_import.check(
        node.profile, snapshot, unit, found, now=node.now(), ends_in=ends_in
    )
    # The network is asked after every refusal that costs nothing, and before the lock.
    uploaded = [link.der for link in accepted.chain if not link.trusted]
    checked = check_upload(node, uploaded, caller.note)
    yield Progress(OWN_CAUTION.format(unit=unit))
    chain = [link.der for link in accepted.chain]
    yield Warn(impact.importing(node, snapshot, unit, chain))
    client = yield from same_for_client(node, unit)

    def change(transaction: Transaction) -> OwnImported:
        row = own_import.stage(transaction, node.profile, accepted, text, client)
        services = with_clients(node, unit, client)
        running = node.services.affected(services)
        advice = _advice(node, unit)
        return OwnImported(unit, advice, services, running, checked, row, accepted, client)

    imported: OwnImported = yield Commit(change)
    yield from renewed(node, unit, "uploaded")
    return imported


def _judged(node: Node, kind: str, unit: str) -> None:
    fault = node.world.fault("import.check", {"kind": kind, "unit": unit})
    if fault is not None:
        raise Refused("{reason}", reason=fault.text)


def _import_trust(
    node: Node, caller: Caller, spec: TrustStoreSpec, found: Iterable[Candidate], text: str
) -> Conversation[TrustImported]:
    _judged(node, "trust", spec.name)
    ready = list(trust_import.read(found, spec, node.profile.policy, now=node.now(), text=text))
    checked = check_upload(node, [one.der for one in ready], caller.note)
    yield Progress(TRUST_CAUTION.format(store=spec.name))

    def change(transaction: Transaction) -> tuple[TrustImported, tuple[Finding, ...]]:
        outcomes = trust_import.stage(transaction, spec, ready)
        if all(one.outcome == trust_import.KEPT for one in outcomes):
            raise Refused(
                "{name} stays: it has the same common name and begins later",
                name=f"{spec.name}/{outcomes[0].name}.pem",
                details=("A certificate that begins earlier does not replace it.",),
            )
        news = any(one.outcome in trust_import.CHANGES for one in outcomes)
        imported = TrustImported(
            spec.base,
            _advice(node, spec.base) if news else (),
            spec.services if news else (),
            node.services.affected(spec.services) if news else (),
            checked,
            spec.name,
            tuple(outcomes),
        )
        return imported, impact.trusting(node, transaction, spec.name, ready)

    changed: tuple[TrustImported, tuple[Finding, ...]] = yield Commit(change)
    imported, findings = changed
    yield Warn(findings)
    return imported
