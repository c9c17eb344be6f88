"""The command line: commands declared, lines understood, values shown. Knows no certificate.

A `pattern` says how a command is written, `grammar` puts all of them into one tree, and the
`walker` answers from it: Enter by `match` and `lexemes`, Tab and `?` by `suggest`, with `near` for
what was mistyped. `render`, `pipes` and `filters` (by `regex`) show values, `wording` failures.
`paste` knows a pasted block, `caller` who runs a command.
"""

from __future__ import annotations

from cucmos_shell.cli.grammar import Family, Grammar
from cucmos_shell.cli.pattern import Argument
from cucmos_shell.cli.walker import Walker

__all__ = ["Argument", "Family", "Grammar", "Walker"]
