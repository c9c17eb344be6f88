"""Product profiles: every mistake is named with file, line and key; what is kept is what was read."""

import json
import subprocess
import sys

import pytest
import yaml
from wrong_profiles import refused

from cucmos_shell.errors import ProfileError
from cucmos_shell.profile.checks import spread
from cucmos_shell.profile.cluster import DistributionSpec, NetworkClusterSpec
from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find, from_json, names, to_json

PROFILES = ("imp-9.1", "ucm-9.1")
MARK = "#!"  # ends the line that a mistake must be reported for


@pytest.fixture(scope="module", params=PROFILES)
def appliance(request):
    return load_yaml(find(request.param))


@pytest.fixture
def text():
    with open(find("imp-9.1"), encoding="utf-8") as file:
        return file.read()


# --- mistakes ----------------------------------------------------------------------------------
# (what to replace, by what, key, reason); the line is the one that ends in MARK.

UNIT = """\
    key: rsa2048
    hash: sha256
    subject: *subject
    key_usage: *own_usage
    extended_key_usage: *purposes
    csr_key_usage: *csr_usage
    csr_extended_key_usage: *purposes
    validity_days: 1825
    trust_store: ipsec-trust
    services: [Cisco DRF Local]
"""
LAST_COPY = "    cup-xmpp-s2s: [cup-xmpp-trust]"
MISTAKES = {
    "unknown key": (
        "locale: en_US.UTF-8", "locale: en_US.UTF-8\nlocal: de #!",
        "local", "is no key of this section (did you mean locale?)",
    ),
    "a later format": ("format: 1\n", "format: 2 #!\n", "format", "cannot be 2"),
    "text for a number": (
        "session_limit: 10", "session_limit: ten #!",
        "defaults.session_limit", "must be a whole number, not text",
    ),
    "a number for text": ("hostname: imp-pub", "hostname: 12 #!", "hostname",
                          "must be text, not a whole number"),
    "a fraction for a whole number": (
        "monitor_frequency: 1\n", "monitor_frequency: 1.5 #!\n",
        "defaults.monitor_frequency", "must be a whole number, not a number",
    ),
    "text for a switch": (
        "pagination: true", "pagination: sometimes #!",
        "defaults.pagination", "must be true or false, not text",
    ),
    "text for a list": ("dns: [192.0.2.53]", "dns: 192.0.2.53 #!", "dns",
                        "must be a list, not text"),
    "a list for a map": ("subject: {C: US,", "subject: [] #!\nx: {C: US,", "subject",
                         "must be a map, not a list"),
    "nothing for a map": (
        "  Cisco AMC Service: {}", "  Cisco AMC Service: #!",
        "services.Cisco AMC Service", "must be a map, not nothing",
    ),
    "a number that is too small": (
        "session_timeout_minutes: 30", "session_timeout_minutes: 4 #!",
        "defaults.session_timeout_minutes", "must be a whole number >= 5",
    ),
    "a number that is too large": (
        "session_limit: 10", "session_limit: 11 #!", "defaults.session_limit",
        "must be a whole number <= 10",
    ),
    "a negative time": (
        "service_times: {stop_seconds: 2,", "service_times: {stop_seconds: -2, #!\n ",
        "service_times.stop_seconds", "must be a number >= 0.0",
    ),
    "more than all": ("cpu: {idle: 93.0,", "cpu: {idle: 193.0, #!\n  ", "status.cpu.idle",
                      "must be a number <= 100.0"),
    "a number in a list": (
        "load_average: [0.21, 0.16,", "load_average: [0.21, low, #!\n   ",
        "status.load_average[1]", "must be a number, not text",
    ),
    "a version of another form": ("version: 9.1.1.10000-8", "version: nine #!", "version",
                                  "must be a version such as 9.1.1.10000-8"),
    "a name that is no file name": ("name: imp-9.1", "name: ../imp #!", "name",
                                    "must be a name of letters, digits and . _ -"),
    "no such choice": ("role: Publisher\n", "role: Boss #!\n", "role", "cannot be 'Boss'"),
    "a key that is no text": ("locale: en", "7: x #!\nlocale: en", "the file",
                              "has a key that is not text"),
    "a key given twice": ("locale: en_US", "name: imp #!\nlocale: en_US", "name",
                          "is given twice"),
    "a service given twice": (
        "  Cisco CDP: {}", "  Cisco CDP: {}\n  Cisco CDP: {} #!",
        "services.Cisco CDP", "is given twice",
    ),
    "a date": ("timezone_version: 2012j", "timezone_version: 2012-10-01 #!", "timezone_version",
               "must be plain text or a number (quote it if it is text)"),
    "a control character": (
        "product: IM and Presence Service", 'product: "IM\\e[2J" #!', "product",
        "has a control character",
    ),
    "no address": ("gateway: 192.0.2.1", "gateway: 192.0.2.256 #!", "gateway",
                   "is no IPv4 address: 192.0.2.256"),
    "no mask": ("netmask: 255.255.255.0", "netmask: 255.0.255.0 #!", "netmask",
                "is no network mask: 255.0.255.0"),
    "no host name": ("hostname: imp-pub", "hostname: imp_pub #!", "hostname",
                     "is no host name (letters, digits and -, up to 63)"),
    "no domain": ("domain: example.com", "domain: example..com #!", "domain",
                  "is no domain name"),
    "no time zone": ("timezone: Etc/UTC", "timezone: Mars/Olympus #!", "timezone",
                     "is no time zone: Mars/Olympus"),
    "a country in words": ("subject: {C: US,", "subject: {C: America, #!\n ", "subject.C",
                           "must be two capital letters"),
    "an unknown default attribute": (
        "subject: {C: US,", "subject: {C: US, X: y, #!\n ", "subject.X",
        "there is no attribute of a subject X",
    ),
    "two publishers": (
        "role: Publisher\npeers:\n  - {hostname: imp-sub, ip: 192.0.2.22, role: Subscriber}",
        "role: Publisher #!\npeers:\n  - {hostname: imp-sub, ip: 192.0.2.22, role: Publisher}",
        "role", "a cluster has one Publisher",
    ),
    "a peer at the node's address": ("ip: 192.0.2.22", "ip: 192.0.2.21 #!\n   ", "peers[0].ip",
                                     "is the address of another node"),
    "a peer with the node's name": ("hostname: imp-sub", "hostname: IMP-pub #!\n   ",
                                    "peers[0].hostname", "is the name of another node"),
    "an unknown key of a unit": (
        "    alarm: TomcatCertRegen", "    alarms: TomcatCertRegen #!",
        "units.tomcat.alarms", "is no key of this section (did you mean alarm?)",
    ),
    "a key kind that cannot be made": ("    key: rsa2048", "    key: rsa512 #!",
                                       "units.tomcat.key", "cannot be 'rsa512'"),
    "an unknown key usage": (
        "[digitalSignature, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign]",
        "[digitalSignature, signing] #!", "units.tomcat.key_usage[1]", "cannot be 'signing'",
    ),
    "a usage named twice": (
        "[digitalSignature, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign]",
        "[digitalSignature, digitalSignature] #!",
        "units.tomcat.key_usage[1]", "digitalSignature is named twice",
    ),
    "a key too weak for the policy": ("min_rsa_bits: 2048", "min_rsa_bits: 3072",
                                      "units.tomcat.key", "is below policy.min_rsa_bits"),
    "a hash the policy refuses": ("hashes: [sha256, sha384, sha512]", "hashes: [sha512]",
                                  "units.tomcat.hash", "sha256 is not in policy.hashes"),
    "an unknown trust store": (
        "    trust_store: ipsec-trust", "    trust_store: ipsec #!",
        "units.ipsec.trust_store", "there is no trust store ipsec (did you mean ipsec-trust?)",
    ),
    "an unknown service to restart": (
        "    services: [Cisco SIP Proxy, Cisco Presence Engine]",
        "    services: [Cisco SIP Proxy, Cisco Presence Engin] #!", "units.cup.services[1]",
        "there is no service Cisco Presence Engin (did you mean Cisco Presence Engine?)",
    ),
    "a subject without a name": (
        '      - [CN, "{hostname}"]\n', "", "units.tomcat.subject", "has no CN",
    ),
    "an unknown attribute": (
        '      - [CN, "{hostname}"]\n', '      - [CN, "{hostname}"]\n      - [NC, x] #!\n',
        "units.tomcat.subject[6][0]", "there is no attribute of a subject NC",
    ),
    "an attribute twice": (
        '      - [CN, "{hostname}"]\n', '      - [CN, "{hostname}"]\n      - [CN, x] #!\n',
        "units.tomcat.subject[6]", "CN is given twice",
    ),
    "a template with an open brace": (
        '"{hostname}"', '"{hostname" #!\n       ', "units.tomcat.subject[5][1]",
        "is no template: expected '}' before end of string",
    ),
    "a template with an unknown field": (
        '"{hostname}"', '"{host}" #!\n       ', "units.tomcat.subject[5][1]",
        "is no template: {host} is none of its fields",
    ),
    "a template with a form": (
        '"{hostname}"', '"{hostname:>9}" #!\n       ', "units.tomcat.subject[5][1]",
        "is no template: {hostname} is none of its fields",
    ),
    "a template that reaches into objects": (
        '"{hostname}"', '"{hostname.upper}" #!\n       ', "units.tomcat.subject[5][1]",
        "is no template: {hostname.upper} is none of its fields",
    ),
    "an alternative name without its kind": (
        'alternative_names: ["DNS:{fqdn}"]\n    key_usage: &', 'alternative_names: ["{fqdn}"] #!\n'
        "    key_usage: &", "units.tomcat.alternative_names[0]", "must begin with DNS: or IP:",
    ),
    "an advice with another field": (
        "restart_advice_imported: Please restart services related to {unit} for",
        "restart_advice_imported: Please restart services related to {uni} for",
        "defaults.restart_advice_imported", "is no template: {uni} is none of its fields",
    ),
    "a path length without an authority": (
        "    validity_days: 1825\n    trust_store: tomcat-trust",
        "    basic_constraints: {ca: false, path_length: 0} #!\n"
        "    validity_days: 1825\n    trust_store: tomcat-trust",
        "units.tomcat.basic_constraints.path_length",
        "is for certificate authorities (ca: true)",
    ),
    "a trust store named like a unit": (
        "  cup-trust: {base: cup,", "  cup: {base: cup, #!\n   ",
        "trust_stores.cup", "is the name of a unit as well",
    ),
    "a base used twice": (
        "  ipsec-trust: {base: ipsec,", "  ipsec-trust: {base: Tomcat, #!\n   ",
        "trust_stores.ipsec-trust.base", "is the base of tomcat-trust as well",
    ),
    "an unknown service to advise": (
        "services: [Cisco DRF Local]}", "services: [DRF]} #!", "trust_stores.ipsec-trust.services[0]",
        "there is no service DRF",
    ),
    "a name the store needs itself": (
        "  directory-trust: {", "  node: {base: node, naming: cn} #!\n  directory-trust: {",
        "trust_stores.node", "cannot be the name of a unit or trust store",
    ),
    "an unknown need": (
        "  Cisco AMC Service: {}", "  Cisco AMC Service: {needs: [Cisco Tomcatt]} #!",
        "services.Cisco AMC Service.needs[0]",
        "there is no service Cisco Tomcatt (did you mean Cisco Tomcat?)",
    ),
    "a circle of two": (
        "  SNMP Master Agent: {}", "  SNMP Master Agent: {needs: [MIB2 Agent]}",
        "services.SNMP Master Agent.needs",
        "is a circle: SNMP Master Agent needs MIB2 Agent needs SNMP Master Agent",
    ),
    "a service that needs itself": (
        "  Cisco AMC Service: {}", "  Cisco AMC Service: {needs: [Cisco AMC Service]} #!",
        "services.Cisco AMC Service.needs", "is a circle: Cisco AMC Service needs Cisco AMC Service",
    ),
    "an unknown unit to load": (
        "  Cisco AMC Service: {}", "  Cisco AMC Service: {units: [tomkat]} #!",
        "services.Cisco AMC Service.units[0]", "there is no unit tomkat (did you mean tomcat?)",
    ),
    "an unknown unit at a port": (
        "port: 8443, unit: tomcat,", "port: 8443, unit: tomkat, #!\n     ",
        "services.Cisco Tomcat.listens[0].unit",
        "there is no unit tomkat (did you mean tomcat?)",
    ),
    "a port of two services": (
        "port: 8443, unit: tomcat,", "port: 5061, unit: tomcat, #!\n     ",
        "services.Cisco Tomcat.listens[0].port",
        "5061 is the port of Cisco SIP Proxy already",
    ),
    "a port that no machine has": (
        "port: 8443, unit: tomcat,", "port: 84430, unit: tomcat, #!\n     ",
        "services.Cisco Tomcat.listens[0].port", "must be a whole number <= 65535",
    ),
    "a port for an unknown language": (
        "port: 8443, unit: tomcat, speaks: https", "port: 8443, unit: tomcat, speaks: gopher #!\n     ",
        "services.Cisco Tomcat.listens[0].speaks", "cannot be 'gopher'",
    ),
    "services that differ in case only": (
        "  Cisco CDP: {}", "  Cisco CDP: {}\n  Cisco Cdp: {} #!",
        "services.Cisco Cdp", "differs from Cisco CDP in case only",
    ),
    "a service that begins with a word of commands": (
        "  Cisco CDP: {}", "  Pending Matters: {} #!",
        "services.Pending Matters", "begins with pending, a word of commands",
    ),
    "a unit that is called like a word of commands": (
        "\n# `base` is the word", "  Delete: &delete #!\n" + UNIT + "\n# `base` is the word",
        "units.Delete", "begins with delete, a word of commands",
    ),
    "a store that is called like a word of commands": (
        "\n# --- the cluster -", "  delete: {base: delete, naming: cn, services: []} #!\n# --- the cluster -",
        "trust_stores.delete", "begins with delete, a word of commands",
    ),
    "a service that cannot be typed": (
        "  Cisco CDP: {}", "  Cisco  CDP: {} #!",
        "services.Cisco  CDP", "cannot be typed as the name of a service",
    ),
    "a command no service takes": (
        "controls: [restart]", "controls: [reload] #!\n   ",
        "platform_services.Service Manager.controls[0]", "cannot be 'reload'",
    ),
    "an unknown monitor": (
        "expiry_monitor_service: Cisco Certificate Expiry Monitor",
        "expiry_monitor_service: Monitor #!",
        "expiry_monitor_service", "there is no service Monitor",
    ),
    "a word of the exchange for an unknown unit": (
        "\nnode_trust_store:", "\nbulk:\n  phones: {units: [tomkat]} #!\nnode_trust_store:",
        "bulk.phones.units[0]", "there is no unit tomkat",
    ),
    "a unit in two words of the exchange": (
        "\nnode_trust_store:", "\nbulk:\n  one: {units: [cup]}\n  two: {units: [cup]} #!\nnode_trust_store:",
        "bulk.two.units[0]", "cup is in one already",
    ),
    "a word of the exchange for an unknown store": (
        "\nnode_trust_store:", "\nbulk:\n  phones: {units: [cup], trust_stores: [cop-trust]} #!\nnode_trust_store:",
        "bulk.phones.trust_stores[0]", "there is no trust store cop-trust",
    ),
    "a word of the exchange that is a unit": (
        "\nnode_trust_store:", "\nbulk:\n  Tomcat: {units: [cup]} #!\nnode_trust_store:",
        "bulk.Tomcat", "is another word of set cert bulk as well",
    ),
    "a word of the exchange that means all": (
        "\nnode_trust_store:", "\nbulk:\n  ALL: {units: [cup]} #!\nnode_trust_store:",
        "bulk.ALL", "is another word of set cert bulk as well",
    ),
    "a word of the exchange that cannot be a file": (
        "\nnode_trust_store:", "\nbulk:\n  a/b: {units: [cup]} #!\nnode_trust_store:",
        "bulk.a/b", "cannot be a word of set cert bulk",
    ),
    "a word of the exchange for nothing": (
        "\nnode_trust_store:", "\nbulk:\n  phones: {units: []} #!\nnode_trust_store:",
        "bulk.phones.units", "must be a list of length >= 1",
    ),
    "an unknown service that distributes": (
        "  service: Cisco Intercluster Sync Agent", "  service: Cisco Intercluster Agent #!",
        "distribution.service",
        "there is no service Cisco Intercluster Agent (did you mean Cisco Intercluster Sync Agent?)",
    ),
    "a store that cannot be distributed": (
        "  stores: [tomcat-trust, cup-trust,", "  stores: [tomcat-trust, cop-trust, #!\n   ",
        "distribution.stores[1]", "there is no trust store cop-trust (did you mean cup-trust?)",
    ),
    "a store distributed twice": (
        "  stores: [tomcat-trust, cup-trust,", "  stores: [tomcat-trust, tomcat-trust, #!\n   ",
        "distribution.stores[1]", "tomcat-trust is named twice",
    ),
    "copies of an unknown unit": (
        "    tomcat: [tomcat-trust]", "    tomkat: [tomcat-trust] #!",
        "distribution.copies.tomkat", "there is no unit tomkat (did you mean tomcat?)",
    ),
    "copies for an unknown store": (
        "    tomcat: [tomcat-trust]", "    tomcat: [tomcat-trust, cop-trust] #!",
        "distribution.copies.tomcat[1]",
        "there is no trust store cop-trust (did you mean cup-trust?)",
    ),
    "copies for nobody": ("    tomcat: [tomcat-trust]", "    tomcat: [] #!",
                          "distribution.copies.tomcat", "must be a list of length >= 1"),
    "text for a list of copies": ("    tomcat: [tomcat-trust]", "    tomcat: tomcat-trust #!",
                                  "distribution.copies.tomcat", "must be a list, not text"),
    "an unknown unit of publishers": (
        LAST_COPY, LAST_COPY + "\n  publisher_only: [cup, tomkat] #!",
        "distribution.publisher_only[1]", "there is no unit tomkat (did you mean tomcat?)",
    ),
    "an unknown key of distribution": (
        LAST_COPY, LAST_COPY + "\n  minutes: 30 #!", "distribution.minutes",
        "is no key of this section",
    ),
    "an unknown layout": (
        "network_cluster: {layout: columns4}", "network_cluster: {layout: columns} #!",
        "network_cluster.layout", "cannot be 'columns'",
    ),
    "a layout that lacks the server": (
        "network_cluster: {layout: columns4}", "network_cluster: {layout: later} #!",
        "network_cluster.server", "the later layout says what server a node is",
    ),
    "an unknown service of the database": (
        "  service: A Cisco DB", "  service: A Cisco DBB #!", "database.service",
        "there is no service A Cisco DBB (did you mean A Cisco DB?)",
    ),
    "too few columns": (
        "  widths: [25, 18, 10, 10, 9, 15]", "  widths: [25, 18] #!", "database.widths",
        "must be a list of length >= 6",
    ),
    "figures of tables with another field": (
        "Checked {tables} tables out of {tables}\"", "Checked {all} tables\" #!",
        "database.completed", "is no template: {all} is none of its fields",
    ),
    "a command that cannot be": ("  - file check", "  - file check; rm #!", "not_simulated[1]",
                                 "is no command: check;"),
    "a command with an open brace": ("  - file check", "  - file {check|x #!", "not_simulated[1]",
                                     "is no command: {check|x"),
    "a command named twice": ("  - file check", "  - delete dns #!", "not_simulated[1]",
                              "delete dns is named twice"),
}  # fmt: skip

