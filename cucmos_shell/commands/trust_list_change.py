"""What changes the trust lists: `utils ctl`, `utils itl`, `file delete tftp`.

Dialogues and results are the product's (guides of 10.x for `utils ctl`, of 12.5 for `utils itl`).
"""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.dialogues.release import ITL_IS_RESET, ITL_RESET
from cucmos_shell.commands.views.downloaded import Downloaded, downloaded
from cucmos_shell.commands.views.trust_list import too_large
from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.node.areas import open_upload, uploads
from cucmos_shell.pki.trust_lists import form
from cucmos_shell.profile.dialogues import LATER
from cucmos_shell.results import (
    SHA256,
    TEXT,
    TRUTH,
    WHOLE,
    Ask,
    Commit,
    Notice,
    Progress,
    each,
    maybe,
    one_of,
    record,
)
from cucmos_shell.store.snapshot import sha256_hex
from cucmos_shell.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.profile.lists import TrustListSpec
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()

CTL, ITL = "CTL", "ITL"
MODES = {
    "mixed-mode": ("mixed", "Mixed", "Mixed"),
    "non-secure-mode": ("non-secure", "non secure", "Non Secure"),
}
LIST = record(name=TEXT, length=WHOLE, sha256=maybe(SHA256))
RESET = record(**LIST, servers=each(TEXT))
QUESTION = "This operation will {what}. Do you want to continue? (y/n):"
YES_NO = ("y", "n")
RESTART = (
    "Please Restart the TFTP and Cisco CallManager services on all nodes in the cluster "
    "that run these services"
)
SERVERS_HEAD, SERVERS_FOOT = "=" * 20, "=" * 21


def _publisher(node: Node) -> None:
    if not node.profile.publisher:
        raise Refused("This command is for the publisher; this node is a subscriber")


def _asked(what: str) -> Conversation[bool]:
    """Ask whether to go on; a blank line follows the answer."""
    answer = yield Ask(QUESTION.format(what=what), YES_NO)
    yield Progress("")
    return bool(answer == "y")


def _done(spec: TrustListSpec, raw: bytes | None, *lines: str, **data: Any) -> Notice:
    """The last lines of a command that made a list, and a warning if phones will not load it."""
    findings = too_large(spec.title, len(raw or b""))
    warned = [line for one in findings for line in one.lines()]
    return Notice((*lines, *warned), {**_facts(spec, raw), **data}, findings)


def _facts(spec: TrustListSpec, raw: bytes | None) -> dict[str, Any]:
    """The JSON form of a list that may be there, `LIST`."""
    sha256 = sha256_hex(raw) if raw else None
    return {"name": spec.name, "length": len(raw or b""), "sha256": sha256}


# --- the CTL file --------------------------------------------------------------------------------


@family.command(
    "utils ctl set-cluster {mixed-mode|non-secure-mode:mode}",
    level=1,
    changes=True,
    examples=("utils ctl set-cluster mixed-mode",),
    form=maybe(record(**LIST, mode=one_of("mixed", "non-secure"), changed=TRUTH)),
)
def set_cluster(node: Node, mode: str) -> Conversation[Notice]:
    """Bring the cluster into mixed or non-secure mode.

    Mixed mode makes the CTL file, which tells phones whom to talk to in confidence. In non-secure
    mode the file stays, and the servers in it lose their certificates.
    """
    _publisher(node)
    spec = node.lists.spec(CTL)
    wanted, asked, told = MODES[mode]
    snapshot = node.snapshot()
    if node.lists.mode(snapshot) == wanted:
        facts = _facts(spec, node.lists.raw(snapshot, spec))
        text = (f"The cluster is in {told} Mode already",)
        return Notice(text, {**facts, "mode": wanted, "changed": False})
    if not (yield from _asked(f"set the cluster to {asked} mode")):
        return Notice(())
    yield Progress(f"Moving Cluster to {told} Mode")

    def change(transaction: Transaction) -> bytes | None:
        node.lists.set_mode(transaction, wanted)
        return node.lists.raw(transaction, spec)

    raw = yield Commit(change)
    return _done(spec, raw, f"Cluster set to {told} Mode", RESTART, mode=wanted, changed=True)


