"""What a profile says of what commands ask and print, where releases differ."""

from __future__ import annotations

from cucmos_shell.results import Value

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