LINES_ELSEWHERE = {
    # The mistake shows where two parts of the file disagree, on a line that was not changed.
    "a key too weak for the policy": "    key: rsa2048",
    "a hash the policy refuses": "    hash: sha256",
    "a subject without a name": "    subject: &subject",
    "an advice with another field": "  restart_advice_imported",
    "a circle of two": "  SNMP Master Agent: {needs",
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_with_file_line_and_key(case, text, tmp_path):
    """Whoever writes a profile is led to the line."""
    old, new, key, reason = MISTAKES[case]
    assert old in text, "the shipped profile has changed; so must this case"
    broken = text.replace(old, new, 1)
    path = tmp_path / "broken.yaml"
    path.write_text(broken, encoding="utf-8")
    lines = broken.splitlines()
    beginning = LINES_ELSEWHERE.get(case)
    line = 1 + next(
        i
        for i, written in enumerate(lines)
        if (written.startswith(beginning) if beginning else written.endswith(MARK))
    )
    message, details = refused(path)
    expected = f"{path}:{line}: {key}: {reason}"
    assert expected in (message, *details)


def test_the_second_signer_of_a_list_is_not_the_publishers_alone(tmp_path):
    """It signs on nodes that have no other."""
    with open(find("ucm-9.1"), encoding="utf-8") as file:
        text = file.read()
    last = "    CallManager: [CallManager-trust, Phone-SAST-trust]\n"
    assert last in text
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace(last, f"{last}  publisher_only: [CAPF, CallManager]\n"))
    said = " ".join(map(str, refused(path)))
    assert "publisher_only[1]: CallManager signs ITLFile.tlv where there is no other" in said
    assert "CAPF" not in said


