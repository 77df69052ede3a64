"""Accounts, for administrators and for the command line with the break-glass token.

A link of kind ``entry`` lets its account in by itself, once, within a quarter of an hour: whatever
has become of passwords, passkeys and identity provider. Without an address it is for the local
administrator, whose account is made if it is not there.
"""

import enum
from typing import Final

import msgspec
from sqlalchemy import Connection, or_, select

from penstock.apps.chat import memberships
from penstock.apps.chat.call import Call
from penstock.apps.chat.identity import Role as Kind
from penstock.apps.chat.memberships import TIERS
from penstock.apps.chat.tables import memberships as members
from penstock.identity import accounts, links
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.errors import AccountError, NoAccountError
from penstock.identity.links import Link
from penstock.identity.tables import accounts as entries
from penstock.telemetry import log
from penstock.web.endpoint import Endpoint, InvalidError, Limit, Page, Role, Text

LOCAL_ADMIN: Final = "admin@localhost"
ENTRY_S: Final = 900.0
RESET_S: Final = 86_400.0
INVITED_S: Final = 7 * 86_400.0
ERASE_S: Final = 60.0


class Entry(msgspec.Struct, frozen=True):
    """One account, as administrators see it: nothing of what it says."""

    account: str
    email: str  # empty: it has none
    name: str
    role: str
    tier: str
    created_unix_s: float
    seen_unix_s: float
    disabled_unix_s: float  # 0: may log in


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list: by address, or those that begin with ``q``."""

    q: Text = ""
    after: Text = ""
    limit: Limit = 100


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    tier: str | None = None
    role: str | None = None
    is_disabled: bool | None = None


class LinkKind(enum.Enum):
    """What a link does."""

    ENTRY = "entry"
    RESET = "reset"
    INVITATION = "invitation"


class NewLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which link, and for whom."""

    kind: LinkKind = LinkKind.ENTRY
    email: str = ""


class OneTimeLink(msgspec.Struct, frozen=True):
    """A link that works once. It is shown this once."""

    url: str
    email: str
    expires_unix_s: float


def list_accounts(call: Call) -> Page[Entry]:
    """Return accounts by address, guests last shown as what they are."""
    given: Query = call.query
    query = (
        select(entries, members.c.tier)
        .outerjoin(members, members.c.account == entries.c.id)
        .where(entries.c.email > given.after)
        .order_by(entries.c.email)
        .limit(given.limit + 1)
    )
    if given.q:
        words = given.q.lower()
        query = query.where(
            or_(entries.c.email.startswith(words, autoescape=True), entries.c.id == words)
        )
    with call.parts.store.reading() as connection:
        rows = connection.execute(query).all()
    found = [_entry(accounts.of_row(row), row.tier or "") for row in rows[: given.limit]]
    more = rows[given.limit - 1].email if len(rows) > given.limit else ""
    return Page(found, more)


def change(call: Call) -> Entry:
    """Give another tier or role, disable, or enable again."""
    given: Change = call.body
    _known(given)
    with call.parts.store.writing(is_durable=True) as connection:
        account = _named(connection, call.path["account"])
        if given.tier is not None:
            memberships.set_tier(connection, account.id, given.tier)
        if given.role is not None:
            if account.role == Kind.GUEST.value:
                raise AccountError("a guest is nobody that is known")
            account = accounts.set_role(connection, account.id, given.role, keep="")
        if given.is_disabled:
            account = accounts.disable(connection, account.id, call.now_unix_s, keep="")
        elif given.is_disabled is False:
            account = accounts.enable(connection, account.id)
        member = memberships.of(connection, account.id)
    if account.disabled_unix_s:
        call.parts.log.end_streams(account.id)
    _note(call, "change", account.id, msgspec.to_builtins(given))
    return _entry(account, member.tier)


def remove(call: Call) -> None:
    """Delete an account and everything of it."""
    with call.parts.store.reading() as connection:
        account = _named(connection, call.path["account"])
    call.parts.erase(account.id)
    _note(call, "delete", account.id)


