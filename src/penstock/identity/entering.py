"""From what somebody shows to the account that it proves, and the first account of all.

password   charged against the throttle, checked outside any transaction, forgiven if right
external   an identity that is known; or one whose verified address was invited by an owner, which
           uses the invitation up; or an account that came by invitation and has this address
link       an invitation, a new password, the first account, a way in: each once

Whatever is wrong, the words are the same. Nothing here knows what a role means.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection

from penstock.identity import accounts, links, sessions, throttle
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.errors import LinkError, LogInError
from penstock.identity.links import Link
from penstock.identity.oidc import Person
from penstock.identity.passwords import Hasher
from penstock.identity.rows import Rows
from penstock.identity.tickets import Tickets

KNOWN_DEVICE: Final = "known-device"
KNOWN_S: Final = 365 * 86_400.0
REFUSED: Final = "address or password is wrong"


class Known(msgspec.Struct, frozen=True):
    """What the ticket of a browser that was in this account says."""

    account: str


class Attempt(msgspec.Struct, frozen=True):
    """What somebody shows."""

    email: str
    password: str
    address: str = ""
    device_ticket: str = ""


class Begun(msgspec.Struct, frozen=True):
    """An attempt that has been charged, and what it has to be right against."""

    account: Account | None
    kept: str
    subjects: tuple[throttle.Subject, ...]


def by_password(
    rows: Rows, hasher: Hasher, tickets: Tickets, attempt: Attempt, now_unix_s: float
) -> Account:
    """Return the account; raises LogInError or TooOftenError. Takes a tenth of a second."""
    begun = begin(rows, tickets, attempt, now_unix_s)
    fresh = look(hasher, begun, attempt.password)
    return finish(rows, begun, fresh, now_unix_s)


def begin(rows: Rows, tickets: Tickets, attempt: Attempt, now_unix_s: float) -> Begun:
    """Charge an attempt, and return what is known of its account; raises TooOftenError."""
    with rows.writing() as connection:
        account = accounts.by_email(connection, attempt.email)
        subjects = _subjects(tickets, attempt, account, now_unix_s)
        throttle.charge(connection, subjects, now_unix_s)
        kept = "" if account is None else accounts.password_hash(connection, account.id)
    return Begun(account, kept, subjects)


def look(hasher: Hasher, begun: Begun, password: str) -> str:
    """Return a hash that is to be kept from now on, empty where the old one stays.

    Raises LogInError for a wrong password. Takes all the time, and no database.
    """
    is_right = hasher.is_right(begun.kept, password)
    if begun.account is None or not is_right or begun.account.disabled_unix_s:
        raise LogInError(REFUSED)
    return hasher.hash(password) if hasher.is_old(begun.kept) else ""


def finish(rows: Rows, begun: Begun, fresh: str, now_unix_s: float) -> Account:
    """Forgive an attempt that was right, and return its account."""
    account = begun.account
    assert account is not None, "only what ``look`` has found right is finished"
    with rows.writing() as connection:
        throttle.forgive(connection, begun.subjects, now_unix_s)
        if fresh and accounts.password_hash(connection, account.id) == begun.kept:
            accounts.set_password(connection, account.id, fresh)
    return account


def known_account(tickets: Tickets, device_ticket: str, now_unix_s: float) -> str:
    """Return the account that a browser was in; empty if it shows none."""
    known = tickets.read(KNOWN_DEVICE, device_ticket, Known, now_unix_s)
    return known.content.account if known else ""


def by_external(connection: Connection, person: Person, role: str, now_unix_s: float) -> Account:
    """Return the account of an external identity, made if it was invited; raises LogInError.

    ``role`` is given where an invitation names none.
    """
    account = known_external(connection, person, role, now_unix_s)
    if account is None:
        raise LogInError("nobody has invited this address")
    return account


def known_external(
    connection: Connection, person: Person, role: str, now_unix_s: float
) -> Account | None:
    """Return the account of an external identity as ``by_external`` does, None if it has none.

    Raises LogInError for one that is disabled.
    """
    account = accounts.by_external(connection, person.issuer, person.subject)
    if account is None and person.email:
        account = _connected(connection, person, role, now_unix_s)
    if account is not None and account.disabled_unix_s:
        raise LogInError("nobody has invited this address")
    return account


def accept(connection: Connection, link: Link, new: NewAccount, now_unix_s: float) -> Account:
    """Make the account that an invitation is for; the address and the role are the invitation's."""
    invited = msgspec.structs.replace(new, email=link.email, role=link.role, is_invited=True)
    return accounts.create(connection, invited, now_unix_s)


def first(connection: Connection, token: str, new: NewAccount, now_unix_s: float) -> Account:
    """Make the first account with its role; raises LinkError once there is one of that role."""
    links.use(connection, token, links.FIRST, now_unix_s)
    if accounts.count(connection, new.role):
        raise LinkError("somebody has come in already")
    return accounts.create(connection, new, now_unix_s)


def reset(connection: Connection, token: str, now_unix_s: float) -> Account:
    """Use a link for a new password up, and end the account's sessions; raises LinkError."""
    link = links.use(connection, token, links.RESET, now_unix_s)
    account = accounts.by_id(connection, link.account)
    if account.disabled_unix_s:
        raise LinkError("this account is disabled")
    sessions.end_all(connection, account.id)
    return account


def enter(connection: Connection, token: str, now_unix_s: float) -> Account:
    """Use a link that lets in by itself up, and return whose it is; raises LinkError."""
    link = links.use(connection, token, links.ENTRY, now_unix_s)
    account = accounts.by_id(connection, link.account)
    if account.disabled_unix_s:
        raise LinkError("this account is disabled")
    return account


def device_ticket(tickets: Tickets, account: str, now_unix_s: float) -> str:
    """Return what a browser keeps to be known by, for a year."""
    return tickets.issue(KNOWN_DEVICE, Known(account), now_unix_s + KNOWN_S)


def _subjects(
    tickets: Tickets, attempt: Attempt, account: Account | None, now_unix_s: float
) -> tuple[throttle.Subject, ...]:
    known = tickets.read(KNOWN_DEVICE, attempt.device_ticket, Known, now_unix_s)
    if known and account and known.content.account == account.id:
        return (throttle.of_device(known.id),)
    return (
        throttle.of_account(attempt.email.strip().lower()),
        throttle.of_address(attempt.address),
    )


def _connected(
    connection: Connection, person: Person, role: str, now_unix_s: float
) -> Account | None:
    account = accounts.by_email(connection, person.email)
    if account is None:
        link = links.invitation_of(connection, person.email, now_unix_s)
        if link is None:
            return None
        links.use_invitation(connection, link, now_unix_s)
        new = NewAccount(person.email, link.name or person.name, link.role or role)
        account = accept(connection, msgspec.structs.replace(link, role=new.role), new, now_unix_s)
    elif not account.is_invited or account.disabled_unix_s:
        return None
    accounts.connect(connection, account.id, person.issuer, person.subject, now_unix_s)
    return account
