"""Whose own certificate one of a trust store is a copy of."""

from __future__ import annotations

from cucmos_shell.results import TEXT, Value, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node
    from cucmos_shell.store import CertificateRow


class CopyOf(Value):
    """The original: the own certificate `certificate` of `node`; `here` is whether it is ours."""

    form = record(hostname=TEXT, name=TEXT)

    node: str
    certificate: str
    here: bool

    def __str__(self) -> str:
        return self.certificate if self.here else f"{self.certificate} of {self.node}"

    def data(self) -> dict[str, str]:
        """The JSON form."""
        return {"hostname": self.node, "name": self.certificate}


def copy_of(node: Node, row: CertificateRow) -> CopyOf | None:
    """What `row` of a trust store is a copy of; None if it was put there for itself."""
    if not row.owner:
        return None
    place, _, unit = row.owner.rpartition("/")
    hostname = node.hostname
    if place:
        from cucmos_shell.cluster import membership

        known = {one.id: one.hostname for one in membership.nodes(node.snapshot())}
        hostname = known.get(place, place)
    return CopyOf(hostname, f"{unit}/{unit}.pem", not place)
