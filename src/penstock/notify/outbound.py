"""The one way to call an address that somebody gave: webhooks and whatever else comes from outside.

    scheme      https; no user, no password, no fragment; port 443 or 8443
    address     the name is resolved once, every address that it has must be public, and the
                connection goes to one of these: no second look-up can lead elsewhere. TLS is
                checked against the name
    redirects   are not followed: a 3xx is an answer like any other
    time        WITHIN_S for everything, from the look-up to the last byte
    size        a request has at most SENT_BYTES_MAX, of an answer ANSWER_BYTES_MAX are read
    proxies     of the environment are not used, no cookie is kept, nothing is decompressed

``may_be_private`` is for receivers that operators name in their own file: plain HTTP, any port and
addresses of private networks and of this machine. What is link-local stays refused, because clouds
answer with credentials there; so do addresses that reach nobody.

Who may call what is decided by the address, after every way to write one has been taken apart:
what is embedded in an IPv6 address (mapped, compatible, 6to4, NAT64, Teredo) is refused with it.

Sources: IANA's registries of special-purpose addresses (RFC 6890); OWASP, Server-Side Request
Forgery Prevention.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

import certifi
import httpx
import msgspec

from penstock.core.errors import PenstockError

WITHIN_S: Final = 10.0  # Slack and most receivers answer in one
URL_CHARS_MAX: Final = 2048
SENT_BYTES_MAX: Final = 256 * 1024
ANSWER_BYTES_MAX: Final = 64 * 1024  # a challenge, or a word why not
ADDRESSES_MAX: Final = 3  # that are tried, of a name that has several
PORTS: Final = frozenset({443, 8443})
USER_AGENT: Final = "penstock"
TAKEN: Final = 2  # the first digit of a status

# What ``is_global`` lets through, or did in some version of Python, though it leads elsewhere.
REFUSED: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
        "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
PUBLIC_IPV6: Final = ipaddress.ip_network("2000::/3")  # all that has been given out
# Of these not even an operator's own receiver may be.
NEVER: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10",
        "ff00::/8",
    )
)  # fmt: skip
METADATA: Final = ipaddress.ip_address("fd00:ec2::254")  # AWS, in the range of private networks

Resolve = Callable[[str, int], Awaitable[list[str]]]


class OutboundError(PenstockError):
    """An address may not be called, or could not be; the message holds no path and no secret."""

    status = 502
    code = "outbound_failed"
    remedy = "Check the address and that its server answers; then send a test message."


class RefusedError(OutboundError):
    """An address that may not be called, now or later."""

    code = "outbound_refused"
    remedy = "Name an https address on the public internet."


class Answer(msgspec.Struct, frozen=True):
    """What came back; ``is_cut``: there was more."""

    status: int
    body: bytes
    is_cut: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether it says that all is well: 2xx; a redirect does not."""
        return self.status // 100 == TAKEN


class Outbound:
    """Calls addresses that people give. Holds no connection between calls."""

    def __init__(
        self,
        *,
        may_be_private: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        within_s: float = WITHIN_S,
    ) -> None:
        self._may_be_private = may_be_private
        self._tls = tls or ssl.create_default_context(cafile=certifi.where())
        self._resolve = resolve or resolved
        self._within_s = within_s

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body; raises RefusedError or OutboundError."""
        if len(body) > SENT_BYTES_MAX:
            raise OutboundError(f"the message is larger than {SENT_BYTES_MAX} bytes")
        parts = checked(url, may_be_private=self._may_be_private)
        try:
            async with asyncio.timeout(self._within_s):
                return await self._post(parts, body, headers)
        except TimeoutError as error:
            words = f"{parts.hostname} has not answered within {self._within_s:g} s"
            raise OutboundError(words) from error

    async def _post(self, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> Answer:
        host = parts.hostname or ""
        addresses = await self._addresses(host, _port(parts))
        for at, address in enumerate(addresses, start=1):
            try:
                return await self._send(parts, address, body, headers)
            except httpx.ConnectError as error:
                if at == len(addresses):
                    raise OutboundError(f"{host} cannot be reached: {_words(error)}") from error
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
                raise OutboundError(f"{host} broke off: {_words(error)}") from error
        raise OutboundError(f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Return where a name leads; raises RefusedError if only one of these is not allowed."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise OutboundError(f"{host} is not a name that can be found") from error
        for address in found:
            if not is_allowed(address, may_be_private=self._may_be_private):
                raise RefusedError(f"{host} leads to {address}, which is not a public address")
        return list(dict.fromkeys(found))[:ADDRESSES_MAX]

    async def _send(
        self, parts: SplitResult, address: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """Send to one address, under the name that was given."""
        host = parts.hostname or ""
        place = f"[{address}]" if ":" in address else address
        url = f"{parts.scheme}://{place}:{_port(parts)}{parts.path or '/'}"
        own = {
            "host": parts.netloc,
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            "connection": "close",
        }
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._within_s) as client,
            client.stream(
                "POST",
                f"{url}?{parts.query}" if parts.query else url,
                content=body,
                headers=dict(headers) | own,
                follow_redirects=False,
                extensions={"sni_hostname": host},
            ) as response,
        ):
            return await _read(response)


async def _read(response: httpx.Response) -> Answer:
    """Return the answer's beginning; what follows is not read."""
    found = bytearray()
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) > ANSWER_BYTES_MAX:
            return Answer(response.status_code, bytes(found[:ANSWER_BYTES_MAX]), is_cut=True)
    return Answer(response.status_code, bytes(found))


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as this machine resolves it; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def checked(url: str, *, may_be_private: bool = False) -> SplitResult:
    """Take a URL apart; raises RefusedError if it may not be called, wherever it leads."""
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise RefusedError(f"an address is at most {URL_CHARS_MAX} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = _port(parts)
    except ValueError as error:
        raise RefusedError("this is not the address of a server") from error
    schemes = {"https", "http"} if may_be_private else {"https"}
    if parts.scheme not in schemes or not parts.hostname or "\\" in url:
        raise RefusedError(f"an address begins with {' or '.join(sorted(schemes))}:// and a host")
    if "@" in parts.netloc or "#" in url:
        raise RefusedError("an address here has no user, no password and no fragment")
    if not may_be_private and port not in PORTS:
        raise RefusedError(f"port {port} may not be called; {_listed(PORTS)} may")
    return parts


def is_allowed(address: str, *, may_be_private: bool = False) -> bool:
    """Tell whether an IP address may be called."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if getattr(ip, "scope_id", None):
        return False
    if may_be_private:
        inner = getattr(ip, "ipv4_mapped", None) or ip
        return inner != METADATA and not any(inner in one for one in NEVER)
    if any(ip in one for one in REFUSED):
        return False
    return ip.is_global and (isinstance(ip, ipaddress.IPv4Address) or ip in PUBLIC_IPV6)


def _port(parts: SplitResult) -> int:
    """Return the port; raises ValueError if it is none."""
    if parts.port is None:
        return 443 if parts.scheme == "https" else 80
    if not parts.port:
        raise ValueError("port 0")
    return parts.port


def _listed(ports: frozenset[int]) -> str:
    return " and ".join(str(port) for port in sorted(ports))


def _words(error: Exception) -> str:
    """Return what went wrong, without what was sent."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
