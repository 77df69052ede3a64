"""The files of the chat's pages: /assets/HASH/PATH, all in memory, packed once at the start.

HASH       of all files together: whoever has one may keep it for ever, modules that import each
           other by relative paths are of one version, and the next version mixes with none
another    hash than ours: as fresh, not to be kept
gzip       made once, where it is shorter; sent to whom takes it
rooted     a few are asked for at the root, as the service worker, whose reach is its folder; they
           are asked for afresh each time
comments   of our modules and styles, those that begin a line, stay here: they are for who reads
           the source, and an eighth of what would be sent. What others wrote is sent as it is
vendor     licences and the list of what is vendored are served too: whoever reads may look
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.web import serving

STATIC: Final = Path(__file__).parent.parent / "static"
PREFIX: Final = "/assets"
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
PACKED_ALREADY: Final = frozenset({".png", ".woff2"})
ROOTED: Final = {"/sw.js": "extras/sw.js"}
VENDOR: Final = "vendor/"
# Those by // only at the very beginning: further in, a line may be of a text that goes over lines.
COMMENT: Final = re.compile(r"^(?:[ \t]*/\*.*?\*/[ \t]*\n|//[^\n]*\n)", re.MULTILINE | re.DOTALL)
HASH_LENGTH: Final = 12
GZIP_LEVEL: Final = 9  # once for each start


class Asset(msgspec.Struct, frozen=True):
    """One file as it is sent."""

    body: bytes
    zipped: bytes  # empty: it would be no shorter
    kind: str


class Files:
    """All files, read once. Never changed afterwards."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.by_path: Mapping[str, Asset] = {
            path.relative_to(folder).as_posix(): _asset(path, path.relative_to(folder).as_posix())
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in KINDS
        }
        told = hashlib.sha256()
        for path, asset in self.by_path.items():
            told.update(f"{path}\0".encode() + asset.body + b"\0")
        self.version = told.hexdigest()[:HASH_LENGTH]

    def address(self, path: str) -> str:
        """Return where a file is served; raises KeyError if there is none."""
        if path not in self.by_path:
            raise KeyError(path)
        return f"{PREFIX}/{self.version}/{path}"

    def routes(self) -> list[Route]:
        """Return the routes of all files."""
        rooted = [Route(at, self._rooted) for at, path in ROOTED.items() if path in self.by_path]
        return [Route(PREFIX + "/{version}/{path:path}", self._named), *rooted]

    async def _named(self, request: Request) -> Response:
        is_ours = request.path_params["version"] == self.version
        kept = serving.FOR_EVER if is_ours else serving.AFRESH
        return self._sent(request, request.path_params["path"], kept)

    async def _rooted(self, request: Request) -> Response:
        return self._sent(request, ROOTED[request.url.path], serving.AFRESH)

    def _sent(self, request: Request, path: str, kept: str) -> Response:
        asset = self.by_path.get(path)
        if asset is None:
            return Response("there is no such file\n", 404, serving.HEADERS, "text/plain")
        headers = {**serving.HEADERS, "cache-control": kept, "vary": "accept-encoding"}
        body = asset.body
        if asset.zipped and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            body = asset.zipped
        return Response(body, 200, headers, asset.kind)


def without_comments(text: str) -> str:
    """Return a module or a style of ours without the comments that begin a line."""
    return COMMENT.sub("", text)


def _asset(path: Path, name: str) -> Asset:
    body = path.read_bytes()
    if path.suffix in {".js", ".css"} and not name.startswith(VENDOR):
        body = without_comments(body.decode()).encode()
    zipped = b""
    if path.suffix not in PACKED_ALREADY:
        zipped = gzip.compress(body, GZIP_LEVEL, mtime=0)
    return Asset(body, zipped if len(zipped) < len(body) else b"", KINDS[path.suffix])
