"""The snapshot on disk: one header line, then the body; replaced whole or not at all.

    penstock-snapshot FORMAT SHA256-OF-BODY LF, then the body as JSON

A file of a newer format, with a wrong checksum, or cut short is refused; the reader keeps what it
had. Writing goes to a temporary file beside it, to disk, and then over the old name.
"""

import hashlib
from pathlib import Path

import msgspec

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.snapshot.model import FORMAT, Snapshot

MAGIC = "penstock-snapshot"


def write(path: Path, snapshot: Snapshot) -> None:
    """Replace the snapshot atomically; raises StoreError if the disk does not take it."""
    body = msgspec.json.encode(snapshot)
    head = f"{MAGIC} {FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode()
    private_file.write_bytes(path, head + body, is_synced=True)


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when the file is replaced; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def read(path: Path) -> Snapshot:
    """Return the snapshot; raises StoreError that says what is wrong with it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StoreError(f"the snapshot {path} cannot be read: {error.strerror}") from error
    head, _, body = raw.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ")
    if len(words) != len((MAGIC, FORMAT, "sum")) or words[0] != MAGIC:
        raise StoreError(f"{path} is not a snapshot")
    if words[1] != str(FORMAT):
        raise StoreError(f"the snapshot {path} has format {words[1]}; this version reads {FORMAT}")
    if hashlib.sha256(body).hexdigest() != words[2]:
        raise StoreError(f"the snapshot {path} is damaged: its checksum is wrong")
    try:
        return msgspec.json.decode(body, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise StoreError(f"the snapshot {path} cannot be understood: {error}") from error
