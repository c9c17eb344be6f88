"""Certificates, requests and whole trust stores as files in the download area."""

from __future__ import annotations

from cucmos_shell.cli import Argument, Family
from cucmos_shell.cli.pattern import Offer
from cucmos_shell.commands.arguments.certificates import (
    complete_own,
    complete_trust,
    parse_own,
    parse_trust,
)
from cucmos_shell.commands.arguments.requests import complete_requests, parse_request
from cucmos_shell.commands.views.downloaded import Downloaded, downloaded
from cucmos_shell.errors import BadValue, NotFound
from cucmos_shell.pki.der import from_pem, pkcs7_bundle, to_pem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cucmos_shell.cli.pattern import Typed
    from cucmos_shell.node import Node

family = Family()

PEM, DER, P7B = "pem", "der", "p7b"
REQUEST_LABEL = "CERTIFICATE REQUEST"


def _argument(help: str, *forms: str) -> Argument:
    """`[FORM] [FILE]`: the form, the first if none is given, and the name."""

    def parse(_: Node, words: tuple[str, ...]) -> tuple[str, str]:
        rest = list(words)
        form = rest.pop(0).lower() if rest and rest[0].lower() in forms else forms[0]
        if len(rest) > 1:
            raise BadValue("After the form comes one file name, not {text}", text=" ".join(rest))
        return form, rest[0] if rest else ""

    def complete(_: Node, typed: Typed) -> tuple[str | Offer, ...]:
        name = Offer("NAME", "name for the file", placeholder=True)
        if typed.words and typed.words[0].lower() not in forms:
            return ()
        return (name,) if typed.words else (*forms, name)

    return Argument("form", help, words=True, parse=parse, complete=complete, kind="form")


def _names(node: Node, typed: Typed) -> Iterable[str | Offer]:
    if typed.bound["kind"] == "csr":
        return complete_requests(node, typed)
    return (complete_own if typed.bound["kind"] == "own" else complete_trust)(node, typed)


NAME = Argument(
    "name", "certificate or CSR, as the lists print it", complete=_names, kind="certificate or CSR"
)
STORE = Argument("store", "trust store", choices=lambda node: node.profile.trust_stores)
SINGLE = _argument("pem or der, then a name for the file", PEM, DER)
WHOLE = _argument("pem or p7b, then a name for the file", PEM, P7B)


@family.command(
    "utils cert download {own|trust|csr:kind} <name> [<form...>]",
    level=1,
    changes=True,
    arguments=(NAME, SINGLE),
    examples=(
        "utils cert download own tomcat",
        "utils cert download trust tomcat-trust/Example_Root_CA.pem der root.der",
    ),
    form=Downloaded.form,
)
def download(node: Node, kind: str, name: str, form: tuple[str, str] = (PEM, "")) -> Downloaded:
    """Put a certificate or CSR into the download area, which SFTP serves.

    A file of that name is replaced. Prints the name, the size in bytes and the SHA-256.
    """
    extension, file = form
    snapshot = node.snapshot()
    if kind == "own":
        unit = parse_own(node, name)
        pem, stem = snapshot.own_pem(unit), unit
    elif kind == "trust":
        found = parse_trust(node, name)
        pem, stem = snapshot.certificate_pem(found.row.sha256), found.row.name
    else:
        unit = parse_request(node, name)
        pem, stem = snapshot.request_pem(unit), f"{unit}.csr"
    label = REQUEST_LABEL if kind == "csr" else "CERTIFICATE"
    data = from_pem(pem, label) if extension == DER else pem
    default = stem if kind == "csr" and extension == PEM else f"{stem}.{extension}"
    return downloaded(node, file or default, data)


@family.command(
    "utils cert download store <store> [<form...>]",
    level=1,
    changes=True,
    arguments=(STORE, WHOLE),
    examples=("utils cert download store tomcat-trust p7b",),
    form=Downloaded.form,
)
def download_store(node: Node, store: str, form: tuple[str, str] = (PEM, "")) -> Downloaded:
    """Put all certificates of a trust store into one file in the download area.

    As one PEM after the other, each with its name before it, or as PKCS#7 (p7b). Either can be
    uploaded again as a list.
    """
    extension, file = form
    snapshot = node.snapshot()
    rows = snapshot.trust(store)
    if not rows:
        raise NotFound("{store} holds no certificates", store=store)
    ders = (snapshot.certificate_der(row.sha256) for row in rows)
    if extension == P7B:
        data = pkcs7_bundle(ders)
    else:
        data = b"".join(
            f"# {store}/{row.name}.pem\n".encode("ascii") + to_pem(der)
            for row, der in zip(rows, ders, strict=True)
        )
    return downloaded(node, file or f"{store}.{extension}", data, len(rows))