def test_a_missing_key_is_named(text, tmp_path):
    """It has no line of its own: the section's is told."""
    path = tmp_path / "broken.yaml"
    broken = text.replace("    hash: sha256\n", "", 1).replace("locale: en_US.UTF-8\n", "", 1)
    path.write_text(broken)
    message, details = refused(path)
    first = 1 + broken.splitlines().index("format: 1")
    unit = 1 + broken.splitlines().index("  tomcat:")
    assert message == f"{path}:{first}: locale: is missing"
    assert details == (f"{path}:{unit}: units.tomcat.hash: is missing",)


@pytest.mark.parametrize(
    ("octets", "where", "reason"),
    [
        (b"", "1: the file", "is empty"),
        (b"- a\n- b\n", "1: the file", "must be a map"),
        (b"just text\n", "1: the file", "must be a map"),
        (b"a: 1\nb: [1, 2\nc: 3\n", "3: the file", "is not YAML: "),
        (b"a: 1\nb:\n\t- 2\n", "3: the file", "is not YAML: "),
        (b"a: 1\n---\nb: 2\n", "2: the file", "is not YAML: "),
        (b"a: *nowhere\n", "1: the file", "is not YAML: "),
        (b"a: &a\n  b: *a\n", "1: the file", "is not YAML: too deep or too large"),
        (b"a: 1\nb: \xff\xfe\n", "2: the file", "is not UTF-8"),
        (b"b: !!python/name:os.system\n", "1: b", "must be plain text or a number"),
    ],
)  # fmt: skip
def test_what_is_no_map_in_yaml_is_refused(octets, where, reason, tmp_path):
    """Broken, hostile and foreign files end in one line."""
    path = tmp_path / "broken.yaml"
    path.write_bytes(octets)
    message, details = refused(path)
    assert any(line.startswith(f"{path}:{where}: {reason}") for line in (message, *details)), (
        message
    )


