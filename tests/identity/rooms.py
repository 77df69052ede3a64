"""What tests of identity share: a database with its tables, and a hasher that costs nothing."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import argon2
from sqlalchemy import Connection
from tests.migrated import accounts_alone, begun

from penstock.core.errors import PenstockError
from penstock.identity.accounts import Account, NewAccount, create
from penstock.identity.passwords import Hasher
from penstock.identity.sessions import Terms
from penstock.identity.tickets import Tickets
from penstock.ledger.store import Store

NOW = 1_800_000_000.0
TERMS = Terms(idle_s=600.0, whole_s=3600.0)
GOOD = "four words at random 7"

_Made = TypeVar("_Made")


def cheap() -> Hasher:
    """Return a hasher with the smallest parameters that there are."""
    return Hasher(argon2.profiles.CHEAPEST)


def tickets() -> Tickets:
    """Return tickets with a key."""
    return Tickets(b"k" * 32)


def fresh() -> Store:
    """Return a SQLite with the tables, in a folder of its own."""
    return begun(accounts_alone, Path(tempfile.mkdtemp(prefix="penstock-identity-")))


def person(
    connection: Connection,
    email: str = "ann@example.org",
    role: str = "owner",
    *,
    password_hash: str = "",
    is_invited: bool = False,
) -> Account:
    """Add an account."""
    return create(connection, NewAccount(email, "", role, password_hash, is_invited), NOW)


def at_once(work: Callable[[], _Made], times: int = 2) -> list[_Made | PenstockError]:
    """Run a thing in several threads, and return what each gave or raised."""

    def tried() -> _Made | PenstockError:
        try:
            return work()
        except PenstockError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return [one.result(60) for one in [pool.submit(tried) for _ in range(times)]]
