"""Signed tickets that a browser holds for us: small, expiring, each for one purpose.

What a log-in needs to remember between two requests (a challenge, a state, a nonce) lies with the
browser that began it, signed, so that nobody can fill a table by beginning log-ins. What must work
once is noted as spent at its use, and only then. HMAC-SHA-256; a ticket is not encrypted.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import Connection, delete

from penstock.identity.errors import LogInError
from penstock.identity.rows import insert, new_id
from penstock.identity.tables import spent

ALGORITHM: Final = "HS256"
BYTES_MAX: Final = 4096  # of a cookie

_Content = TypeVar("_Content", bound=msgspec.Struct)


class Ticket(msgspec.Struct, Generic[_Content], frozen=True):
    """What a ticket says."""

    id: str
    expires_unix_s: float
    content: _Content

    def spend(self, connection: Connection, now_unix_s: float) -> None:
        """Use it up; raises LogInError if that was done before."""
        connection.execute(delete(spent).where(spent.c.expires_unix_s <= now_unix_s))
        values = {"id": self.id, "expires_unix_s": self.expires_unix_s}
        new = insert(connection, spent).values(**values).on_conflict_do_nothing()
        if connection.execute(new).rowcount != 1:
            raise LogInError("this log-in was finished before")


class Tickets:
    """Signs and reads tickets with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def issue(self, purpose: str, content: msgspec.Struct, expires_unix_s: float) -> str:
        """Return a ticket."""
        claims: dict[str, Any] = {
            "aud": purpose,
            "jti": new_id(""),
            "exp": int(expires_unix_s),
            "c": msgspec.to_builtins(content),
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key, [ALGORITHM])

    def read(
        self, purpose: str, ticket: str, kind: type[_Content], now_unix_s: float
    ) -> Ticket[_Content] | None:
        """Return what a ticket says, or nothing if it is not one of ours, or too old."""
        if not ticket or len(ticket) > BYTES_MAX:
            return None
        try:
            claims = jwt.decode(ticket, self._key, [ALGORITHM]).claims
            registry = jwt.JWTClaimsRegistry(
                now=int(now_unix_s),
                aud={"essential": True, "value": purpose},
                exp={"essential": True},
                jti={"essential": True},
            )
            registry.validate(claims)
            content = msgspec.convert(claims.get("c"), kind)
        except (JoseError, msgspec.ValidationError, ValueError, RecursionError):
            return None
        return Ticket(claims["jti"], float(claims["exp"]), content)
