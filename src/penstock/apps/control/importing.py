"""What operators had before there was a database: ``keys.toml`` and ``prices.toml``, moved once.

One transaction takes them over, then each file is renamed to ``*.imported``. Should the process die
between the two, the next start does it again: what the database has already stays as it is there.

    local    the key of ``penstock up`` lies raw in ``local.key``; its hash is looked after here, so
             that whoever deletes the file gets a new key under the old name
    status   the key of the probes, in ``status.key``, likewise; its tenant ``status`` is of the
             tier ``control``, so that a probe never waits behind traffic and measures no queue
    chat     the key of the chat, in ``chat.key``, likewise: it may say for whom it asks, and asks
             for ``free`` people as such; its tenant ``chat`` is of the tier ``standard``
"""

import itertools
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from penstock.config import private_file
from penstock.config.tenancy import Price, Tenant, TierName
from penstock.ledger import tables
from penstock.ledger.book import KeyEntry, PriceList, Rate, TenantEntry
from penstock.ledger.store import Store
from penstock.snapshot import keys, prices
from penstock.snapshot.model import Key

ACTOR = "import"
PROBER: Final = TenantEntry(
    tenant=Tenant(id=keys.STATUS, tier=TierName.CONTROL),
    name="Probes of the status page",
    note="Made by 'penstock up'. What they ask is part of objectives that name no tenant or tier.",
)
CHATTERS: Final = TenantEntry(
    tenant=Tenant(id=keys.CHAT, tier=TierName.STANDARD),
    name="People of the chat",
    note="Made by 'penstock up'. Who pays nothing is asked for as free, whatever stands here.",
)
MADE: Final = {keys.STATUS: PROBER, keys.CHAT: CHATTERS}  # tenants, with their keys


def import_files(store: Store, state_dir: Path, now_unix_s: float) -> list[str]:
    """Take over what lies in files; returns their names; raises StoreError."""
    keys_path, prices_path = state_dir / "keys.toml", state_dir / "prices.toml"
    there = [path for path in (keys_path, prices_path) if path.exists()]
    book, listed = keys.read_book(keys_path), prices.read(prices_path)
    with store.writing() as connection:
        for at, tenant in enumerate(book.tenants):
            row = _row(tenant.id, TenantEntry(tenant=tenant), now_unix_s + at * 1e-6)
            connection.execute(store.insert(tables.tenants).values(row).on_conflict_do_nothing())
        for at, key in enumerate(book.keys):
            row = key_row(KeyEntry(key=key), now_unix_s + at * 1e-6)
            connection.execute(store.insert(tables.keys).values(row).on_conflict_do_nothing())
        if listed:
            _take_prices(connection, listed, now_unix_s)
        for name in keys.KEPT:
            _follow(connection, state_dir, name, now_unix_s)
        for name, entry in MADE.items():
            if keys.kept_path(state_dir, name).exists():
                row = _row(name, entry, now_unix_s)
                connection.execute(
                    store.insert(tables.tenants).values(row).on_conflict_do_nothing()
                )
    for path in there:
        path.rename(_free_name(path))
    return [path.name for path in there]


def key_row(entry: KeyEntry, now_unix_s: float) -> dict[str, Any]:
    """Return a key's row."""
    key = entry.key
    return _row(key.id, entry, now_unix_s) | {"tenant": key.tenant, "sha256": key.sha256}


def _row(name: str, entry: msgspec.Struct, now_unix_s: float) -> dict[str, Any]:
    return {
        "id": name,
        "document": msgspec.json.encode(entry).decode(),
        "created_unix_s": now_unix_s,
        "updated_unix_s": now_unix_s,
    }


def _take_prices(connection: Connection, listed: tuple[Price, ...], now_unix_s: float) -> None:
    """Make the file the first price list, unless there is one: then the file is an old one."""
    if connection.execute(select(tables.price_lists.c.version).limit(1)).first() is not None:
        return
    costs = tuple(msgspec.convert(msgspec.to_builtins(price), Rate) for price in listed)
    document = msgspec.json.encode(PriceList(costs=costs)).decode()
    connection.execute(
        insert(tables.price_lists).values(created_unix_s=now_unix_s, actor=ACTOR, document=document)
    )


def _follow(connection: Connection, state_dir: Path, name: str, now_unix_s: float) -> None:
    """Let the hash of a key that lies raw in a file be what the file holds."""
    path = keys.kept_path(state_dir, name)
    if not path.exists():
        return
    digest = keys.sha256(private_file.read(path).strip())
    found = connection.execute(
        select(tables.keys.c.document).where(tables.keys.c.id == name)
    ).scalar()
    if found is None:
        key = Key(id=name, tenant=name, sha256=digest, may_assert_user=name == keys.CHAT)
        connection.execute(insert(tables.keys).values(key_row(KeyEntry(key=key), now_unix_s)))
        return
    entry = msgspec.json.decode(found, type=KeyEntry)
    if entry.key.sha256 == digest:
        return
    key = msgspec.structs.replace(entry.key, sha256=digest)
    document = msgspec.structs.replace(entry, key=key, revoked_unix_s=0.0, replaced_by="")
    connection.execute(
        update(tables.keys)
        .where(tables.keys.c.id == name)
        .values(
            sha256=digest,
            document=msgspec.json.encode(document).decode(),
            updated_unix_s=now_unix_s,
        )
    )


def _free_name(path: Path) -> Path:
    """Return ``*.imported``, or the first ``*.imported.N`` that is not there: none is replaced."""
    names = itertools.chain(
        [f"{path.name}.imported"], (f"{path.name}.imported.{at}" for at in itertools.count(2))
    )
    return next(found for name in names if not (found := path.with_name(name)).exists())
