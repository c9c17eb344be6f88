"""What the product can do: the families of commands, by the words that lead to them.

A family's module is imported when a line reaches its leading words, so that a one-shot command
pays for one family only. What several families share stands in `arguments`, `views`, `dialogues`.
"""

from __future__ import annotations

from importlib import import_module

from cucmos_shell.cli import Family, Grammar

FAMILIES: dict[str, tuple[str, ...]] = {
    "cert_list": ("show cert list",),
    "cert_show": ("show cert own", "show cert trust"),
    "regenerate": ("set cert regen",),
    "impact": ("show cert impact",),
    "expiry": ("show cert expiry",),
    "cert_chain": ("show cert chain",),
    "delete": ("set cert delete",),
    "requests": ("set csr", "show csr"),
    "web_security": ("set web-security", "show web-security"),
    "cert_import": ("set cert import", "utils cert upload"),
    "download": ("utils cert download",),
    "services": ("utils service",),
    "trust_list_show": ("show ctl", "show itl"),
    "trust_list_change": ("utils ctl", "utils itl", "file delete tftp"),
    "pending": ("show service",),
    "node_info": (
        "show status", "show version", "show myself", "show network", "show timezone",
    ),
    "network_cluster": ("show network cluster",),
    "replication": ("utils dbreplication",),
    "system": ("utils system",),
    "shell": (
        "exit", "help", "quit", "set cli", "set commandcount", "set output", "show cli",
    ),
    "audit_log": ("show audit",),
    "ocsp": ("set ocsp", "show ocsp", "utils ocsp"),
    "monitor": ("set cert monitor", "show cert monitor", "utils cert monitor run"),
    "metrics": ("utils cert monitor metrics",),
    "smtp": ("delete smtp", "set smtp", "show smtp"),
    "alarm": ("set alarm", "show alarm"),
    "accounts": (
        "delete account", "set account", "set accountlocking", "set password", "show account",
        "show accountlocking",
    ),
    "files": (
        "file list", "file view", "file dump", "file tail", "file delete", "file search",
    ),
    "profile": ("utils profile",),
    "cluster": ("show cert distribution", "utils cluster"),
    "store": ("show store", "utils store"),
    "sessions": (
        "set cli session", "set security", "set session", "show cli session", "show logins",
        "show security", "show session",
    ),
    "bulk": ("set cert bulk",),
    "file_get": ("file get", "delete sftp-host-key"),
}  # fmt: skip

# Before commands that begin with these words a node may want the password once more: by their
# words, so that nobody forgets it for a new one.
REAUTH = ("set cert", "set csr", "set ocsp", "set web-security", "utils cert")


def load(module: str) -> Family:
    """The family declared in `cucmos_shell.commands.MODULE`."""
    family = import_module(f"{__name__}.{module}").family
    assert isinstance(family, Family)
    for i, command in enumerate(family.commands):
        if f"{command.words} ".startswith(_REAUTH_WORDS):
            family.commands[i] = command.replace(reauth=True)
    return family


_REAUTH_WORDS = tuple([f"{words} " for words in REAUTH])


_grammar: list[Grammar] = []


def grammar() -> Grammar:
    """The grammar of all families, made once a process."""
    if not _grammar:
        _grammar.append(Grammar(FAMILIES, load))
    return _grammar[0]
