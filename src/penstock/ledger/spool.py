"""The gateway's append-only record on disk: lines of JSON in segments.

    a segment  is a file of a fixed size whose blocks are reserved when it is begun, so that a
               full disk is met there and not in the middle of a line
    append     copies into the file's mapped pages, without a system call; what is there belongs to
               the kernel: it survives kill -9, not a power cut
    ahead      of what is written the kernel is asked for pages in steps: a page that is met when
               it is written costs a fault
    the end    of what is written is the first NUL byte; a segment that was closed ends there
    the bound  on all segments is reached, or the disk is full -> lines are counted instead of
               written, and once a second a new segment is tried; the first line then says how
               many are missing (``Dropped``)
    closed     while lines are missing -> that is said all the same, in a page beyond the bound;
               kill -9 then takes with it how many there were
    alive      a writer holds a lock on ``START-PID.lock`` from its first segment to its end, and
               one on the segment that it writes: the kernel lets go of both when it dies

A reader may delete a segment that it has read, whole. Names sort by age:
``START-PID-NUMBER.jsonl``, the start in milliseconds since 1970.
"""

import fcntl
import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from penstock.config.model import Spool
from penstock.exchange.record import Dropped

SUFFIX: Final = ".jsonl"
LOCK_SUFFIX: Final = ".lock"
FILLING_RATIO: Final = 0.5  # of the bound: half the time until lines are lost has gone
RETRY_S: Final = 1.0
POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE of Linux 5.14, which Python has no name for
AHEAD_BYTES: Final = 64 * 1024  # about eighty exchanges; takes the kernel some 35 us
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
        self._mapped = 0  # how much of it has pages already, or cannot have them ahead
        self._retry_at_unix_s = 0.0
        self._lock_fd = -1
        self._told = (0, 0, 0)  # dropped lines and exchanges that have been told, and how often
        self.dropped = 0  # lines that are not on disk
        self.dropped_exchanges = 0  # with not one line on disk; counted by the recorder
        self.is_filling = False  # so much waits to be read that somebody should look
        self.used_bytes = 0  # of all segments of all workers, when the last one was begun
        self.error = ""  # why the last one is not; empty while all is well
        self.lines = 0

    def append(self, line: bytes | bytearray) -> bool:
        """Write one line, with its line feed; False, and counted, if that could not be done."""
        pages, at = self._map, self._at
        after = at + len(line)
        if after > self._mapped or pages is None:
            if not self._make_room(len(line)) or self._map is None:
                self.dropped += 1
                return False
            pages, at = self._map, self._at  # something may have been told first
            after = at + len(line)
        pages[at:after] = line
        self._at = after
        self.lines += 1
        return True

    @property
    def bytes_max(self) -> int:
        """The bound on all segments."""
        return self._limits.bytes_max

    def close(self) -> None:
        """End the segment where its lines end, and say that no more will come."""
        self._end_segment()
        told = self._missing(self._now_unix_s())
        if told and not self._reserve(len(told) + -len(told) % mmap.PAGESIZE):
            self._tell(told)
            self._end_segment()
        if self._lock_fd >= 0:
            self._lock_path.unlink(missing_ok=True)
            os.close(self._lock_fd)
            self._lock_fd = -1

    @property
    def _lock_path(self) -> Path:
        return self._folder / (self._stem + LOCK_SUFFIX)

    def _end_segment(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
            os.ftruncate(self._fd, self._at)
            os.close(self._fd)
        self._at = self._end = self._mapped = 0

    def _make_room(self, line_bytes: int) -> bool:
        """Have pages for a line: in this segment, or in the next."""
        if self._at + line_bytes > self._end and not self._begin_segment(line_bytes):
            return False
        assert self._map is not None
        until = max(self._at + line_bytes, self._mapped + AHEAD_BYTES)
        until = min(until + -until % mmap.PAGESIZE, self._end)
        # An older kernel refuses, and makes each page when it is written, as any does elsewhere.
        with suppress(OSError):
            self._map.madvise(POPULATE_WRITE, self._mapped, until - self._mapped)
        self._mapped = until
        return True

    def _begin_segment(self, line_bytes: int) -> bool:
        now_unix_s = self._now_unix_s()
        if now_unix_s < self._retry_at_unix_s:
            return False
        self._end_segment()
        told = self._missing(now_unix_s)
        size = max(self._limits.segment_bytes, len(told) + line_bytes)
        size += -size % mmap.PAGESIZE
        self.used_bytes = self._others_bytes() + size
        self.is_filling = self.used_bytes > self._limits.bytes_max * FILLING_RATIO
        if self.used_bytes > self._limits.bytes_max:
            self.error = FULL.format(self._limits.bytes_max)
        else:
            self.error = self._reserve(size)
        if self.error:
            self._retry_at_unix_s = now_unix_s + RETRY_S
        elif told:
            self._tell(told)
        return not self.error

    def _tell(self, told: bytes) -> None:
        """Begin a segment with what is missing."""
        assert self._map is not None
        self._map[: len(told)] = told
        self._at = len(told)
        self._told = (self.dropped, self.dropped_exchanges, self._told[2] + 1)

    def _missing(self, now_unix_s: float) -> bytes:
        """Return the line that tells what is missing; empty if nothing is."""
        lines, exchanges, times = self._told
        if self.dropped == lines:
            return b""
        told = Dropped(
            self._stem,
            times + 1,
            self.dropped - lines,
            self.dropped_exchanges - exchanges,
            now_unix_s,
        )
        return msgspec.json.encode(told) + b"\n"

    def _reserve(self, size: int) -> str:
        """Make the next file with all of its blocks; return why that failed, or nothing."""
        self._number += 1
        path = self._folder / f"{self._stem}-{self._number:06d}{SUFFIX}"
        fd = -1
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._say_alive()
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
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

    def _say_alive(self) -> None:
        """Hold the writer's lock: it gets its name once it is held, so nobody sees it free."""
        if self._lock_fd >= 0:
            return
        fresh = self._lock_path.with_suffix(".new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.rename(self._lock_path)
        except OSError:
            os.close(fd)
            raise
        self._lock_fd = fd

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
