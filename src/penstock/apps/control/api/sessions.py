"""One's own sessions, password and passkeys; and the signed token that other processes take.

These are a person's: an API token has none of them. What lets somebody in can be changed for a
quarter of an hour after a log-in, so that a browser left open is not an account given away.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.control.call import Call, Change
from penstock.identity import own
from penstock.identity.errors import AccountError, NoAccountError, PasswordError
from penstock.identity.own import OwnSession
from penstock.identity.passkeys import Passkey
from penstock.identity.signing import LASTS_S
from penstock.web.endpoint import Endpoint, Role


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
    return own.list_sessions(_me(call))


def end_session(call: Call) -> None:
    """End one of one's own sessions."""
    own.end_session(_me(call), call.path["id"])


def end_other_sessions(call: Call) -> None:
    """End all of one's own sessions but this one."""
    own.end_other_sessions(_me(call))


def change_password(call: Call) -> None:
    """Set another password; other sessions end."""
    given: NewPassword = call.body
    own.change_password(_me(call), given.password, given.current)


def list_passkeys(call: Call) -> list[Passkey]:
    """Return one's own passkeys, the oldest first."""
    return own.list_passkeys(_me(call))


def remove_passkey(call: Call) -> None:
    """Forget one of one's own passkeys; the last way in stays."""
    own.remove_passkey(_me(call), call.path["id"])


def make_signed_token(call: Call) -> SignedToken:
    """Sign a token that says who one is, for 12 hours."""
    account = _me(call).account
    role = call.actor.role.name.lower()
    token = call.parts.identity.signed((account, call.actor.name), role, call.now_unix_s)
    with call.parts.store.writing(is_durable=True) as connection:
        call.audit(connection, "sign_token", "operator", call.actor.name, Change())
    return SignedToken(token, call.now_unix_s + LASTS_S)


def _me(call: Call) -> own.Me:
    def note(connection: Connection, action: str, after: Any) -> None:
        call.audit(connection, action, "operator", call.actor.name, Change(None, after))

    return own.Me(call.parts.identity, call.actor, call.now_unix_s, note)


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