def test_an_alias_bomb_is_refused(tmp_path):
    """A small file cannot ask for much work."""
    path = tmp_path / "bomb.yaml"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    path.write_text("\n".join(lines))
    assert "too deep or too large" in refused(path)[0]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """A folder, a missing file, a huge one."""
    assert refused(tmp_path)[0] == f"{tmp_path}: Is a directory"
    missing = tmp_path / "none.yaml"
    assert refused(missing)[0] == f"{missing}: No such file or directory"
    huge = tmp_path / "huge.yaml"
    huge.write_text("a: 1\n" * 300_000)
    assert "is larger than" in refused(huge)[0]


def test_all_mistakes_are_told_at_once(text, tmp_path):
    """In the order of the file; beyond twenty they are counted."""
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace("key: rsa2048", "key: rsa1"))
    message, details = refused(path)
    found = [line.split(": ")[1] for line in (message, *details)]
    assert found == [
        f"units.{u}.key" for u in ("tomcat", "ipsec", "cup", "cup-xmpp", "cup-xmpp-s2s")
    ]
    path.write_text(text.replace(": {}", ": []"))
    message, details = refused(path)
    assert len(details) == 20
    assert details[-1].endswith("more mistakes)")


def test_a_message_is_safe_to_show(text, tmp_path):
    """A profile may be somebody else's file."""
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace("role: Publisher\n", 'role: "\\e[2Jadmin:\u202e"\n'))
    message, details = refused(path)
    shown = "\n".join((message, *details))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "admin:" not in shown


