"""What the product can do: the families of commands, by the words that lead to them.

A family's module is imported when a line reaches its leading words, so that a one-shot command
pays for one family only. Behind the words stands the least level of the family's commands there,
and `+` where more words follow: so a menu is listed without importing anything. What several
families share stands in `arguments`, `views`, `dialogues`.
"""

from __future__ import annotations

from importlib import import_module

from cucmos_shell.cli import Family, Grammar
from cucmos_shell.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

FAMILIES: dict[str, tuple[str, ...]] = {
    "cert_list": ("show cert list 1+",),
    "cert_show": ("show cert own 1", "show cert trust 1"),
    "regenerate": ("set cert regen 1",),
    "impact": ("show cert impact 0+",),
    "expiry": ("show cert expiry 0+",),
    "cert_chain": ("show cert chain 0",),
    "delete": ("set cert delete 1",),
    "requests": ("set csr 1+", "show csr 1+"),
    "web_security": ("set web-security 0", "show web-security 0"),
    "cert_import": ("set cert import 1+", "utils cert upload 1+"),
    "download": ("utils cert download 1+",),
    "services": ("utils service 0+",),
    "trust_list_show": ("show ctl 0", "show itl 0"),
    "trust_list_change": ("utils ctl 1+", "utils itl 4+", "file delete tftp 1"),
    "pending": ("show service 0+",),
    "loaded": ("show cert loaded 0",),
    "node_info": (
        "show status 0", "show version 0+", "show myself 0", "show network 0+", "show timezone 0+",
    ),
    "network_cluster": ("show network cluster 0",),
    "replication": ("utils dbreplication 0+",),
    "system": ("utils system 1+",),
    "shell": (
        "exit 0", "quit 0", "set cli 0+", "set commandcount 1+", "set output 0+", "show cli 0+",
        "show history 0+",
    ),
    "help": ("help 0",),
    "audit_log": ("show audit 1+",),
    "ocsp": ("set ocsp 1+", "show ocsp 0", "utils ocsp 1+"),
    "monitor": ("set cert monitor 1+", "show cert monitor 0", "utils cert monitor run 1"),
    "metrics": ("utils cert monitor metrics 1",),
    "smtp": ("delete smtp 1", "set smtp 0", "show smtp 0", "utils smtp 1+"),
    "alarm": ("set alarm 1+", "show alarm 1+"),
    "accounts": (
        "delete account 4", "set account 1+", "set accountlocking 1+", "set password 1+",
        "show account 4", "show accountlocking 0",
    ),
    "files": (
        "file list 0+", "file view 0+", "file dump 0+", "file delete 1+", "file search 0+",
    ),
    "profile": ("utils profile 1+",),
    "cluster": ("show cert distribution 0", "utils cluster 1+"),
    "store": ("show store 1+", "utils store 1+"),
    "sessions": (
        "set cli session 1+", "set security 1+", "set session 1+", "show cli session 0+",
        "show logins 0+", "show security 0+", "show session 0+",
    ),
    "bulk": ("set cert bulk 1+",),
    "file_tail": ("file tail 0+",),
    "file_get": ("file get 0+", "delete sftp-host-key 1"),
}  # fmt: skip

# What the families are for: `help` lists the commands so.
GROUPS: dict[str, tuple[str, ...]] = {
    "Certificates": (
        "cert_list", "cert_show", "cert_chain", "impact", "expiry", "regenerate", "cert_import",
        "delete", "download", "requests", "web_security", "bulk", "store",
    ),
    "Revocation, expiry, alarms": ("ocsp", "monitor", "metrics", "smtp", "alarm"),
    "Services": ("services", "pending", "loaded"),
    "Trust lists for phones": ("trust_list_show", "trust_list_change"),
    "Cluster": ("cluster", "network_cluster", "replication"),
    "Node": ("node_info", "system", "profile"),
    "Files and logs": ("files", "file_tail", "file_get", "audit_log"),
    "Accounts and sessions": ("accounts", "sessions"),
    "This shell": ("shell", "help"),
}  # fmt: skip

# Before commands that begin with these words a node may want the password once more: by their
# words, so that nobody forgets it for a new one.
REAUTH = ("set cert", "set csr", "set ocsp", "set web-security", "utils cert")


# What people of other shells type, and its words here.
ELSEWHERE = dict.fromkeys(("logout", "logoff", "bye"), ("exit", "quit"))


def load(module: str) -> Family:
    """The family declared in `cucmos_shell.commands.MODULE`."""
    family = import_module(f"{__name__}.{module}").family
    assert isinstance(family, Family)
    for i, command in enumerate(family.commands):
        if f"{command.words} ".startswith(_REAUTH_WORDS):
            family.commands[i] = command.replace(reauth=True)
    return family


def module_of(handler: Callable[..., object]) -> str:
    """The module of `FAMILIES` that declares the command of `handler`."""
    return handler.__module__.rpartition(".")[2]


_REAUTH_WORDS = tuple([f"{words} " for words in REAUTH])


_grammars: dict[tuple[tuple[str, int], ...], Grammar] = {}
_NO_LEVELS: dict[str, int] = {}


def grammar(levels: Mapping[str, int] = _NO_LEVELS) -> Grammar:
    """The grammar of all families, made once a process.

    `levels` are the least levels of commands by their leading words, where they are higher.
    """
    key = tuple(sorted(levels.items()))
    if key not in _grammars:
        _grammars[key] = _raised(dict(levels)) if levels else Grammar(FAMILIES, load)
    return _grammars[key]


def _raised(levels: Mapping[str, int]) -> Grammar:
    """The grammar with the commands that begin with the words of `levels` at those levels."""

    def least(words: str, level: int) -> int:
        higher = (at for lead, at in levels.items() if f"{words} ".startswith(f"{lead} "))
        return max(level, *higher, 0)

    def promise(lead: str) -> str:
        words, _, facts = lead.rpartition(" ")
        return f"{words} {least(words, int(facts.rstrip('+')))}{'+' * facts.endswith('+')}"

    def load_raised(module: str) -> Family:
        family = Family()
        for command in load(module).commands:
            family.commands.append(command.replace(level=least(command.words, command.level)))
        return family

    families = {name: tuple(map(promise, leads)) for name, leads in FAMILIES.items()}
    return Grammar(families, load_raised)


def check_levels(profile: Any) -> None:
    """Raise UsageError for words among the levels of a profile that begin no command."""
    if not profile.levels:
        return
    every = grammar()
    known = [f"{command.words} " for command in every.below(every.root)]
    for words in profile.levels:
        if not any(name.startswith(f"{words} ") for name in known):
            raise UsageError("{words}, among the levels of the profile, is no command", words=words)
