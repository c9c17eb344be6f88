"""Revocation by OCSP (RFC 6960): what is asked, what an answer is worth, and who is believed.

`verify` judges one answer and touches nothing outside; `ask` puts the questions of one upload side
by side under one deadline. What follows from a verdict is decided elsewhere.
"""

from __future__ import annotations

from cucmos_shell.results import MOMENT, SERIAL, TEXT, Value, maybe, one_of, record
from cucmos_shell.text import iso_time, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GOOD, REVOKED, UNKNOWN, NOT_CHECKED = "good", "revoked", "unknown", "not-checked"


class OcspVerdict(Value):
    """What is known about one certificate. Strings may hold foreign text.

    `status` is one of the four above; `reason` says why where it is not `good`. `responder` is who
    signed the answer, `uri` where it came from. Times are seconds since the epoch.
    """

    form = record(
        common_name=TEXT,
        serial=SERIAL,
        status=one_of(GOOD, REVOKED, UNKNOWN, NOT_CHECKED),
        reason=maybe(TEXT),
        uri=maybe(TEXT),
        responder=maybe(TEXT),
        produced_at=maybe(MOMENT),
        this_update=maybe(MOMENT),
        next_update=maybe(MOMENT),
        revoked_at=maybe(MOMENT),
    )

    status: str
    reason: str = ""
    responder: str = ""
    uri: str = ""
    produced_at: float | None = None
    this_update: float | None = None
    next_update: float | None = None
    revoked_at: float | None = None
    name: str = ""
    serial: str = ""

    def line(self) -> str:
        """The verdict in one line, safe for a screen."""
        said = f"Revocation status of {safe(self.name)} (serial {self.serial}): {self.status}"
        if self.revoked_at is not None:
            said += f" since {iso_time(self.revoked_at)}"
        return f"{said}, {safe(self.reason)}" if self.reason else said

    def lines(self) -> list[str]:
        """The text: the verdict and what it rests on, safe for a screen."""
        lines = [self.line()]
        if self.uri:
            lines.append(f"\tAsked: {safe(self.uri)}")
        if self.responder:
            lines.append(f"\tAnswered by: {safe(self.responder)}")
        if self.this_update is not None:
            until = iso_time(self.next_update) if self.next_update is not None else "not said"
            lines.append(f"\tAs of: {iso_time(self.this_update)}, next update: {until}")
        return lines

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        times = ("produced_at", "this_update", "next_update", "revoked_at")
        moments = {name: getattr(self, name) for name in times}
        return {
            "common_name": self.name,
            "serial": self.serial,
            "status": self.status,
            "reason": self.reason or None,
            "uri": self.uri or None,
            "responder": self.responder or None,
            **{name: at if at is None else iso_time(at) for name, at in moments.items()},
        }
