"""What another gateway's operators had: tenants, keys by their SHA-256, and rates, in one go.

all or nothing   one transaction, with an audit row for each entry; done again it changes nothing
already there    a tenant, key or rate of that name stays as it is here, for it may have been
changed since
in the way       a name that another key has, a key that was revoked here: left out, and named
"""

from typing import Annotated, Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.control import book
from penstock.apps.control.api.prices import store_list
from penstock.apps.control.call import Call, Change
from penstock.config.tenancy import NO_LIMITS, Limits, Tenant
from penstock.core.errors import Problem
from penstock.ledger import tables
from penstock.ledger.book import KeyEntry, Rate, TenantEntry
from penstock.ledger.price_check import wrongs
from penstock.ledger.price_table import current
from penstock.snapshot.model import Key
from penstock.web.endpoint import BookError, Endpoint, Note, Role, Text

ENTRIES_MAX: Final = 5_000  # in one transaction: seconds
ROUTES_MAX: Final = 1000
UNIX_S_MAX: Final = 253_402_300_799.0  # the end of the year 9999

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class KnownKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that its callers have already."""

    id: Text
    sha256: Digest
    tenant: Text = ""  # empty: as its name
    routes: Annotated[tuple[Text, ...], msgspec.Meta(max_length=ROUTES_MAX)] = ()  # empty: all
    limits: Limits = NO_LIMITS
    expires_unix_s: Annotated[float, msgspec.Meta(ge=0.0, le=UNIX_S_MAX)] | None = None
    hint: Annotated[str, msgspec.Meta(max_length=16)] = ""
    note: Note = ""


class Import(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be taken over."""

    tenants: Annotated[tuple[Text, ...], msgspec.Meta(max_length=ENTRIES_MAX)] = ()
    keys: Annotated[tuple[KnownKey, ...], msgspec.Meta(max_length=ENTRIES_MAX)] = ()
    costs: Annotated[tuple[Rate, ...], msgspec.Meta(max_length=ENTRIES_MAX)] = ()


class Tally(msgspec.Struct):
    """How many entries were made, and how many were there already."""

    made: int = 0
    kept: int = 0


class ImportAnswer(msgspec.Struct):
    """What became of it; clashes are left out."""

    tenants: Tally
    keys: Tally
    costs: Tally
    clashes: list[Problem]


def take_over(call: Call) -> ImportAnswer:
    """Take entries over."""
    asked: Import = call.body
    told = ImportAnswer(Tally(), Tally(), Tally(), [])
    with book.changing(call) as connection:
        for at, name in enumerate(asked.tenants):
            _tenant(call, connection, book.name_of(name, f"body.tenants[{at}]"), told)
        by_digest = _by_digest(connection)
        for at, key in enumerate(asked.keys):
            _key(call, connection, _entry(key, f"body.keys[{at}]"), by_digest, told)
        _costs(call, connection, asked.costs, told)
    return told


def _tenant(call: Call, connection: Connection, name: str, told: ImportAnswer) -> None:
    if book.find_tenant(connection, name) is not None:
        told.tenants.kept += 1
        return
    entry = TenantEntry(tenant=Tenant(id=name))
    book.save_tenant(connection, entry, None, call.now_unix_s)
    call.audit(connection, "import", "tenant", name, Change(None, entry))
    told.tenants.made += 1


def _by_digest(connection: Connection) -> dict[str, str]:
    """Return the names of all keys, the revoked ones too, by what identifies them."""
    table = tables.keys
    return {
        row.sha256: row.id for row in connection.execute(table.select().order_by(table.c.id)).all()
    }


def _entry(known: KnownKey, place: str) -> KeyEntry:
    name = book.name_of(known.id, f"{place}.id")
    key = Key(
        id=name,
        tenant=book.name_of(known.tenant or name, f"{place}.tenant"),
        sha256=known.sha256,
        routes=known.routes,
        limits=known.limits,
        expires_unix_s=known.expires_unix_s,
    )
    return KeyEntry(key=key, hint=known.hint, note=known.note)


def _key(
    call: Call,
    connection: Connection,
    entry: KeyEntry,
    by_digest: dict[str, str],
    told: ImportAnswer,
) -> None:
    name, digest = entry.key.id, entry.key.sha256
    if digest in by_digest:
        known = book.key(connection, by_digest[digest]).entry
        if known.revoked_unix_s:
            remedy = "make a new one if its callers are to go on"
            words = f"this key was revoked here, as {known.key.id!r}"
            told.clashes.append(Problem(f"keys.{name}", words, remedy))
        else:
            told.keys.kept += 1
        return
    before = book.find_key(connection, name)
    if before is not None and not before.entry.revoked_unix_s:
        remedy = "rename it in the file, or revoke the one that is here"
        told.clashes.append(Problem(f"keys.{name}", "another key has this name", remedy))
        return
    book.save_key(connection, entry, before, call.now_unix_s)
    change = Change(before.entry if before else None, entry)
    call.audit(connection, "import", "key", name, change)
    by_digest[digest] = name
    told.keys.made += 1


def _costs(call: Call, connection: Connection, costs: tuple[Rate, ...], told: ImportAnswer) -> None:
    """Add the rates that the list in force does not have, as one new version."""
    before = current(connection)
    there = {_place(rate) for rate in before.prices.costs}
    fresh = tuple({_place(rate): rate for rate in costs if _place(rate) not in there}.values())
    told.costs.made, told.costs.kept = len(fresh), len(costs) - len(fresh)
    if not fresh:
        return
    prices = msgspec.structs.replace(before.prices, costs=(*before.prices.costs, *fresh))
    if problems := list(wrongs(prices)):
        raise BookError(problems)
    version = store_list(call, connection, prices)
    call.audit(connection, "import", "prices", str(version), Change(before.version, version))


def _place(rate: Rate) -> tuple[str, str, str]:
    return rate.model, rate.upstream, rate.from_day


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/imports",
        summary="Take over tenants, keys by their SHA-256 and rates; what is there stays",
        tag="imports",
        role=Role.OWNER,
        handler=take_over,
        body=Import,
        answer=ImportAnswer,
    ),
)
