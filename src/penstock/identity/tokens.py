"""Tokens for machines: 256 random bits, shown once, kept as SHA-256, with a role and an end."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from penstock.identity.errors import AccountError, NoAccountError
from penstock.identity.rows import new_secret, sha256
from penstock.identity.tables import tokens

BEGINS: Final = "pt-"
HINT: Final = 7  # characters that are shown later, to tell tokens apart
USED_EVERY_S: Final = 60.0  # use is written no more often
TOKENS_MAX: Final = 1000
KEPT_S: Final = 90 * 86_400.0  # a revoked or expired one is listed for so long


class Token(msgspec.Struct, frozen=True):
    """A token's entry; never the token."""

    name: str
    role: str
    hint: str = ""
    made_by: str = ""
    created_unix_s: float = 0.0
    expires_unix_s: float = 0.0  # 0: never
    revoked_unix_s: float = 0.0
    used_unix_s: float = 0.0


def make(connection: Connection, token: Token, now_unix_s: float) -> str:
    """Return a new token; raises AccountError if its name is taken, or there are too many."""
    _drop_old(connection, now_unix_s)
    if (connection.execute(select(func.count()).select_from(tokens)).scalar() or 0) >= TOKENS_MAX:
        raise AccountError(f"there are {TOKENS_MAX} tokens: revoke some first")
    raw = new_secret(BEGINS)
    fields = msgspec.structs.asdict(token)
    fields |= {"hint": raw[:HINT], "created_unix_s": now_unix_s}
    try:
        connection.execute(insert(tokens).values(sha256=sha256(raw), **fields))
    except IntegrityError as error:
        raise AccountError(f"there is or was a token named {token.name!r}") from error
    return raw


def find(connection: Connection, raw: str, now_unix_s: float) -> Token | None:
    """Return a token's entry; nothing if it is unknown, revoked or expired."""
    row = connection.execute(select(tokens).where(tokens.c.sha256 == sha256(raw))).first()
    if row is None or row.revoked_unix_s or 0 < row.expires_unix_s <= now_unix_s:
        return None
    return _token(row)


def is_stale(token: Token, now_unix_s: float) -> bool:
    """Tell whether it is time to write that the token was used."""
    return now_unix_s - token.used_unix_s >= USED_EVERY_S


def touch(connection: Connection, name: str, now_unix_s: float) -> None:
    """Write that it was used."""
    connection.execute(update(tokens).where(tokens.c.name == name).values(used_unix_s=now_unix_s))


def revoke(connection: Connection, name: str, now_unix_s: float) -> None:
    """Let a token in no more; raises NoAccountError if there is none by this name."""
    gone = connection.execute(
        update(tokens)
        .where(tokens.c.name == name, tokens.c.revoked_unix_s == 0)
        .values(revoked_unix_s=now_unix_s)
    )
    if not gone.rowcount:
        raise NoAccountError(f"there is no token named {name!r}")


def listed(connection: Connection) -> list[Token]:
    """Return all tokens by name."""
    rows = connection.execute(select(tokens).order_by(tokens.c.name).limit(TOKENS_MAX))
    return [_token(row) for row in rows]


def _drop_old(connection: Connection, now_unix_s: float) -> None:
    long_ago = now_unix_s - KEPT_S
    is_old = tokens.c.expires_unix_s.between(1.0, long_ago)
    connection.execute(
        delete(tokens).where(is_old | tokens.c.revoked_unix_s.between(1.0, long_ago))
    )


def _token(row: Any) -> Token:
    return Token(**{name: getattr(row, name) for name in Token.__struct_fields__})
