"""The files that pages need: style, script, mark.

address   /static/HASH/NAME; HASH is of all files together, so that whoever has one may keep it
          for ever, and a new version never mixes with an old one
inlined   what a report carries in itself
"""

import functools
import hashlib
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
PREFIX: Final = "/static"
STYLES: Final = ("tokens.css", "penstock.css")
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HASH_LENGTH: Final = 12


@functools.cache
def names() -> frozenset[str]:
    """Return the names of all files."""
    return frozenset(path.name for path in STATIC.iterdir() if path.suffix in KINDS)


@functools.cache
def text(name: str) -> str:
    """Return one file; raises KeyError if there is none by this name."""
    if name not in names():
        raise KeyError(name)
    return (STATIC / name).read_text(encoding="utf-8")


@functools.cache
def version() -> str:
    """Return the hash of all files."""
    told = hashlib.sha256()
    for name in sorted(names()):
        told.update(f"{name}\0{text(name)}\0".encode())
    return told.hexdigest()[:HASH_LENGTH]


def address(name: str) -> str:
    """Return where a file is served; raises KeyError if there is none by this name."""
    if name not in names():
        raise KeyError(name)
    return f"{PREFIX}/{version()}/{name}"


def tokens() -> str:
    """Return the style of plots that stand by themselves."""
    return text(STYLES[0])


def styles() -> str:
    """Return all style, for a page that carries it in itself."""
    return "\n".join(text(name) for name in STYLES)
