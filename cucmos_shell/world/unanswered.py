"""What the world's functions are given, and what they raise when they got no answer."""

from __future__ import annotations

from cucmos_shell.results import Value


class Unanswered(Exception):
    """The other side did not do what it was asked.

    `reason` may hold foreign text. `uncertain`: it may have done it all the same. `late`: it was
    silent until nobody waited any longer, and would be again.
    """

    def __init__(self, reason: str, *, uncertain: bool = False, late: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.uncertain = uncertain
        self.late = late


class MailServer(Value):
    """Where mail goes. `security` is ``, `starttls` or `tls`; `anchors` are CA certificates in PEM
    that are trusted besides those of the operating system."""

    host: str
    port: int
    security: str = ""
    account: str = ""
    password: str = ""
    anchors: str = ""
    hello: str = "localhost"

    def __repr__(self) -> str:
        return f"<MailServer {self.host}:{self.port}>"


class SyslogHost(Value):
    """Where alarms go besides the log; `transport` is `udp` or `tcp`."""

    host: str
    port: int
    transport: str
