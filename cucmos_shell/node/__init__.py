"""One machine: what is installed below a state folder, wired to one world.

`node` is the machine, `install` makes one, `areas` are the files that people may see. Its parts,
each loaded when it is first asked for: `access` (accounts, passwords, sessions), `certificates`,
`services`, `expiry`, `logs`. Above them `tasks` does what takes several parts, the network
included.
"""

from __future__ import annotations

from cucmos_shell.node.node import Node

__all__ = ["Node"]
