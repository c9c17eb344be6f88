"""What every list of certificates says of each in JSON."""

from __future__ import annotations

from cucmos_shell.commands.views.copies import copy_of
from cucmos_shell.text import iso_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node import Node
    from cucmos_shell.store import CertificateRow


def row_data(node: Node, kind: str, folder: str, row: CertificateRow) -> dict[str, Any]:
    """The JSON form `LISTED`; `folder` is an `own` certificate's unit, or the trust store."""
    own = kind == "own"
    if row.subject is None:
        from cucmos_shell.store.described import whole

        row = whole(node.snapshot(), row, folder if own else "")
    return {
        "name": f"{folder}/{row.name}.pem",
        "type": kind,
        "unit": folder if own else None,
        "store": None if own else folder,
        "common_name": row.common_name,
        "subject": row.subject,
        "alternative_names": row.alternative_names,
        "issuer": row.issuer,
        "serial": row.serial,
        "not_before": iso_time(row.not_before),
        "not_after": iso_time(row.not_after),
        "key_type": row.key_type,
        "sha256": row.sha256,
        "description": row.description,
        "copy_of": copy_of(node, row),
    }
