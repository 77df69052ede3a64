"""What a file is, by its bytes: never by its name or by what was said of it. Pure.

    kind              known by                     told
    image/png         signature and IHDR           width, height
    image/jpeg        SOI; frames are looked for   width, height
    image/gif         GIF87a, GIF89a               width, height
    image/webp        RIFF, WEBP and its chunk     width, height
    application/pdf   %PDF-                        pages; 0 where they cannot be counted

Anything else is refused, so are pictures without size or with more than ``PIXELS_MAX``: SVG and
HTML are programs, and what a browser or a provider unpacks has to have a bound. Pages of a PDF are
counted without understanding it: page objects as they lie there, or the largest count that its page
tree names, also in packed objects, of which a bounded number is unpacked.
"""

import re
import zlib
from collections.abc import Iterator
from mmap import mmap
from typing import Final

import msgspec

from penstock.core.errors import PenstockError

PIXELS_MAX: Final = 100_000_000  # a large camera's picture; unpacked, 400 MB
SIDE_MAX: Final = 65_535
JPEG_SEGMENTS_MAX: Final = 1_000  # before the frame: metadata in pieces of 64 KB
PAGES_MAX: Final = 100_000
PACKED_MAX: Final = 200  # packed objects of a PDF that are unpacked
UNPACKED_BYTES_MAX: Final = 512 * 1024  # of each

FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF; the others are tables
FILLING: Final = 0xFF
ENDS: Final = frozenset({0xD9, 0xDA})  # the picture begins, or there is none
SEGMENT_BYTES: Final = 9  # of a frame's head, with its size

_PAGE: Final = re.compile(rb"/Type\s{0,9}/Page(?![A-Za-z])")
_COUNT: Final = re.compile(rb"/Count\s{1,9}(\d{1,6})(?!\d)")
_PACKED: Final = re.compile(rb"/ObjStm.{0,400}?stream\r?\n", re.DOTALL)

Bytes = bytes | mmap


class Looked(msgspec.Struct, frozen=True):
    """What has been found."""

    kind: str
    width: int = 0
    height: int = 0
    pages: int = 0


class KindError(PenstockError):
    """It is none of the kinds that are taken."""

    status = 415
    code = "unsupported_file"
    remedy = "Send a PNG, JPEG, WebP or GIF image, or a PDF."


def look(raw: Bytes) -> Looked:
    """Return what a file is; raises KindError."""
    if raw[:5] == b"%PDF-":
        return Looked("application/pdf", pages=_pages(raw))
    kind, size = _picture(raw)
    if not kind:
        raise KindError("this file is no image and no PDF")
    width, height = size
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX):
        raise KindError("this image is damaged: it has no size")
    if width * height > PIXELS_MAX:
        raise KindError(f"this image has {width} x {height} pixels, more than can be taken")
    return Looked(kind, width, height)


def _picture(raw: Bytes) -> tuple[str, tuple[int, int]]:
    head = raw[:32]
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return "image/png", (_big(head[16:20]), _big(head[20:24]))
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _jpeg(raw)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif", (_little(head[6:8]), _little(head[8:10]))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp", _webp(head)
    return "", (0, 0)


def _jpeg(raw: Bytes) -> tuple[int, int]:
    """Return the size that the first frame says."""
    at = 2
    for _ in range(JPEG_SEGMENTS_MAX):
        head = raw[at : at + SEGMENT_BYTES]
        if len(head) < SEGMENT_BYTES or head[0] != FILLING or head[1] in ENDS:
            break
        if head[1] == FILLING:
            at += 1
        elif head[1] in FRAMES:
            return _big(head[7:9]), _big(head[5:7])
        else:
            at += 2 + max(2, _big(head[2:4]))
    return 0, 0


def _webp(head: bytes) -> tuple[int, int]:
    chunk, body = head[12:16], head[20:]
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF
    if chunk == b"VP8L" and body[:1] == b"\x2f":
        bits = _little(body[1:5])
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8X":
        return _little(body[4:7]) + 1, _little(body[7:10]) + 1
    return 0, 0


def _pages(raw: Bytes) -> int:
    found, largest = _counted(raw)
    if not found:
        for part in _unpacked(raw):
            more, count = _counted(part)
            found += more
            largest = max(largest, count)
    return min(largest or found, PAGES_MAX)


def _counted(raw: Bytes) -> tuple[int, int]:
    """Return how many page objects there are, and the largest count that is named."""
    found = 0
    for _ in _PAGE.finditer(raw):
        found += 1
        if found == PAGES_MAX:
            break
    counts = [int(one[1]) for one, _ in zip(_COUNT.finditer(raw), range(PAGES_MAX), strict=False)]
    largest = max(counts, default=0)
    # Outlines have counts too: a page tree's is at most the pages that there are.
    return found, min(largest, found) if found else largest


def _unpacked(raw: Bytes) -> Iterator[bytes]:
    for one, _ in zip(_PACKED.finditer(raw), range(PACKED_MAX), strict=False):
        packed = raw[one.end() : one.end() + UNPACKED_BYTES_MAX]
        try:
            yield zlib.decompressobj().decompress(packed, UNPACKED_BYTES_MAX)
        except zlib.error:
            continue


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
