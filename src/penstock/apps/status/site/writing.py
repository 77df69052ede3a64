"""The site in a folder, changed whole: a reader sees the old site or the new one, never a mixture.

    SITE                  a symbolic link to the newest version; it is replaced by rename
    .SITE.versions/N      a version, written and synced before the link points to it
    NAME.gz               beside each NAME that is worth it: nginx sends it with ``gzip_static``

One process writes at a time: a command may render while ours runs. Files that have not changed are
hard links to the version before. The last KEPT versions stay, for readers that began before the
change. A full disk leaves the last site in place: StoreError.
"""

import gzip
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from penstock.apps.status.site.files import GZIP_BYTES_MIN, GZIP_LEVEL, File, place_of
from penstock.config.locking import locked
from penstock.core.errors import StoreError

KEPT: Final = 3
LOCK: Final = "lock"
LOCKED_S: Final = 10.0  # a version takes a second or two


def write(site: Path, files: Mapping[str, File]) -> Path:
    """Write a new version of the site and let the link point to it; raises StoreError."""
    versions = site.with_name(f".{site.name}.versions")
    try:
        versions.mkdir(mode=0o755, parents=True, exist_ok=True)
        with locked(versions / LOCK, within_s=LOCKED_S) as is_free:
            if not is_free:
                raise StoreError(f"the site at {site} is being written by another process")
            return _written(site, versions, files)
    except OSError as error:
        raise StoreError(f"the site at {site} cannot be written: {error.strerror}") from error


def _written(site: Path, versions: Path, files: Mapping[str, File]) -> Path:
    numbers = sorted(int(one.name) for one in versions.iterdir() if one.name.isdigit())
    before = versions / str(numbers[-1]) if numbers else None
    new = versions / str(numbers[-1] + 1 if numbers else 1)
    _fill(new, before, files)
    _point(site, new)
    for number in numbers[: -KEPT + 1]:
        shutil.rmtree(versions / str(number), ignore_errors=True)
    return new


def _fill(new: Path, before: Path | None, files: Mapping[str, File]) -> None:
    """Write a version; what is left of one that could not be written whole is removed."""
    try:
        for path, file in files.items():
            name = place_of(path)
            is_same = _place(new, before, name, file.body)
            if len(file.body) >= GZIP_BYTES_MIN:
                _place_packed(new, before if is_same else None, f"{name}.gz", file.body)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _place(new: Path, before: Path | None, name: str, body: bytes) -> bool:
    """Write a file, or link it to the same one of the version before; tell whether it is that."""
    path = new / name
    path.parent.mkdir(parents=True, exist_ok=True)
    old = before / name if before is not None else None
    if old is not None and old.is_file() and old.read_bytes() == body:
        os.link(old, path)
        return True
    _write(path, body)
    return False


def _place_packed(new: Path, before: Path | None, name: str, body: bytes) -> None:
    """Write a file's shorter form; ``before`` is a version in which the file is the same."""
    if before is not None and (before / name).is_file():
        os.link(before / name, new / name)
    else:
        _write(new / name, gzip.compress(body, GZIP_LEVEL, mtime=0))


def _write(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _point(site: Path, version: Path) -> None:
    if site.exists() and not site.is_symlink():
        raise StoreError(f"{site} is a folder of somebody else's: remove it, or name another")
    link = site.with_name(f".{site.name}.next")
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(version, site.parent))
    link.replace(site)
