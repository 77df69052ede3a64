"""The key that a surface signs its tickets with: 32 bytes in a file of mode 0600, made once."""

import secrets
from pathlib import Path
from typing import Final

from penstock.config import private_file
from penstock.core.errors import StoreError

KEY_BYTES: Final = 32


def kept_key(path: Path) -> bytes:
    """Return the key of a file, made if it is not there; raises StoreError."""
    if not path.exists():
        private_file.write(path, secrets.token_hex(KEY_BYTES) + "\n")
    try:
        return bytes.fromhex(private_file.read(path).strip())
    except ValueError as error:
        raise StoreError(f"{path} holds no key: remove it, and all must log in again") from error
