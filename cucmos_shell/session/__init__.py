"""A line in, events out: the only driver of handlers, and where errors become words."""

from __future__ import annotations

from cucmos_shell.session.session import Session

__all__ = ["Session"]
