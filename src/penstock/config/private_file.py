"""Files that only their owner may read: written whole or not at all, refused if others may read.

Keys, the snapshot, ready files and all that is remembered go through here. A write goes to a fresh
file of mode 0600 beside the old one and then over its name, so that a reader sees the old content
or the new one, never half of it.
"""

import os
from pathlib import Path

import msgspec

from penstock.core.errors import StoreError

MODE = 0o600
OTHERS = 0o077  # group and others: none of these bits may be set on a secret
BYTES_MAX = 4 * 1024 * 1024  # a secret or a list of keys; more is a wrong path


def write_bytes(path: Path, content: bytes, *, is_synced: bool = False) -> None:
    """Replace the file atomically, with mode 0600; raises StoreError.

    ``is_synced``: what is there then has reached the disk.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def write(path: Path, content: str) -> None:
    """Replace the file atomically by a text, with mode 0600; raises StoreError."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: object) -> None:
    """Replace the file atomically by one JSON value, with mode 0600; raises StoreError."""
    write_bytes(path, msgspec.json.encode(value) + b"\n")


def read(path: Path) -> str:
    """Return the content; raises StoreError if it cannot be read, or if others could read it."""
    try:
        fd = os.open(path, os.O_RDONLY)
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if mode & OTHERS:
        raise StoreError(f"{path} has mode {mode & 0o777:04o}: run 'chmod 600 {path}'")
    if len(raw) > BYTES_MAX:
        raise StoreError(f"{path} is larger than {BYTES_MAX} bytes: this cannot be the right file")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not text") from error
