"""The embedded SSH server: shells, single commands, SFTP and scp, over asyncssh.

`access` decides who comes in, `channel` serves a shell or a command, `files` serves SFTP,
`server` listens, starts workers and ends in order.
"""

from __future__ import annotations

from cucmos_shell.sshd.server import Options, serve

__all__ = ["Options", "serve"]
