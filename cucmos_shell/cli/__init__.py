"""The command line: commands declared, lines understood, values shown. Knows no certificate.

A `pattern` says how a command is written, `grammar` puts all of them into one tree, and the walker
in `match` answers Enter, Tab and `?` from it by `lexemes`, with `near` for what was mistyped.
`render` and `filters` (by `regex`) show values, `wording` failures. `paste` knows a pasted block,
`caller` who runs a command.
"""

from __future__ import annotations

from cucmos_shell.cli.grammar import Family, Grammar
from cucmos_shell.cli.match import Walker
from cucmos_shell.cli.pattern import Argument

__all__ = ["Argument", "Family", "Grammar", "Walker"]
