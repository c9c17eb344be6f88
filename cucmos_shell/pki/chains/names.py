"""Name constraints, on the names that stand in a subject above all (RFC 5280, 4.2.1.10).

The library holds alternative names to the constraints of the CAs above them, and leaves the subject
out. A subject is a name too: its directory name, its e-mail addresses, and, where a certificate has
no DNS alternative name, a common name that is a host's (RFC 6125 lets clients read it as one, and
OpenSSL holds it to the constraints). Alternative names are looked at here once more, so that a
refusal can say whose constraints they break.
"""

from __future__ import annotations

import ipaddress
import re

from cryptography import x509

from cucmos_shell.pki.chains.rules import ChainProblem, Member

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECKS = 1 << 14
_TOO_MANY = "there are too many names to hold to the name constraints of {who}"
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+\.?\Z")


def names_trouble(chain: Sequence[Member]) -> ChainProblem | None:
    """The first name, of the leaf or of a CA below, that a CA of `chain` may not certify.

    `chain` begins with the leaf; raises one of `chain_rules.UNREADABLE`.
    """
    for i, authority in enumerate(chain[1:], 1):
        constraints = authority.extension(x509.NameConstraints)
        if constraints is None:
            continue
        for j, below in enumerate(chain[:i]):
            if j and below.self_issued:
                continue
            names = _names(below, leaf=j == 0)
            if len(names) * _count(constraints) > CHECKS:
                return ChainProblem("too-many-names", _TOO_MANY, {"who": authority.words})
            for kind, name in names:
                if not _permitted(constraints, kind, name):
                    return forbidden(authority, below)
    return None


def forbidden(authority: Member, below: Member) -> ChainProblem:
    """`authority` may not certify the names of `below`."""
    return ChainProblem(
        "name-constraint",
        "{who} may not certify the names of {below} (name constraints)",
        {"who": authority.words, "below": below.words},
        issuer=authority.der,
    )


def _count(constraints: x509.NameConstraints) -> int:
    return sum(
        len(subtrees or ())
        for subtrees in (constraints.permitted_subtrees, constraints.excluded_subtrees)
    )


def _names(member: Member, leaf: bool) -> list[tuple[type[x509.GeneralName], object]]:
    subject = member.certificate.subject
    found: list[tuple[type[x509.GeneralName], object]] = []
    if len(list(subject)):
        found.append((x509.DirectoryName, subject))
    for attribute in subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS):
        found.append((x509.RFC822Name, str(attribute.value)))
    alternative = member.extension(x509.SubjectAlternativeName) or ()
    found += [(type(name), name.value) for name in alternative if type(name) in _WITHIN]
    if leaf and not any(isinstance(name, x509.DNSName) for name in alternative):
        for attribute in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
            if _is_host(str(attribute.value)):
                found.append((x509.DNSName, str(attribute.value)))
    return found


def _is_host(name: str) -> bool:
    """Whether a common name is a host's; an IP address is no DNS name, though it looks like one."""
    if not _HOST.match(name):
        return False
    try:
        ipaddress.IPv4Address(name.rstrip("."))
    except ValueError:
        return True
    return False


def _permitted(
    constraints: x509.NameConstraints, kind: type[x509.GeneralName], name: object
) -> bool:
    within = _WITHIN[kind]
    excluded = [one.value for one in constraints.excluded_subtrees or () if isinstance(one, kind)]
    permitted = [one.value for one in constraints.permitted_subtrees or () if isinstance(one, kind)]
    if any(within(name, base) for base in excluded):
        return False
    return not permitted or any(within(name, base) for base in permitted)


def _directory_within(name: x509.Name, base: x509.Name) -> bool:
    """The base is the beginning of the name, cases and runs of blanks aside."""
    own, wanted = [[_folded(rdn) for rdn in one.rdns] for one in (name, base)]
    return own[: len(wanted)] == wanted


def _folded(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset(
        (one.oid.dotted_string, " ".join(str(one.value).casefold().split())) for one in rdn
    )


def _host_within(name: str, base: str) -> bool:
    host, base = name.casefold().rstrip("."), base.casefold()
    if base.startswith("."):
        return host.endswith(base)
    return not base or host == base or host.endswith("." + base)


def _address_within(name: str, base: str) -> bool:
    """A whole mailbox, a host, or (with a leading dot) the hosts of a domain."""
    local, _, host = name.rpartition("@")
    if "@" in base:
        wanted_local, _, wanted = base.rpartition("@")
        return local == wanted_local and host.casefold() == wanted.casefold()
    if base.startswith("."):
        return host.casefold().endswith(base.casefold())
    return not base or host.casefold() == base.casefold()


_WITHIN: dict[type[x509.GeneralName], Callable[..., bool]] = {
    x509.DirectoryName: _directory_within,
    x509.DNSName: _host_within,
    x509.RFC822Name: _address_within,
    x509.IPAddress: lambda address, network: address in network,
}
