"""The CAs that the product knows by itself: the list of them, and whether they are trusted.

The product's list is its vendor's and is not here; a profile may name files of certificates.
"""

from __future__ import annotations

import itertools

from cucmos_shell.cli import Family
from cucmos_shell.errors import NotFound, Refused
from cucmos_shell.node import impact
from cucmos_shell.node.certificates import default_cas, trust_import
from cucmos_shell.results import (
    SHA256,
    TEXT,
    TRUTH,
    Ask,
    AskText,
    Commit,
    Notice,
    Progress,
    Value,
    Warn,
    each,
    maybe,
    record,
    remark,
)
from cucmos_shell.text import safe, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.node.certificates.default_cas import DefaultCa
    from cucmos_shell.node.certificates.trust_import import Ready
    from cucmos_shell.results import Conversation, Finding
    from cucmos_shell.store.transaction import Transaction

family = Family()

NAME = "Enter the Common Name of Default CA Certificate : "
QUESTION = "Do you wish to proceed (yes|no)? "
FROM_PUBLISHER = "This command should be run from the Publisher."
LOOK = (
    'You can use the "show cert default-ca-list" to view the list of default Cisco CA certificates.'
)
UI = {
    "enable": "Please wait for a few minutes for the UI to reflect the correct status.",
    "disable": "Please wait for a few min to UI to reflect the correct status.",
}
HEAD = f"{'Common Name':<30}{'Trust Stores':<27}Purpose"
WIDTHS = (22, 26, 32)  # of the text in the three columns


class CaList(Value):
    """The list: each CA, and what it is listed by in the trust stores that have it."""

    form = record(
        certificates=each(
            record(
                common_name=TEXT,
                sha256=SHA256,
                trust_stores=each(TEXT),
                purpose=TEXT,
                trusted=each(TEXT),
            )
        )
    )

    rows: tuple[tuple[DefaultCa, tuple[str, ...]], ...]

    def lines(self) -> list[str]:
        """The text: three columns, each of them broken where it is full."""
        lines = ["", HEAD]
        for ca, _ in self.rows:
            texts = (
                f'"{safe(ca.common_name)}"',
                ", ".join(ca.group.trust_stores),
                ca.group.purpose,
            )
            cells = [wrapped(text, room) for text, room in zip(texts, WIDTHS, strict=True)]
            beside = itertools.zip_longest(*cells, fillvalue="")
            lines += ["", *(f"{a:<30}{b:<27}{c}".rstrip() for a, b, c in beside)]
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        rows = [
            {
                "common_name": ca.common_name,
                "sha256": ca.sha256,
                "trust_stores": ca.group.trust_stores,
                "purpose": ca.group.purpose,
                "trusted": trusted,
            }
            for ca, trusted in self.rows
        ]
        return {"certificates": rows}


@family.command("show cert default-ca-list", level=1, form=CaList.form)
def show(node: Node) -> CaList:
    """Show the CAs that the product knows by itself, and what they are for.

    Its list is the vendor's and does not come with this program: a profile may name certificates
    of your own for it.
    """
    snapshot = node.snapshot()
    rows = [
        (ca, tuple(_listed(store, row.name) for store, row in default_cas.trusted(snapshot, ca)))
        for ca in _list(node)
    ]
    return CaList(tuple(rows))


def _list(node: Node) -> list[DefaultCa]:
    if cas := default_cas.read(node.profile):
        return cas
    raise NotFound(
        "This node has no list of default CA certificates",
        details=(
            "The product's list is its vendor's and does not come with this program.",
            "A profile may name certificates of your own for it: default_cas.",
        ),
    )


def _listed(store: str, name: str) -> str:
    return f"{store}/{name}.pem"


class Changed(Value):
    """What of the list is trusted now, or no longer: `changed` are `(listed name, SHA-256)`."""

    form = record(
        enabled=TRUTH, changed=each(record(name=TEXT, sha256=SHA256)), services=each(TEXT)
    )

    text: tuple[str, ...]
    enabled: bool
    services: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]

    def lines(self) -> tuple[str, ...]:
        """The text: the product's."""
        return self.text

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        changed = [{"name": name, "sha256": sha256} for name, sha256 in self.changed]
        return {"enabled": self.enabled, "changed": changed, "services": self.services}


