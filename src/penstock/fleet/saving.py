"""What a gate has learned, on disk: written every second, read once, at the start.

    the file    one JSON object: format, when, and for each part what its ``state`` returned
    written     beside it, then over it; a full disk costs the memory, never an answer
    read        damaged, of another format, or too old for a part: as if there were none

A part is whatever has ``state(now_s)``, plain values, and ``restore(state, now_s)``, which takes
them back. One that cannot read what an older version wrote begins anew, alone.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from penstock.config import private_file
from penstock.core.errors import StoreError

FORMAT: Final = 1


class Part(Protocol):
    """Something that learns."""

    def state(self, now_s: float) -> Any:
        """Return what is worth keeping, as plain values."""
        ...

    def restore(self, state: Any, now_s: float) -> None:
        """Take back what ``state`` returned; raises what a wrong shape raises."""
        ...


class Kept(NamedTuple):
    """A part, and for how many seconds it is worth to be taken back."""

    part: Part
    age_max_s: float


class Saved(msgspec.Struct, frozen=True):
    """The file."""

    format: int
    at_unix_s: float
    parts: dict[str, Any]


class Saving:
    """One file. ``warn`` is told what went wrong, once for each change."""

    def __init__(self, path: Path, parts: Mapping[str, Kept], warn: Callable[[str], None]) -> None:
        self._path = path
        self._parts = parts
        self._warn = warn
        self._error = ""

    def content(self, now_s: float, now_unix_s: float) -> bytes:
        """Return the file as it should be now."""
        parts = {name: kept.part.state(now_s) for name, kept in self._parts.items()}
        return msgspec.json.encode(Saved(FORMAT, now_unix_s, parts))

    def write(self, content: bytes) -> None:
        """Replace the file; may run in a thread of its own."""
        try:
            private_file.write_bytes(self._path, content)
        except StoreError as error:
            self._say(error.message)
        else:
            self._error = ""

    def restore(self, now_s: float, now_unix_s: float) -> None:
        """Give every part what is there for it."""
        try:
            saved = msgspec.json.decode(self._path.read_bytes(), type=Saved)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError) as error:
            self._say(f"{self._path} cannot be read: {error}")
            return
        age_s = max(0.0, now_unix_s - saved.at_unix_s)
        if saved.format != FORMAT:
            return
        for name, kept in self._parts.items():
            if name not in saved.parts or age_s > kept.age_max_s:
                continue
            try:
                kept.part.restore(saved.parts[name], now_s)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                self._say(f"{self._path}: {name} begins anew: {error!r}")

    def _say(self, error: str) -> None:
        if error != self._error:
            self._error = error
            self._warn(error)
