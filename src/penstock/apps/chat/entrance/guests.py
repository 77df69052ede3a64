"""Guests, where the configuration lets them: in at once, for a day, a bounded number of them.

POST /guest    an account that nobody knows the owner of; whoever makes an account later in the same
               browser keeps what was said as a guest
"""

from typing import Final

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.chat import memberships
from penstock.apps.chat.entrance.door import ChatDoor
from penstock.apps.chat.identity import Role
from penstock.core.errors import PenstockError
from penstock.identity import accounts, throttle
from penstock.identity.accounts import Account
from penstock.identity.tables import accounts as entries
from penstock.identity.throttle import Subject
from penstock.web.address import network_of
from penstock.web.endpoint import ForbiddenError
from penstock.web.forms import form, next_of

HERE: Final = "/guest"
GUESTS_MAX: Final = 2000  # at once: what they say is kept for a day
FREE: Final = 20  # an hour from one network, before waits begin
WAIT_S_MAX: Final = 900.0
NAME: Final = "Guest"


class GuestsFullError(PenstockError):
    """There are as many guests as there may be."""

    status = 503
    code = "guests_full"
    remedy = "Make an account or log in, or come again later."
    retry_after_s = 600.0


class Guests:
    """The door for guests. Owned by one event loop."""

    def __init__(self, door: ChatDoor) -> None:
        self._door = door

    def routes(self) -> list[Route]:
        """Return what there is."""
        return [self._door.route(HERE, self._come, "POST")]

    async def _come(self, request: Request) -> Response:
        if not self._door.chat.guests:
            error = ForbiddenError("there are no guests here")
            error.remedy = "Make an account, or log in."
            raise error
        to = next_of((await form(request)).get("next", ""))
        if (await self._door.who(request)).account:
            return self._door.on(to)
        account, token = await self._door.watched("guests", lambda: self._made(request))
        return self._door.in_with(request, token, account, to)

    def _made(self, request: Request) -> tuple[Account, str]:
        door = self._door
        now_unix_s = door.now_unix_s()
        network = network_of(door.address_of(request))
        with door.ground.rows.writing() as connection:
            subject = Subject(f"guest:{network}", FREE, WAIT_S_MAX)
            throttle.charge(connection, (subject,), now_unix_s)
        with door.ground.rows.writing() as connection:
            query = select(func.count()).where(entries.c.role == Role.GUEST.value)
            if (connection.execute(query).scalar() or 0) >= GUESTS_MAX:
                raise GuestsFullError(f"{GUESTS_MAX} guests are here already")
            account = accounts.create_nameless(connection, NAME, Role.GUEST.value, now_unix_s)
            memberships.begin(connection, account.id, now_unix_s, is_guest=True)
            return account, door.come_in(connection, request, account, "guest")
