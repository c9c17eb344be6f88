"""What was put into the download area, which SFTP serves."""

from __future__ import annotations

from cucmos_shell.node.areas import write_download
from cucmos_shell.results import SHA256, TEXT, WHOLE, Value, maybe, record
from cucmos_shell.store.snapshot import sha256_hex
from cucmos_shell.text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node


class Downloaded(Value):
    """A file in the download area: its size in octets, and how many certificates a list holds."""

    form = record(name=TEXT, size=WHOLE, sha256=SHA256, certificates=maybe(WHOLE))

    name: str
    size: int
    sha256: str
    certificates: int | None = None

    def lines(self) -> list[str]:
        """The text: name, size, check sum."""
        lines = [
            f"File   : {self.name}",
            f"Size   : {counted(self.size, 'byte')}",
            f"SHA-256: {self.sha256}",
        ]
        if self.certificates:
            lines.append(f"Holds  : {counted(self.certificates, 'certificate')}")
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {**vars(self)}


def downloaded(node: Node, name: str, data: bytes, certificates: int | None = None) -> Downloaded:
    """Put a file into the download area, or replace it; its name is made clean.

    Raises Unavailable.
    """
    name = write_download(node.layout, name, data)
    return Downloaded(name, len(data), sha256_hex(data), certificates)
