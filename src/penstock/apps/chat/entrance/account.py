"""One's own account in the chat: name and deletion, beside what every surface has.

POST   /account/name     another name
POST   /account/delete   everything of the account is deleted; a guest's as well
DELETE /account          the same, for scripts

Deleting needs a log-in of the last quarter of an hour; a guest cannot log in again, and needs none.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.chat.entrance.door import ChatDoor
from penstock.core.errors import PenstockError
from penstock.identity import accounts, own
from penstock.identity.accounts import Account
from penstock.identity.entrance.account import OwnAccount
from penstock.identity.entrance.door import ACCOUNT, LOGIN, device_cookie
from penstock.identity.own import Me
from penstock.web.cookies import set_cookie
from penstock.web.endpoint import ForbiddenError, NobodyError
from penstock.web.forms import form
from penstock.web.http import refusal

ERASE_S: Final = 60.0  # years of conversations


class ChatAccount(OwnAccount):
    """The pages. Owned by one event loop."""

    def __init__(self, door: ChatDoor) -> None:
        super().__init__(door)
        self._chat = door

    def routes(self) -> list[Route]:
        """Return the pages."""
        route = self.door.route
        return [
            *super().routes(),
            route(f"{ACCOUNT}/name", self._name, "POST"),
            route(f"{ACCOUNT}/delete", self._delete, "POST"),
            Route(ACCOUNT, self._delete_by_script, methods=["DELETE"]),
        ]

    async def _name(self, request: Request) -> Response:
        name = (await form(request)).get("name", "")

        def change(me: Me) -> None:
            with me.ground.rows.writing() as connection:
                accounts.set_name(connection, me.account, name)
                me.note(connection, "change_name", None)

        return await self.blocking(request, change)

    async def _delete(self, request: Request) -> Response:
        given = await form(request)
        actor = await self.door.who(request)
        if not actor.account:
            return self.door.to_login()
        me = self.door.me(request, actor)
        try:
            if given.get("sure") != "1":
                error = ForbiddenError("nothing was deleted")
                error.remedy = "Tick the box, then delete."
                raise error
            await self._erase(me)
        except PenstockError as error:
            return await self.show(me, error)
        return self._gone(request, RedirectResponse(f"{LOGIN}?deleted=1", 303))

    async def _delete_by_script(self, request: Request) -> Response:
        try:
            actor = await self.door.who(request)
            if not actor.account:
                raise NobodyError("this needs a log-in")
            await self._erase(self.door.me(request, actor))
        except PenstockError as error:
            return refusal(error)
        return self._gone(request, Response(status_code=204))

    async def _erase(self, me: Me) -> None:
        account: Account = await self.door.blocking(lambda: self._entry(me))
        if not self._chat.is_guest(account):
            own.fresh(me)
        await self.door.blocking(lambda: self._chat.parts.erase(account.id), ERASE_S)

    def _entry(self, me: Me) -> Account:
        with me.ground.rows.reading() as connection:
            return accounts.by_id(connection, me.account)

    def _gone(self, request: Request, answer: Response) -> Response:
        for name in (self.door.ground.cookie, device_cookie(self.door.ground)):
            set_cookie(request, answer, name, "", 0)
        return answer
