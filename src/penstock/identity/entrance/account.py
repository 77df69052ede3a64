"""One's own account: password, passkeys, sessions. The same functions as the API's, as pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.core.errors import PenstockError
from penstock.identity import accounts, own, passwords
from penstock.identity.entrance.door import ACCOUNT, Door
from penstock.identity.own import Me
from penstock.identity.passkeys import Answer
from penstock.web.endpoint import InvalidError
from penstock.web.forms import form, json_body
from penstock.web.http import json, refusal


class OwnAccount:
    """The pages. Owned by one event loop."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def routes(self) -> list[Route]:
        """Return the pages."""
        route = self.door.route
        return [
            route(ACCOUNT, self._page),
            route(f"{ACCOUNT}/password", self._password, "POST"),
            route(f"{ACCOUNT}/passkeys/remove", self._remove, "POST"),
            route(f"{ACCOUNT}/sessions/end", self._end, "POST"),
            Route(f"{ACCOUNT}/passkeys", self._add, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        actor = await self.door.who(request)
        if not actor.account:
            return self.door.to_login()
        return await self.show(self.door.me(request, actor))

    async def show(self, me: Me, error: PenstockError | None = None) -> Response:
        """Return the page, with what went wrong."""

        def read() -> dict[str, Any]:
            with me.ground.rows.reading() as connection:
                account = accounts.by_id(connection, me.account)
            found = {"passkeys": own.list_passkeys(me), "sessions": own.list_sessions(me)}
            return {"account": account, **found, **self.door.account_values(me)}

        found: dict[str, Any] = await self.door.blocking(read)
        return self.door.show(
            "account",
            error.status if error else 200,
            title="Your account",
            error=error,
            is_fresh=me.is_fresh,
            has_oidc=self.door.ground.client is not None,
            now_unix_s=me.now_unix_s,
            length_min=passwords.LENGTH_MIN,
            **found,
        )

    async def _password(self, request: Request) -> Response:
        given = await form(request)
        password, current = given.get("password", ""), given.get("current", "")

        async def set_it(me: Me) -> None:
            await self.door.hashing(lambda: own.change_password(me, password, current), request)

        return await self.do(request, set_it)

    async def _remove(self, request: Request) -> Response:
        passkey = (await form(request)).get("id", "")
        return await self.blocking(request, lambda me: own.remove_passkey(me, passkey))

    async def _end(self, request: Request) -> Response:
        session = (await form(request)).get("id", "")

        def end(me: Me) -> None:
            if session:
                own.end_session(me, session)
            else:
                own.end_other_sessions(me)

        return await self.blocking(request, end)

    async def blocking(self, request: Request, work: Callable[[Me], None]) -> Response:
        """Do what a form asks for, in a thread, and show the page again."""

        async def wait(me: Me) -> None:
            await self.door.blocking(lambda: work(me))

        return await self.do(request, wait)

    async def do(self, request: Request, work: Callable[[Me], Awaitable[None]]) -> Response:
        """Do what a form asks for, and show the page again."""
        actor = await self.door.who(request)
        if not actor.account:
            return self.door.to_login()
        me = self.door.me(request, actor)
        try:
            await work(me)
        except PenstockError as error:
            return await self.show(me, error)
        return RedirectResponse(ACCOUNT, 303)

    async def _add(self, request: Request) -> Response:
        """Answer a script of ours: {} asks for the question, anything else is the answer."""
        try:
            given: dict[str, Any] = await json_body(request, dict[str, Any])
            me = self.door.me(request, await self.door.who(request))
            party = self.door.party(request)
            if not given:
                asked = await self.door.blocking(lambda: own.ask_for_passkey(me, party))
                return json(asked)
            try:
                answer = msgspec.convert(given, Answer)
            except msgspec.ValidationError as error:
                raise InvalidError("the answer cannot be understood", "body") from error
            made = await self.door.blocking(lambda: own.add_passkey(me, answer, party))
            return json(made, 201)
        except PenstockError as error:
            return refusal(error)
