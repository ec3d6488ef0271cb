"""Which addresses a request may go to, by the address itself and not by its name."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
_NEVER: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host, under another name
        "240.0.0.0/4",  # nobody
        "169.254.0.0/16",  # link-local: most clouds describe the machine there, with credentials
        "fe80::/10",
        "100.100.100.200/32",  # the same at Alibaba,
        "168.63.129.16/32",  # Azure,
        "192.0.0.192/32",  # Oracle,
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # and Google
    )
)
_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


def refusal(text: str, *, private: bool) -> str | None:
    """Why no request goes to the address ``text``; None if one may. ``private`` allows addresses
    that the internet does not reach."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "it is not an address"
    return _refusal(address, private)


def _refusal(address: Address, private: bool) -> str | None:
    if isinstance(address, IPv6Address) and (inner := _inside(address)):
        return next(filter(None, (_refusal(one, private) for one in inner)), None)
    if any(address in network for network in _NEVER if network.version == address.version):
        return f"{address} is never reached: it is link-local, or stands for no other machine"
    is_private = address.is_private or getattr(address, "is_site_local", False)
    if address.is_loopback or (is_private and not address.is_unspecified):
        return None if private else _is_private(address)
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return f"{address} is not an address of one machine"
    return None if private or address.is_global else _is_private(address)


def _is_private(address: Address) -> str:
    return f"{address} is a private address; private = true allows it"


def _inside(address: IPv6Address) -> list[IPv4Address]:
    """The address of the fourth version that it stands for."""
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if any(address in network for network in _NAT64):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return []
