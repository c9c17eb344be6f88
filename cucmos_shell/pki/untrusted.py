"""What everything that touches a certificate from outside runs in."""

from __future__ import annotations

import contextlib
import re
import threading
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from cucmos_shell.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPECTED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
# What the library remarks on while it reads a certificate that breaks a rule it can live with, as
# an item of `warnings.filters`. Most remarks are told of whoever calls the library.
_WHERE = r"(cucmos_shell|cryptography)\."
_REMARKS = ("ignore", None, UserWarning, re.compile(_WHERE), 0)
_hushing = threading.Lock()


def _hush() -> None:
    """Let the library's remarks go unsaid, for good: the filters of warnings are the process's.

    To switch them off and on again would take a lock around all certificate work.
    """
    if warnings.filters[:1] == [_REMARKS]:
        return
    with _hushing:
        if warnings.filters[:1] != [_REMARKS]:
            warnings.filterwarnings("ignore", category=UserWarning, module=_WHERE)


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turns whatever a malformed certificate makes the library do into Refused. May be nested."""
    _hush()
    try:
        yield
    except _EXPECTED as error:
        raise Refused("The certificate is malformed: {reason}", reason=_reason(error)) from None
    except BaseException as error:
        # A panic of the library's Rust code is no Exception, and its class cannot be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise Refused("The certificate is malformed: its decoder gave up") from None


def _reason(error: BaseException) -> str:
    """The library's words where people understand them."""
    text = str(error).partition("\n")[0]
    if text.startswith("error parsing asn1 value"):
        return "its encoding is damaged"
    if text.startswith("Could not deserialize key data"):
        return "its public key cannot be read"
    return text.rstrip(".") or type(error).__name__
