"""The salt of an installation: users are ranked by it, and in every process alike.

Made by whoever is first, 16 random bytes in ``run/salt`` of mode 0600. Where it cannot be kept, a
process has one of its own: then ranks are drawn anew, and nothing else changes.
"""

import os
import secrets
from pathlib import Path
from typing import Final

SALT_BYTES: Final = 16


def salt_of(state_dir: Path) -> bytes:
    """Return the salt of this state directory."""
    path = state_dir / "run" / "salt"
    made = secrets.token_bytes(SALT_BYTES)
    fresh = path.with_name(f"salt.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(made)
        try:
            os.link(fresh, path)  # never half written, and only the first one counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        found = path.read_bytes()
    except OSError:
        return made
    return found if len(found) == SALT_BYTES else made
