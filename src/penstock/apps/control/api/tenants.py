"""Tenants: who has the contract."""

from typing import Final

import msgspec
from sqlalchemy import select

from penstock.apps.control.endpoint import Call, Endpoint, Role
from penstock.ledger import tables
from penstock.ledger.book import TenantEntry


def list_tenants(call: Call) -> list[TenantEntry]:
    """Return all tenants by name."""
    query = select(tables.tenants.c.document).order_by(tables.tenants.c.id)
    with call.parts.store.reading() as connection:
        found = connection.execute(query).scalars().all()
    return [msgspec.json.decode(one, type=TenantEntry) for one in found]


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/tenants",
        summary="List tenants",
        tag="tenants",
        role=Role.VIEWER,
        handler=list_tenants,
        answer=list[TenantEntry],
    ),
)
