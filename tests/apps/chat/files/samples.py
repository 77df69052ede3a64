"""Small files of each kind, made by hand: heads that say a size, and PDFs that name their pages."""

import struct
import zlib
from collections.abc import Callable

Make = Callable[[int, int], bytes]
Count = Callable[[int], bytes]


def png(width: int = 3, height: int = 2) -> bytes:
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0;"


def jpeg(width: int = 3, height: int = 2) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0\xff\xc0"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + exif + b"\xff" + frame + b"\xff\xd9"


def _webp(chunk: bytes, body: bytes) -> bytes:
    inner = b"WEBP" + chunk + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def webp(width: int = 3, height: int = 2) -> bytes:
    return _webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width: int = 3, height: int = 2) -> bytes:
    return _webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def webp_extended(width: int = 3, height: int = 2) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _webp(b"VP8X", bytes(4) + size)


def pdf(pages: int = 3) -> bytes:
    tree = b"1 0 obj <</Type /Pages /Count %d>> endobj\n" % pages
    outlines = b"2 0 obj <</Type /Outlines /Count 90>> endobj\n"
    return b"%PDF-1.4\n" + tree + outlines + b"3 0 obj <</Type/Page >> endobj\n" * pages + b"%%EOF"


def packed_pdf(pages: int = 3) -> bytes:
    packed = zlib.compress(b"<</Type /Pages /Count %d>>" % pages + b"<</Type /Page>>" * pages)
    head = b"1 0 obj <</Type /ObjStm /Filter /FlateDecode>> stream\r\n"
    return b"%PDF-1.5\n" + head + packed + b"\nendstream endobj\n%%EOF"
