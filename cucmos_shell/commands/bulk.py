"""`set cert bulk`: certificates of several clusters, exchanged over an SFTP server.

Each node exports its own certificates as `HOST_WORD.p12`; one of them consolidates all that lie
there into `WORD.p12`; each imports that into its trust stores. The words are units, or what the
profile groups under one. The files hold certificates only.
"""

from __future__ import annotations

import io
import itertools
import posixpath

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.dialogues.sftp import SftpFolder, ask_server, sign_in
from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.node import impact
from cucmos_shell.node.certificates import trust_import
from cucmos_shell.node.tasks.revocation import Checked, check_upload
from cucmos_shell.pki import bundle
from cucmos_shell.pki.der import to_pem
from cucmos_shell.pki.pkcs12 import tame
from cucmos_shell.profile.profile import ALL_BULK
from cucmos_shell.results import TEXT, WHOLE, Commit, Notice, Pause, Progress, Warn, each, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.profile.lists import BulkSpec
    from cucmos_shell.results import Conversation, Finding
    from cucmos_shell.store.transaction import Transaction
    from cucmos_shell.world.sftp import SftpClient

    # By words of the exchange, and by trust stores.
    Brought = dict[str, dict[str, list[trust_import.Ready]]]
    Outcomes = dict[str, dict[str, list[trust_import.Outcome]]]
    Staged = tuple[Outcomes, tuple[Finding, ...]]

family = Family()

DOCUMENT = "bulk.json"
MAX_FILE = 16 * 1024 * 1024
MAX_FILES = 1000
DESCRIPTION = "Bulk Certificate"


def _choices(node: Node) -> tuple[str, ...]:
    return (*node.profile.bulk_words(), ALL_BULK)


UNITS = Argument(
    "units", "whose certificates, or all", choices=_choices, kind="unit of the bulk exchange"
)


def _meant(node: Node, word: str) -> tuple[BulkSpec, ...]:
    known = node.profile.bulk_words()
    return tuple(known.values()) if word == ALL_BULK else (known[word],)


# --- PKCS#12 -------------------------------------------------------------------------------------


def pack(certificates: Iterable[bytes]) -> bytes:
    """Certificates (DER) as a PKCS#12 file without a key and without a password."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    loaded = [
        pkcs12.PKCS12Certificate(x509.load_der_x509_certificate(der), None) for der in certificates
    ]
    return pkcs12.serialize_key_and_certificates(None, None, None, loaded, NoEncryption())


def unpack(data: bytes, name: str) -> list[bytes]:
    """The certificates (DER) of a PKCS#12 file. Raises Refused; a private key in it is refused."""
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    try:
        found = pkcs12.load_pkcs12(tame(data, encrypted=False), None)
        if found.key is not None:
            raise Refused("{name} holds a private key; nothing was stored", name=name)
        entries = [*([found.cert] if found.cert else []), *found.additional_certs]
        return [entry.certificate.public_bytes(Encoding.DER) for entry in entries]
    except (ValueError, TypeError) as error:
        raise Refused("{name} is not a PKCS#12 file without a password", name=name) from error


# --- the server ----------------------------------------------------------------------------------


@family.command(
    "set cert bulk sftp",
    level=1,
    changes=True,
    form=record(account=TEXT, host=TEXT, port=WHOLE, folder=TEXT),
)
def bulk_sftp(node: Node, caller: Caller) -> Conversation[Notice]:
    """Say which SFTP server certificates are exchanged over.

    Its address, an account and a folder are asked for, and tried.
    """
    server = yield from ask_server("Directory: ")
    client = yield from sign_in(node, caller, server)
    try:
        if not (yield from client.is_folder(server.folder)):
            raise NotFound("{folder}: no such directory on the server", folder=server.folder)
    finally:
        client.close()
    kept = {name: getattr(server, name) for name in SftpFolder._fields}
    yield Commit(lambda transaction: transaction.put_document(DOCUMENT, kept))
    data = {"account": server.user, **{name: kept[name] for name in ("host", "port", "folder")}}
    return Notice(("SFTP server for bulk certificates is set",), data)


def _server(node: Node) -> SftpFolder:
    kept: dict[str, Any] = node.snapshot().document(DOCUMENT)
    if not kept:
        raise Refused("No SFTP server is set", details=("Set one: set cert bulk sftp",))
    return SftpFolder(**kept)


# --- export, consolidate, import ------------------------------------------------------------------


@family.command(
    "set cert bulk export <units>",
    level=1,
    arguments=(UNITS,),
    changes=True,
    form=record(names=each(TEXT)),
)
def bulk_export(node: Node, caller: Caller, units: str) -> Conversation[Notice]:
    """Write this node's own certificates to the SFTP server."""
    server = _server(node)
    snapshot = node.snapshot()
    client = yield from sign_in(node, caller, server)
    names = []
    try:
        for spec in _meant(node, units):
            name = f"{node.hostname}_{spec.name}.p12"
            data = pack(map(snapshot.own_der, spec.units))
            yield from client.put(io.BytesIO(data), posixpath.join(server.folder, name))
            names.append(name)
            yield Progress(f"Successfully exported {spec.name} certificate(s) to sftp server.")
            yield Pause(0.0)
    finally:
        client.close()
    return Notice((), {"names": names})


