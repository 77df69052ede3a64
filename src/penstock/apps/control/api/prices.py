"""Prices: one list in force. A list is never changed: a new one is a new version."""

from typing import Annotated, Final

import msgspec
from sqlalchemy import Connection, insert, select

from penstock.apps.control import book
from penstock.apps.control.call import Call, Change
from penstock.ledger import tables
from penstock.ledger.book import PriceList, Versioned
from penstock.ledger.price_check import wrongs
from penstock.ledger.price_table import current
from penstock.web.endpoint import BookError, ConflictError, Endpoint, Limit, MissingError, Role

VERSION_MAX: Final = 2**53  # beyond it JSON's readers lose whole numbers
DIGITS_MAX: Final = 15

Version = Annotated[int, msgspec.Meta(ge=0, le=VERSION_MAX)]


class PutQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a list is put."""

    version: Version | None = None  # as it was read; refused if there is a newer one


class VersionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which versions; the newest comes first."""

    before: Version = 0  # below this one; 0: from the newest
    limit: Limit = 100


class VersionRow(msgspec.Struct, frozen=True):
    """Who put a list, and when."""

    version: int
    created_unix_s: float
    actor: str


class Versions(msgspec.Struct, frozen=True):
    """A part of the versions."""

    items: list[VersionRow]
    next: int = 0  # to be given as ``before``; 0: this is the end


def get_prices(call: Call) -> Versioned:
    """Return the list in force."""
    with call.parts.store.reading() as connection:
        return current(connection)


def get_version(call: Call) -> Versioned:
    """Return one version."""
    given = call.path["version"]
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= DIGITS_MAX else 0
    lists = tables.price_lists
    with call.parts.store.reading() as connection:
        query = select(lists.c.document).where(lists.c.version == number)
        found = connection.execute(query).scalar()
    if found is None:
        raise MissingError(f"there is no version {given[:20]} of the prices")
    return Versioned(number, msgspec.json.decode(found, type=PriceList))


def list_versions(call: Call) -> Versions:
    """Return the versions, the newest first."""
    query: VersionsQuery = call.query
    lists = tables.price_lists
    wanted = select(lists.c.version, lists.c.created_unix_s, lists.c.actor)
    wanted = wanted.where(lists.c.version < (query.before or VERSION_MAX))
    wanted = wanted.order_by(lists.c.version.desc()).limit(query.limit + 1)
    with call.parts.store.reading() as connection:
        found = [VersionRow(*row) for row in connection.execute(wanted)]
    items = found[: query.limit]
    return Versions(items, items[-1].version if len(found) > query.limit else 0)


def put_prices(call: Call) -> Versioned:
    """Put a new list in force."""
    prices: PriceList = call.body
    query: PutQuery = call.query
    if problems := list(wrongs(prices)):
        raise BookError(problems)
    with book.changing(call) as connection:
        before = current(connection)
        if query.version is not None and query.version != before.version:
            raise ConflictError(f"version {before.version} is in force by now")
        version = store_list(call, connection, prices)
        change = Change(before.version, version)  # the lists themselves are kept for ever
        call.audit(connection, "put", "prices", str(version), change)
    return Versioned(version, prices)


def store_list(call: Call, connection: Connection, prices: PriceList) -> int:
    """Store a list as a new version; return its number."""
    values = {
        "created_unix_s": call.now_unix_s,
        "actor": call.actor.name,
        "document": msgspec.json.encode(prices).decode(),
    }
    connection.execute(insert(tables.price_lists).values(values))
    return current(connection).version


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/prices",
        summary="Show the price list in force",
        tag="prices",
        role=Role.VIEWER,
        handler=get_prices,
        answer=Versioned,
    ),
    Endpoint(
        method="PUT",
        path="/prices",
        summary="Put a new price list in force",
        tag="prices",
        role=Role.OPERATOR,
        handler=put_prices,
        query=PutQuery,
        body=PriceList,
        answer=Versioned,
        raises=(ConflictError,),
    ),
    Endpoint(
        method="GET",
        path="/prices/versions",
        summary="List the versions of the prices, the newest first",
        tag="prices",
        role=Role.VIEWER,
        handler=list_versions,
        query=VersionsQuery,
        answer=Versions,
    ),
    Endpoint(
        method="GET",
        path="/prices/versions/{version}",
        summary="Show one version of the prices",
        tag="prices",
        role=Role.VIEWER,
        handler=get_version,
        answer=Versioned,
        raises=(MissingError,),
    ),
)