@family.command("utils ctl update CTLFile", level=1, changes=True, form=maybe(LIST))
def update_ctl(node: Node) -> Conversation[Notice]:
    """Make the CTL file anew from the certificates as they are, and sign it.

    Takes the place of a file that was uploaded, and of one that was signed with the local key.
    """
    _publisher(node)
    spec = node.lists.spec(CTL)
    _refuse_unless_mixed(node, spec)
    if not (yield from _asked("update the CTLFile")):
        return Notice(())
    yield Progress("Updating CTL file")
    raw = yield Commit(lambda transaction: node.lists.make(transaction, spec))
    return _done(spec, raw, "CTL file Updated", RESTART)


def _refuse_unless_mixed(node: Node, spec: TrustListSpec) -> None:
    snapshot = node.snapshot()
    if node.lists.raw(snapshot, spec) is None and node.lists.mode(snapshot) != "mixed":
        raise Refused(
            "There is no {title} file, and the cluster is not in mixed mode",
            title=spec.title,
            details=("Make one with: utils ctl set-cluster mixed-mode",),
        )


@family.command("utils ctl reset localkey", level=4, changes=True, form=record(**LIST, signer=TEXT))
def reset_ctl(node: Node) -> Conversation[Notice]:
    """Make the CTL file anew and sign it with the second signer's key.

    For when phones no longer know the first one. utils ctl update CTLFile signs with that again.
    """
    _publisher(node)
    spec = node.lists.spec(CTL)
    _refuse_unless_mixed(node, spec)
    yield Progress(f"{spec.name} will be reset now")
    yield Progress(f"and signed using {spec.local_signer} certificate key...")
    yield Progress("")
    raw = yield Commit(lambda t: node.lists.make(t, spec, spec.local_signer))
    lines = ("CTL file Reset.", "", "Please reset all the phones to pickup the new CTL File.")
    return _done(spec, raw, *lines, signer=spec.local_signer)


FILE = Argument("file", "file in the upload area", complete=lambda n, _: uploads(n.layout))
NAME = Argument("file", "name for the file")


@family.command(
    "utils ctl upload <file>",
    level=1,
    changes=True,
    arguments=(FILE,),
    examples=("utils ctl upload CTLFile.tlv",),
    form=record(**LIST, signer=TEXT, records=WHOLE),
)
def upload_ctl(node: Node, file: str) -> Conversation[Notice]:
    """Take a CTL file from the upload area, as a CTL client made it.

    It has to verify, and its signer has to be one of the CTL file held now or a certificate of a
    trust store. It stays as it is until utils ctl update CTLFile.
    """
    _publisher(node)
    spec = node.lists.spec(CTL)
    with open_upload(node.layout, file) as opened:
        raw = opened.read(form.MAX_FILE + 1)

    def change(transaction: Transaction) -> Any:
        return node.lists.upload(transaction, node.snapshot(), spec, raw)

    found = yield Commit(change)
    return _done(
        spec,
        raw,
        f"Successfully uploaded {file} as {spec.name}: {len(found.records)} records, "
        f"signed by {safe(found.header.signer_name)}",
        RESTART,
        signer=found.header.signer_name,
        records=len(found.records),
    )


@family.command(
    "utils ctl download {ctl|itl:title} [<file>]",
    level=1,
    changes=True,
    arguments=(NAME,),
    examples=("utils ctl download itl",),
    form=Downloaded.form,
)
def download_list(node: Node, title: str, file: str = "") -> Downloaded:
    """Put a trust list into the download area, which SFTP serves.

    A file of that name is replaced. Prints the name, the size in bytes and the SHA-256.
    """
    spec = node.lists.spec(title)
    raw = node.lists.raw(node.snapshot(), spec)
    if raw is None:
        raise NotFound("There is no {title} file", title=spec.title)
    return downloaded(node, file or spec.name, raw)


# --- the ITL file --------------------------------------------------------------------------------


