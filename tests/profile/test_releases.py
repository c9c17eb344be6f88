"""The profiles of later releases against what is known of these, typed in once more, by hand."""

import json
import re

import pytest

from cucmos_shell.profile.load import load_yaml
from cucmos_shell.profile.profile import find, from_json, names, to_json

PROFILES = ("cuc-15", "imp-14", "imp-15", "ucm-12.5", "ucm-14", "ucm-15")

UCM = "tomcat tomcat-ECDSA ipsec ITLRecovery CallManager-ECDSA CallManager CAPF TVS"
IMP = "tomcat tomcat-ECDSA ipsec cup-ECDSA cup cup-xmpp-ECDSA cup-xmpp cup-xmpp-s2s-ECDSA cup-xmpp-s2s"
UNITS = {
    "ucm-12.5": UCM, "ucm-14": UCM, "ucm-15": UCM, "imp-14": IMP, "imp-15": IMP,
    "cuc-15": "tomcat tomcat-ECDSA ipsec",
}  # fmt: skip
PUBLISHER_ONLY = {
    "ucm-12.5": "ITLRecovery", "ucm-14": "ITLRecovery CAPF", "ucm-15": "ITLRecovery CAPF",
    "imp-14": "", "imp-15": "", "cuc-15": "",
}  # fmt: skip
VERSIONS = {
    "ucm-12.5": "12.5.1.16900-48", "ucm-14": "14.0.1.13900-155", "ucm-15": "15.0.1.12900-234",
    "imp-14": "14.0.1.13900-155", "imp-15": "15.0.1.12900-234", "cuc-15": "15.0.1.12900-234",
}  # fmt: skip
PHONES = "Phone-SAST-trust Phone-CTL-trust Phone-VPN-trust Phone-trust Userlicensing-trust"
UCM_STORES = f"tomcat-trust ipsec-trust CallManager-trust CAPF-trust TVS-trust {PHONES}"
STORES = {
    "ucm-12.5": UCM_STORES,
    "ucm-14": f"{UCM_STORES} Phone-Edge-trust",
    "ucm-15": f"{UCM_STORES} Phone-Edge-trust",
    "imp-14": "tomcat-trust ipsec-trust cup-trust cup-xmpp-trust",
    "imp-15": "tomcat-trust ipsec-trust cup-trust cup-xmpp-trust",
    "cuc-15": "tomcat-trust ipsec-trust",
}

