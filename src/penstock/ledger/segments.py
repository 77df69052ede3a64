"""The segments of the spool as their reader sees them: files of lines, and who may still write.

    alive       the writer, if its lock or that of one of its segments is held
    lines       what ends in a line feed. While the writer lives, the last line waits if it looks
                unfinished; once it is dead, what has no end is a line all the same, a damaged one
    read whole  all that the file can ever hold has been read: up to its end, or, once the writer
                is dead, up to where nothing but NUL bytes follow

A power cut leaves holes of NUL bytes where pages were lost; they cost the lines around them.
A file of another name is read like a segment of a writer that is dead.
"""

import fcntl
import os
import re
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from penstock.core.errors import StoreError
from penstock.ledger.spool import LOCK_SUFFIX, SUFFIX, written_bytes

STEM: Final = re.compile(r"(\d+-\d+)-\d+")
PIECE_BYTES: Final = 1024 * 1024


class Piece(NamedTuple):
    """What was read of a segment in one go."""

    lines: list[tuple[int, bytes]]  # where each begins, and its bytes without line feed and NULs
    end_bytes: int  # how far it is read then
    is_whole: bool  # nothing more can come
    is_cut: bool = False  # it took all of ``bytes_max``: there may be more right behind


def listed(folder: Path) -> list[Path]:
    """Return the segments, oldest first; raises StoreError."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except FileNotFoundError:
        return []  # nothing has been written yet
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error


def stem_of(path: Path) -> str:
    """Return the writer's name: START-PID; of a file of another name, that name."""
    found = STEM.fullmatch(path.name.removesuffix(SUFFIX))
    return found[1] if found else path.name


def alive(folder: Path, segments: list[Path]) -> set[str]:
    """Return the stems of writers that may still write."""
    stems = {path.name.removesuffix(LOCK_SUFFIX) for path in folder.glob("*" + LOCK_SUFFIX)}
    living = {stem for stem in stems if is_held(folder / (stem + LOCK_SUFFIX))}
    for path in segments:
        stem = stem_of(path)
        if stem not in living and is_held(path):
            living.add(stem)
    return living


def is_held(path: Path) -> bool:
    """Say whether somebody holds a lock on a file."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False  # gone
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)  # lets go of the lock
    return False


def read(
    path: Path, at_bytes: int, bytes_max: int, *, is_alive: bool, quiet_since_unix_s: float
) -> Piece:
    """Return the lines from an offset on, about ``bytes_max`` of them; raises StoreError.

    A file that has changed since ``quiet_since_unix_s`` may still be copied here: its end waits.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            size = status.st_size
            is_quiet = status.st_mtime <= quiet_since_unix_s
            if size < at_bytes:
                at_bytes = 0  # another file of this name: what it repeats changes nothing
            file.seek(at_bytes)
            raw = _raw(file, bytes_max, stops_at_nul=is_alive)
            is_cut = len(raw) >= bytes_max
    except FileNotFoundError:
        return Piece([], at_bytes, is_whole=False)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    cut = raw.rfind(b"\n") + 1
    lines = _lines(raw[:cut], at_bytes)
    if is_alive:
        last = lines[-1][0] - at_bytes if lines else cut
        if b"\0" in raw[last:cut] and raw[cut : cut + 1] in (b"", b"\0"):
            lines.pop()  # is being written right now
            cut = last
        is_whole = 0 < size <= at_bytes + cut
        return Piece(lines, at_bytes + cut, is_whole, is_cut=is_cut and not is_whole)
    if at_bytes + len(raw) < size or not is_quiet:
        return Piece(lines, at_bytes + cut, is_whole=False, is_cut=is_cut)
    lines += _lines(raw[cut:], at_bytes + cut)
    return Piece(lines, size, is_whole=True)


def _raw(file: BinaryIO, bytes_max: int, *, stops_at_nul: bool) -> bytes:
    """Return bytes that hold a line feed, or reach to the end."""
    pieces: list[bytes] = []
    total = 0
    has_line = False
    while total < bytes_max or not has_line:
        piece = file.read(PIECE_BYTES)
        if not piece:
            break
        pieces.append(piece)
        total += len(piece)
        has_line |= b"\n" in piece
        if stops_at_nul and piece.endswith(b"\0"):
            break  # the room behind what is written
    return b"".join(pieces)


def _lines(raw: bytes, at_bytes: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for line in raw.split(b"\n"):
        if line:
            bare = line.strip(b"\0")
            if bare:
                found.append((at_bytes, bare))
        at_bytes += len(line) + 1
    return found


def written(path: Path) -> int:
    """Return where the lines of a segment end; 0 if it is gone."""
    try:
        return written_bytes(path)
    except OSError:
        return 0


def delete(path: Path) -> None:
    """Delete a file that has been read; raises StoreError if it stays."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be deleted: {error.strerror}") from error