# --- the shipped profiles ----------------------------------------------------------------------


def test_what_is_kept_is_what_was_read(appliance):
    """Through JSON and back, defaults left out and put back."""
    kept = json.loads(json.dumps(to_json(appliance)))
    again = from_json(kept)
    for field in appliance._fields:
        assert getattr(again, field) == getattr(appliance, field), field
    assert again == appliance
    assert hash(again.units["tomcat"]) == hash(appliance.units["tomcat"])


def test_a_format_from_the_future_is_refused(appliance):
    """Rather than half understood."""
    with pytest.raises(ProfileError):
        from_json({**to_json(appliance), "format": 2})


def test_the_units_are_the_products():
    """In the order a node lists them."""
    ucm = load_yaml(find("ucm-9.1"))
    assert tuple(ucm.units) == ("tomcat", "ipsec", "CallManager", "CAPF", "TVS")
    imp = load_yaml(find("imp-9.1"))
    assert tuple(imp.units) == ("tomcat", "ipsec", "cup", "cup-xmpp", "cup-xmpp-s2s")
    assert imp.units["cup-xmpp-s2s"].trust_store == "cup-xmpp-trust"
    assert imp.trust_store("directory").name == "directory-trust"
    assert imp.trust_store("cup-xmpp-s2s") is None


