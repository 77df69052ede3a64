"""One's own sessions, password and passkeys; and the signed token that other processes take.

These are a person's: an API token has none of them. What lets somebody in can be changed for a
quarter of an hour after a log-in, so that a browser left open is not an account given away.
"""

from typing import Any, Final

import msgspec

from penstock.apps.control.endpoint import (
    Call,
    Change,
    Endpoint,
    ForbiddenError,
    InvalidError,
    Role,
)
from penstock.apps.control.identity import FRESH_S
from penstock.identity import accounts, passkeys, passwords, sessions
from penstock.identity.errors import AccountError, LogInError, NoAccountError, PasswordError
from penstock.identity.oidc import Person
from penstock.identity.passkeys import Answer, Passkey, Question
from penstock.identity.sessions import Session
from penstock.identity.signing import LASTS_S


class OwnSession(msgspec.Struct, frozen=True):
    """One browser that is logged in."""

    id: str
    device: str
    address: str
    created_unix_s: float
    seen_unix_s: float
    expires_unix_s: float
    is_this: bool


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another password."""

    password: str
    current: str = ""  # needed if there is one


class SignedToken(msgspec.Struct, frozen=True):
    """A token that the status process takes too, control dead or alive."""

    token: str
    expires_unix_s: float


def list_sessions(call: Call) -> list[OwnSession]:
    """Return one's own sessions, the last seen first."""
    account = _person(call)
    terms = call.parts.identity.terms
    with call.parts.store.reading() as connection:
        found = sessions.listed(connection, account, terms, call.now_unix_s)
    return [_own(one, call.actor.session) for one in found]


def end_session(call: Call) -> None:
    """End one of one's own sessions."""
    with call.parts.store.writing(is_durable=True) as connection:
        sessions.end_one(connection, _person(call), call.path["id"])
        call.audit(connection, "end_session", "operator", call.actor.name, Change())


def end_other_sessions(call: Call) -> None:
    """End all of one's own sessions but this one."""
    with call.parts.store.writing(is_durable=True) as connection:
        ended = sessions.end_all(connection, _person(call), but=call.actor.session)
        change = Change(None, {"ended": ended})
        call.audit(connection, "end_sessions", "operator", call.actor.name, change)


def change_password(call: Call) -> None:
    """Set another password; other sessions end."""
    account = fresh(call)
    given: NewPassword = call.body
    hasher = call.parts.identity.hasher
    with call.parts.store.reading() as connection:
        entry = accounts.by_id(connection, account)
        kept = accounts.password_hash(connection, account)
    if kept and not hasher.is_right(kept, given.current):
        raise InvalidError("this is not the current password", "body.current")
    passwords.check(given.password, entry.email, entry.name)
    hashed = hasher.hash(given.password)
    with call.parts.store.writing(is_durable=True) as connection:
        accounts.set_password(connection, account, hashed)
        sessions.end_all(connection, account, but=call.actor.session)
        call.audit(connection, "change_password", "operator", entry.email, Change())


def list_passkeys(call: Call) -> list[Passkey]:
    """Return one's own passkeys, the oldest first."""
    with call.parts.store.reading() as connection:
        return passkeys.listed(connection, _person(call))


def remove_passkey(call: Call) -> None:
    """Forget one of one's own passkeys; the last way in stays."""
    account = fresh(call)
    with call.parts.store.writing(is_durable=True) as connection:
        if accounts.ways_in(connection, account) <= 1:
            raise AccountError("this is the last way into the account: set a password first")
        passkeys.remove(connection, account, call.path["id"])
        call.audit(connection, "remove_passkey", "operator", call.actor.name, Change())


def make_signed_token(call: Call) -> SignedToken:
    """Sign a token that says who one is, for 12 hours."""
    account = _person(call)
    role = call.actor.role.name.lower()
    token = call.parts.identity.signed(account, role, call.now_unix_s)
    with call.parts.store.writing(is_durable=True) as connection:
        call.audit(connection, "sign_token", "operator", call.actor.name, Change())
    return SignedToken(token, call.now_unix_s + LASTS_S)


