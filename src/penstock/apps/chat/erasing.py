"""Deleting a person: every row and every file, and nothing of them left in the database's file.

    first    what is being answered is stopped; nobody is logged in to the account any more
    then     the bytes of files, and rows of all tables that name an account
    after    what was still being written meanwhile goes too: looked for again for some minutes,
             and by whatever has no owner when the process starts
    last     what SQLite itself remembers (``forgetting``)

What the gateway keeps of answers ends by itself; it knows the person by a name that says nothing,
and nothing says from now on whose it was. Guests go the same way when their day is over.
"""

import threading
from collections import deque
from typing import Final

import msgspec
from sqlalchemy import Table, delete, select

from penstock.apps.chat import tables
from penstock.apps.chat.forgetting import forgotten
from penstock.apps.chat.identity import DAY_S
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.queries import removal
from penstock.apps.chat.tables import files, jobs, memberships
from penstock.identity import accounts
from penstock.identity import tables as identity

# What belongs to nobody, or (accounts) goes by itself; a test looks for tables that are in neither.
NOBODYS: Final = frozenset({"kept", "accounts", "tokens", "throttle", "spent"})
ROUND_MAX: Final = 200  # guests of one round; each is a few rows
AGAIN_S: Final = 600.0  # an answer that was being written is over by then
SETTLED_S: Final = 0.3  # what answers were saying is written in groups, within 50 ms
RECENT_MAX: Final = 10_000


class _Erased(msgspec.Struct, frozen=True):
    account: str
    at_unix_s: float


class Eraser:
    """Deletes people. Used by threads, one call at a time for each account."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._recent: deque[_Erased] = deque(maxlen=RECENT_MAX)
        self._is_forgotten = False  # the last process may have been killed

    def erase(self, account: str) -> None:
        """Delete an account and all that is its own; raises StoreError: then ask again."""
        store = self._parts.store
        with store.reading() as connection:
            query = select(jobs.c.message).where(jobs.c.account == account)
            answers = list(connection.execute(query).scalars())
        for answer in answers:
            self._parts.answers.stop(answer)
        if answers:
            threading.Event().wait(SETTLED_S)  # never set: it only waits
        with store.writing(is_durable=True) as connection:
            accounts.remove(connection, account)
        self._parts.log.end_streams(account)
        self._recent.append(_Erased(account, self._parts.now_unix_s()))
        self._rows(account)
        self._is_forgotten = forgotten(store)

    def round(self) -> None:
        """Delete guests whose day is over, and what came late for those who are gone."""
        now_unix_s = self._parts.now_unix_s()
        for account in self._over(now_unix_s):
            self.erase(account)
        while self._recent and now_unix_s - self._recent[0].at_unix_s > AGAIN_S:
            self._recent.popleft()
        late = [self._rows(one.account) for one in list(self._recent)]
        if any(late) or not self._is_forgotten:
            self._is_forgotten = forgotten(self._parts.store)

    def begin(self) -> None:
        """Delete what has no owner: the process ended while somebody was being deleted."""
        with self._parts.store.reading() as connection:
            theirs = set(connection.execute(select(identity.accounts.c.id)).scalars())
            found: set[str] = set()
            for table in owned():
                found |= set(connection.execute(select(table.c.account).distinct()).scalars())
        for account in found - theirs - {""}:
            self._rows(account)

    def _over(self, now_unix_s: float) -> list[str]:
        query = select(memberships.c.account).where(
            memberships.c.is_guest == 1, memberships.c.created_unix_s <= now_unix_s - DAY_S
        )
        with self._parts.store.reading() as connection:
            return list(connection.execute(query.limit(ROUND_MAX)).scalars())

    def _rows(self, account: str) -> int:
        """Delete files and rows of an account; return how many rows there were.

        Bytes go first: with the rows gone, nothing would know whose they were.
        """
        with self._parts.store.reading() as connection:
            query = select(files.c.id).where(files.c.account == account)
            removal.bytes_of(self._parts.state_dir, connection.execute(query).scalars())
            there = [
                table
                for table in owned()
                if connection.execute(
                    select(table.c.account).where(table.c.account == account).limit(1)
                ).first()
            ]
        gone = 0
        if there:
            with self._parts.store.writing(is_durable=True) as connection:
                for table in there:
                    gone += connection.execute(
                        delete(table).where(table.c.account == account)
                    ).rowcount
        return gone


def owned() -> list[Table]:
    """Return all tables whose rows belong to an account."""
    both = (*tables.metadata.sorted_tables, *identity.metadata.sorted_tables)
    return [table for table in both if table.name not in NOBODYS and "account" in table.c]
