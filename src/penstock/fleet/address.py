"""The address of a Unix socket, whatever the length of its path.

A path in ``sockaddr_un`` has at most 107 bytes (unix(7)), and a state directory may lie deep. A
longer one is reached through an open descriptor of its folder, where the system has ``/proc``.
"""

import os
from pathlib import Path
from typing import Final

PATH_BYTES_MAX: Final = 100
PROC: Final = Path("/proc/self/fd")


def address(path: Path) -> str:
    """Return what to bind or connect to; keeps the folder open if that is needed."""
    name = str(path)
    if len(os.fsencode(name)) <= PATH_BYTES_MAX or not PROC.is_dir():
        return name
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return str(PROC / str(folder) / path.name)
