"""Which addresses on a network may be asked for a picture: those of the public internet, and nothing else.

After the registries of special-purpose addresses of IANA (RFC 6890 and its successors). Written out here and not
taken from `ipaddress.is_global`, whose answers change between versions of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from lookalike.errors import InvalidArgument

__all__ = ["Address", "host_address", "is_allowed", "is_public", "read_networks"]

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of virtual machines in Azure
        "169.254.0.0/16",  # link-local, and the metadata of every cloud
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")  # all that was ever given out as global unicast
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols: Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = {0x0000_5EFE, 0x0200_5EFE}  # the upper half of interface identifiers that carry IPv4


def host_address(text: str) -> Address | None:
    """Return the address that a text is, in its one plain form; None for anything else.

    IPv4 within IPv6 (::ffff:a.b.c.d) comes back as IPv4, which is what a connection to it would use.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def is_public(address: Address) -> bool:
    """Whether an address lies on the public internet and carries no other address that does not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_allowed(address: Address, networks: str) -> bool:
    """Whether an address is public or in one of the networks an operator allows; `networks` as in `read_networks`."""
    return is_public(address) or any(
        address.version == network.version and address in network for network in read_networks(networks)
    )


@lru_cache(maxsize=64)
def read_networks(text: str) -> Sequence[IPv4Network | IPv6Network]:
    """Read networks like "10.1.0.0/16, fd00::/8", separated by commas. Raises InvalidArgument."""
    try:
        return [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InvalidArgument("fetch_networks", text, f"networks like 10.1.0.0/16, by commas ({error})") from None