def _exports(client: SftpClient, folder: str, word: str) -> Conversation[list[str]]:
    there = yield from client.names(folder)
    found = [name for name in there if name.endswith(f"_{word}.p12")]
    if len(found) > MAX_FILES:
        raise Refused("There are more than {most} files for {word}", most=MAX_FILES, word=word)
    return found


@family.command(
    "set cert bulk consolidate <units>",
    level=1,
    arguments=(UNITS,),
    changes=True,
    form=each(record(unit=TEXT, certificates=WHOLE)),
)
def bulk_consolidate(node: Node, caller: Caller, units: str) -> Conversation[Notice]:
    """Bring what all nodes have exported together, in one file for each unit."""
    server = _server(node)
    client = yield from sign_in(node, caller, server)
    done: dict[str, int] = {}
    try:
        for spec in _meant(node, units):
            names = yield from _exports(client, server.folder, spec.name)
            if not names and units != ALL_BULK:
                raise NotFound("There are no exported {word} certificates", word=spec.name)
            certificates: dict[bytes, None] = {}
            for name in names:
                data = yield from client.get(posixpath.join(server.folder, name), MAX_FILE)
                certificates.update(dict.fromkeys(unpack(data, name)))
                yield Pause(0.0)
            if certificates:
                target = posixpath.join(server.folder, f"{spec.name}.p12")
                yield from client.put(io.BytesIO(pack(certificates)), target)
                done[spec.name] = len(certificates)
                yield Progress(f"Successfully consolidated {spec.name} certificates.")
    finally:
        client.close()
    if not done:
        raise NotFound("There are no exported certificates")
    return Notice((), [{"unit": word, "certificates": n} for word, n in done.items()])


@family.command(
    "set cert bulk import <units>",
    level=1,
    arguments=(UNITS,),
    changes=True,
    form=each(record(unit=TEXT, store=TEXT, certificates=each(trust_import.Outcome.form))),
    details=Checked.details,
)
def bulk_import(node: Node, caller: Caller, units: str) -> Conversation[Notice]:
    """Import the consolidated certificates into this node's trust stores.

    The rules of an import by hand hold; all are imported, or none.
    """
    server = _server(node)
    client = yield from sign_in(node, caller, server)
    ready: Brought = {}
    try:
        there = set((yield from client.names(server.folder)))
        for spec in _meant(node, units):
            name = f"{spec.name}.p12"
            if name not in there:
                if units == ALL_BULK:
                    continue
                raise NotFound("{name} is not there; consolidate first", name=name)
            data = yield from client.get(posixpath.join(server.folder, name), MAX_FILE)
            ders = unpack(data, name)
            ready[spec.name] = {store: _ready(node, store, ders) for store in spec.trust_stores}
            yield Pause(0.0)
    finally:
        client.close()
    if not ready:
        raise NotFound("There are no consolidated certificates")
    uploaded = {
        one.der: None for group in ready.values() for ones in group.values() for one in ones
    }
    check_upload(node, list(uploaded), caller.note)

    staged: Staged = yield Commit(lambda change: _stage(node, change, ready))
    outcomes, findings = staged
    yield Warn(findings)
    lines = tuple(f"Successfully imported {word} certificates." for word in outcomes)
    return Notice(lines, _facts(outcomes))


def _facts(outcomes: Outcomes) -> list[dict[str, Any]]:
    return [
        {"unit": word, "store": store, "certificates": [one.data_in(store) for one in found]}
        for word, group in outcomes.items()
        for store, found in group.items()
    ]


def _stage(node: Node, change: Transaction, ready: Brought) -> Staged:
    """Put what was brought into its stores; what became of it, and what breaks by it."""
    stores = node.profile.trust_stores
    staged = {
        word: {store: trust_import.stage(change, stores[store], group[store]) for store in group}
        for word, group in ready.items()
    }
    brought: dict[str, list[trust_import.Ready]] = {}
    for group in ready.values():
        for store, ones in group.items():
            brought.setdefault(store, []).extend(ones)
    found = [impact.trusting(node, change, store, ones) for store, ones in brought.items()]
    return staged, tuple(itertools.chain.from_iterable(found))


def _ready(node: Node, store: str, ders: list[bytes]) -> list[trust_import.Ready]:
    spec = node.profile.trust_stores[store]
    text = b"".join(map(to_pem, ders)).decode("ascii")
    found = bundle.read_paste(text, limit=2 * MAX_FILE)
    policy = node.profile.policy
    return list(trust_import.read(found, spec, policy, now=node.now(), text=DESCRIPTION))
