"""Accounts: who may log in, with which role.

An account is known by its address in lower case; one without has its id there, which is no
address. An operator is disabled, not removed, so that an audit log goes on naming it; that ends
its sessions. ``remove`` is for people who leave. What nobody may lose is ``keep``: the last account
that is enabled and has this role can be neither disabled nor given another.
"""

import re
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from penstock.identity.errors import AccountError, NoAccountError
from penstock.identity.rows import new_id
from penstock.identity.tables import accounts, externals, links, passkeys, sessions, throttle
from penstock.identity.throttle import of_account

EMAIL: Final = re.compile(
    r"[^@\s\x00-\x1f\x7f<>\"(),:;\\]{1,64}@[^@\s\x00-\x1f\x7f<>\"(),:;\\]{1,189}"
)
NAME_MAX: Final = 80
ACCOUNTS_MAX: Final = 10_000  # of one table; chat has its own


class Account(msgspec.Struct, frozen=True):
    """Who may log in."""

    id: str
    email: str
    name: str
    role: str
    is_invited: bool = False
    has_password: bool = False
    created_unix_s: float = 0.0
    disabled_unix_s: float = 0.0  # 0: it is not
    seen_unix_s: float = 0.0  # its last log-in

    @property
    def address(self) -> str:
        """The e-mail address; empty for one that has none."""
        return "" if self.email == self.id else self.email


class NewAccount(msgspec.Struct, frozen=True):
    """What an account is made from."""

    email: str
    name: str
    role: str
    password_hash: str = ""
    is_invited: bool = False


def as_email(text: str) -> str:
    """Return an address in the form that accounts are known by; raises AccountError."""
    email = text.strip().lower()
    if not EMAIL.fullmatch(email):
        raise AccountError("this is no e-mail address")
    return email


def as_name(text: str, email: str) -> str:
    """Return a person's name: one line, bounded; the address' first part if there is none."""
    name = " ".join("".join(one for one in text if one.isprintable()).split())
    return name[:NAME_MAX] or email.partition("@")[0]


def create(connection: Connection, new: NewAccount, now_unix_s: float) -> Account:
    """Add an account; raises AccountError if the address has one."""
    email = as_email(new.email)
    account = new_id("ac-")
    row = {
        "id": account,
        "email": email,
        "name": as_name(new.name, email),
        "role": new.role,
        "password_hash": new.password_hash,
        "is_invited": int(new.is_invited),
        "created_unix_s": now_unix_s,
    }
    try:
        connection.execute(insert(accounts).values(**row))
    except IntegrityError as error:
        raise AccountError("this address has an account already") from error
    return by_id(connection, account)


def create_nameless(connection: Connection, name: str, role: str, now_unix_s: float) -> Account:
    """Add an account without an address: its id stands there, which nobody can type as one."""
    account = new_id("ac-")
    row = {"id": account, "email": account, "name": as_name(name, ""), "role": role}
    connection.execute(insert(accounts).values(**row, created_unix_s=now_unix_s))
    return by_id(connection, account)


def settle(connection: Connection, account: str, new: NewAccount) -> Account:
    """Make of an account without an address one that has one; AccountError if it is taken."""
    email = as_email(new.email)
    values = {"name": as_name(new.name, email), "role": new.role}
    try:
        _set(connection, account, email=email, password_hash=new.password_hash, **values)
    except IntegrityError as error:
        raise AccountError("this address has an account already") from error
    return by_id(connection, account)


def by_id(connection: Connection, account: str) -> Account:
    """Return an account; raises NoAccountError."""
    found = _first(connection, accounts.c.id == account)
    if found is None:
        raise NoAccountError("there is no such account")
    return found


def by_email(connection: Connection, email: str) -> Account | None:
    """Return the account of an address, if there is one."""
    return _first(connection, accounts.c.email == email.strip().lower())


def by_external(connection: Connection, issuer: str, subject: str) -> Account | None:
    """Return the account of an external identity, if there is one."""
    query = select(externals.c.account).where(
        externals.c.issuer == issuer, externals.c.subject == subject
    )
    account = connection.execute(query).scalar()
    return _first(connection, accounts.c.id == account) if account else None


def is_external(connection: Connection, account: str) -> bool:
    """Tell whether an identity at a provider opens an account."""
    query = select(externals.c.account).where(externals.c.account == account).limit(1)
    return connection.execute(query).first() is not None


