"""The rich console (`--rich`): menus, colours, suggestions, a toolbar, for people who ask for them.

prompt_toolkit reads the command lines (`line`). What a command then says and asks goes through the
same terminal as everywhere else, so that questions, pastes and pages have one set of rules;
`moving` adds to it what moves and what is coloured.
"""

from __future__ import annotations

from cucmos_shell.frontends.rich.console import run

__all__ = ["run"]
