"""Whoever writes a header decides nothing: only those who are trusted are believed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.web import address

TRUSTED = address.networks(["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"])
CLIENT = "198.51.100.7"
PROXY = "10.0.0.1"
addresses = st.ip_addresses().map(str)
strangers = addresses.filter(
    lambda one: (
        (found := address.address_of(one)) is not None
        and not any(found in network for network in TRUSTED)
    )
)
proxies = st.sampled_from(
    [PROXY, "127.0.0.1", "2001:db8::5", "::ffff:10.2.3.4", "[2001:db8::5]:80"]
)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (CLIENT, [], CLIENT),
        (CLIENT, ["203.0.113.5"], CLIENT),  # nobody trusts it, so it may say what it likes
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"203.0.113.5, {CLIENT}"], CLIENT),
        (PROXY, ["203.0.113.5", f"{CLIENT}, 10.9.9.9"], CLIENT),
        (PROXY, [f"{CLIENT}:4711"], CLIENT),
        (PROXY, ["[2606:4700::1]:443"], "2606:4700::1"),
        (PROXY, ["2606:4700::1"], "2606:4700::1"),
        (PROXY, ["fe80::1%eth0"], "fe80::1"),
        (f"::ffff:{PROXY}", [f"::ffff:{CLIENT}"], CLIENT),
        (PROXY, ["unknown"], PROXY),
        (PROXY, [f"{CLIENT}, unknown, 10.9.9.9"], "10.9.9.9"),
        (PROXY, [" , ,"], PROXY),
        (PROXY, ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),  # all of one company
        ("", [CLIENT], ""),
        ("unix", [CLIENT], "unix"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_not_trusted(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert address.client_of(peer, forwarded, TRUSTED) == client


@given(st.lists(st.text()), strangers)
def test_who_is_not_trusted_is_taken_for_nobody_else(said: list[str], peer: str) -> None:
    assert address.client_of(peer, said, TRUSTED) == str(address.address_of(peer))


@given(st.lists(st.text()), strangers, st.lists(proxies, max_size=5), proxies)
def test_what_a_client_writes_before_its_address_changes_nothing(
    said: list[str], client: str, behind: list[str], peer: str
) -> None:
    header = [*said, ", ".join([client, *behind])]
    assert address.client_of(peer, header, TRUSTED) == str(address.address_of(client))


@given(st.lists(st.text(alphabet="0123456789abcdef.:,[]% unknow", max_size=300)))
def test_junk_is_no_error(said: list[str]) -> None:
    found = address.client_of(PROXY, said, TRUSTED)
    assert address.address_of(found) is not None


def test_a_header_that_never_ends_is_read_at_its_end() -> None:
    header = ["203.0.113.5," * 100_000 + CLIENT]
    assert address.client_of(PROXY, header, TRUSTED) == CLIENT


@given(st.ip_addresses())
def test_a_network_holds_its_address(one: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    inner = address.address_of(str(one))
    network = ipaddress.ip_network(address.network_of(str(one)))
    assert inner in network
    assert network.prefixlen == address.NETWORK_BITS[network.version]


@given(st.ip_addresses(), st.integers(0, 2**64 - 1))
def test_a_host_is_an_address_or_all_that_one_line_of_ipv6_has(
    one: ipaddress.IPv4Address | ipaddress.IPv6Address, low: int
) -> None:
    host = address.host_of(str(one))
    assert address.host_of(host) == host
    if isinstance(address.address_of(str(one)), ipaddress.IPv4Address):
        assert host == str(address.address_of(str(one)))
    else:
        beside = ipaddress.IPv6Address(int(one) >> 64 << 64 | low)
        assert address.host_of(str(beside)) == host
        assert int(ipaddress.ip_address(host)) >> 64 == int(one) >> 64


def test_what_is_no_network_is_not_trusted() -> None:
    assert address.networks(["everybody", "10.0.0.0/99", "", "::ffff:10.0.0.0/104"]) == (
        ipaddress.ip_network("10.0.0.0/8"),
    )
    assert address.networks(["192.0.2.7/24"]) == (ipaddress.ip_network("192.0.2.0/24"),)


def test_what_is_no_address_is_its_own_network() -> None:
    assert address.network_of("unix") == address.host_of("unix") == "unix"
