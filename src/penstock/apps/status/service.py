"""The token by which surfaces of ours file reports: in a file that only our own user can read.

Made at the first start; the surfaces of the same state directory read it there. It lets nobody do
more than say on whose behalf a report is.
"""

import secrets
from pathlib import Path
from typing import Final

from penstock.config import private_file

FILE: Final = Path("run") / "status.token"
BEARER: Final = "bearer "


def make(state_dir: Path) -> str:
    """Return the token, made if it is not there; raises StoreError."""
    path = state_dir / FILE
    if not path.exists():
        private_file.write(path, f"ps-{secrets.token_urlsafe(32)}\n")
    return private_file.read(path).strip()


def is_told(token: str, authorization: str) -> bool:
    """Tell whether a request's Authorization is the token."""
    given = authorization[len(BEARER) :].strip()
    is_bearer = authorization.lower().startswith(BEARER)
    return is_bearer and secrets.compare_digest(given.encode(), token.encode())
