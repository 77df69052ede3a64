"""The gateway's append-only record on disk: lines of JSON in segments.

    append     one write to the page cache: it survives kill -9, not a power cut
    a segment  is full -> the next one is begun; a reader may delete what it has read, whole
    a line     that the disk does not take whole is taken back, counted, and never raised
    the bound  on all segments is reached -> lines are counted instead of written

Names sort by age: ``START-PID-NUMBER.jsonl``, the start in milliseconds since 1970.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penstock.config.model import Spool

SUFFIX: Final = ".jsonl"


class SpoolWriter:
    """One worker's writing end. Owned by one event loop; not thread-safe."""

    def __init__(self, folder: Path, limits: Spool, now_unix_s: Callable[[], float]) -> None:
        self._folder = folder
        self._limits = limits
        self._stem = f"{int(now_unix_s() * 1000):014d}-{os.getpid()}"
        self._number = 0
        self._fd = -1
        self._size = 0
        self._others_bytes = 0
        self.dropped = 0  # lines that are not on disk
        self.error = ""  # why the last one is not; empty while all is well
        self.lines = 0

    def append(self, line: bytes) -> bool:
        """Write one line, with its line feed; False, and counted, if that could not be done."""
        if self._fd < 0 or self._size >= self._limits.segment_bytes:
            self._begin_segment()
        if self._fd < 0 or self._others_bytes + self._size + len(line) > self._limits.bytes_max:
            self.dropped += 1
            if self._fd >= 0:
                self.error = f"the spool has reached its bound of {self._limits.bytes_max} bytes"
                self._measure()
            return False
        try:
            written = os.write(self._fd, line)
            if written < len(line):
                os.ftruncate(self._fd, self._size)  # half a line would spoil the next
                self._on_error("the disk is full")
                return False
        except OSError as error:
            self._on_error(error.strerror or str(error))
            return False
        self._size += written
        self.lines += 1
        self.error = ""
        return True

    def close(self) -> None:
        """End the segment."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _begin_segment(self) -> None:
        self.close()
        self._number += 1
        path = self._folder / f"{self._stem}-{self._number:06d}{SUFFIX}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        except OSError as error:
            self.error = f"{path.name} cannot be created: {error.strerror}"
            return
        self._size = 0
        self._measure()

    def _measure(self) -> None:
        """Count what the other segments take; a reader may have deleted some."""
        own = f"{self._stem}-{self._number:06d}{SUFFIX}"
        total = 0
        for path in self._folder.glob("*" + SUFFIX):
            if path.name != own:
                try:
                    total += path.stat().st_size
                except OSError:
                    continue  # deleted meanwhile
        self._others_bytes = total

    def _on_error(self, reason: str) -> None:
        self.dropped += 1
        self.error = reason
