"""One call of an endpoint of the status process, and the line that it leaves in the audit log."""

from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from penstock.apps.status.parts import Parts
from penstock.apps.status.tables import audit
from penstock.web import endpoint


class Call(endpoint.Call[Parts], frozen=True):
    """One call of an endpoint."""

    def audit(
        self,
        connection: Connection,
        action: str,
        thing: tuple[str, str],  # what kind of thing, and which one
        before: Any = None,
        after: Any = None,
    ) -> None:
        """Note a change in its own transaction. Give no secrets."""
        kind, name = thing
        connection.execute(
            insert(audit).values(
                at_unix_s=self.now_unix_s,
                actor=self.actor.name,
                role=self.actor.role.name.lower(),
                address=self.actor.address,
                action=action,
                kind=kind,
                object=name,
                before=_json(before),
                after=_json(after),
            )
        )


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
