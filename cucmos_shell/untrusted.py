"""The guard around everything that touches a certificate from outside."""

from __future__ import annotations

import contextlib
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
_warnings = threading.Lock()


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Turns whatever a malformed certificate makes the library do into Refused.

    Switching warnings off is a matter of the whole process, so one thread at a time.
    """
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
