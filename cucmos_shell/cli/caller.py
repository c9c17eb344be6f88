"""Who runs a command, and what a session may change for itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmos_shell.cli.walker import Walker


class Settings:
    """What a session may change for itself."""

    def __init__(self, *, output: str = "text", editor: str = "quiet") -> None:
        self.pagination = True
        self.output = output
        self.editor = editor
        self.command_count = False


class Caller:
    """Who runs a command; handlers that ask for `caller` get this."""

    def __init__(
        self, account: str, level: int, origin: str, settings: Settings, walker: Walker
    ) -> None:
        self.account = account
        self.level = level
        self.origin = origin
        self.settings = settings
        self.walker = walker
        # What tells the account from later ones of its name; see `Session`.
        self.identity: str | None = None
        self.ended = False
        self.notes: list[str] = []
        # The lines that the account has typed, oldest first.
        self.history: Callable[[], list[str]] = list
        # Whether the password was given again in this session (`set security reauth`), or nobody
        # is to be asked for it.
        self.verified = False
        # Whether there is no account behind the level, which ends with the node's first account.
        self.provisional = False
        # Whether a public key has proven who that is, so that no lock of the password matters.
        self.by_key = False
        # Whether the embedded server speaks with the caller: there the line is always quiet.
        self.served = False

    def note(self, text: str) -> None:
        """Have `text` in the audit log, with the command that is running."""
        self.notes.append(text)

    def end(self) -> None:
        """Close the session when this command is over."""
        self.ended = True