def connect(
    connection: Connection, account: str, issuer: str, subject: str, now_unix_s: float
) -> None:
    """Let an external identity into an account; raises AccountError if it is another's."""
    values = {"account": account, "created_unix_s": now_unix_s}
    try:
        connection.execute(insert(externals).values(issuer=issuer, subject=subject, **values))
    except IntegrityError as error:
        raise AccountError("this identity belongs to another account") from error


def listed(connection: Connection) -> list[Account]:
    """Return all accounts by address."""
    rows = connection.execute(select(accounts).order_by(accounts.c.email).limit(ACCOUNTS_MAX))
    return [of_row(row) for row in rows]


def count(connection: Connection, role: str) -> int:
    """Return how many enabled accounts have a role; holds them until the transaction ends."""
    query = select(accounts.c.id).where(accounts.c.role == role, accounts.c.disabled_unix_s == 0)
    return len(connection.execute(query.with_for_update()).all())


def set_role(connection: Connection, account: str, role: str, *, keep: str) -> Account:
    """Change a role; raises AccountError where the last of ``keep`` would go."""
    before = by_id(connection, account)
    if before.role == keep != role:
        _keep_one(connection, before, keep)
    connection.execute(update(accounts).where(accounts.c.id == account).values(role=role))
    return by_id(connection, account)


def disable(connection: Connection, account: str, now_unix_s: float, *, keep: str) -> Account:
    """Let an account in no more and end its sessions; raises AccountError as ``set_role``."""
    before = by_id(connection, account)
    if before.role == keep:
        _keep_one(connection, before, keep)
    _set(connection, account, disabled_unix_s=now_unix_s)
    connection.execute(delete(sessions).where(sessions.c.account == account))
    return by_id(connection, account)


def enable(connection: Connection, account: str) -> Account:
    """Let an account in again."""
    _set(connection, account, disabled_unix_s=0.0)
    return by_id(connection, account)


def password_hash(connection: Connection, account: str) -> str:
    """Return what is kept of an account's password; empty if it has none."""
    query = select(accounts.c.password_hash).where(accounts.c.id == account)
    return connection.execute(query).scalar() or ""


def set_password(connection: Connection, account: str, hashed: str) -> None:
    """Keep another password; an empty hash takes it away."""
    _set(connection, account, password_hash=hashed)


def set_name(connection: Connection, account: str, name: str) -> Account:
    """Call a person otherwise; without a name, by the address."""
    before = by_id(connection, account)
    _set(connection, account, name=as_name(name, before.address))
    return by_id(connection, account)


def remove(connection: Connection, account: str) -> None:
    """Delete an account and all that lets it in; raises NoAccountError if it is not there."""
    entry = by_id(connection, account)
    for table in (passkeys, externals, sessions):
        connection.execute(delete(table).where(table.c.account == account))
    is_its = (links.c.account == account) | (links.c.email == entry.email)
    connection.execute(delete(links).where(is_its))
    connection.execute(delete(throttle).where(throttle.c.subject == of_account(entry.email).name))
    connection.execute(delete(accounts).where(accounts.c.id == account))


def seen(connection: Connection, account: str, now_unix_s: float) -> None:
    """Note a log-in."""
    _set(connection, account, seen_unix_s=now_unix_s)


def ways_in(connection: Connection, account: str) -> int:
    """Return how many ways into an account there are: password, passkeys, external identities."""
    ways = int(bool(password_hash(connection, account)))
    for table in (passkeys, externals):
        query = select(table.c.account).where(table.c.account == account)
        ways += len(connection.execute(query).all())
    return ways


def _keep_one(connection: Connection, account: Account, keep: str) -> None:
    if not account.disabled_unix_s and count(connection, keep) <= 1:
        raise AccountError(f"{account.email} is the last {keep}: make another one first")


def _set(connection: Connection, account: str, **values: Any) -> None:
    changed = connection.execute(update(accounts).where(accounts.c.id == account).values(**values))
    if changed.rowcount != 1:
        raise NoAccountError("there is no such account")


def _first(connection: Connection, where: ColumnElement[bool]) -> Account | None:
    row = connection.execute(select(accounts).where(where)).first()
    return None if row is None else of_row(row)


def of_row(row: Any) -> Account:
    """Return the account that a row of the table holds."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        is_invited=bool(row.is_invited),
        has_password=bool(row.password_hash),
        created_unix_s=row.created_unix_s,
        disabled_unix_s=row.disabled_unix_s,
        seen_unix_s=row.seen_unix_s,
    )