@family.command("utils itl reset localkey", level=4, changes=True, form=RESET)
def reset_itl(node: Node) -> Conversation[Notice]:
    """Sign the ITL file with the second signer's key; its records stay.

    For when phones no longer know the first one. The service that makes the file signs with that
    again when it is restarted.
    """
    _publisher(node)
    spec = node.lists.spec(ITL)
    if node.profile.dialogues.itl_reset == LATER:
        for line in ITL_RESET:
            yield Progress(line.format(signer=spec.local_signer))
        raw = yield Commit(lambda t: node.lists.sign_again(t, spec))
        return _done(spec, raw, *ITL_IS_RESET, servers=_servers(node, spec))
    return (yield from _reset(node, spec, lambda t: node.lists.sign_again(t, spec)))


def _servers(node: Node, spec: TrustListSpec) -> list[str]:
    """The servers that have the list for phones: this node, while its service runs."""
    return [node.hostname] if node.services.running(spec.service) else []


def _reset(
    node: Node, spec: TrustListSpec, change: Callable[[Transaction], bytes]
) -> Conversation[Notice]:
    title = spec.title
    yield Progress("")
    yield Progress("Name is None ")
    yield Progress("")
    yield Progress(f"Generating the reset {title} file.....")
    servers = _servers(node, spec)
    raw = yield Commit(change)
    lines = [
        "",
        f"The reset {title} file was generated successfully",
        "",
        "Locating active Tftp servers in the cluster.....",
        "",
        "Following is the list of Active tftp servers in the cluster",
        "",
        SERVERS_HEAD,
        "",
        *(line for server in servers for line in (server, "")),
        SERVERS_FOOT,
        "",
        f"Number of Active TFTP servers in the cluster : {len(servers)}",
    ]
    if servers:
        lines += [
            "",
            f"Transferring new reset {title} file to the TFTP server nodes in the cluster.........",
            "",
            *(f"Successfully transferred reset {title} to node {server}" for server in servers),
        ]
    return _done(spec, raw, *lines, servers=servers)


@family.command("utils itl reset remotekey", level=4, changes=True, form=RESET)
def reset_itl_remote(node: Node) -> Conversation[Notice]:
    """Bring the recovery key back from a file, make the ITL file anew and sign it with that key.

    The pair is read from a PKCS#12 file in the upload area, where SFTP puts it. Only releases with
    a recovery certificate have this.
    """
    from cucmos_shell.commands.dialogues.recovery import ask_file, recovered

    spec = node.lists.spec(ITL)
    # A password typed ahead must not be left over as a command: nothing is refused before it.
    name, password = yield from ask_file(f"{spec.recovery or 'recovery'}.p12")
    _publisher(node)
    if not spec.recovery:
        raise Refused(
            "{product} {version} has no recovery certificate",
            product=node.profile.product,
            version=node.profile.version,
            details=("Use: utils itl reset localkey",),
        )
    stage = recovered(node, spec.recovery, name, password)

    def change(transaction: Transaction) -> bytes:
        stage(transaction)
        return node.lists.make(transaction, spec, spec.recovery)

    return (yield from _reset(node, spec, change))


# --- deleting ------------------------------------------------------------------------------------


LIST_FILE = Argument("file-spec", "trust list file", choices=lambda node: node.profile.trust_lists)


@family.command(
    "file delete tftp <file-spec> [noconfirm]",
    level=1,
    changes=True,
    arguments=(LIST_FILE,),
    options={"noconfirm": "do not ask"},
    examples=("file delete tftp CTLFile.tlv",),
    form=record(found=WHOLE, deleted=WHOLE),
)
def delete_list(node: Node, file_spec: str, noconfirm: str = "") -> Conversation[Notice]:
    """Delete a trust list.

    The ITL file comes back when the service that makes it is restarted.
    """
    spec = node.profile.trust_lists[file_spec]
    found = node.lists.raw(node.snapshot(), spec) is not None
    if not found:
        raise NotFound("There is no {name}", name=spec.name)
    if not noconfirm:
        yield Progress(f"Delete the File {spec.name}?")
        answer = yield Ask('Enter "y" followed by return to continue: ', YES_NO)
        if answer != "y":
            return Notice(("files: found = 1, deleted = 0",), {"found": 1, "deleted": 0})
    yield Commit(lambda transaction: node.lists.delete(transaction, spec))
    return Notice(("files: found = 1, deleted = 1",), {"found": 1, "deleted": 1})
