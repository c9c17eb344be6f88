"""The step that changes the node's settings."""

from __future__ import annotations

from cucmos_shell.results import Commit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cucmos_shell.store.transaction import Transaction


def put_setting(name: str, value: object) -> Commit:
    """The step that gives a setting its value."""

    def change(transaction: Transaction) -> None:
        transaction.put_settings({**transaction.settings(), name: value})

    return Commit(change)


def change_setting(name: str, /, **changes: Any) -> Commit:
    """The step that changes some parts of a setting; its others stay."""

    def change(transaction: Transaction) -> None:
        settings = transaction.settings()
        transaction.put_settings({**settings, name: {**settings.get(name, {}), **changes}})

    return Commit(change)
