"""How one probe ended, and what all kinds share: bounds, connections, and words for failures."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import certifi
import httpx
import msgspec

from penstock import __version__
from penstock.watch.evidence import ProbeResult

USER_AGENT: Final = f"penstock-probe/{__version__}"
ANSWER_BYTES_MAX: Final = 1024 * 1024  # a page, or an answer of a few words
NOT_CONNECTED: Final = frozenset(("dns", "connect", "tls"))  # that may be our own network
# What a failure is called, by its innermost cause that is told apart.
WORDS: Final[tuple[tuple[tuple[type[BaseException], ...], str], ...]] = (
    ((socket.gaierror,), "dns"),
    ((ssl.SSLError,), "tls"),
    ((httpx.ConnectTimeout, httpx.ConnectError, ConnectionRefusedError), "connect"),
    ((httpx.TimeoutException,), "timeout"),
    ((httpx.ReadError, httpx.WriteError, ConnectionResetError), "reset"),
    ((httpx.ProtocolError,), "broken"),
)
CAUSES_MAX: Final = 8  # of an exception, one behind the other


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one probe ended."""

    result: ProbeResult
    how: str = ""  # of a failure, a fixed word
    ttft_s: float | None = None
    total_s: float | None = None
    cost_microusd: int = 0
    host: str = ""  # that was asked


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe is made with."""

    now_s: Callable[[], float]
    chance: Callable[[], float]
    tls: ssl.SSLContext


def context(ca_file: str = "") -> ssl.SSLContext:
    """Return what TLS is checked against; raises OSError if the file cannot be used."""
    return ssl.create_default_context(cafile=ca_file or certifi.where())


def pinned(cert_file: str) -> ssl.SSLContext:
    """Return what trusts our own gateway's certificate and no other, by whatever name it is called.

    Raises OSError if the file cannot be used.
    """
    tls = ssl.create_default_context(cafile=cert_file)
    tls.check_hostname = False
    tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return tls


def client(tls: ssl.SSLContext, within_s: float) -> httpx.AsyncClient:
    """Return a client for one probe: a connection of its own, no proxy, no redirect."""
    return httpx.AsyncClient(
        verify=tls,
        trust_env=False,
        timeout=within_s,
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
    )


async def bounded(work: Callable[[], Awaitable[Outcome]], within_s: float, host: str) -> Outcome:
    """Do a probe within its time; whatever the network does becomes an outcome."""
    try:
        async with asyncio.timeout(within_s):
            return await work()
    except TimeoutError:
        return failed("timeout", host)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return failed(word_of(error), host)


def failed(
    how: str, host: str = "", *, ttft_s: float | None = None, total_s: float | None = None
) -> Outcome:
    """Return a failure."""
    return Outcome(result=ProbeResult.FAILED, how=how, host=host, ttft_s=ttft_s, total_s=total_s)


def unknown(how: str, host: str = "") -> Outcome:
    """Return what says nothing of anybody."""
    return Outcome(result=ProbeResult.UNKNOWN, how=how, host=host)


def ended(
    slow_s: float, total_s: float, ttft_s: float | None = None, *, host: str = "", cost: int = 0
) -> Outcome:
    """Return a good end, or a slow one."""
    is_slow = (total_s if ttft_s is None else ttft_s) > slow_s
    return Outcome(
        result=ProbeResult.SLOW if is_slow else ProbeResult.GOOD,
        ttft_s=ttft_s,
        total_s=total_s,
        cost_microusd=cost,
        host=host,
    )


def word_of(error: Exception) -> str:
    """Return the fixed word for what the network did."""
    for cause in _causes(error):
        for kinds, word in WORDS:
            if isinstance(cause, kinds):
                return word
    return "connect"


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what has caused it, the innermost first."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(found) < CAUSES_MAX:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found[::-1]
