"""A person's terminal without input or output: bytes and time go in, bytes and events come out.

`terminal` brings a session together with the line `editor` and the `pager`. Below the editor:
`decoder` (octets to text), `keys` (prompt_toolkit's names of keys), `field` (the text being
edited), `command_line` (one with `history` and search), `kills` (for Ctrl-Y), `screen` (where the
cursor is), `output` (what is still to be written), `paste` (a block that comes in), `ahead`
(answers nobody asked for), `events` (what the editor tells).
"""

from __future__ import annotations

from cucmos_shell.terminal.terminal import Terminal

__all__ = ["Terminal"]
