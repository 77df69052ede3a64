"""What the rest of the package needs of a database, and of chance.

A ``Rows`` gives connections for reading and for writing, in a transaction each; the ledger's store
is one. Functions of the package take the connection, so that who calls can put more into the same
transaction: a change and its line in an audit log are one.
"""

import hashlib
import secrets
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

SECRET_BYTES: Final = 32
ID_BYTES: Final = 8


class Rows(Protocol):
    """A database."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection to read with."""
        ...

    def writing(self, *, is_durable: bool = False) -> AbstractContextManager[Connection]:
        """Give a connection in a transaction that is committed whole, or not at all.

        ``is_durable``: once it is committed, a power cut does not undo it.
        """
        ...


def insert(connection: Connection, table: Table) -> Any:
    """Return an INSERT that can say ``on_conflict_do_nothing``."""
    is_postgres = connection.dialect.name == "postgresql"
    return postgresql.insert(table) if is_postgres else sqlite.insert(table)


def new_secret(begins: str = "") -> str:
    """Return 256 random bits in base64url, behind a beginning that says what it is."""
    return begins + secrets.token_urlsafe(SECRET_BYTES)


def new_id(begins: str) -> str:
    """Return a name for a row, which is no secret."""
    return begins + secrets.token_hex(ID_BYTES)


def sha256(secret: str) -> str:
    """Return what is kept of a secret of 256 random bits, in hex: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
