"""What a profile says of what commands ask and print, where releases differ."""

from __future__ import annotations

from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# How `utils itl reset localkey` and `utils system restart` speak, before and since.
EARLY, LATER = "early", "later"


class DialogueSpec(Value):
    """What is asked and printed; without a word, as in release 9.1.

    `csr_asks_ou`: whether a request has the organizational unit is asked. `csr_generated` is a
    template over `unit`. `multi_server_paste`: certificates for all nodes may be pasted.
    `itl_reset` and `power` (restart, shutdown) are EARLY or LATER.
    """

    csr_asks_ou: bool = False
    csr_generated: str = "Successfully Generated CSR  for {unit}"
    multi_server_paste: bool = True
    itl_reset: str = EARLY
    power: str = EARLY


class FipsSpec(Value):
    """FIPS mode: `regenerates` maps what the product lists to units, which may be none.

    `runlevel` and `tests` are said of the self-test.
    """

    regenerates: Mapping[str, tuple[str, ...]] = {}
    runlevel: str = ""
    tests: tuple[str, ...] = ()


class TlsSpec(Value):
    """The least version of TLS: one of `versions`, the first as delivered.

    With `reboots` a change restarts the node. `client_auth` are the lines, with the services to
    restart, before it is changed whether clients are asked for a purpose (RFC 5280, 4.2.1.12).
    """

    versions: tuple[str, ...] = ()
    reboots: bool = False
    client_auth: tuple[str, ...] = ()
