"""How often a log-in may be tried: growing waits by subject, in a bounded table.

    subject      free      then waits of            at most   counts
    address      20        1, 2, 4, ... s           15 min    whoever comes from there (IPv6: a /64)
    account      5         1, 2, 4, ... s           5 min     strangers who try this account
    device       5         1, 2, 4, ... s           5 min     a browser that was in this account

An attempt is charged before the password is looked at, so that many at once gain nothing, and
given back if it was right. A browser that has been in keeps a ticket that says so, and is counted
by itself: strangers can make each other wait, never the one who is known; and passkeys are not
counted at all. What was quiet for an hour is forgotten.
"""

import hashlib
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from penstock.identity.errors import TooOftenError
from penstock.identity.rows import insert
from penstock.identity.tables import throttle
from penstock.web.address import host_of

FORGOTTEN_S: Final = 3600.0
ROWS_MAX: Final = 10_000  # a megabyte; what was quiet for longest goes first


class Subject(msgspec.Struct, frozen=True):
    """Whom attempts are counted for."""

    name: str
    free: int  # failures before the first wait
    wait_s_max: float


def of_address(address: str) -> Subject:
    """Return the subject of an address; one that is no IP address counts as it is."""
    return Subject(f"address:{host_of(address)}", 20, 900.0)


def of_account(email: str) -> Subject:
    """Return the subject of whatever was typed as an address of an account, there or not."""
    return Subject(f"account:{_short(email)}", 5, 300.0)


def of_device(ticket_id: str) -> Subject:
    """Return the subject of a browser that is known."""
    return Subject(f"device:{_short(ticket_id)}", 5, 300.0)


def charge(connection: Connection, subjects: tuple[Subject, ...], now_unix_s: float) -> None:
    """Count an attempt for all, or raise TooOftenError and count none."""
    wait_s = 0.0
    for subject in subjects:
        new = insert(connection, throttle).values(subject=subject.name)
        connection.execute(new.on_conflict_do_nothing())
    failures: dict[str, int] = {}
    for subject in sorted(subjects, key=lambda one: one.name):  # one order, or two could embrace
        row = connection.execute(
            select(throttle.c.failures, throttle.c.seen_unix_s, throttle.c.until_unix_s)
            .where(throttle.c.subject == subject.name)
            .with_for_update()
        ).one()
        is_forgotten = now_unix_s - row.seen_unix_s >= FORGOTTEN_S
        failures[subject.name] = 0 if is_forgotten else row.failures
        wait_s = max(wait_s, 0.0 if is_forgotten else row.until_unix_s - now_unix_s)
    if wait_s > 0.0:
        raise TooOftenError(wait_s)
    for subject in subjects:
        _set(connection, subject, failures[subject.name] + 1, now_unix_s)
    _bound(connection, now_unix_s)


def forgive(connection: Connection, subjects: tuple[Subject, ...], now_unix_s: float) -> None:
    """Give the attempt back: the account's and the device's slate is clean, the address' is not.

    Whoever has an account could otherwise clean an address by logging in between the guesses.
    """
    for subject in subjects:
        if subject.name.startswith("address:"):
            found = connection.execute(
                select(throttle.c.failures).where(throttle.c.subject == subject.name)
            ).scalar()
            _set(connection, subject, max(0, (found or 0) - 1), now_unix_s)
        else:
            connection.execute(delete(throttle).where(throttle.c.subject == subject.name))


def _set(connection: Connection, subject: Subject, failures: int, now_unix_s: float) -> None:
    values = {
        "failures": failures,
        "seen_unix_s": now_unix_s,
        "until_unix_s": now_unix_s + wait_of(subject, failures),
    }
    connection.execute(update(throttle).where(throttle.c.subject == subject.name).values(**values))


def wait_of(subject: Subject, failures: int) -> float:
    """Return the wait after so many failures in a row."""
    over = failures - subject.free
    return 0.0 if over < 0 else min(subject.wait_s_max, 2.0 ** min(over, 32))


def _bound(connection: Connection, now_unix_s: float) -> None:
    rows = connection.execute(select(func.count()).select_from(throttle)).scalar() or 0
    if rows <= ROWS_MAX:
        return
    old = delete(throttle).where(throttle.c.seen_unix_s <= now_unix_s - FORGOTTEN_S)
    connection.execute(old)
    quiet = select(throttle.c.subject).order_by(throttle.c.seen_unix_s)
    surplus = (connection.execute(select(func.count()).select_from(throttle)).scalar() or 0) - (
        ROWS_MAX - ROWS_MAX // 10
    )
    if surplus > 0:
        names = connection.execute(quiet.limit(surplus)).scalars().all()
        connection.execute(delete(throttle).where(throttle.c.subject.in_(names)))


def _short(text: str) -> str:
    """Return a bounded name; what was typed may be anything, even a password."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
