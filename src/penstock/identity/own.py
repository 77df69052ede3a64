"""One's own account: password, passkeys, sessions, identities; for pages and APIs of any surface.

What lets somebody in can be changed for a quarter of an hour after a log-in, so that a browser left
open is not an account given away. Each change is noted in its own transaction.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection

from penstock.identity import accounts, passkeys, passwords, sessions
from penstock.identity.errors import AccountError, LogInError
from penstock.identity.oidc import Person
from penstock.identity.passkeys import Answer, Party, Passkey, Question
from penstock.identity.passwords import Hasher
from penstock.identity.rows import Rows
from penstock.identity.sessions import Session, Terms
from penstock.identity.tickets import Tickets
from penstock.web.endpoint import Actor, ForbiddenError, InvalidError

FRESH_S: Final = 900.0  # after a log-in: for so long an account's ways in can be changed

Note = Callable[[Connection, str, Any], None]  # what was done, and what is from now on


class Ground(Protocol):
    """What log-ins of a surface work with."""

    rows: Rows
    hasher: Hasher
    tickets: Tickets
    terms: Terms


class Me(msgspec.Struct, frozen=True):
    """Who acts for oneself, and when."""

    ground: Ground
    actor: Actor
    now_unix_s: float
    note: Note

    @property
    def account(self) -> str:
        """Return one's account; raises ForbiddenError for who has none."""
        if not self.actor.account:
            raise ForbiddenError("this is for people who have logged in, not for tokens")
        return self.actor.account

    @property
    def is_fresh(self) -> bool:
        """Whether the log-in is young enough to change the ways in."""
        return self.now_unix_s - self.actor.since_unix_s < FRESH_S


class OwnSession(msgspec.Struct, frozen=True):
    """One browser that is logged in."""

    id: str
    device: str
    address: str
    created_unix_s: float
    seen_unix_s: float
    expires_unix_s: float
    is_this: bool


class StaleLogInError(ForbiddenError):
    """What is asked for needs a log-in of the last quarter of an hour."""

    code = "log_in_again"
    remedy = "Log in again, then repeat this."


def fresh(me: Me) -> str:
    """Return the account of a person who has just logged in; raises ForbiddenError."""
    account = me.account
    if not me.is_fresh:
        raise StaleLogInError("the log-in is more than a quarter of an hour old")
    return account


def list_sessions(me: Me) -> list[OwnSession]:
    """Return one's own sessions, the last seen first."""
    with me.ground.rows.reading() as connection:
        found = sessions.listed(connection, me.account, me.ground.terms, me.now_unix_s)
    return [_own(one, me.actor.session) for one in found]


def end_session(me: Me, session: str) -> None:
    """End one of one's own sessions."""
    with me.ground.rows.writing(is_durable=True) as connection:
        sessions.end_one(connection, me.account, session)
        me.note(connection, "end_session", None)


def end_other_sessions(me: Me) -> None:
    """End all of one's own sessions but this one."""
    with me.ground.rows.writing(is_durable=True) as connection:
        ended = sessions.end_all(connection, me.account, but=me.actor.session)
        me.note(connection, "end_sessions", {"ended": ended})


def change_password(me: Me, password: str, current: str) -> None:
    """Set another password; other sessions end."""
    account = fresh(me)
    hasher = me.ground.hasher
    with me.ground.rows.reading() as connection:
        entry = accounts.by_id(connection, account)
        kept = accounts.password_hash(connection, account)
    if kept and not hasher.is_right(kept, current):
        raise InvalidError("this is not the current password", "body.current")
    passwords.check(password, entry.email, entry.name)
    hashed = hasher.hash(password)
    with me.ground.rows.writing(is_durable=True) as connection:
        accounts.set_password(connection, account, hashed)
        sessions.end_all(connection, account, but=me.actor.session)
        me.note(connection, "change_password", None)


def list_passkeys(me: Me) -> list[Passkey]:
    """Return one's own passkeys, the oldest first."""
    with me.ground.rows.reading() as connection:
        return passkeys.listed(connection, me.account)


def remove_passkey(me: Me, passkey: str) -> None:
    """Forget one of one's own passkeys; the last way in stays."""
    account = fresh(me)
    with me.ground.rows.writing(is_durable=True) as connection:
        if accounts.ways_in(connection, account) <= 1:
            raise AccountError("this is the last way into the account: set a password first")
        passkeys.remove(connection, account, passkey)
        me.note(connection, "remove_passkey", None)


def ask_for_passkey(me: Me, party: Party) -> Question:
    """Return what a browser needs to make a passkey for a place."""
    account = fresh(me)
    with me.ground.rows.reading() as connection:
        entry = accounts.by_id(connection, account)
        return passkeys.ask_to_register(connection, me.ground.tickets, party, entry, me.now_unix_s)


def add_passkey(me: Me, answer: Answer, party: Party) -> Passkey:
    """Keep a passkey that a browser has made."""
    account = fresh(me)
    with me.ground.rows.writing(is_durable=True) as connection:
        passkey, whose = passkeys.register(
            connection, me.ground.tickets, party, answer, me.now_unix_s
        )
        if whose != account:
            raise LogInError("the question was asked of another account")
        me.note(connection, "add_passkey", {"name": passkey.name})
    return passkey


def connect(me: Me, person: Person) -> None:
    """Let an identity of the provider into one's own account; raises AccountError if it is used."""
    account = fresh(me)
    with me.ground.rows.writing(is_durable=True) as connection:
        accounts.connect(connection, account, person.issuer, person.subject, me.now_unix_s)
        me.note(connection, "connect_identity", {"issuer": person.issuer})


def _own(session: Session, this: str) -> OwnSession:
    return OwnSession(
        session.id,
        session.device,
        session.address,
        session.created_unix_s,
        session.seen_unix_s,
        session.expires_unix_s,
        session.id == this,
    )
