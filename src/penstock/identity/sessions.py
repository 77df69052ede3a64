"""Sessions: who has logged in, by a token of 256 random bits in a cookie.

begin     at each log-in a new token; the one that the browser had ends (no fixation)
expiry    after so long without a request, and after so long in all, whichever comes first
seen      is written at most once a minute: reading pages does not write
bound     so many for each account; the one that was quiet for longest ends first
"""

import re
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from penstock.identity.accounts import Account, by_id
from penstock.identity.errors import NoAccountError
from penstock.identity.rows import new_id, new_secret, sha256
from penstock.identity.tables import sessions

SEEN_EVERY_S: Final = 60.0
SESSIONS_MAX: Final = 20  # of one account: more than anybody's devices
DEVICE_MAX: Final = 60
SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"), ("curl/", "curl"), ("python", "Python"),
)  # fmt: skip


class Terms(msgspec.Struct, frozen=True):
    """How long a session lasts."""

    idle_s: float
    whole_s: float


class Visitor(msgspec.Struct, frozen=True):
    """Where a request comes from."""

    address: str = ""
    device: str = ""  # words for people


class Session(msgspec.Struct, frozen=True):
    """One browser that is logged in."""

    id: str
    account: str
    address: str
    device: str
    created_unix_s: float
    seen_unix_s: float
    expires_unix_s: float


def begin(
    connection: Connection, account: str, visitor: Visitor, terms: Terms, now_unix_s: float,
) -> str:  # fmt: skip
    """Return the token of a new session."""
    token = new_secret()
    _drop_old(connection, account, terms, now_unix_s)
    connection.execute(
        insert(sessions).values(
            sha256=sha256(token),
            id=new_id("se-"),
            account=account,
            address=visitor.address[:DEVICE_MAX],
            device=visitor.device[:DEVICE_MAX],
            created_unix_s=now_unix_s,
            seen_unix_s=now_unix_s,
            expires_unix_s=now_unix_s + terms.whole_s,
        )
    )
    return token


def find(
    connection: Connection, token: str, terms: Terms, now_unix_s: float
) -> tuple[Session, Account] | None:
    """Return the session of a token, and whose it is; nothing if it has ended."""
    row = connection.execute(select(sessions).where(sessions.c.sha256 == sha256(token))).first()
    if row is None:
        return None
    session = Session(**{name: getattr(row, name) for name in Session.__struct_fields__})
    is_over = now_unix_s >= session.expires_unix_s
    if is_over or now_unix_s - session.seen_unix_s >= terms.idle_s:
        return None
    try:
        account = by_id(connection, session.account)
    except NoAccountError:
        return None
    return None if account.disabled_unix_s else (session, account)


def is_stale(session: Session, now_unix_s: float) -> bool:
    """Tell whether it is time to write that the session was seen."""
    return now_unix_s - session.seen_unix_s >= SEEN_EVERY_S


def touch(connection: Connection, session: str, now_unix_s: float) -> None:
    """Write that it was seen."""
    connection.execute(
        update(sessions).where(sessions.c.id == session).values(seen_unix_s=now_unix_s)
    )


def end(connection: Connection, token: str) -> None:
    """End the session of a token, if there is one."""
    connection.execute(delete(sessions).where(sessions.c.sha256 == sha256(token)))


def end_one(connection: Connection, account: str, session: str) -> None:
    """End one of an account's sessions by its id; raises NoAccountError if it has none such."""
    ended = connection.execute(
        delete(sessions).where(sessions.c.id == session, sessions.c.account == account)
    )
    if not ended.rowcount:
        raise NoAccountError("there is no such session")


def end_all(connection: Connection, account: str, but: str = "") -> int:
    """End an account's sessions but one, by its id; return how many."""
    return connection.execute(
        delete(sessions).where(sessions.c.account == account, sessions.c.id != but)
    ).rowcount


def listed(connection: Connection, account: str, terms: Terms, now_unix_s: float) -> list[Session]:
    """Return an account's sessions, the last seen first."""
    rows = connection.execute(
        select(sessions)
        .where(
            sessions.c.account == account,
            sessions.c.expires_unix_s > now_unix_s,
            sessions.c.seen_unix_s > now_unix_s - terms.idle_s,
        )
        .order_by(sessions.c.seen_unix_s.desc(), sessions.c.id)
    )
    return [
        Session(**{name: getattr(row, name) for name in Session.__struct_fields__}) for row in rows
    ]


def device_words(user_agent: str) -> str:
    """Return what a browser calls itself, in few words and nothing of its own choice."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if re.search(rf"\b{sign}\b", user_agent)), "")
    return " on ".join(one for one in (browser, system) if one) or "unknown"


def _drop_old(connection: Connection, account: str, terms: Terms, now_unix_s: float) -> None:
    connection.execute(delete(sessions).where(sessions.c.expires_unix_s <= now_unix_s))
    connection.execute(delete(sessions).where(sessions.c.seen_unix_s <= now_unix_s - terms.idle_s))
    query = select(sessions.c.sha256).where(sessions.c.account == account)
    surplus = connection.execute(
        query.order_by(sessions.c.seen_unix_s.desc()).offset(SESSIONS_MAX - 1)
    ).scalars()
    if hashes := surplus.all():
        connection.execute(delete(sessions).where(sessions.c.sha256.in_(hashes)))
