"""The page of a service: which certificate it shows here, and whether a restart changes that."""

from __future__ import annotations

from html import escape

from cucmos_shell.frontends.http import Response
from cucmos_shell.text import iso_time, safe_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.node.services.states import Listening
    from cucmos_shell.store.rows import CertificateRow

HTML = "text/html; charset=utf-8"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def page(node: Node, row: Listening, certificate: CertificateRow) -> Response:
    """The answer to whoever asks for the page of a port."""
    service, unit = row.service.name, row.port.unit
    title = f"{service} on {node.profile.fqdn}"
    facts = (
        ("Node", node.profile.fqdn),
        ("Service", service),
        ("Started", iso_time(row.service.at) if row.service.at else "with the node"),
        ("Certificate", f"{unit}/{unit}.pem"),
        ("Subject", certificate.subject or certificate.common_name),
        ("Issuer", certificate.issuer),
        ("Serial number", certificate.serial),
        ("SHA-256", row.sha256),
        ("Valid from", iso_time(certificate.not_before)),
        ("Valid until", iso_time(certificate.not_after)),
    )
    table = "".join(f"<tr><th>{name}</th><td>{_shown(value)}</td></tr>\n" for name, value in facts)
    body = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{_shown(title)}'
        f"</title></head>\n<body>\n<h1>{_shown(title)}</h1>\n<table>\n{table}</table>\n"
        f"<p>{_shown(_pending(row))}</p>\n</body></html>\n"
    )
    return Response(200, body.encode(), HTML, HEADERS)


def _pending(row: Listening) -> str:
    if row.pending is None:
        return "The store has this certificate, too: no restart is pending."
    return (
        f"The store has another certificate since {iso_time(row.pending)}. "
        f"A restart is pending: utils service restart {row.service.name}"
    )


def _shown(text: str) -> str:
    """Foreign text as HTML that is nothing but text."""
    return escape(safe_line(text))
