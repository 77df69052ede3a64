"""Callers' keys: made here, kept as SHA-256 in ``keys.toml`` of the state directory.

A key is 256 random bits, so its hash needs no salt and no slow function: there is nothing to
guess. The key itself is shown once, when it is made. One key, named ``local``, is kept raw beside
the file (0600), so that what ``penstock up`` prints stays the same across restarts.
"""

import hashlib
import secrets
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from penstock.config import private_file
from penstock.config.model import OWN_KEYS_BEGIN
from penstock.core.errors import StoreError
from penstock.snapshot.model import Key

KEY_BYTES = 32
LOCAL: Final = "local"

_HEAD: Final = (
    "# Callers' keys of this gateway, by their SHA-256. Written by 'penstock keys'.\n"
    "# To take a key away: penstock keys revoke NAME\n"
)


def new_key() -> str:
    """Return a fresh key: ``pk-`` and 256 random bits in base64url."""
    return OWN_KEYS_BEGIN + secrets.token_urlsafe(KEY_BYTES)


def sha256(key: str) -> str:
    """Return what the files hold of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def read(path: Path) -> list[Key]:
    """Return the keys, none if there is no file yet; raises StoreError."""
    if not path.exists():
        return []
    try:
        table = tomllib.loads(private_file.read(path))
        return msgspec.convert(table.get("keys", []), list[Key])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise StoreError(f"{path} cannot be understood: {error}") from error


def write(path: Path, keys: Iterable[Key]) -> None:
    """Replace the file atomically; raises StoreError."""
    private_file.write(path, _HEAD + "".join(_entry(key) for key in keys))


def _entry(key: Key) -> str:
    # A JSON string or list of strings is valid TOML, escapes included.
    fields = {"id": key.id, "tenant": key.tenant, "sha256": key.sha256}
    usual = Key(id=key.id, tenant=key.tenant, sha256=key.sha256)
    for name in key.__struct_fields__:
        if getattr(key, name) != getattr(usual, name):
            fields[name] = getattr(key, name)
    lines = [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in fields.items()]
    return "\n[[keys]]\n" + "\n".join(lines) + "\n"


def local_key(state_dir: Path) -> str:
    """Return the raw key named ``local``, made if it is not there, with its hash in the file."""
    raw_path = state_dir / "local.key"
    keys_path = state_dir / "keys.toml"
    if raw_path.exists():
        key = private_file.read(raw_path).strip()
    else:
        key = new_key()
        private_file.write(raw_path, key + "\n")
    entry = Key(id=LOCAL, tenant=LOCAL, sha256=sha256(key))
    keys = read(keys_path)
    if entry not in keys:
        write(keys_path, [entry, *(other for other in keys if other.id != LOCAL)])
    return key