def test_services_load_what_they_must_restart_for(appliance):
    """`services` of a unit and `units` of a service are two sides of one thing."""
    for unit in appliance.units.values():
        for name in unit.services:
            assert unit.name in appliance.services[name].units


def test_what_is_distributed_is_what_the_product_distributes():
    """Each product by a service of its own; the stores of its phones go along."""
    ucm, imp = (load_yaml(find(name)).distribution for name in ("ucm-9.1", "imp-9.1"))
    assert ucm.copies["CallManager"] == ("CallManager-trust", "Phone-SAST-trust")
    assert "CAPF" not in ucm.copies
    assert not {"CAPF-trust", "ipsec-trust"} & set(ucm.stores)
    assert imp.copies["cup-xmpp-s2s"] == ("cup-xmpp-trust",)
    assert ucm.service != imp.service


def test_a_profile_kept_before_distribution_was_known_distributes_nothing(appliance):
    """Its cluster is shown as ever."""
    kept = to_json(appliance)
    for name in ("distribution", "network_cluster", "database"):
        kept.pop(name, None)
    again = from_json(kept)
    assert (again.distribution, again.database) == (DistributionSpec(), None)
    assert not again.distribution.stores
    assert again.network_cluster == NetworkClusterSpec()


def test_a_section_that_is_left_out_is_no_mistake(text, tmp_path):
    """A product without a cluster."""
    path = tmp_path / "alone.yaml"
    data = yaml.safe_load(text)
    for name in ("distribution", "network_cluster", "database"):
        del data[name]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    assert load_yaml(str(path)).distribution == DistributionSpec()


