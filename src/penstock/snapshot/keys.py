"""Callers' keys: made here, kept as SHA-256.

A key is 256 random bits, so its hash needs no salt and no slow function: there is nothing to
guess. The key itself is shown once, when it is made. Three are kept raw in the state
directory (0600): ``local``, so that what ``penstock up`` prints stays the same across restarts,
``status``, by which the status process asks what it asks through the gateway, and ``chat``, by
which the chat asks for its people.

Before there was a database, keys and tenants lay in ``keys.toml`` of the state directory. Such a
file is read once more, when control takes it over. A file without tenants is as good as one with
them; what is as usual is not written.
"""

import hashlib
import secrets
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.config import private_file
from penstock.config.model import OWN_KEYS_BEGIN
from penstock.config.tenancy import Tenant
from penstock.core.errors import StoreError
from penstock.snapshot.model import Key

KEY_BYTES = 32
LOCAL: Final = "local"
STATUS: Final = "status"  # of the probes; its tenant bears the same name
CHAT: Final = "chat"  # of all people of the chat; its tenant bears the same name
KEPT: Final = (LOCAL, STATUS, CHAT)  # raw, each in a file of its own; control knows their hashes

_HEAD: Final = (
    "# Callers' keys of this gateway, by their SHA-256, and the tenants that they belong to.\n"
    "# Written by 'penstock keys' and 'penstock tenants'; money is in millionths of a dollar.\n"
)


def new_key() -> str:
    """Return a fresh key: ``pk-`` and 256 random bits in base64url."""
    return OWN_KEYS_BEGIN + secrets.token_urlsafe(KEY_BYTES)


def sha256(key: str) -> str:
    """Return what the files hold of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


class Book(msgspec.Struct, frozen=True):
    """What the file holds."""

    keys: tuple[Key, ...] = ()
    tenants: tuple[Tenant, ...] = ()


def read_book(path: Path) -> Book:
    """Return keys and tenants, none if there is no file yet; raises StoreError."""
    if not path.exists():
        return Book()
    try:
        return msgspec.convert(tomllib.loads(private_file.read(path)), Book)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise StoreError(f"{path} cannot be understood: {error}") from error


def write_book(path: Path, book: Book) -> None:
    """Replace the file atomically; raises StoreError."""
    tables = [_table("tenants", tenant) for tenant in book.tenants]
    tables += [_table("keys", key) for key in book.keys]
    private_file.write(path, _HEAD + "".join(tables))


def read(path: Path) -> list[Key]:
    """Return the keys, none if there is no file yet; raises StoreError."""
    return list(read_book(path).keys)


def write(path: Path, keys: Iterable[Key]) -> None:
    """Replace the keys atomically, the tenants stay; raises StoreError."""
    write_book(path, msgspec.structs.replace(read_book(path), keys=tuple(keys)))


def _table(name: str, entry: msgspec.Struct) -> str:
    """Return an entry as TOML: what differs from its default, inner tables last."""
    lines: list[str] = []
    inner: list[str] = []
    for field, value in _unusual(entry):
        if isinstance(value, msgspec.Struct):
            fields = "".join(f"{at} = {_toml(one)}\n" for at, one in _unusual(value))
            inner.append(f"[{name}.{field}]\n{fields}")
        else:
            lines.append(f"{field} = {_toml(value)}\n")
    return f"\n[[{name}]]\n{''.join(lines)}{''.join(inner)}"


def _unusual(entry: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are required, or differ from their default; TOML has no null."""
    for field in msgspec.structs.fields(entry):
        value: Any = getattr(entry, field.name)
        if value is not None and value != field.default:
            yield field.name, value


def _toml(value: Any) -> str:
    """Return text, a number or a list as TOML: JSON of these is valid there, escapes included."""
    return msgspec.json.encode(value).decode()


def kept_path(state_dir: Path, name: str) -> Path:
    """Return where one of ``KEPT`` lies."""
    return state_dir / f"{name}.key"


def kept_key(state_dir: Path, name: str) -> str:
    """Return one of ``KEPT``, made if it is not there; raises StoreError."""
    path = kept_path(state_dir, name)
    if path.exists():
        return private_file.read(path).strip()
    key = new_key()
    private_file.write(path, key + "\n")
    return key
