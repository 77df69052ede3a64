"""One call of an endpoint of control, and the line that it leaves in the audit log."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, insert

from penstock.apps.control.parts import Parts
from penstock.ledger.tables import audit
from penstock.web import endpoint
from penstock.web.endpoint import Page

Item = TypeVar("Item")


class Change(msgspec.Struct, frozen=True):
    """What was, and what is from now on; None: nothing."""

    before: Any = None
    after: Any = None


class Call(endpoint.Call[Parts], frozen=True):
    """One call of an endpoint."""

    def audit(
        self, connection: Connection, action: str, kind: str, name: str, change: Change
    ) -> None:
        """Note a change in its own transaction. Give no secrets."""
        connection.execute(
            insert(audit).values(
                at_unix_s=self.now_unix_s,
                actor=self.actor.name,
                role=self.actor.role.name.lower(),
                address=self.actor.address,
                action=action,
                kind=kind,
                object=name,
                before=_json(change.before),
                after=_json(change.after),
            )
        )


def page_of(found: Sequence[Item], limit: int, name_of: Callable[[Item], str]) -> Page[Item]:
    """Return a page of what was found, which is one more than fits if there is more."""
    items = list(found[:limit])
    return Page(items, name_of(items[-1]) if len(found) > limit else "")


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
