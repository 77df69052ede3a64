"""The gateway's append-only record on disk: lines of JSON in segments.

    a segment  is a file of a fixed size whose blocks are reserved when it is begun, so that a
               full disk is met there and not in the middle of a line
    append     copies into the file's mapped pages, without a system call; what is there belongs to
               the kernel: it survives kill -9, not a power cut
    the end    of what is written is the first NUL byte; a segment that was closed ends there
    the bound  on all segments is reached, or the disk is full -> lines are counted instead of
               written, and once a second a new segment is tried

A reader may delete a segment that it has read, whole. Names sort by age:
``START-PID-NUMBER.jsonl``, the start in milliseconds since 1970.
"""

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penstock.config.model import Spool

SUFFIX: Final = ".jsonl"
RETRY_S: Final = 1.0
FULL: Final = "the spool has reached its bound of {} bytes"


class SpoolWriter:
    """One worker's writing end. Owned by one event loop; not thread-safe."""

    def __init__(self, folder: Path, limits: Spool, now_unix_s: Callable[[], float]) -> None:
        self._folder = folder
        self._limits = limits
        self._now_unix_s = now_unix_s
        self._stem = f"{int(now_unix_s() * 1000):014d}-{os.getpid()}"
        self._number = 0
        self._fd = -1
        self._map: mmap.mmap | None = None
        self._at = 0
        self._end = 0  # of the room in this segment
        self._retry_at_unix_s = 0.0
        self.dropped = 0  # lines that are not on disk
        self.error = ""  # why the last one is not; empty while all is well
        self.lines = 0

    def append(self, line: bytes) -> bool:
        """Write one line, with its line feed; False, and counted, if that could not be done."""
        at = self._at
        after = at + len(line)
        pages = self._map
        if after > self._end or pages is None:
            if not self._begin_segment(len(line)) or self._map is None:
                self.dropped += 1
                return False
            pages, at, after = self._map, 0, len(line)
        pages[at:after] = line
        self._at = after
        self.lines += 1
        return True

    def close(self) -> None:
        """End the segment where its lines end."""
        if self._map is not None:
            self._map.close()
            self._map = None
            os.ftruncate(self._fd, self._at)
            os.close(self._fd)
        self._at = self._end = 0

    def _begin_segment(self, line_bytes: int) -> bool:
        now_unix_s = self._now_unix_s()
        if now_unix_s < self._retry_at_unix_s:
            return False
        self.close()
        size = max(self._limits.segment_bytes, line_bytes)
        size += -size % mmap.PAGESIZE
        if self._others_bytes() + size > self._limits.bytes_max:
            self.error = FULL.format(self._limits.bytes_max)
        else:
            self.error = self._reserve(size)
        if self.error:
            self._retry_at_unix_s = now_unix_s + RETRY_S
        return not self.error

    def _reserve(self, size: int) -> str:
        """Make the next file with all of its blocks; return why that failed, or nothing."""
        self._number += 1
        path = self._folder / f"{self._stem}-{self._number:06d}{SUFFIX}"
        fd = -1
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            os.posix_fallocate(fd, 0, size)
            self._map = mmap.mmap(fd, size)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
                path.unlink(missing_ok=True)
            return f"{path.name} cannot be made: {error.strerror}"
        self._fd = fd
        self._end = size
        return ""

    def _others_bytes(self) -> int:
        """Return what the segments take; a reader may have deleted some."""
        total = 0
        for path in self._folder.glob("*" + SUFFIX):
            try:
                total += path.stat().st_size
            except OSError:
                continue  # deleted meanwhile
        return total


def written_bytes(path: Path) -> int:
    """Return where the lines of a segment end, be it open, closed or left by a crash."""
    with path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:  # all NULs stand behind all lines, and JSON has none
            middle = (low + high) // 2
            file.seek(middle)
            if file.read(1) == b"\0":
                high = middle
            else:
                low = middle + 1
    return low


def lines(path: Path) -> list[bytes]:
    """Return the whole lines of a segment."""
    raw = path.read_bytes().rstrip(b"\0")
    return raw[: raw.rfind(b"\n") + 1].splitlines()
