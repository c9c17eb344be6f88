"""The TLS of a certificate: its key and its chain, from the files of its version in the store."""

from __future__ import annotations

import os
import ssl
import warnings

from cucmos_shell.store import paths
from cucmos_shell.store.durable import read, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.store.paths import Layout

# Certificates of any strength are shown: what a node takes is its policy's decision, not OpenSSL's.
CIPHERS = "DEFAULT:@SECLEVEL=0"
LEAST = {
    "1.0": ssl.TLSVersion.MINIMUM_SUPPORTED,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
USUAL_LEAST = "1.2"


def context(layout: Layout, unit: str, version: int, least: str) -> ssl.SSLContext:
    """What shows the certificate of a unit's version, to clients of the `least` version of TLS.

    Raises OSError, of which the library's errors are.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = LEAST.get(least, LEAST[USUAL_LEAST])
    made.set_ciphers(CIPHERS)
    # A client that comes again is shown the certificate again.
    made.num_tickets = 0
    made.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    own = layout.version(unit, version, paths.own_pem(unit))
    key = layout.version(unit, version, paths.private_key(unit))
    try:
        chain = read(layout.version(unit, version, paths.CHAIN))
    except FileNotFoundError:
        made.load_cert_chain(own, key, "")
        return made
    # The library takes a certificate and its chain from one file, of which there is none.
    descriptor = os.memfd_create(paths.CHAIN)
    try:
        write_all(descriptor, read(own) + chain)
        made.load_cert_chain(f"/proc/self/fd/{descriptor}", key, "")
    finally:
        os.close(descriptor)
    return made
