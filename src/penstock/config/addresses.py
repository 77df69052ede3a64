"""Hosts, URLs and networks in a configuration: which are some, and which are safe. Pure."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from penstock.core.errors import Problem

HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
WEB: Final = ("http", "https")


def split(text: str) -> SplitResult | None:
    """Return the parts of a URL; None if it cannot be one."""
    try:
        url = urlsplit(text)
        _ = url.port  # raises, where others only look at the rest
    except ValueError:
        return None
    return url


def is_web(url: SplitResult | None) -> bool:
    """Tell whether it is the address of something on the web."""
    return url is not None and url.scheme in WEB and bool(url.hostname)


def is_safe(url: SplitResult | None) -> bool:
    """Tell whether nobody on the way can read what is sent there."""
    return url is not None and (url.scheme == "https" or url.hostname in LOOPBACK)


def is_origin(url: SplitResult) -> bool:
    """Tell whether it names a host and nothing behind it."""
    is_bare = not url.path.strip("/") and not url.query and not url.username
    return is_bare and is_web(url) and bool(HOST.fullmatch(url.hostname or ""))


def is_network(text: str) -> bool:
    """Tell whether it is an address or a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def url(place: str, given: str, schemes: Sequence[str] = WEB) -> Iterator[Problem]:
    """Yield what is wrong with a URL; an empty one is none."""
    found = split(given)
    if given and (found is None or found.scheme not in schemes or not found.hostname):
        remedy = f"such as {schemes[-1]}://status.example.org"
        yield Problem(place, f"{given!r} is not a URL", remedy)
    elif found is not None and (found.username or found.password):
        yield Problem(place, "has a password in it", "give it by reference, or leave it out")


def hosts(place: str, named: Sequence[str], example: str) -> Iterator[Problem]:
    """Yield which names of a surface are none; ``example``: one that is right, with its port."""
    for at, one in enumerate(named):
        found = split(one if "://" in one else f"https://{one}")
        if found is None or not is_origin(found):
            name = example.partition(":")[0]
            remedy = f"such as {name}, or http://{example}"
            yield Problem(f"{place}.hosts[{at}]", f"{one!r} is not a host", remedy)


def listening(place: str, host: str) -> Iterator[Problem]:
    """Yield why nothing can listen there."""
    if not HOST.fullmatch(host):
        remedy = "a name or an address of this machine, without scheme and port"
        yield Problem(f"{place}.host", f"{host!r} is not a host", remedy)


def proxies(place: str, named: Sequence[str]) -> Iterator[Problem]:
    """Yield which trusted proxies are neither addresses nor networks."""
    for at, one in enumerate(named):
        if not is_network(one):
            remedy = "such as 10.0.0.5 or 10.0.0.0/24"
            yield Problem(f"{place}.trusted_proxies[{at}]", f"{one!r} is no address", remedy)


def trusting(place: str, named: Sequence[str], what: str) -> Iterator[Problem]:
    """Yield which proxies are everybody; ``what``: what anybody could then say."""
    for at, one in enumerate(named):
        if is_network(one) and ipaddress.ip_network(one, strict=False).prefixlen == 0:
            remedy = f"name the proxies: else anybody may say {what}"
            yield Problem(f"{place}.trusted_proxies[{at}]", "trusts everybody", remedy)
