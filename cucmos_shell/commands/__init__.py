"""What the product can do: the families of commands, by the words that lead to them.

A family's module is imported when a line reaches its leading words, so that a one-shot command
pays for one family only. Behind the words stands the least level of the family's commands there,
`+` where more words follow, and `~` where none of them is the product's: so a menu is listed
without importing anything, and no shortened word of the product is ambiguous for one of our own.
No family knows another: what several share stands in `arguments`, `views`, `dialogues`.
"""

from __future__ import annotations

from importlib import import_module

from cucmos_shell.cli import Family, Grammar
from cucmos_shell.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cucmos_shell.profile.profile import Profile

FAMILIES: dict[str, tuple[str, ...]] = {
    "cert_list": ("show cert list 1+",),
    "cert_show": ("show cert own 1", "show cert trust 1"),
    "regenerate": ("set cert regen 1",),
    "impact": ("show cert impact 0+~",),
    "expiry": ("show cert expiry 0+~",),
    "cert_chain": ("show cert chain 0~",),
    "delete": ("set cert delete 1",),
    "requests": ("set csr 1+", "set csr delete 1~", "show csr 1+"),
    "web_security": ("set web-security 0", "show web-security 0"),
    "cert_import": ("set cert import 1+", "utils cert upload 1+~"),
    "download": ("utils cert download 1+~",),
    "services": ("utils service 0+",),
    "trust_list_show": ("show ctl 0", "show itl 0"),
    "trust_list_change": (
        "utils ctl 1+", "utils ctl download 1+~", "utils ctl upload 1~", "utils itl 4+",
        "file delete tftp 1",
    ),
    "pending": ("show service 0+~",),
    "loaded": ("show cert loaded 0~",),
    "node_info": (
        "show status 0", "show version 0+", "show myself 0", "show network 0+", "show timezone 0+",
    ),
    "network_cluster": ("show network cluster 0",),
    "replication": ("utils dbreplication 0+",),
    "sql": ("run sql 1",),
    "hardware": ("show hardware 0",),
    "clock": ("show date 0", "utils ntp 0+"),
    "diagnose": ("utils diagnose 0+",),
    "processes": ("show process 0+",),
    "cores": ("utils core 1+",),
    "network_tools": ("utils network 0+",),
    "tech": ("show tech 0+",),
    "perf": ("show perf 0+",),
    "risdb": ("show risdb 0+",),
    "trace": ("set trace 1+", "show trace 0"),
    "snmp": ("utils snmp 1+",),
    "next_sign_in": ("set password change-at-login 4+",),
    "application": (
        "utils reset_application_ui_administrator_name 4",
        "utils reset_application_ui_administrator_password 4",
    ),
    "connections": ("show network ipprefs 0+", "show network status 0+"),
    "system": ("utils system 1+",),
    "upgrade": ("utils system upgrade 1+",),
    "recovery": ("utils disaster_recovery 1+",),
    "shell": (
        "exit 0", "quit 0", "set cli 1+", "set cli editor 0+~", "set commandcount 1+",
        "set output 0+~", "show cli 0+", "show cli editor 0~", "show history 0+~",
    ),
    "help": ("help 0",),
    "audit_log": ("show audit 1+~",),
    "ocsp": ("set ocsp 1+~", "show ocsp 0~", "utils ocsp 1+~"),
    "monitor": ("set cert monitor 1+", "show cert monitor 0", "utils cert monitor run 1~"),
    "metrics": ("utils cert monitor metrics 1~",),
    "smtp": ("delete smtp 1", "set smtp 0", "show smtp 0", "utils smtp 1+~"),
    "alarm": ("set alarm 1+~", "show alarm 1+~"),
    "accounts": (
        "delete account 4", "set account 4+", "set account ssh-key 1~", "set accountlocking 1+",
        "set password 1+", "show account 4", "show accountlocking 0",
    ),
    "files": (
        "file list 0+", "file view 0+", "file dump 0+", "file delete 1+", "file search 0+",
    ),
    "profile": ("utils profile 1+~",),
    "cluster": ("show cert distribution 0~", "utils cluster 1+~"),
    "cluster_peer": (
        "delete cluster 1+~", "set cluster 1+~", "show cluster 1+~", "utils cluster peer 1+~",
    ),
    "store": ("show store 1+~", "utils store 1+~"),
    "sessions": (
        "set cli session 1+", "set security 1+~", "set session 1+", "show cli session 0+",
        "show logins 0+", "show security 0+~", "show session 0+",
    ),
    "bulk": ("set cert bulk 1+",),
    "file_tail": ("file tail 0+",),
    "file_get": ("file get 0+", "delete sftp-host-key 1~"),
}  # fmt: skip

# Families of commands that not every product has: those whose profile names their words in
# `commands`. A module is here or above, never in both.
BY_PROFILE: dict[str, tuple[str, ...]] = {
    "fips": ("utils fips 1+",),
    "tls": ("set tls 1+", "show tls 0+", "utils tls 1+"),
    "high_availability": ("utils ha 0+",),
    "unity": ("show cuc 0+", "utils cuc 1+"),
    "default_cas": ("set cert default-ca-list 1+", "show cert default-ca-list 1"),
    "directory": ("run cuc 1+",),
}

