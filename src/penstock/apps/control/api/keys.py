"""Keys: callers' credentials. A key is shown once, when it is made; only its SHA-256 is kept.

revoke    it counts no more within a second; its row stays, so that records can be read
rotate    a new key with all that the old one may; the old one goes on until overlap_s is over
name      one that is revoked may be given again
"""

import itertools
from typing import Annotated, Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.control import book
from penstock.apps.control.book import KeyRow
from penstock.apps.control.call import Call, Change, page_of
from penstock.config.tenancy import NO_LIMITS, Limits, TierName
from penstock.ledger.book import KeyEntry
from penstock.snapshot import keys
from penstock.snapshot.model import Key
from penstock.web.endpoint import (
    ConflictError,
    Endpoint,
    InvalidError,
    MissingError,
    Note,
    Page,
    PageQuery,
    Role,
    Text,
)

HINT_CHARS: Final = 8  # of 46: enough to tell keys apart, of no use for guessing
OVERLAP_MAX_S: Final = 365 * 86_400.0
ROUTES_MAX: Final = 1000
UNIX_S_MAX: Final = 253_402_300_799.0  # the end of the year 9999

Routes = Annotated[tuple[Text, ...], msgspec.Meta(max_length=ROUTES_MAX)]
Instant = Annotated[float, msgspec.Meta(ge=0.0, le=UNIX_S_MAX)]


class KeysQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which keys."""

    tenant: Text = ""  # empty: of all
    with_revoked: bool = False


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made."""

    id: Text  # its name in records and lists
    tenant: Text = ""  # empty: as its name
    routes: Routes = ()  # empty: all
    may_keep: bool = True
    tier_max: TierName | None = None
    may_assert_user: bool = False
    limits: Limits = NO_LIMITS
    expires_unix_s: Instant | None = None
    note: Note = ""


class KeyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a key; what is left out stays."""

    updated_unix_s: float | None = None  # as it was read; refused if it has changed since
    tenant: Text | msgspec.UnsetType = msgspec.UNSET
    routes: Routes | msgspec.UnsetType = msgspec.UNSET
    may_keep: bool | msgspec.UnsetType = msgspec.UNSET
    tier_max: TierName | msgspec.UnsetType | None = msgspec.UNSET
    may_assert_user: bool | msgspec.UnsetType = msgspec.UNSET
    limits: Limits | msgspec.UnsetType = msgspec.UNSET
    expires_unix_s: Instant | msgspec.UnsetType | None = msgspec.UNSET
    note: Note | msgspec.UnsetType = msgspec.UNSET


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key is replaced."""

    id: Text = ""  # the new one's name; empty: the old one's with a number
    overlap_s: Annotated[float, msgspec.Meta(ge=0.0, le=OVERLAP_MAX_S)] = 86_400.0  # both count


class MadeKey(msgspec.Struct, frozen=True):
    """A key, shown this once."""

    secret: str
    row: KeyRow


def list_keys(call: Call) -> Page[KeyRow]:
    """Return keys by name."""
    query: KeysQuery = call.query
    found: list[KeyRow] = []
    after = query.after
    with call.parts.store.reading() as connection:
        while len(found) <= query.limit:
            some = book.keys_after(connection, after, query.limit + 1, query.tenant)
            found += [one for one in some if query.with_revoked or not one.entry.revoked_unix_s]
            if len(some) <= query.limit:
                break
            after = some[-1].entry.key.id
    return page_of(found, query.limit, lambda row: row.entry.key.id)


def get_key(call: Call) -> KeyRow:
    """Return one key, be it revoked."""
    with call.parts.store.reading() as connection:
        return book.key(connection, call.path["id"])


def make_key(call: Call) -> MadeKey:
    """Make a key."""
    asked: NewKey = call.body
    name = book.name_of(asked.id, "body.id")
    if asked.expires_unix_s is not None and asked.expires_unix_s <= call.now_unix_s:
        raise InvalidError("the key would have expired already", "body.expires_unix_s")
    secret = keys.new_key()
    key = Key(
        id=name,
        tenant=book.name_of(asked.tenant or name, "body.tenant"),
        sha256=keys.sha256(secret),
        routes=asked.routes,
        may_keep=asked.may_keep,
        tier_max=asked.tier_max,
        may_assert_user=asked.may_assert_user,
        limits=asked.limits,
        expires_unix_s=asked.expires_unix_s,
    )
    with book.changing(call) as connection:
        row = _add(call, connection, KeyEntry(key=key, hint=secret[:HINT_CHARS], note=asked.note))
    return MadeKey(secret, row)


def change_key(call: Call) -> KeyRow:
    """Change what a key may."""
    asked: KeyChange = call.body
    fields = {
        name: value
        for name in asked.__struct_fields__
        if (value := getattr(asked, name)) is not msgspec.UNSET
    }
    seen = fields.pop("updated_unix_s")
    note = fields.pop("note", None)
    if "tenant" in fields:
        book.name_of(fields["tenant"], "body.tenant")
    with book.changing(call) as connection:
        before = _living(connection, call.path["id"])
        book.unchanged(before, seen)
        key = msgspec.structs.replace(before.entry.key, **fields)
        entry = msgspec.structs.replace(before.entry, key=key)
        if note is not None:
            entry = msgspec.structs.replace(entry, note=note)
        call.audit(connection, "change", "key", key.id, Change(before.entry, entry))
        return book.save_key(connection, entry, before, call.now_unix_s)


