"""One document of a provider's page, asked for politely and within bounds.

request    GET over HTTPS (HTTP only where the setting says http://), gzip taken, who we are said
time       WITHIN_S for everything; size: BYTES_MAX, also after unpacking
redirects  at most HOPS, and only within the same host or between it and its subdomains. Anywhere
           else is a page that has moved: it is told, not followed, since the new one may be of
           another kind
failure    is a value too: ``why`` says what went wrong
"""

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

import certifi
import httpx
import msgspec

WITHIN_S: Final = 10.0
BYTES_MAX: Final = 8 * 1024 * 1024  # Google's list of all incidents is some megabytes
HOPS: Final = 2
REDIRECTS: Final = (301, 302, 303, 307, 308)
USER_AGENT: Final = "penstock (status watch; conditional requests; honours Retry-After)"
RETRY_AFTER_MAX_S: Final = 3600.0
GZIP: Final = 16 + zlib.MAX_WBITS
WORDS_MAX: Final = 120


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; status 0: nothing did, and ``why`` says so."""

    status: int
    kind: str = ""
    body: bytes = b""
    etag: str = ""
    modified: str = ""
    retry_after_s: float = 0.0
    why: str = ""


Fetch = Callable[[str, Mapping[str, str]], Awaitable[Fetched]]


class Fetcher:
    """Asks for documents. Holds no connection between calls: they are a minute apart."""

    def __init__(self, tls: ssl.SSLContext | None = None, within_s: float = WITHIN_S) -> None:
        self._tls = tls or ssl.create_default_context(cafile=certifi.where())
        self._within_s = within_s

    async def __call__(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """Return what is there; never raises for what others do."""
        try:
            async with (
                asyncio.timeout(self._within_s),
                httpx.AsyncClient(
                    verify=self._tls, trust_env=False, timeout=self._within_s
                ) as client,
            ):
                return await self._followed(client, url, headers)
        except TimeoutError:
            return Fetched(status=0, why=f"it has not answered within {self._within_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            words = str(error)[:WORDS_MAX] or type(error).__name__
            return Fetched(status=0, why=f"it cannot be reached: {words}")

    async def _followed(
        self, client: httpx.AsyncClient, url: str, headers: Mapping[str, str]
    ) -> Fetched:
        for _ in range(HOPS + 1):
            found, location = await _once(client, url, headers)
            if found.status not in REDIRECTS or not location:
                return found
            target = urljoin(url, location)
            if not is_same(url, target):
                host = urlsplit(target).hostname or "an address that is none"
                return Fetched(status=0, why=f"it has moved to {host[:WORDS_MAX]}: name that")
            url = target
        return Fetched(status=0, why="it leads from one address to the next")


def is_same(url: str, target: str) -> bool:
    """Tell whether a redirect stays with whom we asked, as safely as we asked."""
    before, after = urlsplit(url), urlsplit(target)
    if after.scheme not in ("https", before.scheme):
        return False
    old, new = before.hostname or "", after.hostname or ""
    return bool(new) and (old == new or old.endswith(f".{new}") or new.endswith(f".{old}"))


async def _once(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str]
) -> tuple[Fetched, str]:
    """Return one answer, and where it leads."""
    own = {"user-agent": USER_AGENT, "accept-encoding": "gzip", "connection": "close"}
    async with client.stream(
        "GET", url, headers={**headers, **own}, follow_redirects=False
    ) as answer:
        body = await _read(answer)
        if body is None:
            return Fetched(status=0, why="it sends more than anybody reads"), ""
        found = Fetched(
            status=answer.status_code,
            kind=answer.headers.get("content-type", ""),
            body=body,
            etag=answer.headers.get("etag", ""),
            modified=answer.headers.get("last-modified", ""),
            retry_after_s=_seconds(answer.headers.get("retry-after", "")),
        )
        return found, answer.headers.get("location", "")


async def _read(answer: httpx.Response) -> bytes | None:
    """Return the body, unpacked; None if it is too large."""
    coding = answer.headers.get("content-encoding", "identity").lower()
    unpack = zlib.decompressobj(GZIP) if coding == "gzip" else None
    found = bytearray()
    async for chunk in answer.aiter_raw():
        try:
            room = BYTES_MAX + 1 - len(found)
            found += chunk if unpack is None else unpack.decompress(chunk, room)
        except zlib.error as error:
            raise ValueError("what it packed cannot be unpacked") from error
        if len(found) > BYTES_MAX:
            return None
    return bytes(found)


def _seconds(said: str) -> float:
    """Return a Retry-After in seconds; a date there is not honoured to the second: an hour."""
    if not said:
        return 0.0
    is_number = said.isascii() and said.isdigit() and len(said) < len("1000000")
    return min(float(said), RETRY_AFTER_MAX_S) if is_number else RETRY_AFTER_MAX_S
