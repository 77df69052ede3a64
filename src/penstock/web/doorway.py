"""What stands before a surface: Host and Origin of each request, safe headers on each answer.

Host      one of the surface's (``site``); another name could be anybody's that points here
Origin    whatever changes something (not GET or HEAD) and says where it comes from must come from
          here, with the same port; who does not say must hold a token, which no browser sends
open      paths that a surface names may be sent to from anywhere, without Origin too: by programs,
          and from a site that lies elsewhere. What is there must not look at who is logged in
address   without zero bytes, which PostgreSQL has in no text
headers   on every answer, pages and API alike, where it has none of its own
"""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.core.errors import CallerError
from penstock.web import serving
from penstock.web.http import refusal
from penstock.web.site import ORIGIN, Site

SAFE: Final = frozenset({"GET", "HEAD"})
YEAR_S: Final = 31_536_000


class Doorway:
    """Looks at Host and Origin of each request, and puts safe headers on each answer."""

    def __init__(
        self, app: ASGIApp, site: Site, is_open: Callable[[str], bool] | None = None
    ) -> None:
        self._app = app
        self._site = site
        self._is_open = is_open or _never

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may come in; answer what may not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = self._site.origin_of(headers.get("host", ""), scope.get("server"))
        safe = _Safe(send, is_secure=origin.startswith("https:"))
        is_free = scope["method"] in SAFE or self._is_open(scope["path"])
        wrong = _wrong(headers, origin, is_free=is_free) or _unreadable(scope)
        if wrong is not None:
            await refusal(wrong)(scope, receive, safe)
            return
        scope[ORIGIN] = origin
        await self._app(scope, receive, safe)


class _Safe:
    """A ``send`` that adds what an answer has not."""

    def __init__(self, send: Send, *, is_secure: bool) -> None:
        self._send = send
        self._more = serving.headers()
        if is_secure:
            self._more["strict-transport-security"] = f"max-age={YEAR_S}"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._more.items():
                headers.setdefault(name, value)
        await self._send(message)


def _never(path: str) -> bool:
    del path
    return False


def _wrong(headers: Headers, origin: str, *, is_free: bool) -> CallerError | None:
    if not origin or len(headers.getlist("host")) != 1:
        return CallerError(
            "this name is not one of this surface's; see its hosts in the configuration",
            status=421,
            code="wrong_host",
        )
    if is_free:
        return None
    said = headers.get("origin")
    if said is None and headers.get("authorization"):
        return None
    if said is None or said.lower() != origin:
        return CallerError(
            "this was sent by a page of another site", status=403, code="wrong_origin"
        )
    return None


def _unreadable(scope: Scope) -> CallerError | None:
    if "\0" not in scope["path"] and b"%00" not in scope["query_string"]:
        return None
    return CallerError("the address holds a zero byte", status=422, code="invalid")