def revoke_key(call: Call) -> None:
    """Take a key away."""
    with book.changing(call) as connection:
        before = _living(connection, call.path["id"])
        entry = msgspec.structs.replace(before.entry, revoked_unix_s=call.now_unix_s)
        book.save_key(connection, entry, before, call.now_unix_s)
        call.audit(connection, "revoke", "key", entry.key.id, Change(before.entry, entry))
        if entry.key.id in keys.KEPT:  # the next 'penstock up' makes another
            keys.kept_path(call.parts.state_dir, entry.key.id).unlink(missing_ok=True)


def rotate_key(call: Call) -> MadeKey:
    """Make a key in another's place; both count until the overlap is over."""
    asked: Rotation = call.body
    secret = keys.new_key()
    with book.changing(call) as connection:
        before = _living(connection, call.path["id"])
        old = before.entry.key
        if before.entry.replaced_by:
            raise ConflictError(f"{old.id!r} is replaced by {before.entry.replaced_by!r} already")
        if old.id in keys.KEPT:
            raise ConflictError("'penstock up' keeps this key: revoke it, and start 'up' again")
        name = book.name_of(asked.id, "body.id") if asked.id else _free_name(connection, old.id)
        key = msgspec.structs.replace(old, id=name, sha256=keys.sha256(secret))
        row = _add(
            call, connection, KeyEntry(key=key, hint=secret[:HINT_CHARS], note=before.entry.note)
        )
        ends_unix_s = call.now_unix_s + asked.overlap_s
        if old.expires_unix_s is not None:
            ends_unix_s = min(ends_unix_s, old.expires_unix_s)
        entry = msgspec.structs.replace(
            before.entry,
            key=msgspec.structs.replace(old, expires_unix_s=ends_unix_s),
            replaced_by=name,
        )
        book.save_key(connection, entry, before, call.now_unix_s)
        call.audit(connection, "rotate", "key", old.id, Change(before.entry, entry))
    return MadeKey(secret, row)


def _living(connection: Connection, name: str) -> KeyRow:
    found = book.key(connection, name)
    if found.entry.revoked_unix_s:
        raise MissingError(f"there is no key named {name!r}: it is revoked")
    return found


def _add(call: Call, connection: Connection, entry: KeyEntry) -> KeyRow:
    name = entry.key.id
    before = book.find_key(connection, name)
    if before is not None and not before.entry.revoked_unix_s:
        raise ConflictError(f"there is a key named {name!r}: revoke it first, or take another name")
    call.audit(connection, "make", "key", name, Change(before.entry if before else None, entry))
    return book.save_key(connection, entry, before, call.now_unix_s)


def _free_name(connection: Connection, name: str) -> str:
    """Return the name with a number, as is free: team, team-2, team-3."""
    stem, dash, number = name.rpartition("-")
    first = int(number) + 1 if dash and number.isascii() and number.isdigit() else 2
    stem = stem if dash and number.isascii() and number.isdigit() else name
    names = (f"{stem}-{at}" for at in itertools.count(first))
    found = next(one for one in names if book.find_key(connection, one) is None)
    if len(found) > len(name) + 2 or book.NAME.fullmatch(found) is None:
        raise InvalidError(f"no name is left after {name!r}: give one", "body.id")
    return found


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/keys",
        summary="List keys by name; never the keys themselves",
        tag="keys",
        role=Role.VIEWER,
        handler=list_keys,
        query=KeysQuery,
        answer=Page[KeyRow],
    ),
    Endpoint(
        method="POST",
        path="/keys",
        summary="Make a key, and show it this once",
        tag="keys",
        role=Role.OPERATOR,
        handler=make_key,
        body=NewKey,
        answer=MadeKey,
        status=201,
        raises=(ConflictError,),
    ),
    Endpoint(
        method="GET",
        path="/keys/{id}",
        summary="Show a key's entry, be it revoked",
        tag="keys",
        role=Role.VIEWER,
        handler=get_key,
        answer=KeyRow,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PATCH",
        path="/keys/{id}",
        summary="Change what a key may, and until when",
        tag="keys",
        role=Role.OPERATOR,
        handler=change_key,
        body=KeyChange,
        answer=KeyRow,
        raises=(MissingError, ConflictError),
    ),
    Endpoint(
        method="DELETE",
        path="/keys/{id}",
        summary="Revoke a key",
        tag="keys",
        role=Role.OPERATOR,
        handler=revoke_key,
        answer=None,
        raises=(MissingError,),
    ),
    Endpoint(
        method="POST",
        path="/keys/{id}/rotate",
        summary="Make a key in another's place; both count until the overlap is over",
        tag="keys",
        role=Role.OPERATOR,
        handler=rotate_key,
        body=Rotation,
        answer=MadeKey,
        status=201,
        raises=(MissingError, ConflictError),
    ),
)
