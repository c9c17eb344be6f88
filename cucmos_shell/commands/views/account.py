"""What anyone may know about an account."""

from __future__ import annotations

from cucmos_shell.node.access.ssh_keys import fingerprint
from cucmos_shell.results import TEXT, TRUTH, WHOLE, each, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.node.access.accounts import Account

DESCRIBED = record(account=TEXT, level=WHOLE, password=TRUTH, ssh_keys=each(TEXT), installer=TRUTH)


def described(account: Account) -> dict[str, Any]:
    """The JSON form of an account, `DESCRIBED`."""
    return {
        "account": account.name,
        "level": account.level,
        "password": bool(account.password),
        "ssh_keys": [fingerprint(key) for key in account.keys],
        "installer": account.installer,
    }


def key_notice(name: str, key: str, changed: bool) -> str:
    """What became of the keys of an account: `key` was added, or all are gone if it is empty."""
    if not key:
        return (
            f"All keys are removed for account {name}" if changed else f"Account {name} has no keys"
        )
    if not changed:
        return f"Account {name} has key {fingerprint(key)} already"
    return f"Added key {fingerprint(key)} for account {name}"