def ask_for_passkey(call: Call, origin: str) -> Question:
    """Return what a browser needs to make a passkey at an origin."""
    account = fresh(call)
    identity = call.parts.identity
    with call.parts.store.reading() as connection:
        entry = accounts.by_id(connection, account)
        return passkeys.ask_to_register(
            connection, identity.tickets, identity.party(origin), entry, call.now_unix_s
        )


def add_passkey(call: Call, origin: str) -> Passkey:
    """Keep a passkey that a browser has made."""
    account = fresh(call)
    answer: Answer = call.body
    identity = call.parts.identity
    with call.parts.store.writing(is_durable=True) as connection:
        passkey, whose = passkeys.register(
            connection, identity.tickets, identity.party(origin), answer, call.now_unix_s
        )
        if whose != account:
            raise LogInError("the question was asked of another account")
        after: dict[str, Any] = {"name": passkey.name}
        call.audit(connection, "add_passkey", "operator", call.actor.name, Change(None, after))
    return passkey


def connect(call: Call, person: Person) -> None:
    """Let an identity of the provider into one's own account; raises AccountError if it is used."""
    account = fresh(call)
    with call.parts.store.writing(is_durable=True) as connection:
        accounts.connect(connection, account, person.issuer, person.subject, call.now_unix_s)
        change = Change(None, {"issuer": person.issuer})
        call.audit(connection, "connect_identity", "operator", call.actor.name, change)


def _person(call: Call) -> str:
    if not call.actor.account:
        raise ForbiddenError("this is for people who have logged in, not for tokens")
    return call.actor.account


def fresh(call: Call) -> str:
    """Return the account of a person who has just logged in; raises ForbiddenError."""
    account = _person(call)
    if call.now_unix_s - call.actor.since_unix_s >= FRESH_S:
        raise StaleLogInError("the log-in is more than a quarter of an hour old")
    return account


class StaleLogInError(ForbiddenError):
    """What is asked for needs a log-in of the last quarter of an hour."""

    code = "log_in_again"
    remedy = "Log in again, then repeat this."


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


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/account/sessions",
        summary="List one's own sessions",
        tag="account",
        role=Role.VIEWER,
        handler=list_sessions,
        answer=list[OwnSession],
    ),
    Endpoint(
        method="DELETE",
        path="/account/sessions",
        summary="End one's other sessions",
        tag="account",
        role=Role.VIEWER,
        handler=end_other_sessions,
        answer=None,
    ),
    Endpoint(
        method="DELETE",
        path="/account/sessions/{id}",
        summary="End one of one's own sessions",
        tag="account",
        role=Role.VIEWER,
        handler=end_session,
        answer=None,
        raises=(NoAccountError,),
    ),
    Endpoint(
        method="PUT",
        path="/account/password",
        summary="Set one's own password",
        tag="account",
        role=Role.VIEWER,
        handler=change_password,
        answer=None,
        body=NewPassword,
        raises=(PasswordError,),
    ),
    Endpoint(
        method="GET",
        path="/account/passkeys",
        summary="List one's own passkeys",
        tag="account",
        role=Role.VIEWER,
        handler=list_passkeys,
        answer=list[Passkey],
    ),
    Endpoint(
        method="DELETE",
        path="/account/passkeys/{id}",
        summary="Remove one of one's own passkeys",
        tag="account",
        role=Role.VIEWER,
        handler=remove_passkey,
        answer=None,
        raises=(NoAccountError, AccountError),
    ),
    Endpoint(
        method="POST",
        path="/account/signed-token",
        summary="Sign a token that other processes take too",
        tag="account",
        role=Role.VIEWER,
        handler=make_signed_token,
        answer=SignedToken,
        status=201,
    ),
)
