"""Trust certificates taken out of their store."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.commands.arguments.certificates import take_changes
from cucmos_shell.commands.arguments.deletable import FILE, STORE, named
from cucmos_shell.errors import NotFound
from cucmos_shell.node import impact
from cucmos_shell.results import SHA256, TEXT, Commit, Progress, Value, Warn, each, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.results import Conversation
    from cucmos_shell.store.transaction import Transaction

family = Family()


class Deleted(Value):
    """A certificate that is gone; `requests` are the units whose pending CSR went with it."""

    form = record(name=TEXT, sha256=SHA256, csr_deleted=each(TEXT))

    name: str
    sha256: str
    requests: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The text: what is gone, and what went with it."""
        lines = [f"The pending CSR of {unit} was deleted." for unit in self.requests]
        return ["", f"Successfully deleted certificate {self.name}.", *lines]

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "csr_deleted": [f"{unit}/{unit}.csr" for unit in self.requests],
        }


@family.command(
    "set cert delete <store> [<file>]",
    level=1,
    changes=True,
    arguments=(STORE, FILE),
    examples=(
        "set cert delete tomcat-trust Example_Root_CA.pem",
        "set cert delete tomcat-trust/Example_Root_CA.pem",
    ),
    form=Deleted.form,
)
def delete(node: Node, store: str, file: str = "") -> Conversation[Deleted]:
    """Delete a certificate from a trust store.

    Store and file may be one word, as show cert list trust prints it. There is no question. The
    node's own certificates cannot be deleted, and neither can the trust copy of a self-signed
    certificate that the node uses. With the trust copy of a certificate that a CA has signed, a
    pending CSR of its unit is deleted too. Where the chain of an own certificate leads through the
    one that is deleted, you are warned: see show cert impact delete.
    """
    name, snapshot = named(node, store, file), node.snapshot()
    take_changes(node, name.store)
    copied = impact.copied(node, snapshot, name.store, name.row)
    yield Progress(f"WARNING: This operation will permanently delete {name.listed}")
    yield Warn(impact.deleting(node, snapshot, name.store, name.row, copied))

    def change(transaction: Transaction) -> Deleted:
        row = transaction.find_trust(name.store, name.row.name)
        if row is None or row.sha256 != name.row.sha256:
            raise NotFound("{name} has gone meanwhile", name=name.listed)
        units = impact.copied(node, transaction, name.store, row)
        requests = tuple(unit for unit in units if transaction.own(unit).request)
        for unit in requests:
            transaction.drop_request(unit)
        transaction.remove_trust(name.store, row.name)
        return Deleted(name.listed, row.sha256, requests)

    deleted: Deleted = yield Commit(change)
    return deleted
