"""The book in the database: tenants and keys as rows, and how a change of them is made.

changing   one transaction: the change, its audit row, and a look at what would be served with
           it; what would be wrong is refused, and nothing is changed. Then it is published
at once    two operators who change one entry: the later one wins, and the audit log has both;
           whoever gives ``updated_unix_s`` is refused if the entry has changed since
"""

import contextlib
from collections.abc import Generator
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from penstock.apps.control.call import Call
from penstock.config.check_tenancy import NAME
from penstock.core.errors import ConfigError, PenstockError
from penstock.ledger import tables
from penstock.ledger.book import KeyEntry, TenantEntry
from penstock.snapshot.model import Key
from penstock.web.endpoint import (
    BookError,
    ConflictError,
    InvalidError,
    MissingError,
    UnservedError,
)

Entry = TypeVar("Entry", TenantEntry, KeyEntry)
NAME_WORDS: Final = "letters, digits and . _ -, at most 64"


class TenantRow(msgspec.Struct, frozen=True):
    """A tenant as the database has it."""

    entry: TenantEntry
    created_unix_s: float
    updated_unix_s: float


class KeyRow(msgspec.Struct, frozen=True):
    """A key as the database has it."""

    entry: KeyEntry
    created_unix_s: float
    updated_unix_s: float


@contextlib.contextmanager
def changing(call: Call, *, is_promise: bool = False) -> Generator[Connection]:
    """Give the connection for a change; publishes when the block has ended well.

    Raises BookError if what would be served is wrong; UnservedError if it is saved but could not
    be published. A promise is refused if contracts must hold and would not.
    """
    publisher = call.parts.publisher
    with call.parts.store.writing(is_durable=True) as connection:
        yield connection
        try:
            publisher.check(connection, call.now_unix_s, is_promise=is_promise)
        except ConfigError as error:
            raise BookError(error.problems) from error
    try:
        publisher.publish(call.now_unix_s)
    except PenstockError as error:
        raise UnservedError(f"saved, but not served yet: {error.message}") from error


def name_of(text: str, param: str) -> str:
    """Return a new name; raises InvalidError if it is none."""
    if not NAME.fullmatch(text):
        raise InvalidError(f"{text[:64]!r} is not a name: {NAME_WORDS}", param)
    return text


def tenant(connection: Connection, name: str) -> TenantRow:
    """Return a tenant; raises MissingError."""
    found = find_tenant(connection, name)
    if found is None:
        raise MissingError(f"there is no tenant named {name[:64]!r}")
    return found


def find_tenant(connection: Connection, name: str) -> TenantRow | None:
    """Return a tenant; None if there is none."""
    if not NAME.fullmatch(name):
        return None
    row = connection.execute(_rows(tables.tenants).where(tables.tenants.c.id == name)).first()
    return None if row is None else tenant_row(row)


def key(connection: Connection, name: str) -> KeyRow:
    """Return a key, be it revoked; raises MissingError."""
    found = find_key(connection, name)
    if found is None:
        raise MissingError(f"there is no key named {name[:64]!r}")
    return found


def find_key(connection: Connection, name: str) -> KeyRow | None:
    """Return a key, be it revoked; None if there is none."""
    if not NAME.fullmatch(name):
        return None
    row = connection.execute(_rows(tables.keys).where(tables.keys.c.id == name)).first()
    return None if row is None else key_row(row)


def tenants_after(connection: Connection, after: str, limit: int) -> list[TenantRow]:
    """Return tenants by name."""
    table = tables.tenants
    query = _rows(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [tenant_row(row) for row in connection.execute(query)]


def keys_after(connection: Connection, after: str, limit: int, tenant: str = "") -> list[KeyRow]:
    """Return keys by name, of one tenant or of all."""
    table = tables.keys
    query = _rows(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
    if tenant:
        query = query.where(table.c.tenant == tenant)
    return [key_row(row) for row in connection.execute(query)]


def unchanged(found: TenantRow | KeyRow | None, updated_unix_s: float | None) -> None:
    """Raise ConflictError if an entry is not as its reader has seen it."""
    if updated_unix_s is None:
        return
    if found is None or found.updated_unix_s != updated_unix_s:
        raise ConflictError("somebody else has changed it since you have looked")


def save_tenant(
    connection: Connection, entry: TenantEntry, row: TenantRow | None, at: float
) -> TenantRow:
    """Insert or replace a tenant."""
    values: dict[str, Any] = {"document": msgspec.json.encode(entry).decode(), "updated_unix_s": at}
    name = entry.tenant.id
    if row is None:
        values |= {"id": name, "created_unix_s": at}
        connection.execute(insert(tables.tenants).values(values))
    else:
        connection.execute(update(tables.tenants).where(tables.tenants.c.id == name).values(values))
    return TenantRow(entry, row.created_unix_s if row else at, at)


def remove_tenant(connection: Connection, name: str) -> None:
    """Forget a tenant."""
    connection.execute(delete(tables.tenants).where(tables.tenants.c.id == name))


def save_key(connection: Connection, entry: KeyEntry, row: KeyRow | None, at: float) -> KeyRow:
    """Insert or replace a key."""
    key: Key = entry.key
    values: dict[str, Any] = {
        "document": msgspec.json.encode(entry).decode(),
        "tenant": key.tenant,
        "sha256": key.sha256,
        "updated_unix_s": at,
    }
    if row is None:
        values |= {"id": key.id, "created_unix_s": at}
        connection.execute(insert(tables.keys).values(values))
    else:
        connection.execute(update(tables.keys).where(tables.keys.c.id == key.id).values(values))
    return KeyRow(entry, row.created_unix_s if row else at, at)


def tenant_row(row: Row[Any, Any, Any]) -> TenantRow:
    """Return a row of the table as what it holds."""
    entry = msgspec.json.decode(row.document, type=TenantEntry)
    return TenantRow(entry, row.created_unix_s, row.updated_unix_s)


def key_row(row: Row[Any, Any, Any]) -> KeyRow:
    """Return a row of the table as what it holds."""
    entry = msgspec.json.decode(row.document, type=KeyEntry)
    return KeyRow(entry, row.created_unix_s, row.updated_unix_s)


def _rows(table: Any) -> Select[Any, Any, Any]:
    return select(table.c.document, table.c.created_unix_s, table.c.updated_unix_s)