def test_a_subject_is_filled_in_from_the_node():
    """In DER order; empty attributes are left out."""
    ucm = load_yaml(find("ucm-9.1"))
    facts = ucm.facts("CAPF", 0x36205338AABBCCDD)
    assert ucm.subject_of("CAPF", facts)[-1] == ("CN", "CAPF-36205338")
    facts = ucm.facts("tomcat", hostname="other", O="", domain="example.net")
    assert ucm.subject_of("tomcat", facts) == (
        ("C", "US"),
        ("ST", "California"),
        ("L", "San Jose"),
        ("OU", "Collaboration"),
        ("CN", "other"),
    )
    assert ucm.alternative_names_of("tomcat", facts) == ("DNS:other.example.net",)
    imp = load_yaml(find("imp-9.1"))
    no_domain = imp.facts("cup-xmpp", domain="")
    assert imp.alternative_names_of("cup-xmpp", no_domain) == ("DNS:imp-pub",)


def test_profiles_are_found_by_name_and_by_file(tmp_path):
    """A name is looked up among the program's own; anything else is a path."""
    assert set(PROFILES) < set(names())
    mine = tmp_path / "mine.yaml"
    mine.write_text("x: 1")
    assert find(str(mine)) == str(mine)
    for name in ("imp", "../etc/imp-9.1", str(tmp_path / "none")):
        with pytest.raises(ProfileError) as caught:
            find(name)
        assert caught.value.details == ("Profiles: " + ", ".join(names()),)