@family.command(
    "set cert default-ca-list {enable|disable:how} {all|common-name:which}",
    level=1,
    changes=True,
    options={"common-name": "one, whose name is asked for"},
    examples=(
        "set cert default-ca-list enable all",
        "set cert default-ca-list disable common-name",
    ),
    form=maybe(Changed.form),
)
def change(node: Node, how: str, which: str) -> Conversation[Changed | Notice]:
    """Trust the CAs that the product knows by itself, or trust them no longer.

    They are put into the trust stores that show cert default-ca-list names, or taken out; what is
    distributed reaches the other nodes of a cluster. Where the chain of an own certificate leads
    through one that goes, you are warned. One that has expired, or that the policy refuses, is left
    out of all.
    """
    cas = _list(node)
    if not node.profile.publisher:
        raise Refused(
            "The default CA certificates are changed on the publisher only;"
            " this node is a subscriber"
        )
    one = None if which == "all" else (yield from _asked(cas))
    chosen = [one] if one else cas
    assert node.profile.default_cas is not None
    services = one.group.services if one else node.profile.default_cas.services
    for line in _warning(how, one, services):
        yield Progress(line)
    if how == "disable":
        yield Warn(tuple(_breaking(node, chosen)))
    if (yield Ask(QUESTION)) != "yes":
        return Notice(())
    if how == "enable":
        changed, findings = yield Commit(lambda it: _enable(node, it, chosen, one is not None))
        yield Warn(findings)
    else:
        changed = yield Commit(lambda it: _disable(it, chosen))
    done = (
        (f'Successfully {how}d default "{one.common_name}" certificate.',)
        if one
        else (f"Successfully {how}d the default Cisco CA certificates.", UI[how])
    )
    return Changed(done, how == "enable", services, tuple(changed))


def _asked(cas: Sequence[DefaultCa]) -> Conversation[DefaultCa]:
    """The CA whose name is typed. Raises NotFound."""
    name = yield AskText(NAME)
    for ca in cas:
        if ca.common_name == name:
            return ca
    raise NotFound(
        "The {name} certificate is not in the list of default Cisco CA certificates.", name=name
    )


def _warning(how: str, one: DefaultCa | None, services: Sequence[str]) -> Iterator[str]:
    """The product's sentences before the question, a line each."""
    if one is None:
        yield ""
        yield (
            "WARNING: This operation will enable all default Cisco CA certificates"
            " as trusted certificates for all nodes in this cluster."
            if how == "enable"
            else "WARNING: This operation will disable all Cisco CA certificates"
            " that have been installed by default."
        )
        yield LOOK
    else:
        name = f'"{one.common_name}"'
        yield (
            f"WARNING: This operation will install the {name} certificate"
            " as a trusted certificate for all nodes in this cluster."
            if how == "enable"
            else f"WARNING: This operation will disable the {name} Cisco CA certificate."
        )
    if services:
        *first, last = (f'"{service}"' for service in services)
        names = f"{', '.join(first)} and {last}" if first else last
        yield f"You must restart the {names} services after running this command."
    yield FROM_PUBLISHER


def _breaking(node: Node, cas: Sequence[DefaultCa]) -> Iterator[Finding]:
    """What breaks when these are trusted no longer."""
    snapshot = node.snapshot()
    for ca in cas:
        for store, row in default_cas.trusted(snapshot, ca):
            yield from impact.deleting(node, snapshot, store, row, ())


def _enable(
    node: Node, change: Transaction, cas: Sequence[DefaultCa], alone: bool
) -> tuple[list[tuple[str, str]], tuple[Finding, ...]]:
    """What was put into which store, and what breaks by it.

    Raises Refused for what cannot be trusted, if it is `alone`.
    """
    changed: list[tuple[str, str]] = []
    findings: list[Finding] = []
    come: dict[str, list[Ready]] = {}
    for ca in cas:
        try:
            for store, one in default_cas.ready(node.profile, ca, change.now):
                (outcome,) = trust_import.stage(change, store, (one,))
                name = _listed(store.name, outcome.name)
                if outcome.outcome == trust_import.KEPT:
                    raise Refused("{name} stays: it has the same name and begins later", name=name)
                if outcome.outcome in trust_import.CHANGES:
                    changed.append((name, outcome.sha256))
                    come.setdefault(store.name, []).append(one)
        except Refused as error:
            if alone:
                raise
            findings.append(remark(f"{ca.common_name} is left out: {error.message()}"))
    for name, some in come.items():
        findings += impact.trusting(node, change, name, some)
    return changed, tuple(findings)


def _disable(change: Transaction, cas: Sequence[DefaultCa]) -> list[tuple[str, str]]:
    """What was taken out of which store; what breaks by it was said before the question."""
    changed = []
    for ca in cas:
        for store in ca.group.trust_stores:
            if row := change.upload(store, ca.sha256):
                change.remove_trust(store, row.name)
                changed.append((_listed(store, row.name), row.sha256))
    return changed
