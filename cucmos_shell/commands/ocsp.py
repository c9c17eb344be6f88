"""Revocation: which responder is asked about uploads, and asking again about what is stored."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.commands.arguments.certificates import Stored, complete_any, stored
from cucmos_shell.commands.arguments.common import number
from cucmos_shell.commands.dialogues.settings import change_setting
from cucmos_shell.errors import Refused
from cucmos_shell.node.tasks.alarms import raise_alarms
from cucmos_shell.node.tasks.revocation import (
    ACCEPT,
    CONFIGURED,
    DISABLED,
    FROM_CERTIFICATE,
    REFUSE,
    Checked,
    OcspSettings,
    alarms_of,
    ask,
    ocsp_settings,
    refuse,
)
from cucmos_shell.pki import certs
from cucmos_shell.pki.ocsp.verdict import NOT_CHECKED, REVOKED, OcspVerdict
from cucmos_shell.pki.ocsp.verify import may_respond
from cucmos_shell.results import NUMBER, TEXT, WHOLE, Notice, Record, maybe, one_of, record, remark
from cucmos_shell.text import counted
from cucmos_shell.world import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.cli.caller import Caller
    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store import Snapshot

family = Family()

_MODES = {
    DISABLED: "disabled",
    FROM_CERTIFICATE: "enabled, the responder is the one that the certificate names",
    CONFIGURED: "enabled, the responder is the configured one",
}


MODE = record(mode=one_of(DISABLED, FROM_CERTIFICATE, CONFIGURED), uri=maybe(TEXT))
UNKNOWN_STATUS = one_of(REFUSE, ACCEPT)
SETTINGS = record(**MODE, unknown=UNKNOWN_STATUS, deadline_seconds=NUMBER, max_age_hours=WHOLE)


@family.command("show ocsp", level=0, own=True, form=SETTINGS)
def show_ocsp(node: Node) -> Record:
    """Show whether uploaded certificates are checked for revocation, and by which responder."""
    settings = ocsp_settings(node, node.snapshot().settings())
    fields = (
        ("OCSP", _MODES[settings.mode]),
        ("Configured URI", settings.uri or "none"),
        ("Unknown status", f"{settings.unknown} the certificate"),
        (
            "Deadline",
            f"{settings.seconds:g} second{'' if settings.seconds == 1 else 's'} for an upload",
        ),
        (
            "Maximum age",
            f"{counted(settings.max_age, 'hour')} for an answer without a next update",
        ),
    )
    data = {
        "mode": settings.mode,
        "uri": settings.uri or None,
        "unknown": settings.unknown,
        "deadline_seconds": settings.seconds,
        "max_age_hours": settings.max_age,
    }
    return Record(fields, data)


# --- enabling ----------------------------------------------------------------------------------


def _refuse_without_responder(node: Node, snapshot: Snapshot) -> None:
    """The responder's certificate comes first: without it every answer would be disbelieved."""
    store = node.profile.node_trust_store
    rows = [row for row in snapshot.trust(store) if not row.owner]
    if any(row.ca for row in rows):
        return
    for row in rows:
        try:
            if may_respond(certs.load_der(snapshot.certificate_der(row.sha256))):
                return
        except Refused:
            continue
    raise Refused(
        "{store} holds no certificate of an OCSP responder and no CA certificate",
        store=store,
        details=("Upload the responder's certificate, or its CA's, into that trust store first.",),
    )


def _uri(_: object, text: str) -> str:
    uri.parse(text)
    return text


URI = Argument("uri", "http://HOST[:PORT][/PATH] of the responder", parse=_uri)


@family.command("set ocsp enable certificate-uri", level=1, changes=True, form=MODE)
def enable_certificate(node: Node) -> Conversation[Notice]:
    """Ask the responder that an uploaded certificate names whether it is revoked.

    A certificate that names none is not checked, nor is a self-signed one. The certificate of a
    responder, or of a CA, must be in the trust store first.
    """
    _refuse_without_responder(node, node.snapshot())
    yield change_setting("ocsp", mode=FROM_CERTIFICATE)
    return Notice(
        ("OCSP is enabled; the certificate names the responder",),
        {"mode": FROM_CERTIFICATE, "uri": None},
    )


