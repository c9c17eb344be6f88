"""The step that changes the node's settings."""

from __future__ import annotations

from cucmos_shell.results import Commit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def put_setting(name: str, value: object) -> Commit:
    """The step that gives a setting its value."""
    return Commit(lambda transaction: transaction.put_setting(name, value))


def change_setting(name: str, /, **changes: Any) -> Commit:
    """The step that changes some parts of a setting; its others stay."""
    return Commit(lambda transaction: transaction.change_setting(name, **changes))
