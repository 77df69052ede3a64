"""Results on disk: which there are, and which go when there are too many.

    <folder>/<name>/result.json   one of each drill, beside its report, calls and logs

Only folders are removed that have a result in them and a name as drills give: what somebody else
has put here stays.
"""

import re
import shutil
from pathlib import Path
from typing import Final

import msgspec

from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.sim.drills.shapes import Result

RESULT: Final = "result.json"
KEPT_MAX: Final = 30  # folders: some 30 MB each, most of it the databases and logs of the arms
BYTES_MAX: Final = 64 * 1024 * 1024  # of a result: usual ones have half a megabyte
NAME: Final = re.compile(r"\d{8}T\d{6}-[A-Za-z0-9._-]+")


def read(path: Path) -> Result:
    """Return a result of a file, or of the folder it lies in; raises ConfigError, StoreError."""
    file = path / RESULT if path.is_dir() else path
    try:
        with file.open(
            "rb"
        ) as opened:  # also of others, as CI hands results on: no secret is in it
            raw = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}") from error
    if len(raw) > BYTES_MAX:
        raise StoreError(f"{file} is larger than {BYTES_MAX} bytes: that is no result of a drill")
    try:
        return msgspec.json.decode(raw, type=Result)
    except msgspec.MsgspecError as error:
        problem = Problem(str(file), f"it is no result of a drill: {error}", "give a result.json")
        raise ConfigError([problem]) from error


def folders(folder: Path) -> list[Path]:
    """Return the folders of drills that are over, the newest first."""
    if not folder.is_dir():
        return []
    found = [one for one in folder.iterdir() if (one / RESULT).is_file()]
    return sorted(found, key=lambda one: one.name, reverse=True)


def prune(folder: Path, kept_max: int = KEPT_MAX) -> list[Path]:
    """Remove the oldest drills beyond the bound; return what is gone."""
    ours = [one for one in folders(folder) if NAME.fullmatch(one.name) and not one.is_symlink()]
    gone = ours[kept_max:]
    for one in gone:
        shutil.rmtree(one, ignore_errors=True)  # what cannot be removed now is so the next time
    return gone
