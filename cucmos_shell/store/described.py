"""What certificates say, kept beside them: described once, when they come in.

The certificate is the truth. A description says of which it is and has a check sum, so one that is
damaged, of another certificate or of another version of the program is as good as none, and the
certificate is described when it is asked for.
"""

from __future__ import annotations

from cucmos_shell.errors import Refused, ShellError
from cucmos_shell.pki.der import from_pem
from cucmos_shell.pki.description import name_text, packed, unpacked
from cucmos_shell.store import paths
from cucmos_shell.store.durable import read
from cucmos_shell.store.json_text import loads
from cucmos_shell.store.snapshot import sha256_hex
from cucmos_shell.store.state_json import MALFORMED, sealed, unsealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.pki.description import Description
    from cucmos_shell.store.rows import CertificateRow
    from cucmos_shell.store.snapshot import Snapshot

# More certificates than these in one change are described when somebody asks: for a list of ten
# thousand it would be ten thousand more files, and half as much time again.
MAX_KEPT = 100
# Rows of an earlier version that one change completes.
MAX_COMPLETED = 1000
_SEQUENCE = b"\x30"


def describe(der: bytes) -> Description:
    """What the certificate in DER says. Raises Refused."""
    from cucmos_shell.pki import certs

    return certs.describe(certs.load_der(der))


def octets(der: bytes) -> bytes | None:
    """The file that keeps what the certificate says; None for what is no certificate."""
    if der[:1] != _SEQUENCE:
        return None  # The library need not be loaded to know that, while others wait for the lock.
    try:
        return sealed(packed(describe(der)))
    except Refused:
        return None


def description(snapshot: Snapshot, pem: bytes, unit: str = "") -> Description:
    """What the own certificate of `unit`, or one of a trust store, says. Raises Refused."""
    der = from_pem(pem)
    return _kept(snapshot, sha256_hex(der), unit) or describe(der)


def _kept(snapshot: Snapshot, sha256: str, unit: str) -> Description | None:
    if unit:
        path = snapshot.path(unit, paths.own_description(unit))
    else:
        path = snapshot.layout.pool_file(sha256, "json")
    try:
        raw, has_sum = unsealed(read(path), path)
        found = unpacked(loads(raw)) if has_sum else None
    except (OSError, ShellError, *MALFORMED):
        return None
    return found if found is not None and found.sha256 == sha256 else None


def whole(snapshot: Snapshot, row: CertificateRow, unit: str = "") -> CertificateRow:
    """The row of `unit`, or of a trust store, with what one of an earlier version lacks.

    Raises Damaged and Unavailable for its certificate, Refused.
    """
    if row.subject is not None:
        return row
    return completed(row, snapshot.own_der(unit) if unit else snapshot.certificate_der(row.sha256))


def completed(row: CertificateRow, der: bytes) -> CertificateRow:
    """The row of an earlier version with what those of today say, too. Raises Refused."""
    found = describe(der)
    return row._replace(
        subject=name_text(found.subject), alternative_names=list(found.alternative_names)
    )