DS, KE, DE, KCS = "digitalSignature", "keyEncipherment", "dataEncipherment", "keyCertSign"
S, C, I = "serverAuth", "clientAuth", "ipsecEndSystem"  # noqa: E741 - as the table has them
# unit: key usages, purposes of a request; 12.5, then 14 and 15
REQUESTS = {
    "tomcat": ((DS, KE, DE), (S, C), (S, C)),
    "tomcat-ECDSA": ((DS, KE, DE), (S, C), (S, C)),
    "ipsec": ((DS, KE, DE), (S, C, I), (S, C, I)),
    "CallManager": ((DS, KE, DE), (S, C), (S, C)),
    "CallManager-ECDSA": ((DS, KE, DE), (S, C), (S, C)),
    "CAPF": ((DS, KCS), (S,), (S, C)),
    "TVS": ((DS, KE, DE), (S, C), (S, C)),
    "cup": ((DS, KE, DE), None, (S, C, I)),
    "cup-xmpp": ((DS, KE, DE), None, (S, C, I)),
    "cup-xmpp-s2s": ((DS, KE, DE), None, (S, C, I)),
}
UCM_TOMCAT = "Cisco Tomcat,Cisco UDS Tomcat,Cisco AXL Tomcat,Cisco DRF Master,Cisco DRF Local"
UCM_RESTART = {
    "ucm-12.5": {
        "tomcat": "Cisco Tomcat", "tomcat-ECDSA": "Cisco Tomcat",
        "ipsec": "Cisco DRF Master,Cisco DRF Local",
        "CallManager": "Cisco CallManager,Cisco CTIManager,Cisco Trust Verification Service,Cisco Tftp",
        "CallManager-ECDSA": "Cisco CallManager",
        "CAPF": "Cisco Certificate Authority Proxy Function,Cisco Trust Verification Service,Cisco Tftp",
        "TVS": "Cisco Trust Verification Service,Cisco Tftp",
        "ITLRecovery": "Cisco Trust Verification Service,Cisco Tftp",
    },
    "ucm-14": {
        "tomcat": UCM_TOMCAT, "tomcat-ECDSA": UCM_TOMCAT,
        "ipsec": "Cisco DRF Master,Cisco DRF Local",
        "CallManager": "Cisco HAProxy", "CallManager-ECDSA": "Cisco CallManager,Cisco HAProxy",
        "CAPF": "", "TVS": "", "ITLRecovery": "",
    },
}  # fmt: skip
IMP_RESTART = {
    "tomcat": "Cisco Tomcat", "tomcat-ECDSA": "Cisco Tomcat", "ipsec": "Cisco DRF Local",
    "cup": "Cisco SIP Proxy,Cisco Presence Engine", "cup-ECDSA": "Cisco SIP Proxy,Cisco Presence Engine",
    "cup-xmpp": "Cisco XCP Router", "cup-xmpp-ECDSA": "Cisco XCP Router",
    "cup-xmpp-s2s": "Cisco XCP XMPP Federation Connection Manager",
    "cup-xmpp-s2s-ECDSA": "Cisco XCP XMPP Federation Connection Manager",
}  # fmt: skip
CUC_TOMCAT = (
    "Cisco Tomcat,Connection IMAP Server,Cisco DirSync,Connection Jetty,Connection SMTP Server,"
    "Connection Conversation Manager"
)
RESTART = {
    **UCM_RESTART,
    "ucm-15": UCM_RESTART["ucm-14"],
    "imp-14": IMP_RESTART,
    "imp-15": IMP_RESTART,
    "cuc-15": {
        "tomcat": CUC_TOMCAT, "tomcat-ECDSA": CUC_TOMCAT,
        "ipsec": "Cisco DRF Master,Cisco DRF Local",
    },
}  # fmt: skip
MULTI_SERVER = {
    "ucm-12.5": "tomcat tomcat-ECDSA CallManager-ECDSA CallManager",
    "ucm-14": "tomcat tomcat-ECDSA CallManager-ECDSA CallManager TVS",
    "ucm-15": "tomcat tomcat-ECDSA CallManager-ECDSA CallManager TVS",
    "imp-14": "tomcat tomcat-ECDSA cup-xmpp-ECDSA cup-xmpp cup-xmpp-s2s-ECDSA cup-xmpp-s2s",
    "imp-15": "tomcat tomcat-ECDSA cup-xmpp-ECDSA cup-xmpp cup-xmpp-s2s-ECDSA cup-xmpp-s2s",
    "cuc-15": "tomcat tomcat-ECDSA",
}
SERVICES_OF_12_5 = {
    "Cisco HAProxy", "Cisco Smart License Manager", "Cisco Headset Service",
    "Cisco Wireless Controller Synchronization Service", "Cisco Push Notification Service",
    "Cisco Device Activation Service", "Self Provisioning IVR",
    "Platform Communication Web Service", "Cisco Management Agent Service",
}  # fmt: skip
SERVICES_OF_14 = {"Cisco AXL Tomcat", "Cisco UDS Tomcat", "Cisco SSOSP Tomcat"}
ELM = {"Cisco ELM Admin", "Cisco ELM Client Service", "Cisco ELM DB", "Cisco ELM Server"}


@pytest.fixture(scope="module", params=PROFILES)
def release(request):
    return load_yaml(find(request.param))


def test_these_come_with_the_program():
    """Files that are bases only are none of them."""
    assert names() == sorted((*PROFILES, "imp-9.1", "ucm-9.1"))


def test_what_is_kept_is_what_was_read(release):
    assert from_json(json.loads(json.dumps(to_json(release)))) == release


def test_units_in_the_order_of_the_list(release):
    assert " ".join(release.units) == UNITS[release.name]
    assert " ".join(release.distribution.publisher_only) == PUBLISHER_ONLY[release.name]


def test_keys_and_hashes(release):
    for name, unit in release.units.items():
        kind = ("ec384", "sha384") if name.endswith("-ECDSA") else ("rsa2048", "sha256")
        assert (unit.key, unit.hash) == kind, name


def test_validity_is_five_years(release):
    """But for the recovery certificate of 12.5: twenty."""
    for name, unit in release.units.items():
        long = (release.name, name) == ("ucm-12.5", "ITLRecovery")
        assert unit.validity_days == (7300 if long else 1825), name


def test_subjects_are_in_the_order_of_a_certificate_of_15(release):
    for name, unit in release.units.items():
        assert [attribute for attribute, _ in unit.subject] == ["C", "O", "OU", "CN", "ST", "L"]
        common_name = dict(unit.subject)["CN"]
        if name.endswith("-ECDSA"):
            assert common_name == "{hostname}-EC.{domain}"
        elif name == "CAPF":
            assert common_name == "CAPF-{id}"
        elif name != "ITLRecovery":
            assert common_name == "{fqdn}"
        assert unit.basic_constraints == (True, 0)