def test_commands_that_are_not_simulated_are_spread_out():
    """{a|b} stands for either word."""
    assert spread("utils {a|b} c {d|e}") == [
        "utils a c d", "utils a c e", "utils b c d", "utils b c e",
    ]  # fmt: skip
    imp = load_yaml(find("imp-9.1"))
    assert "utils dbreplication repair" in imp.not_simulated
    assert "run loadxml" in imp.not_simulated


@pytest.mark.unmeasured
def test_a_kept_profile_needs_no_validator():
    """A one-shot command pays for neither YAML nor msgspec."""
    code = (
        "import json, sys\n"
        "from cucmos_shell.profile.profile import from_json\n"
        "from_json(json.load(sys.stdin))\n"
        "print(sorted({'yaml', 'msgspec', 'ipaddress', 'typing'} & set(sys.modules)))\n"
    )
    kept = json.dumps(to_json(load_yaml(find("ucm-9.1"))))
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], input=kept, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.stdout == "[]\n"


@pytest.mark.unmeasured
def test_a_start_does_not_know_how_many_profiles_there_are(node_dir):
    """It neither lists their folders nor opens one of them."""
    code = (
        "import sys\n"
        "from cucmos_shell.profile.profile import folders\n"
        "places, seen = tuple(folders()), []\n"
        "def hook(event, arguments):\n"
        "    if event in ('open', 'os.listdir', 'os.scandir') and isinstance(arguments[0], str):\n"
        "        seen.append(arguments[0])\n"
        "sys.addaudithook(hook)\n"
        "from cucmos_shell.frontends.start import run\n"
        "from cucmos_shell.world import World\n"
        "status = run(['--state', sys.argv[1], '-c', 'show cert list own'], World.real())\n"
        "assert status == 0 and any(path.endswith('profile.json') for path in seen)\n"
        "print([path for path in seen if path.startswith(places)], file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(node_dir)], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.stderr == "[]\n"