def make_link(call: Call) -> OneTimeLink:
    """Make a link that works once."""
    given: NewLink = call.body
    if given.kind is LinkKind.INVITATION:
        path, link = "join", _invitation(call, given.email)
    elif given.kind is LinkKind.RESET:
        path, link = "reset", Link(links.RESET, expires_unix_s=call.now_unix_s + RESET_S)
    else:
        path, link = "enter", Link(links.ENTRY, expires_unix_s=call.now_unix_s + ENTRY_S)
    with call.parts.store.writing(is_durable=True) as connection:
        if given.kind is LinkKind.INVITATION:
            if accounts.by_email(connection, link.email) is not None:
                raise AccountError("this address has an account already")
        else:
            account = _whose(call, connection, given)
            link = msgspec.structs.replace(link, email=account.email, account=account.id)
        link = msgspec.structs.replace(link, made_by=call.actor.name)
        token = links.make(connection, link, call.now_unix_s)
    _note(call, f"{given.kind.value}_link", link.account)
    url = f"{call.parts.origin()}/{path}/{token}"
    return OneTimeLink(url, link.email, link.expires_unix_s)


def _invitation(call: Call, email: str) -> Link:
    address = accounts.as_email(email)
    until_unix_s = call.now_unix_s + INVITED_S
    role = Kind.PERSON.value
    return Link(links.INVITATION, email=address, role=role, expires_unix_s=until_unix_s)


def _whose(call: Call, connection: Connection, given: NewLink) -> Account:
    """Return whom a link lets in; the local administrator is made where there is none."""
    if given.email:
        return _named(connection, given.email)
    found = accounts.by_email(connection, LOCAL_ADMIN)
    if found is None:
        new = NewAccount(LOCAL_ADMIN, "Administrator", Kind.ADMIN.value)
        found = accounts.create(connection, new, call.now_unix_s)
        memberships.begin(connection, found.id, call.now_unix_s)
    if found.disabled_unix_s:
        found = accounts.enable(connection, found.id)
    return found


def _known(given: Change) -> None:
    if given.tier is not None and given.tier not in TIERS:
        raise InvalidError(f"{given.tier[:40]!r} is not one of {', '.join(TIERS)}", "body.tier")
    roles = (Kind.PERSON.value, Kind.ADMIN.value)
    if given.role is not None and given.role not in roles:
        raise InvalidError(f"{given.role[:40]!r} is not one of {', '.join(roles)}", "body.role")


def _named(connection: Connection, name: str) -> Account:
    """Return the account of an address or an id; raises NoAccountError."""
    found = accounts.by_email(connection, name)
    if found is None:
        try:
            return accounts.by_id(connection, name)
        except NoAccountError as error:
            raise NoAccountError(f"there is no account {name[:200]!r}") from error
    return found


def _note(call: Call, action: str, account: str, after: object = None) -> None:
    log.info("administered", by=call.actor.name, action=action, account=account, after=after)


def _entry(account: Account, tier: str) -> Entry:
    return Entry(
        account.id,
        account.address,
        account.name,
        account.role,
        tier,
        account.created_unix_s,
        account.seen_unix_s,
        account.disabled_unix_s,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/admin/accounts",
        summary="List accounts",
        tag="administration",
        role=Role.OWNER,
        handler=list_accounts,
        answer=Page[Entry],
        query=Query,
    ),
    Endpoint(
        method="PATCH",
        path="/admin/accounts/{account}",
        summary="Give an account another tier or role, disable or enable it",
        tag="administration",
        role=Role.OWNER,
        handler=change,
        answer=Entry,
        body=Change,
        raises=(NoAccountError, AccountError),
    ),
    Endpoint(
        method="DELETE",
        path="/admin/accounts/{account}",
        summary="Delete an account and everything of it",
        tag="administration",
        role=Role.OWNER,
        handler=remove,
        answer=None,
        within_s=ERASE_S,
        raises=(NoAccountError,),
    ),
    Endpoint(
        method="POST",
        path="/admin/links",
        summary="Make a link that works once: a way in, a new password, an invitation",
        tag="administration",
        role=Role.OWNER,
        handler=make_link,
        answer=OneTimeLink,
        body=NewLink,
        status=201,
        raises=(NoAccountError, AccountError),
    ),
)
