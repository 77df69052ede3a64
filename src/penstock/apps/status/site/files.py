"""The files of a site: what lies at which path, of which kind, and how long it may be kept.

A path is as a browser asks for it: "/", "/history", "/api/v2/summary.json". In a folder a page
without an ending is PATH/index.html, which every file server knows.
"""

import gzip
import hashlib
from typing import Final

import msgspec

GZIP_BYTES_MIN: Final = 512  # below, the header costs more than it saves
GZIP_LEVEL: Final = 6
PAGE: Final = "text/html; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"
ATOM: Final = "application/atom+xml; charset=utf-8"
RSS: Final = "application/rss+xml; charset=utf-8"
API_AGE_S: Final = 30  # as clients of the v2 API expect
PAGE_AGE_S: Final = 10


class File(msgspec.Struct, frozen=True):
    """One file. ``age_s``: for how long caches may keep it; -1: for ever."""

    body: bytes
    kind: str
    age_s: int = PAGE_AGE_S
    is_for_all: bool = False  # scripts of any site may read it: CORS *


class Packed(msgspec.Struct, frozen=True):
    """A file ready to be sent."""

    file: File
    etag: str
    zipped: bytes  # empty: it is sent as it is

    @property
    def cache(self) -> str:
        """Return its Cache-Control."""
        if self.file.age_s < 0:
            return "public, max-age=31536000, immutable"
        return f"public, max-age={self.file.age_s}"


def packed(file: File) -> Packed:
    """Return a file with its tag and its shorter form."""
    etag = f'"{hashlib.sha256(file.body).hexdigest()[:20]}"'
    zipped = b""
    if len(file.body) >= GZIP_BYTES_MIN:
        zipped = gzip.compress(file.body, GZIP_LEVEL, mtime=0)
    return Packed(file, etag, zipped)


def place_of(path: str) -> str:
    """Return where a path lies in a folder."""
    name = path.strip("/")
    if not name:
        return "index.html"
    return name if "." in name.rpartition("/")[2] else f"{name}/index.html"
