"""What the chat knows of an account beyond log-in: tier, settings, its opaque name elsewhere."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from penstock.apps.chat.tables import memberships
from penstock.identity.rows import new_id

FREE: Final = "free"
TIERS: Final = (FREE, "standard")
SETTINGS_BYTES_MAX: Final = 16 * 1024


class Membership(msgspec.Struct, frozen=True):
    """One account's."""

    account: str
    tier: str = FREE
    person: str = ""
    settings: str = "{}"  # JSON
    is_guest: int = 0
    day: int = 0
    day_messages: int = 0
    created_unix_s: float = 0.0


def begin(
    connection: Connection, account: str, now_unix_s: float, *, is_guest: bool = False
) -> Membership:
    """Add an account's membership: free; others know the person by a name that says nothing."""
    made = Membership(account, FREE, new_id("pe-"), "{}", int(is_guest), created_unix_s=now_unix_s)
    connection.execute(insert(memberships).values(**msgspec.structs.asdict(made)))
    return made


def of(connection: Connection, account: str) -> Membership:
    """Return an account's membership; one that is not there is as a new one, without a name."""
    row = connection.execute(select(memberships).where(memberships.c.account == account)).first()
    if row is None:
        return Membership(account)
    return Membership(**{name: getattr(row, name) for name in Membership.__struct_fields__})


def settle(connection: Connection, account: str) -> None:
    """Make of a guest somebody who stays."""
    _set(connection, account, is_guest=0)


def set_tier(connection: Connection, account: str, tier: str) -> None:
    """Give an account another tier."""
    _set(connection, account, tier=tier)


def settings_of(membership: Membership) -> dict[str, Any]:
    """Return what a person has chosen."""
    try:
        return msgspec.json.decode(membership.settings or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def set_settings(connection: Connection, account: str, settings: dict[str, Any]) -> None:
    """Keep what a person has chosen."""
    _set(connection, account, settings=msgspec.json.encode(settings).decode())


def _set(connection: Connection, account: str, **values: Any) -> None:
    connection.execute(update(memberships).where(memberships.c.account == account).values(**values))
