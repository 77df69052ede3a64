"""Drill files: the one that ships, and those of users.

ID          of the shipped drills
FILE        a file that holds one drill
FILE#ID     a file that holds several
"""

from importlib import resources
from pathlib import Path
from typing import Final

from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills import drill_file
from penstock.sim.drills.drill_file import Drill, Drills

DEFAULT: Final = "claude-2026-03-02"
SUFFIXES: Final = (".toml", ".json")


def shipped() -> Drills:
    """Return the outages that ship with Penstock."""
    return drill_file.parse((resources.files("penstock.sim") / "data" / "drills.json").read_bytes())


def read(path: Path) -> Drills:
    """Return a file's drills; raises ConfigError with all that is wrong."""
    try:
        if path.stat().st_size > drill_file.FILE_BYTES_MAX:
            told = f"it has more than {drill_file.FILE_BYTES_MAX} bytes"
            raise ConfigError([Problem(str(path), told, "split it")])
        text = path.read_bytes()
    except OSError as error:
        told = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(str(path), told, "name a file of drills")]) from error
    return drill_file.parse(text, str(path))


def find(words: str = DEFAULT) -> tuple[Drills, Drill]:
    """Return the drill that a user means, and the file that it is in."""
    path, _, name = words.partition("#")
    if not path.endswith(SUFFIXES):
        found = shipped()
        return found, found.named(words)
    found = read(Path(path))
    if name or len(found.drills) == 1:
        return found, found.named(name) if name else found.drills[0]
    ids = ", ".join(one.id for one in found.drills)
    told = f"it holds {len(found.drills)} drills"
    raise ConfigError([Problem(path, told, f"say which, as {path}#ID: {ids}")])
