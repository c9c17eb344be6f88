"""The commands that change something, as data: a new one is one more line here."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from crash_material import uploads, with_answer, with_trust
from small_store import read_everything

from cucmos_shell.node import Node
from cucmos_shell.node.access import accounts
from cucmos_shell.pki import certs
from cucmos_shell.pki.trust_lists import read
from cucmos_shell.store import RequestRow
from cucmos_shell.store.past import changes
from cucmos_shell.store.transaction import Transaction


class Change(NamedTuple):
    """A command to break off. `before` changes the fresh node; `yes` answers its questions.

    The files of `crash_material` are in the upload area. Those that are not `sampled` are broken
    off in the slow sweeps only.
    """

    name: str
    line: str
    before: Callable[[Transaction], None] | None = None
    sampled: bool = True


def with_request(transaction: Transaction) -> None:
    unit = transaction.units[0]
    row = RequestRow(unit, "CN=x", "x", (), "RSA 2048", "00" * 32, 1.0)
    transaction.put_request(unit, row, b"csr", b"key")


def with_account(transaction: Transaction) -> None:
    accounts.put(transaction, accounts.Account("admin", 4, "hash"))
    accounts.put(transaction, accounts.Account("ann", 0, "hash"))


def with_key(transaction: Transaction) -> None:
    with_account(transaction)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq9Uo7rmjSdf7ZvQ3kPa1Q0yNmFbJPKCmBSD9wDxbDd"
    accounts.put(transaction, accounts.Account("ann", 0, "hash", (key,)))


CHANGES = [
    Change("regenerate", "set cert regen tomcat", with_request),
    Change("editor", "set cli editor rich"),
    Change("restart", "utils service restart Cisco Tomcat"),
    Change("activate", "utils service activate Cisco SIP Proxy", sampled=False),
    Change("account", "delete account ann", with_account, sampled=False),
    Change("request", "set csr gen tomcat key ec256", sampled=False),
    Change("request-again", "set csr gen tomcat key ec256", with_answer, sampled=False),
    Change("request-delete", "set csr delete tomcat", with_request, sampled=False),
    Change("import-own", "utils cert upload own tomcat signed.pem", with_answer),
    Change("import-trust", "utils cert upload trust tomcat others.pem", sampled=False),
    Change("delete", "set cert delete tomcat-trust Crash_Root.pem", with_trust, sampled=False),
    Change("rollback", "utils store rollback 1", with_request, sampled=False),
    Change("purge", "utils store purge", with_request, sampled=False),
    Change("ocsp", "set ocsp max-age 48", sampled=False),
    Change("monitor", "set cert monitor start 45", sampled=False),
    Change("smtp", "set smtp mail.example.com", sampled=False),
    Change("limit", "set session maxlimit 20", sampled=False),
    Change("locking", "set accountlocking count 4", sampled=False),
    Change("keys", "set account ssh-key ann remove", with_key, sampled=False),
    Change("web-security", "set web-security Unit Org City State US", with_request, sampled=False),
]


def prepare(change: Change, node: Node) -> None:
    """Make a fresh node what it is to be before the change."""
    for name, data in uploads().items():
        pathlib.Path(node.state_dir, "upload", name).write_bytes(data)
    if change.before:
        with node.store.try_lock() as lock:
            transaction = node.store.begin(lock, who="test", what="before", now=0)
            change.before(transaction)
            transaction.commit()


def state(node: Node) -> dict[str, Any]:
    """Everything a node's readers can see, byte for byte. Raises what a reader raises."""
    everything = read_everything(node.store)
    everything["services"] = [
        (s.name, s.state, s.activated, s.at) for s in node.services.states(node.now())
    ]
    everything["pending"] = node.services.pending(node.snapshot())
    everything["lists"] = list_files(node)
    return everything


def shape(node: Node) -> dict[str, Any]:
    """The state without what differs from run to run: keys, serial numbers, moments."""
    snapshot = node.snapshot()
    found: dict[str, Any] = {"head": snapshot.head, "settings": snapshot.settings()}
    found["accounts"] = list(accounts.all_accounts(snapshot))
    for unit in snapshot.units:
        own = snapshot.own(unit)
        description = certs.describe(certs.load_der(snapshot.own_der(unit)))
        assert description.sha256 == own.row.sha256 == own.history[-1].sha256
        found[unit] = (description.subject, len(own.history), own.request and own.request.subject)
        copy = snapshot.owned(node.profile.units[unit].trust_store, unit)
        assert copy.sha256 == own.row.sha256
    for store in snapshot.stores:
        found[store] = [(r.name, r.owner, r.description) for r in snapshot.trust(store)]
    found["services"] = [(s.name, s.state, s.activated) for s in node.services.states(node.now())]
    found["pending"] = [p.service for p in node.services.pending(snapshot)]
    found["planned"] = planned(node)
    found["earlier"] = len(list(changes(snapshot.layout, snapshot.head))) - 1
    found["lists"] = lists(node)
    return found


def list_files(node: Node) -> dict[str, bytes | None]:
    """The trust lists, and how they came to be."""
    snapshot = node.snapshot()
    files = {name: snapshot.find_file("lists", name) for name in node.profile.trust_lists}
    return {**files, "document": snapshot.document("trust_lists.json")}


def lists(node: Node) -> dict[str, Any]:
    """What the trust lists say: each verifies, and names present certificates only."""
    snapshot = node.snapshot()
    present = {snapshot.own_der(unit): unit for unit in snapshot.units} | {b"": ""}
    found: dict[str, Any] = dict(snapshot.document("trust_lists.json"))
    for name in node.profile.trust_lists:
        raw = snapshot.find_file("lists", name)
        if raw is not None:
            its = read.read(raw)
            signer = read.verify(its).certificate
            found[name] = [
                present[signer],
                *((r.role, present[r.certificate]) for r in its.records),
            ]
    for entry in found.get("lists", {}).values():
        entry["when"] = None
    return found


def planned(node: Node) -> dict[str, Any]:
    """The states that are planned for each service."""
    path = pathlib.Path(node.store.layout.services)
    if not path.exists():
        return {}
    kept = json.loads(path.read_bytes())["services"]
    return {name: [row["state"] for row in entry.get("rows", ())] for name, entry in kept.items()}