def test_what_a_request_asks_for(release):
    """ECDSA units as those of RSA."""
    for name, unit in release.units.items():
        if name == "ITLRecovery":
            continue
        usages, before, later = REQUESTS[name.removesuffix("-ECDSA")]
        purposes = before if release.name == "ucm-12.5" else later
        assert unit.csr_key_usage == usages, name
        assert unit.csr_extended_key_usage == purposes, name


def test_what_a_self_signed_certificate_is_for(release):
    for name, unit in release.units.items():
        if name == "CAPF":
            expected = ((DS, KCS), (S,))
        else:
            ipsec = name == "ipsec" or name.startswith("cup")
            expected = ((DS, KE, DE, KCS), (S, C, I) if ipsec else (S, C))
        assert (unit.key_usage, unit.extended_key_usage) == expected, name
    assert "keyAgreement" not in str(release.units)


def test_services_to_restart(release):
    found = {name: ",".join(unit.services) for name, unit in release.units.items()}
    assert found == RESTART[release.name]


def test_multi_server_units(release):
    assert " ".join(release.multi_server_units()) == MULTI_SERVER[release.name]


def test_trust_stores_and_how_their_files_are_called(release):
    assert " ".join(release.trust_stores) == STORES[release.name]
    assert {spec.naming for spec in release.trust_stores.values()} == {"cn_serial"}
    plain = {name for name, spec in release.trust_stores.items() if spec.no_serial == ("CAPF-",)}
    assert plain == {"CallManager-trust", "CAPF-trust"} & set(release.trust_stores)
    edge = release.trust_stores.get("Phone-Edge-trust")
    assert edge is None or (edge.publisher_only, edge.limit) == (True, 16)


def test_versions(release):
    assert release.version == VERSIONS[release.name]
    assert re.fullmatch(r"\d+(\.\d+){3}-\d+", release.inactive_version)
    if release.name == "ucm-12.5":
        assert release.os_version == "7.0.0.0-4"


def test_what_reaches_other_nodes(release):
    stores = release.distribution.stores
    if release.name.startswith("ucm"):
        assert stores == ("tomcat-trust", "CallManager-trust", "Phone-SAST-trust")
        assert release.distribution.copies["CallManager"] == (
            "CallManager-trust", "Phone-SAST-trust",
        )  # fmt: skip
    assert release.distribution.copies["tomcat-ECDSA"] == ("tomcat-trust",)
    assert release.domain
    assert len(release.peers) == 1


def test_services(release):
    there = set(release.services)
    assert not ELM & there
    if release.name.startswith("ucm"):
        assert there >= SERVICES_OF_12_5
        assert there >= SERVICES_OF_14 or release.name == "ucm-12.5"
        assert not SERVICES_OF_14 & there or release.name != "ucm-12.5"
    if release.name.startswith("imp"):
        assert "Cisco DRF Master" not in there
        assert "Cisco XCP File Transfer Manager" in there


def test_lists_of_phones_are_signed_by_the_recovery_key(release):
    for spec in release.trust_lists.values():
        signers = (spec.signer, spec.local_signer, spec.recovery)
        assert signers == ("ITLRecovery", "CallManager", "ITLRecovery")
    assert bool(release.trust_lists) == release.name.startswith("ucm")


def test_phones_have_each_list_in_time_since_14(release):
    """They are reset at once, and nobody has to keep two certificates from changing together."""
    pairs = {pair for spec in release.trust_lists.values() for pair in spec.never_together}
    assert pairs == ({("ITLRecovery", "TVS")} if release.name == "ucm-12.5" else set())


def test_the_time_comes_by_another_daemon_since_14(release):
    assert release.ntp.daemon == ("ntpd" if release.name == "ucm-12.5" else "chronyd")


def test_the_screens_of_the_cluster(release):
    layout = release.network_cluster
    assert layout.layout == "later"
    server, role = {"ucm": ("callmanager", "Publisher"), "imp": ("cups", "Subscriber"),
                    "cuc": ("cuc", "Publisher")}[release.name[:3]]  # fmt: skip
    assert (layout.server, layout.publisher_role) == (server, role)
    assert layout.server_table == (not release.name.startswith("imp"))
    if release.name == "ucm-15":
        assert (release.database.tables, release.database.widths[0]) == (754, 25)
    if release.name == "ucm-14":
        assert (release.database.tables, release.database.widths[0]) == (753, 20)


def test_a_subscriber_has_no_unit_of_the_publisher(release):
    """Its lists are signed by the second signer, and have no record of what it lacks."""
    here = release.replace(role="Subscriber").as_it_is_here()
    missing = set(PUBLISHER_ONLY[release.name].split())
    assert set(here.units) == set(release.units) - missing
    for spec in here.trust_lists.values():
        assert not missing & set(spec.units)
        assert (spec.signer, spec.recovery) == ("CallManager", "")
