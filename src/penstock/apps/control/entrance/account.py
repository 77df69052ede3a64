"""One's own account: password, passkeys, sessions. The same functions as the API's, as pages."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.control.api import sessions as own
from penstock.apps.control.api.sessions import NewPassword
from penstock.apps.control.endpoint import Actor, Call
from penstock.apps.control.entrance.door import Door, form, json_body, show
from penstock.apps.control.entrance.login import LOGIN
from penstock.apps.control.http import json, refusal
from penstock.apps.control.identity import FRESH_S
from penstock.apps.control.site import origin_of
from penstock.core.errors import PenstockError
from penstock.identity import accounts, passwords
from penstock.identity.passkeys import Answer

HERE: Final = "/account"


class OwnAccount:
    """The pages. Owned by one event loop."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._parts = door.parts

    def routes(self) -> list[Route]:
        """Return the pages."""
        route = self._door.route
        return [
            route(HERE, self._page),
            route(f"{HERE}/password", self._password, "POST"),
            route(f"{HERE}/passkeys/remove", self._remove, "POST"),
            route(f"{HERE}/sessions/end", self._end, "POST"),
            Route(f"{HERE}/passkeys", self._add, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        actor = await self._door.who(request)
        if not actor.account:
            return _to_login()
        return await self._show(actor)

    async def _show(self, actor: Actor, error: PenstockError | None = None) -> Response:
        call = self._call(actor)

        def read() -> dict[str, Any]:
            with self._parts.store.reading() as connection:
                account = accounts.by_id(connection, actor.account)
            found = {"passkeys": own.list_passkeys(call), "sessions": own.list_sessions(call)}
            return {"account": account, **found}

        found = await self._door.blocking(read)
        return show(
            "account",
            error.status if error else 200,
            title="Your account",
            error=error,
            is_fresh=call.now_unix_s - actor.since_unix_s < FRESH_S,
            has_oidc=self._door.identity.client is not None,
            now_unix_s=call.now_unix_s,
            length_min=passwords.LENGTH_MIN,
            **found,
        )

    async def _password(self, request: Request) -> Response:
        given = await form(request)
        body = NewPassword(given.get("password", ""), given.get("current", ""))
        return await self._do(request, own.change_password, body=body)

    async def _remove(self, request: Request) -> Response:
        return await self._do(request, own.remove_passkey, path=await form(request))

    async def _end(self, request: Request) -> Response:
        given = await form(request)
        handler = own.end_session if given.get("id") else own.end_other_sessions
        return await self._do(request, handler, path=given)

    async def _do(
        self,
        request: Request,
        handler: Callable[[Call], None],
        *,
        path: dict[str, str] | None = None,
        body: msgspec.Struct | None = None,
    ) -> Response:
        actor = await self._door.who(request)
        if not actor.account:
            return _to_login()
        call = self._call(actor, path={"id": "", **(path or {})}, body=body)
        try:
            await self._door.blocking(lambda: handler(call))
        except PenstockError as error:
            return await self._show(actor, error)
        return RedirectResponse(HERE, 303)

    async def _add(self, request: Request) -> Response:
        """Answer a script of ours: {} asks for the question, anything else is the answer."""
        try:
            given: dict[str, Any] = await json_body(request, dict[str, Any])
            actor = await self._door.who(request)
            origin = origin_of(request.scope)
            if not given:
                asked = self._call(actor)
                return json(await self._door.blocking(lambda: own.ask_for_passkey(asked, origin)))
            try:
                answer = msgspec.convert(given, Answer)
            except msgspec.ValidationError as error:
                raise own.InvalidError("the answer cannot be understood", "body") from error
            told = self._call(actor, body=answer)
            return json(await self._door.blocking(lambda: own.add_passkey(told, origin)), 201)
        except PenstockError as error:
            return refusal(error)

    def _call(
        self,
        actor: Actor,
        *,
        path: dict[str, str] | None = None,
        body: msgspec.Struct | None = None,
    ) -> Call:
        return Call(self._parts, actor, path or {}, None, body, self._parts.now_unix_s())


def _to_login() -> Response:
    return RedirectResponse(f"{LOGIN}?next={HERE}", 303)
