"""Links that work once: the first account, an invitation, a new password, a way in.

A link is a token of 256 random bits. Looking at it changes nothing; it is used up in the
transaction that does what it is for, so that of two who press the button at once one is too late.
A new link of the same purpose for the same address takes the place of the old one.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from penstock.identity.errors import AccountError, LinkError
from penstock.identity.rows import new_id, new_secret, sha256
from penstock.identity.tables import links

FIRST: Final = "first"
INVITATION: Final = "invitation"
RESET: Final = "reset"
ENTRY: Final = "entry"  # lets its account in by itself
OPEN_MAX: Final = 1000  # invitations that nobody has answered yet
KEPT_S: Final = 30 * 86_400.0  # what is over is shown for so long, then removed


class Link(msgspec.Struct, frozen=True):
    """What a link is for."""

    purpose: str
    email: str = ""
    name: str = ""
    role: str = ""
    account: str = ""  # of a reset or an entry
    made_by: str = ""
    id: str = ""
    created_unix_s: float = 0.0
    expires_unix_s: float = 0.0  # 0: when it is used
    used_unix_s: float = 0.0


def make(connection: Connection, link: Link, now_unix_s: float) -> str:
    """Return the token of a new link; raises AccountError if too many are open."""
    old = links.c.expires_unix_s.between(1.0, now_unix_s - KEPT_S)
    connection.execute(delete(links).where(old))
    same = (links.c.purpose == link.purpose, links.c.email == link.email, links.c.used_unix_s == 0)
    connection.execute(delete(links).where(*same))
    query = select(func.count()).select_from(links).where(links.c.used_unix_s == 0)
    if (connection.execute(query).scalar() or 0) >= OPEN_MAX:
        raise AccountError(f"{OPEN_MAX} links are open: withdraw some first")
    token = new_secret()
    fields = msgspec.structs.asdict(link)
    fields |= {"id": new_id("li-"), "created_unix_s": now_unix_s, "used_unix_s": 0.0}
    connection.execute(insert(links).values(sha256=sha256(token), **fields))
    return token


def look(connection: Connection, token: str, purpose: str, now_unix_s: float) -> Link:
    """Return what a link is for, and leave it; raises LinkError."""
    row = connection.execute(
        select(links).where(links.c.sha256 == sha256(token), links.c.purpose == purpose)
    ).first()
    if row is None or row.used_unix_s or 0 < row.expires_unix_s <= now_unix_s:
        raise LinkError("this link has been used, has expired, or never was")
    return _link(row)


def use(connection: Connection, token: str, purpose: str, now_unix_s: float) -> Link:
    """Use a link up and return what it is for; raises LinkError."""
    link = look(connection, token, purpose, now_unix_s)
    _spend(connection, link.id, now_unix_s)
    return link


def invitation_of(connection: Connection, email: str, now_unix_s: float) -> Link | None:
    """Return the open invitation of an address, if there is one."""
    row = connection.execute(
        select(links).where(
            links.c.purpose == INVITATION,
            links.c.email == email,
            links.c.used_unix_s == 0,
            links.c.expires_unix_s > now_unix_s,
        )
    ).first()
    return None if row is None else _link(row)


def use_invitation(connection: Connection, link: Link, now_unix_s: float) -> None:
    """Use up an invitation without its token: the address was proven otherwise."""
    _spend(connection, link.id, now_unix_s)


def open_links(connection: Connection, purpose: str, now_unix_s: float) -> list[Link]:
    """Return the links of a purpose that can still be used."""
    rows = connection.execute(
        select(links)
        .where(links.c.purpose == purpose, links.c.used_unix_s == 0)
        .where((links.c.expires_unix_s == 0) | (links.c.expires_unix_s > now_unix_s))
        .order_by(links.c.created_unix_s)
    )
    return [_link(row) for row in rows]


def withdraw(connection: Connection, purpose: str, email: str) -> bool:
    """Take back the open links of a purpose for an address; tell whether there were any."""
    gone = connection.execute(
        delete(links).where(
            links.c.purpose == purpose, links.c.email == email, links.c.used_unix_s == 0
        )
    )
    return gone.rowcount > 0


def _spend(connection: Connection, link: str, now_unix_s: float) -> None:
    done = connection.execute(
        update(links)
        .where(links.c.id == link, links.c.used_unix_s == 0)
        .values(used_unix_s=now_unix_s)
    )
    if done.rowcount != 1:
        raise LinkError("this link has just been used")


def _link(row: Any) -> Link:
    return Link(**{name: getattr(row, name) for name in Link.__struct_fields__})
