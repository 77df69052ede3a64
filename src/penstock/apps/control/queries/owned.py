"""What operators own, as pages show it: tenants and keys with what they have used."""

from typing import Final

import msgspec
from sqlalchemy import BigInteger, Connection, cast, func, select

from penstock.ledger import tables
from penstock.ledger.book import KeyEntry, TenantEntry

TENANTS_MAX: Final = 20_000  # read at once; searched and cut into pages in memory
KEYS_MAX: Final = 500  # of one tenant, on its page
REASONS_MAX: Final = 20
HOUR_S: Final = 3600


class KeyRow(msgspec.Struct, frozen=True):
    """A key, and when it was made."""

    entry: KeyEntry
    created_unix_s: float


class Refusals(msgspec.Struct, frozen=True):
    """How many exchanges were not served, for one reason."""

    status: int
    code: str
    exchanges: int


def tenants(connection: Connection) -> list[TenantEntry]:
    """Return all tenants by name."""
    t = tables.tenants.c
    query = select(t.document).order_by(t.id).limit(TENANTS_MAX)
    return [
        msgspec.json.decode(one, type=TenantEntry) for one in connection.execute(query).scalars()
    ]


def tenant(connection: Connection, name: str) -> TenantEntry | None:
    """Return one tenant, if it stands in the book."""
    t = tables.tenants.c
    found = connection.execute(select(t.document).where(t.id == name)).scalar()
    return None if found is None else msgspec.json.decode(found, type=TenantEntry)


def key_counts(connection: Connection) -> dict[str, int]:
    """Return how many keys each tenant has, revoked ones included."""
    k = tables.keys.c
    found = connection.execute(select(k.tenant, func.count()).group_by(k.tenant))
    return {row[0]: row[1] for row in found}


def keys_of(connection: Connection, tenant_name: str) -> list[KeyRow]:
    """Return a tenant's keys, the newest first."""
    k = tables.keys.c
    query = select(k.document, k.created_unix_s).where(k.tenant == tenant_name)
    query = query.order_by(k.created_unix_s.desc(), k.id).limit(KEYS_MAX)
    return [
        KeyRow(msgspec.json.decode(row[0], type=KeyEntry), row[1])
        for row in connection.execute(query)
    ]


def key(connection: Connection, name: str) -> KeyRow | None:
    """Return one key, if it stands in the book."""
    k = tables.keys.c
    row = connection.execute(select(k.document, k.created_unix_s).where(k.id == name)).first()
    return None if row is None else KeyRow(msgspec.json.decode(row[0], type=KeyEntry), row[1])


def refusals(connection: Connection, tenant_name: str, since_s: int) -> list[Refusals]:
    """Return why exchanges of a tenant were not served, the most frequent reason first."""
    r = tables.refusals.c
    number = cast(func.sum(r.exchanges), BigInteger)
    query = (
        select(r.status, r.code, number)
        .where(r.grain_s == HOUR_S, r.start_s >= since_s, r.tenant == tenant_name)
        .group_by(r.status, r.code)
        .order_by(number.desc(), r.code)
        .limit(REASONS_MAX)
    )
    return [Refusals(*row) for row in connection.execute(query)]
