"""Tenants: who has the contract. Tier, weight, limits, contract and terms are parts of one."""

from typing import Final

import msgspec
from sqlalchemy import select

from penstock.apps.control import book
from penstock.apps.control.book import TenantRow
from penstock.apps.control.call import Call, Change, page_of
from penstock.ledger import retention, sla_check, tables
from penstock.ledger.book import TenantEntry
from penstock.ledger.retention import Forgotten
from penstock.web.endpoint import (
    BookError,
    ConflictError,
    Endpoint,
    InvalidError,
    MissingError,
    Page,
    PageQuery,
    Role,
    Text,
)

SHOWN: Final = 5
DELETE_S: Final = 5.0  # for which one call deletes; a call may take 10 in all


class PutQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tenant is put."""

    updated_unix_s: float | None = None  # as it was read; refused if it has changed since


class DeleteQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tenant is deleted."""

    is_forced: bool = False  # even if it has keys: they become standard, without its limits


class DataQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tenant's data is deleted."""

    confirm: Text = ""  # the tenant's name, once more


def list_tenants(call: Call) -> Page[TenantRow]:
    """Return tenants by name."""
    query: PageQuery = call.query
    with call.parts.store.reading() as connection:
        found = book.tenants_after(connection, query.after, query.limit + 1)
    return page_of(found, query.limit, lambda row: row.entry.tenant.id)


def get_tenant(call: Call) -> TenantRow:
    """Return one tenant."""
    with call.parts.store.reading() as connection:
        return book.tenant(connection, call.path["id"])


def put_tenant(call: Call) -> TenantRow:
    """Make a tenant, or replace what is said of one."""
    entry: TenantEntry = call.body
    query: PutQuery = call.query
    name = book.name_of(call.path["id"], "path.id")
    if entry.tenant.id != name:
        raise InvalidError(f"the path names {name!r}", "body.tenant.id")
    if entry.sla is not None and (problems := list(sla_check.wrongs(entry.sla))):
        raise BookError(problems)
    with book.changing(call, is_promise=True) as connection:
        before = book.find_tenant(connection, name)
        book.unchanged(before, query.updated_unix_s)
        after = book.save_tenant(connection, entry, before, call.now_unix_s)
        change = Change(before.entry if before else None, entry)
        call.audit(connection, "put", "tenant", name, change)
    return after


def delete_tenant(call: Call) -> None:
    """Forget a tenant; its exchanges stay in the ledger."""
    query: DeleteQuery = call.query
    name = call.path["id"]
    with book.changing(call) as connection:
        before = book.tenant(connection, name)
        table = tables.keys
        query_own = select(table.c.id).where(table.c.tenant == name).order_by(table.c.id)
        own = list(connection.execute(query_own).scalars())
        own = [one for one in own if not book.key(connection, one).entry.revoked_unix_s]
        if own and not query.is_forced:
            shown = ", ".join(own[:SHOWN]) + (", ..." if len(own) > SHOWN else "")
            raise ConflictError(f"{name!r} has keys ({shown}): revoke them, or force it")
        book.remove_tenant(connection, name)
        call.audit(connection, "delete", "tenant", name, Change(before.entry))


def delete_data(call: Call) -> Forgotten:
    """Delete what the ledger has of a tenant's traffic, as much as one call can."""
    query: DataQuery = call.query
    name = book.name_of(call.path["id"], "path.id")
    if query.confirm != name:
        raise InvalidError(f"must be {name!r}: what is deleted does not come back", "query.confirm")
    store, now_unix_s = call.parts.store, call.parts.now_unix_s
    with store.writing(is_durable=True) as connection:
        call.audit(connection, "delete_data", "tenant", name, Change())
    until_unix_s = call.now_unix_s + DELETE_S
    return retention.delete_tenant(store, name, lambda: now_unix_s() >= until_unix_s)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/tenants",
        summary="List tenants by name",
        tag="tenants",
        role=Role.VIEWER,
        handler=list_tenants,
        query=PageQuery,
        answer=Page[TenantRow],
    ),
    Endpoint(
        method="GET",
        path="/tenants/{id}",
        summary="Show a tenant",
        tag="tenants",
        role=Role.VIEWER,
        handler=get_tenant,
        answer=TenantRow,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PUT",
        path="/tenants/{id}",
        summary="Make a tenant, or replace what is said of one",
        tag="tenants",
        role=Role.OPERATOR,
        handler=put_tenant,
        query=PutQuery,
        body=TenantEntry,
        answer=TenantRow,
        raises=(ConflictError,),
    ),
    Endpoint(
        method="DELETE",
        path="/tenants/{id}",
        summary="Forget a tenant; its exchanges stay in the ledger",
        tag="tenants",
        role=Role.OPERATOR,
        handler=delete_tenant,
        query=DeleteQuery,
        answer=None,
        raises=(MissingError, ConflictError),
    ),
    Endpoint(
        method="DELETE",
        path="/tenants/{id}/data",
        summary="Delete what the ledger has of a tenant's traffic; again until is_all",
        tag="tenants",
        role=Role.OWNER,
        handler=delete_data,
        query=DataQuery,
        answer=Forgotten,
    ),
)