@family.command(
    "set ocsp enable configured-uri <uri>",
    level=1,
    arguments=(URI,),
    changes=True,
    examples=("set ocsp enable configured-uri http://ocsp.example.com/",),
    form=MODE,
)
def enable_configured(node: Node, uri: str) -> Conversation[Notice]:
    """Ask one responder about every certificate that is uploaded, but the self-signed ones.

    The certificate of a responder, or of a CA, must be in the trust store first.
    """
    _refuse_without_responder(node, node.snapshot())
    yield change_setting("ocsp", mode=CONFIGURED, uri=uri)
    return Notice((f"OCSP is enabled; the responder is {uri}",), {"mode": CONFIGURED, "uri": uri})


@family.command("set ocsp disable", level=1, changes=True, form=MODE)
def disable(node: Node) -> Conversation[Notice]:
    """Ask nobody whether uploaded certificates are revoked."""
    yield change_setting("ocsp", mode=DISABLED)
    return Notice(("OCSP is disabled",), {"mode": DISABLED, "uri": None})


@family.command(
    "set ocsp unknown {refuse|accept:what}",
    level=1,
    changes=True,
    form=record(unknown=UNKNOWN_STATUS),
)
def set_unknown(node: Node, what: str) -> Conversation[Notice]:
    """Say what becomes of a certificate whose status is unknown, or whose responder is silent.

    Either way there is an alarm.
    """
    yield change_setting("ocsp", unknown=what)
    text = f"Certificates of unknown revocation status are {what.removesuffix('e')}ed"
    return Notice((text,), {"unknown": what})


SECONDS = Argument("seconds", "seconds, 1 to 300", parse=number(1, 300))


@family.command(
    "set ocsp deadline <seconds>",
    level=1,
    arguments=(SECONDS,),
    changes=True,
    form=record(deadline_seconds=NUMBER),
)
def set_deadline(node: Node, seconds: int) -> Conversation[Notice]:
    """Say how long an upload may wait for all responders together."""
    yield change_setting("ocsp", seconds=seconds)
    return Notice(
        (f"Responders have {counted(seconds, 'second')} for an upload",),
        {"deadline_seconds": seconds},
    )


HOURS = Argument("hours", "hours, 1 to 168", parse=number(1, 168))


@family.command(
    "set ocsp max-age <hours>",
    level=1,
    arguments=(HOURS,),
    changes=True,
    form=record(max_age_hours=WHOLE),
)
def set_max_age(node: Node, hours: int) -> Conversation[Notice]:
    """Say how old an answer may be that does not say until when it holds; 24 hours at first.

    What counts is when the responder knew (thisUpdate), not when it answered.
    """
    yield change_setting("ocsp", max_age=hours)
    return Notice(
        (f"Answers without a next update may be {counted(hours, 'hour')} old",),
        {"max_age_hours": hours},
    )


# --- asking again ------------------------------------------------------------------------------


NAME = Argument(
    "name", "certificate, as the lists print it",
    parse=stored, complete=complete_any, kind="certificate",
)  # fmt: skip


@family.command(
    "utils ocsp check <name>",
    level=1,
    own=True,
    arguments=(NAME,),
    examples=("utils ocsp check tomcat", "utils ocsp check tomcat-trust/Example_Issuing_CA.pem"),
    form=OcspVerdict.form,
    details=Checked.details,
)
def check(node: Node, name: Stored, caller: Caller) -> Notice:
    """Ask now whether a stored certificate is revoked; nothing is changed.

    Asks the configured responder if there is one in use, else the one that the certificate names,
    even while OCSP is disabled. Fails if it is revoked, or if that is unknown and unknown is
    refused. A revoked certificate raises an alarm.
    """
    snapshot = node.snapshot()
    settings: OcspSettings = ocsp_settings(node, snapshot.settings())
    (verdict,) = ask(node, snapshot, settings, [certs.load_der(name.der)])
    if verdict.status == NOT_CHECKED:
        raise Refused("{name} cannot be checked: {reason}", name=name.listed, reason=verdict.reason)
    for line in verdict.lines():
        caller.note(line.strip())
    warning = raise_alarms(node, alarms_of(node, verdict)) if verdict.status == REVOKED else ""
    checked = Checked((verdict,), (remark(warning),) if warning else ())
    refuse(settings, checked)
    return Notice(tuple(checked.lines()), verdict, checked.findings)
