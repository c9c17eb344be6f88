"""`show risdb`: what has registered with the node, which is nothing."""

from __future__ import annotations

from cucmos_shell.cli import Family
from cucmos_shell.results import TEXT, Notice, each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cucmos_shell.node import Node

family = Family()

TOTALS = (
    "#TotalPhones", "#TotalRegistered", "#RegisteredSCCP", "#RegisteredSIP", "#UnRegistered",
    "#Rejected", "#PartialRegistered", "StateId", "#ExpUnreg",
)  # fmt: skip
FIELDS = (
    "DeviceName", "Descr", "Ipaddr", "Ipv6addr", "Ipv4Attr", "Ipv6Attr", "MACaddr", "RegStatus",
    "PhoneProtocol", "DeviceModel", "HTTPsupport", "#regAttempts", "prodId", "username", "seq#",
    "RegStatusChg TimeStamp", "IpAddrType", "LoadId", "ActiveLoadId", "InactiveLoadId",
    "ReqLoadId", "DnldServer", "DnldStatus", "DnldFailReason", "LastActTimestamp",
    "Perfmon Object",
)  # fmt: skip


@family.command("show risdb query phone", level=0, form=each(TEXT))
def query_phone(node: Node) -> Notice:
    """Show the phones that have registered with this node: none can."""
    lines = (
        "----------- Phone Information -----------",
        "",
        ", ".join(TOTALS),
        ", ".join("0" for _ in TOTALS),
        "",
        ", ".join(FIELDS),
        "",
        "Total count 0",
        "----------------------------------------",
    )
    return Notice(lines, [])
