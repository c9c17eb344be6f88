"""Which addresses are one host's."""

from __future__ import annotations


def network_of(address: str) -> str:
    """What one host owns: of an IPv6 address its /64. Origins are `ssh/ADDRESS`, too."""
    address = address.removeprefix("ssh/")
    if address.count(":") > 1:
        import ipaddress

        try:
            plain = ipaddress.IPv6Address(address.partition("%")[0])
            if plain.ipv4_mapped is not None:
                address = str(plain.ipv4_mapped)
            else:
                address = str(ipaddress.ip_network((plain, 64), strict=False).network_address)
        except ValueError:
            pass
    return address[:64]
