"""The site over HTTP, from memory: no template, no database and no file on the way of a view.

GET, HEAD      what was rendered last; whatever is not there goes on to the rest of the process
If-None-Match  304
gzip           where the client takes it; made once for each version
style          a page may carry its own: the policy then names it, and nothing else
CORS           the v2 API and feeds may be read by scripts of any site
"""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.apps.status.site.files import PAGE, File, Packed, packed
from penstock.web import serving

Headers = list[tuple[bytes, bytes]]
METHODS: Final = ("GET", "HEAD")
PREFLIGHT: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, if-none-match"),
    (b"access-control-max-age", b"86400"),
)


class _Ready:
    """One file with its headers made."""

    def __init__(self, packed_file: Packed) -> None:
        file = packed_file.file
        self.etag = packed_file.etag.encode()
        common: Headers = [
            (b"content-type", file.kind.encode()),
            (b"cache-control", packed_file.cache.encode()),
            (b"etag", self.etag),
            (b"vary", b"accept-encoding"),
        ]
        if file.is_for_all:
            common.append((b"access-control-allow-origin", b"*"))
            common.append((b"x-content-type-options", b"nosniff"))
        else:
            style = serving.style_of(file.body.decode()) if file.kind == PAGE else ""
            common += [(k.encode(), v.encode()) for k, v in serving.headers(style).items()]
        self.body = file.body
        self.zipped = packed_file.zipped
        self.unchanged = common
        self.plain = [*common, (b"content-length", str(len(self.body)).encode())]
        self.short = [
            *common,
            (b"content-encoding", b"gzip"),
            (b"content-length", str(len(self.zipped)).encode()),
        ]


class SiteServer:
    """Sends the site; asks ``rest`` for what is not part of it. Owned by one event loop."""

    def __init__(self, rest: ASGIApp) -> None:
        self._rest = rest
        self._files: dict[str, _Ready] = {}
        self._before: dict[str, tuple[File, _Ready]] = {}

    def use(self, files: Mapping[str, File]) -> None:
        """Serve these from now on. May be called from a thread: one assignment counts."""
        ready: dict[str, tuple[File, _Ready]] = {}
        for path, file in files.items():
            before = self._before.get(path)
            same = before is not None and before[0] == file
            ready[path] = before if before is not None and same else (file, _Ready(packed(file)))
        self._before = ready
        self._files = {path: one for path, (_, one) in ready.items()}

    def body(self, path: str) -> bytes:
        """Return a file as it is served; empty if there is none."""
        found = self._files.get(path)
        return found.body if found is not None else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the rest of the process answer."""
        if scope["type"] == "http":
            path: str = scope["path"]
            found = self._files.get(path) or self._files.get(path.rstrip("/"))
            if found is not None:
                if scope["method"] in METHODS:
                    await _send(found, scope, send)
                    return
                if scope["method"] == "OPTIONS":
                    await _answer(send, 204, list(PREFLIGHT), b"")
                    return
        await self._rest(scope, receive, send)


async def _send(found: _Ready, scope: Scope, send: Send) -> None:
    takes_gzip = False
    for name, value in scope["headers"]:
        if name == b"if-none-match" and found.etag in value:
            await _answer(send, 304, found.unchanged, b"")
            return
        if name == b"accept-encoding":
            takes_gzip = b"gzip" in value
    is_short = takes_gzip and bool(found.zipped)
    body = found.zipped if is_short else found.body
    if scope["method"] == "HEAD":
        body = b""
    await _answer(send, 200, found.short if is_short else found.plain, body)


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
