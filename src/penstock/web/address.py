"""Where a request comes from: the client's address, also behind proxies that are trusted.

    nobody is trusted    the other end of the connection
    a trusted peer       X-Forwarded-For is read from the right: each trusted hop vouches for the
                         one to its left, and the first that is not trusted is the client. What
                         stands further left anybody could have written
    junk in the way      a word that is no address ends the chain: the hop before it is the client
    all are trusted      the leftmost: somebody of that network

An address is as people write it: IPv4 inside IPv6 is IPv4, ports, brackets and zones are dropped.
A network is what one household or company usually has: /24 of IPv4, /48 of IPv6. A host is one
address of IPv4, or a /64 of IPv6: whoever has one address of it has them all. Pure.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
FORWARDED: Final = "x-forwarded-for"
MAPPED_BITS: Final = 96  # before an IPv4 address that is written as IPv6
HOPS_MAX: Final = 32  # of a header; nobody has as many proxies, and reading more is work
ENTRY_MAX: Final = 100  # characters of one hop: an IPv6 address with brackets, zone and port
NETWORK_BITS: Final = {4: 24, 6: 48}
HOST_BITS: Final = {4: 32, 6: 64}
WITH_PORT: Final = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5}", re.ASCII)


def client_of(peer: str, forwarded: Iterable[str], trusted: Sequence[IpNetwork]) -> str:
    """Return the client's address; ``forwarded``: the values of X-Forwarded-For, in their order."""
    found = address_of(peer)
    if found is None:
        return peer
    if not _is_in(found, trusted):
        return str(found)
    for entry in reversed(_hops(forwarded)):
        hop = address_of(entry)
        if hop is None:
            break
        found = hop
        if not _is_in(hop, trusted):
            break
    return str(found)


def networks(texts: Iterable[str]) -> tuple[IpNetwork, ...]:
    """Return the networks that are written; what is none is left out, and so is not trusted."""
    found: list[IpNetwork] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            continue
        found.append(_unmapped(network))
    return tuple(found)


def network_of(address: str) -> str:
    """Return the network of an address, by which votes and rates are counted."""
    found = address_of(address)
    if found is None:
        return address[:ENTRY_MAX]
    bits = NETWORK_BITS[found.version]
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def host_of(address: str) -> str:
    """Return what an address counts for where neighbours are to be told apart."""
    found = address_of(address)
    if found is None:
        return address[:ENTRY_MAX]
    bits = HOST_BITS[found.version]
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False).network_address)


def address_of(text: str) -> IpAddress | None:
    """Return the address that a hop's text holds; None if it holds none."""
    text = text.strip()
    if len(text) > ENTRY_MAX:
        return None
    if (match := WITH_PORT.fullmatch(text)) is not None:
        text = match.group(1) or match.group(2) or ""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _hops(forwarded: Iterable[str]) -> list[str]:
    """Return the entries, those next to us."""
    return ",".join(forwarded).rsplit(",", HOPS_MAX)[-HOPS_MAX:]


def _is_in(address: IpAddress, trusted: Sequence[IpNetwork]) -> bool:
    return any(address in one for one in trusted)


def _unmapped(network: IpNetwork) -> IpNetwork:
    """Return an IPv4 network that was written inside IPv6 as what it is."""
    if isinstance(network, ipaddress.IPv6Network):
        inner = network.network_address.ipv4_mapped
        if inner is not None and network.prefixlen >= MAPPED_BITS:
            return ipaddress.ip_network(f"{inner}/{network.prefixlen - MAPPED_BITS}")
    return network
