"""What a node's certificates and requests call it: the profile's words, or those an admin has set.

`set web-security` keeps its values with the node's settings; requests of all units and the node's
own web certificate take them from there.
"""

from __future__ import annotations

import ipaddress
import re

from cucmos_shell.errors import BadValue
from cucmos_shell.results import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from cucmos_shell.profile.profile import Profile

SETTING = "web_security"
# Upper bounds of X.520 for the attributes (RFC 5280, appendix A.1).
_LIMITS = {"OU": 64, "O": 64, "L": 128, "ST": 128, "C": 2}
_LABELS = {
    "OU": "The organizational unit", "O": "The organization", "L": "The locality",
    "ST": "The state", "C": "The country",
}  # fmt: skip
_COMMA = re.compile(r"(?<!\\),")
_HOST = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)"
                   r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\Z")  # fmt: skip


class Subject(Value):
    """The parts of a subject that all units share. `alternate` is a host name or empty."""

    units: tuple[str, ...]
    organization: str
    locality: str
    state: str
    country: str
    alternate: str = ""

    def facts(self) -> dict[str, str]:
        """The values for a profile's templates: keys `OU`, `O`, `L`, `ST`, `C`."""
        return {
            "OU": self.units[0] if self.units else "",
            "O": self.organization,
            "L": self.locality,
            "ST": self.state,
            "C": self.country,
        }


def current(profile: Profile, settings: Mapping[str, Any]) -> Subject:
    """The subject set by `set web-security`, else the profile's."""
    if kept := settings.get(SETTING):
        return Subject(**{**kept, "units": tuple(kept["units"])})
    known = profile.subject
    units = (known["OU"],) if known.get("OU") else ()
    return Subject(
        units, known.get("O", ""), known.get("L", ""), known.get("ST", ""), known.get("C", "")
    )


def to_setting(subject: Subject) -> dict[str, Any]:
    """The JSON data that is kept with the node's settings, for `current`."""
    return {**{name: getattr(subject, name) for name in subject._fields}, "units": [*subject.units]}


def checked(subject: Subject) -> Subject:
    """`subject` if certificates can carry it. Raises BadValue."""
    for attribute, value in [*(("OU", unit) for unit in subject.units), *subject.facts().items()]:
        label, limit = _LABELS[attribute], _LIMITS[attribute]
        if attribute == "C":
            if not (len(value) == limit and value.isascii() and value.isalpha()):
                raise BadValue(
                    "{label} is a code of two letters, not {value}", label=label, value=value
                )
        elif not value.strip() or len(value) > limit:
            raise BadValue("{label} has 1 to {limit} characters", label=label, limit=limit)
        elif not value.isprintable():
            raise BadValue("{label} has characters that cannot be shown", label=label)
    if subject.alternate and not _is_host(subject.alternate):
        raise BadValue("{value} is not a host name", value=subject.alternate)
    return subject


def split_units(text: str) -> tuple[str, ...]:
    r"""Organizational units: separated by commas; `\,` is a comma within one."""
    return tuple(part.replace("\\,", ",").strip() for part in _COMMA.split(text))


def joined_units(units: Iterable[str]) -> str:
    """The reverse of `split_units`."""
    return ",".join(unit.replace(",", "\\,") for unit in units)


def _is_host(text: str) -> bool:
    return _is_address(text) or _HOST.match(text) is not None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def subject_pairs(
    profile: Profile, unit: str, subject: Subject, *, serial: int = 0, common_name: str = ""
) -> tuple[tuple[str, str], ...]:
    """`(attribute, value)` in DER order for the unit; one for each organizational unit."""
    facts = profile.facts(unit, serial, **subject.facts())
    pairs: list[tuple[str, str]] = []
    for attribute, template in profile.units[unit].subject:
        if attribute == "OU" and "{OU}" in template:
            pairs += [
                (attribute, template.format_map({**facts, "OU": one})) for one in subject.units
            ]
        elif attribute == "CN" and common_name:
            pairs.append((attribute, common_name))
        else:
            pairs.append((attribute, template.format_map(facts)))
    return tuple((attribute, value) for attribute, value in pairs if value)


def alternative_names(profile: Profile, unit: str, subject: Subject) -> tuple[str, ...]:
    """The unit's alternative names as `DNS:…` and `IP:…`, with the alternate host if one is set."""
    names = profile.alternative_names_of(unit, profile.facts(unit, 0, **subject.facts()))
    if not subject.alternate:
        return names
    kind = "IP" if _is_address(subject.alternate) else "DNS"
    return tuple(dict.fromkeys((*names, f"{kind}:{subject.alternate}")))


def multi_server_name(profile: Profile, key_kind: str) -> str:
    """The common name of a certificate for the whole cluster: `HOST-ms.DOMAIN`."""
    mark = "-EC-ms" if key_kind.startswith("ec") else "-ms"
    name = f"{profile.hostname}{mark}"
    return f"{name}.{profile.domain}" if profile.domain else name


def multi_server_names(
    profile: Profile, unit: str, key_kind: str, hosts: Iterable[str]
) -> tuple[str, ...]:
    """The alternative names of such a certificate: its common name, the unit's own names, every
    node of the cluster (`hosts`), and the domain."""
    domain = profile.domain
    names = [
        f"DNS:{multi_server_name(profile, key_kind)}",
        *profile.alternative_names_of(unit, profile.facts(unit)),
        *(
            f"DNS:{host}.{domain}" if domain and "." not in host else f"DNS:{host}"
            for host in hosts
        ),
    ]
    return tuple(dict.fromkeys([*names, f"DNS:{domain}"] if domain else names))
