"""Small documents by name: read, and written in somebody's transaction."""

import secrets
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from penstock.apps.status.components import ALPHABET, ID_LENGTH
from penstock.apps.status.parts import PageId
from penstock.apps.status.tables import kept
from penstock.ledger.store import Store

Kind = TypeVar("Kind")
PAGE: Final = "page"


def read(connection: Connection, name: str, kind: type[Kind]) -> Kind | None:
    """Return a document; None if there is none, or an older version wrote what we cannot read."""
    text = connection.execute(select(kept.c.document).where(kept.c.name == name)).scalar()
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None


def write(connection: Connection, name: str, document: object, now_unix_s: float) -> None:
    """Write a document, over the one before it."""
    values = {"document": msgspec.json.encode(document).decode(), "at_unix_s": now_unix_s}
    statement = insert(kept).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def page_id(store: Store, now_unix_s: float) -> PageId:
    """Return who the page is, made at the first start; raises StoreError."""
    with store.writing(is_durable=True) as connection:
        found = read(connection, PAGE, PageId)
        if found is None:
            letters = (secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
            found = PageId("".join(letters), now_unix_s)
            write(connection, PAGE, found, now_unix_s)
    return found
