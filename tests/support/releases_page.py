"""The page of what differs by release, made from the profiles (`docs/releases.md`)."""

import itertools

from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find, names

HEAD = """# Releases

Made from the profiles in [etc](../etc); a test compares, and `REWRITE_TRANSCRIPTS=1` writes it anew. What
is not known of a release is chosen: the comments of the files say where. [profiles.md](profiles.md)
explains the sections; a release between these is a file of your own on top of one (`base`).
"""
SHORT = {
    "digitalSignature": "DS", "keyEncipherment": "KE", "dataEncipherment": "DE",
    "keyAgreement": "KA", "keyCertSign": "KCS", "serverAuth": "S", "clientAuth": "C",
    "ipsecEndSystem": "I",
}  # fmt: skip


def by_release(name):
    product, _, release = name.partition("-")
    return product != "ucm", product, [int(part) for part in release.split(".")]


def table(head, rows):
    """A table in Markdown; rows that are the same everywhere stand in it, too."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def yes(value):
    return "yes" if value else "no"


def across(profiles, label, of):
    return [label, *(of(profile) for profile in profiles)]


def usages(names):
    return " ".join(SHORT.get(name, name) for name in names)


def unit_row(profile, name):
    unit = profile.units[name]
    where = "publisher" if name in profile.distribution.publisher_only else "every node"
    more = "yes" if name in profile.multi_server_units() else ""
    days = unit.validity_days
    ca = "" if unit.basic_constraints is None else ("CA" if unit.basic_constraints[0] else "no CA")
    return [
        f"`{name}`", f"{unit.key}, {unit.hash}", where, f"{days} {ca}".strip(),
        usages(unit.extended_key_usage),
        f"{usages(unit.csr_key_usage)}; {usages(unit.csr_extended_key_usage)}", more,
        f"`{unit.trust_store}`", ", ".join(unit.services) or "none",
    ]  # fmt: skip


def store_naming(profile):
    kinds = {spec.naming for spec in profile.trust_stores.values()}
    return {"cn": "`CN.pem`", "cn_serial": "`CN_SERIAL.pem`"}["".join(kinds)]


def signers(profile):
    found = {f"{spec.signer}, then {spec.local_signer}" for spec in profile.trust_lists.values()}
    return "; ".join(sorted(found)) or "no lists"


def together(profile):
    pairs = {pair for spec in profile.trust_lists.values() for pair in spec.never_together}
    return "; ".join(sorted(" with ".join(pair) for pair in pairs)) or "nothing"


def overview(profiles):
    rows = [
        across(profiles, "product", lambda p: p.product),
        across(profiles, "version", lambda p: p.version),
        across(profiles, "inactive side", lambda p: p.inactive_version or "none"),
        across(profiles, "operating system", lambda p: p.os_version),
        across(profiles, "host", lambda p: f"{p.hostname}, {p.ip}"),
        across(profiles, "peer", lambda p: ", ".join(peer.hostname for peer in p.peers)),
        across(profiles, "own certificates", lambda p: str(len(p.units))),
        across(profiles, "services", lambda p: str(len(p.services))),
        across(profiles, "files in trust stores", store_naming),
        across(profiles, "signer of phones' lists", signers),
        across(profiles, "phones lose their signers by", together),
        across(profiles, "`show network cluster`",
               lambda p: "as before 10.5" if p.network_cluster.layout == "columns4" else
               f"{p.network_cluster.publisher_role} {p.network_cluster.server}"),
        across(profiles, "CSR asks for the OU", lambda p: yes(p.dialogues.csr_asks_ou)),
        across(profiles, "multi-server certificates may be pasted",
               lambda p: yes(p.dialogues.multi_server_paste)),
        across(profiles, "`utils itl reset` speaks", lambda p: manner(p.dialogues.itl_reset, 14, 15)),
        across(profiles, "restart and shutdown speak", lambda p: manner(p.dialogues.power, 10.0, 10.5)),
        across(profiles, "warns of certificates for servers only",
               lambda p: yes(p.policy.client_auth == "advise")),
        across(profiles, "least version of TLS", tls),
        across(profiles, "FIPS mode regenerates",
               lambda p: ", ".join(p.fips.regenerates) if p.fips else "not simulated"),
        across(profiles, "CAs that it knows by itself", known_cas),
        across(profiles, "commands that others lack",
               lambda p: ", ".join(f"`{words}`" for words in p.commands) or "none"),
        across(profiles, "commands that it lacks",
               lambda p: ", ".join(f"`{words}`" for words in p.lacks) or "none"),
    ]  # fmt: skip
    return table(["", *(f"`{profile.name}`" for profile in profiles)], rows)


def tls(profile):
    if profile.tls is None:
        return "no command"
    how = "restarts the node" if profile.tls.reboots else "for the cluster"
    return f"{' '.join(profile.tls.versions)}, {how}"


def known_cas(profile):
    if profile.default_cas is None:
        return "none"
    have = any(group.certificates for group in profile.default_cas.groups)
    return "yes" if have else "the vendor's; a profile may name others"


def manner(word, before, since):
    return {"early": f"as until {before}", "later": f"as since {since}"}[word]


def differences(profiles):
    """What is new in the services and stores of a product, release by release."""
    rows = []
    for before, after in itertools.pairwise(profiles):
        if by_release(before.name)[1] != by_release(after.name)[1]:
            continue
        for what, of in (("services", lambda p: p.services), ("stores", lambda p: p.trust_stores)):
            come = [name for name in of(after) if name not in of(before)]
            gone = [name for name in of(before) if name not in of(after)]
            if come or gone:
                rows.append([f"`{after.name}`", what, ", ".join(come), ", ".join(gone)])
    return table(["", "", "new", "gone"], rows)


UNIT_HEAD = [
    "unit", "key", "on", "days", "purposes", "request", "multi-server", "trust store", "to restart",
]  # fmt: skip


def page():
    """The whole page."""
    profiles = [load_yaml(find(name)) for name in sorted(names(), key=by_release)]
    lines = [HEAD, "## At a glance", "", *overview(profiles)]
    lines += ["## What has come and gone", "", *differences(profiles)]
    lines += ["## Own certificates", "",
              "Purposes: S server, C client, I ipsecEndSystem; usages: DS digitalSignature, KE keyEncipherment,",
              "DE dataEncipherment, KA keyAgreement, KCS keyCertSign.", ""]  # fmt: skip
    for profile in profiles:
        lines += [f"### {profile.name}", ""]
        lines += table(UNIT_HEAD, [unit_row(profile, name) for name in profile.units])
    return "\n".join(lines).rstrip() + "\n"
