"""The embedded SSH server: shells, single commands, SFTP and scp, over asyncssh.

`access` decides who comes in, `channel` serves a shell or a command, `files` serves SFTP,
`server` is one process that serves, `processes` listens and keeps several of them.
"""

from __future__ import annotations

from cucmos_shell.frontends.sshd.processes import serve
from cucmos_shell.frontends.sshd.server import Options

__all__ = ["Options", "serve"]
