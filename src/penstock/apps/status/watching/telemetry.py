"""Telemetry: the gateway's counters, looked at every ``[watch] poll_s``.

where         [status] admin_url, else what ``up`` has written into run/up.json, else the
              configuration's admin host and port
reachable     what is new since the look before goes to the watch, for each component
unreachable   a Silence for each component that is measured so: it is unknown, never an outage
refused, or not what the admin port tells
              the same: whoever answers there is not the gateway

The gateway does nothing for this but count, as it does anyway.
"""

import contextlib
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import httpx
import msgspec

from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import counting
from penstock.apps.status.watching.counting import Change, Looks, Telemetry
from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.telemetry import log
from penstock.watch.evidence import Kind, Silence

WITHIN_S: Final = 4.0  # less than a poll; a gateway that takes longer to add up hangs
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024  # a thousand upstreams and models, and a margin
POLL_S_MIN: Final = 1.0
UP: Final = "up.json"
OK: Final = 200


class Ears(Protocol):
    """Who is told."""

    def on_change(self, change: Change) -> None:
        """A component's exchanges did this."""
        ...

    def on_silence(self, silence: Silence) -> None:
        """The source cannot be reached."""
        ...

    def on_source(self, name: str, why: str) -> None:
        """A source can be reached, if ``why`` is empty, or it cannot."""
        ...


class _Up(msgspec.Struct):
    urls: dict[str, str] = {}


class Poller:
    """Looks at the gateway's counters. Owned by one event loop."""

    def __init__(self, parts: Parts, ears: Ears, pause: Callable[[float], Awaitable[None]]) -> None:
        self._parts = parts
        self._ears = ears
        self._pause = pause
        self._looks = Looks()
        self._reason = ""  # why it is silent

    async def run(self) -> None:
        """Go on for ever."""
        async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as http:
            while True:
                await self.look(http)
                await self._pause(max(POLL_S_MIN, self._parts.config.watch.poll_s))

    async def look(self, http: httpx.AsyncClient) -> None:
        """Look once."""
        url = admin_url(self._parts)
        try:
            told = await _told(http, f"{url}/telemetry")
        except (httpx.HTTPError, OSError) as error:
            self._on_silence(why(error), url)
            return
        except (msgspec.MsgspecError, ValueError) as error:
            self._on_silence(f"it is not the gateway that answers there: {error}", url)
            return
        self._ears.on_source("gateway", "")
        self._reason = ""
        parts = self._parts
        slow_s = parts.config.watch.slow_s
        for change in self._looks.take(told, parts.plan, parts.now_unix_s(), slow_s):
            self._ears.on_change(change)

    def _on_silence(self, reason: str, url: str) -> None:
        """Tell why; where it was looked for is for the log: the page is read by everybody."""
        if reason != self._reason:
            log.warn("gateway_not_read", url=url, reason=reason)
        self._reason = reason
        at_unix_s = self._parts.now_unix_s()
        self._ears.on_source("gateway", reason)
        for one in self._parts.plan:
            if counting.is_measured(one):
                silence = Silence(
                    component=one.id, kind=Kind.TELEMETRY, at_unix_s=at_unix_s, why=reason
                )
                self._ears.on_silence(silence)


async def _told(http: httpx.AsyncClient, url: str) -> Telemetry:
    async with http.stream("GET", url) as response:
        if response.status_code != OK:
            raise ValueError(f"it says {response.status_code}")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise ValueError(f"its answer is larger than {ANSWER_BYTES_MAX} bytes")
    return msgspec.json.decode(body, type=Telemetry)


def why(error: Exception) -> str:
    """Return a failure of a connection in words."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it does not answer in time"
    if isinstance(error, httpx.ConnectError):
        return "nothing listens there"
    return str(error) or type(error).__name__


def admin_url(parts: Parts) -> str:
    """Return where the gateway's admin port is, without a slash at the end."""
    gateway = parts.config.gateway
    told = parts.config.status.admin_url or _urls(parts).get("metrics", "")
    return told.rstrip("/") or f"http://{_host(gateway.admin_host)}:{gateway.admin_port}"


def gateway_url(parts: Parts) -> str:
    """Return where callers ask, without a slash at the end."""
    gateway = parts.config.gateway
    scheme = "https" if gateway.tls_cert_file else "http"
    told = _urls(parts).get("gateway", "")
    return told.rstrip("/") or f"{scheme}://{_host(gateway.host)}:{gateway.port}"


def service_url(parts: Parts, name: str) -> str:
    """Return where ``up`` says that a process of ours listens; empty if it says nothing."""
    return _urls(parts).get(name, "").rstrip("/")


def is_starting(parts: Parts) -> bool:
    """Tell whether ``up`` is still starting the others: that nobody listens says nothing then."""
    return parts.has_up and not (parts.state_dir / "run" / UP).exists()


def _urls(parts: Parts) -> dict[str, str]:
    try:
        found = private_file.read(parts.state_dir / "run" / UP)
        return msgspec.json.decode(found, type=_Up).urls
    except (StoreError, msgspec.MsgspecError):
        return {}


def _host(host: str) -> str:
    """Return a host as it is asked: whoever listens everywhere listens here."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