# What the families are for: `help` lists the commands so.
GROUPS: dict[str, tuple[str, ...]] = {
    "Certificates": (
        "cert_list", "cert_show", "cert_chain", "impact", "expiry", "regenerate", "cert_import",
        "delete", "download", "requests", "web_security", "bulk", "default_cas", "store",
    ),
    "Revocation, expiry, alarms": ("ocsp", "monitor", "metrics", "smtp", "alarm"),
    "Services": ("services", "pending", "loaded"),
    "Trust lists for phones": ("trust_list_show", "trust_list_change"),
    "Cluster": (
        "cluster", "cluster_peer", "network_cluster", "replication", "high_availability", "unity",
    ),
    "Database": ("sql", "directory"),
    "Node": (
        "node_info", "clock", "hardware", "processes", "connections", "network_tools", "diagnose",
        "cores", "perf", "tech", "trace", "risdb", "snmp", "system", "upgrade", "recovery", "fips",
        "tls", "profile",
    ),
    "Files and logs": ("files", "file_tail", "file_get", "audit_log"),
    "Accounts and sessions": ("accounts", "next_sign_in", "application", "sessions"),
    "This shell": ("shell", "help"),
}  # fmt: skip

# Before commands that begin with these words a node may want the password once more: by their
# words, so that nobody forgets it for a new one.
REAUTH = ("set cert", "set csr", "set ocsp", "set web-security", "utils cert")


# What people of other shells type, and its words here.
ELSEWHERE = dict.fromkeys(("logout", "logoff", "bye"), ("exit", "quit"))


def first_words() -> list[str]:
    """The words with which commands begin, whatever the product."""
    every = (*FAMILIES.values(), *BY_PROFILE.values())
    return list(dict.fromkeys(lead.partition(" ")[0] for leads in every for lead in leads))


def of_some_product(words: str) -> bool:
    """Whether `words` begin with those of commands that not every product has."""
    return any(
        _begin(words, (lead.rpartition(" ")[0],)) for leads in BY_PROFILE.values() for lead in leads
    )


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


_grammars: dict[object, Grammar] = {}


def grammar(profile: Profile | None = None) -> Grammar:
    """The grammar of what a node of `profile` can do, made once a process; without one, of all.

    A profile gives commands a higher level (`levels`), names those of `BY_PROFILE` that there are
    (`commands`), and those of the other families that there are not (`lacks`).
    """
    if profile is None:
        return _kept("all", lambda: Grammar({**FAMILIES, **BY_PROFILE}, load))
    if not (profile.levels or profile.commands or profile.lacks):
        return common_grammar()
    key = (tuple(sorted(profile.levels.items())), profile.commands, profile.lacks)
    return _kept(key, lambda: _chosen(profile))


def common_grammar() -> Grammar:
    """The grammar of what every product can do."""
    return _kept("common", lambda: Grammar(FAMILIES, load))


def _kept(key: object, make: Callable[[], Grammar]) -> Grammar:
    if key not in _grammars:
        _grammars[key] = make()
    return _grammars[key]


def _begin(words: str, leads: Iterable[str]) -> bool:
    return any(f"{words} ".startswith(f"{lead} ") for lead in leads)


def _chosen(profile: Profile) -> Grammar:
    """The grammar with what the profile says of levels, and of what there is."""

    def least(words: str, level: int) -> int:
        higher = (at for lead, at in profile.levels.items() if _begin(words, (lead,)))
        return max(level, *higher, 0)

    def is_there(words: str, module: str) -> bool:
        return not _begin(words, profile.lacks) and (
            module in FAMILIES or _begin(words, profile.commands)
        )

    def promises(leads: Iterable[str], module: str) -> Iterator[str]:
        for lead in leads:
            words, _, facts = lead.rpartition(" ")
            # A lead may be shorter than the words by which a profile names what is behind it.
            if is_there(words, module) or any(_begin(one, (words,)) for one in profile.commands):
                level = facts.rstrip("+~")
                yield f"{words} {least(words, int(level))}{facts.removeprefix(level)}"

    def load_chosen(module: str) -> Family:
        family = load(module)
        chosen = Family(see_also=family.see_also)
        for command in family.commands:
            if is_there(command.words, module):
                level = least(command.words, command.level)
                chosen.commands.append(command.replace(level=level))
        return chosen

    every = {**FAMILIES, **BY_PROFILE}
    families = {name: tuple(promises(leads, name)) for name, leads in every.items()}
    return Grammar(families, load_chosen)


def check_words(profile: Profile) -> None:
    """Raise UsageError for words in the profile's `levels`, `commands` or `lacks` of no command."""
    none = "no command"
    for section, named, families, what in (
        ("levels", profile.levels, {**FAMILIES, **BY_PROFILE}, none),
        ("commands", profile.commands, BY_PROFILE, "no command that products differ in"),
        ("lacks", profile.lacks, FAMILIES, none),
    ):
        for words in named:
            if not any(_has(words, module, leads) for module, leads in families.items()):
                raise UsageError(
                    "{words}, among the {section} of the profile, is {what}",
                    words=words,
                    section=section,
                    what=what,
                )


def _has(words: str, module: str, leads: Iterable[str]) -> bool:
    """Whether `words` begin a command of the family, which is loaded only if its leads are less."""
    known = [lead.rpartition(" ")[0] for lead in leads]
    if any(_begin(lead, (words,)) for lead in known):
        return True
    return _begin(words, known) and any(
        _begin(command.words, (words,)) for command in load(module).commands
    )
