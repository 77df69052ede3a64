"""API tokens: for machines, with a role and an end; shown once, kept as SHA-256."""

from typing import Final

import msgspec

from penstock.apps.control.api.operators import known_role
from penstock.apps.control.call import Call, Change
from penstock.config.check_tenancy import NAME
from penstock.identity import tokens
from penstock.identity.errors import AccountError, NoAccountError
from penstock.identity.tokens import Token
from penstock.web.endpoint import Endpoint, InvalidError, Role

DAYS_MAX: Final = 366
DAY_S: Final = 86_400.0


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to make a token from."""

    name: str
    role: str = "viewer"
    expires_days: int = 90  # 1 to 366


class MadeToken(msgspec.Struct, frozen=True):
    """A new token. It is shown this once."""

    token: str
    entry: Token


def list_tokens(call: Call) -> list[Token]:
    """Return all tokens by name; never the tokens themselves."""
    with call.parts.store.reading() as connection:
        return tokens.listed(connection)


def make_token(call: Call) -> MadeToken:
    """Make a token, and show it this once."""
    wanted: NewToken = call.body
    if not NAME.fullmatch(wanted.name):
        raise InvalidError("is not a name: letters, digits and . _ -, at most 64", "body.name")
    if not 1 <= wanted.expires_days <= DAYS_MAX:
        raise InvalidError(f"must be 1 to {DAYS_MAX}", "body.expires_days")
    entry = Token(
        wanted.name,
        known_role(wanted.role, "body.role"),
        made_by=call.actor.name,
        created_unix_s=call.now_unix_s,
        expires_unix_s=call.now_unix_s + wanted.expires_days * DAY_S,
    )
    with call.parts.store.writing(is_durable=True) as connection:
        raw = tokens.make(connection, entry, call.now_unix_s)
        after = {"role": entry.role, "expires_unix_s": entry.expires_unix_s}
        call.audit(connection, "make", "token", entry.name, Change(None, after))
    return MadeToken(raw, msgspec.structs.replace(entry, hint=raw[: tokens.HINT]))


def revoke_token(call: Call) -> None:
    """Let a token in no more, at once."""
    name = call.path["name"]
    with call.parts.store.writing(is_durable=True) as connection:
        tokens.revoke(connection, name, call.now_unix_s)
        call.audit(connection, "revoke", "token", name, Change())


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/tokens",
        summary="List API tokens",
        tag="tokens",
        role=Role.VIEWER,
        handler=list_tokens,
        answer=list[Token],
    ),
    Endpoint(
        method="POST",
        path="/tokens",
        summary="Make an API token, shown once",
        tag="tokens",
        role=Role.OWNER,
        handler=make_token,
        answer=MadeToken,
        body=NewToken,
        status=201,
        raises=(AccountError,),
    ),
    Endpoint(
        method="DELETE",
        path="/tokens/{name}",
        summary="Revoke an API token",
        tag="tokens",
        role=Role.OWNER,
        handler=revoke_token,
        answer=None,
        raises=(NoAccountError,),
    ),
)
