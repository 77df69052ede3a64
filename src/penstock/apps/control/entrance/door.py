"""Control's door: what its entrance does otherwise than others.

Whatever an operator does for itself leaves a line in the audit log. Nobody gets an account by an
identity provider alone: an owner has to have invited the address.
"""

from typing import Any, Final

from sqlalchemy import Connection
from starlette.requests import Request

from penstock.apps.control.call import Call, Change
from penstock.apps.control.identity import Identity
from penstock.apps.control.parts import Parts
from penstock.apps.control.who import role_of
from penstock.identity import entering, links
from penstock.identity.accounts import Account
from penstock.identity.entrance.door import Door
from penstock.identity.oidc import Person
from penstock.web.endpoint import Actor
from penstock.web.http import Caller, Who

INVITED_ROLE: Final = "viewer"  # where an invitation names none


class ControlDoor(Door):
    """What each page works with. Owned by one event loop."""

    templates = "apps/control"

    def __init__(self, parts: Parts, caller: Caller, who: Who) -> None:
        super().__init__(parts.identity, caller.blocking, who, parts.now_unix_s)
        self._identity: Identity = parts.identity
        self._parts = parts

    def note(
        self, connection: Connection, account: Account, address: str, action: str, after: Any = None
    ) -> None:
        """Write a line of the audit log for an account that acts for itself."""
        actor = Actor(account.email, role_of(account.role), address)
        call = Call(self._parts, actor, {}, None, None, self.now_unix_s())
        call.audit(connection, action, "operator", account.email, Change(None, after))

    def external(self, connection: Connection, person: Person) -> Account:
        """Return the account of whom a provider vouches for; raises LogInError."""
        return entering.by_external(connection, person, INVITED_ROLE, self.now_unix_s())

    def more(self, request: Request) -> dict[str, object]:
        """Tell whether nobody owns this yet."""
        del request
        return {"is_first": self._identity.first_link.exists()}

    def arrived(self, purpose: str) -> None:
        """Remove the first link once it has been used."""
        if purpose == links.FIRST:
            self._identity.first_link.unlink(missing_ok=True)
