"""Log-in and log-out: by password, by passkey, by OpenID Connect.

GET  /login              the form; whoever is in already goes on
POST /login              address and password
POST /login/passkey      {}: the question to a passkey; with an answer: the session
GET  /login/oidc         to the provider
GET  /login/oidc/back    and back
POST /account/oidc       a page that leads to the provider; back from there, the identity belongs to
                         the account of the session that asked
POST /logout             the session ends; everywhere=1: all of the account's
"""

from typing import Any, Final

import httpx
import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.control.api import sessions as own
from penstock.apps.control.endpoint import Actor, Call, Role
from penstock.apps.control.entrance.door import (
    Door,
    form,
    json_body,
    next_of,
    set_cookie,
    show,
    visitor,
)
from penstock.apps.control.http import json, refusal
from penstock.apps.control.identity import COOKIE, DEVICE_COOKIE, FLOW_COOKIE, cookie_name
from penstock.apps.control.site import origin_of
from penstock.core.errors import PenstockError
from penstock.identity import accounts, entering, oidc, passkeys, sessions
from penstock.identity.accounts import Account
from penstock.identity.entering import Attempt
from penstock.identity.errors import LogInError, TooOftenError
from penstock.identity.oidc import Flow, Person, Provider
from penstock.identity.passkeys import Answer
from penstock.telemetry import log

LOGIN: Final = "/login"
BACK: Final = "/login/oidc/back"
CONNECT: Final = "/account/oidc"
ACCOUNT: Final = "/account"
INVITED_ROLE: Final = "viewer"  # where an invitation names none


class LogIn:
    """The pages of log-in and log-out. Owned by one event loop."""

    def __init__(self, door: Door, http: httpx.AsyncClient) -> None:
        self._door = door
        self._identity = door.identity
        self._now_unix_s = door.parts.now_unix_s
        client = door.identity.client
        self._provider = Provider(client, http, self._now_unix_s) if client else None

    def routes(self) -> list[Route]:
        """Return the pages."""
        route = self._door.route
        return [
            route(LOGIN, self._form),
            route(LOGIN, self._by_password, "POST"),
            Route("/login/passkey", self._by_passkey, methods=["POST"]),
            route("/login/oidc", self._to_provider),
            route(BACK, self._from_provider),
            route(CONNECT, self._to_connect, "POST"),
            route("/logout", self._log_out, "POST"),
        ]

    async def _form(self, request: Request) -> Response:
        to = next_of(request.query_params.get("next", ""))
        actor = await self._door.who(request)
        if actor.role is not Role.NOBODY and "again" not in request.query_params:
            return RedirectResponse(to, 303)
        return self._show({"next": to})

    def _show(self, given: dict[str, str], error: PenstockError | None = None) -> Response:
        return show(
            "login",
            error.status if error else 200,
            title="Log in",
            given=given,
            error=error,
            has_oidc=self._provider is not None,
            is_first=self._identity.first_link.exists(),
        )

    async def _by_password(self, request: Request) -> Response:
        given = await form(request)
        attempt = Attempt(
            given.get("email", "")[:320],
            given.get("password", ""),
            visitor(request).address,
            request.cookies.get(cookie_name(DEVICE_COOKIE, origin_of(request.scope)), ""),
        )
        try:
            token, account = await self._door.blocking(lambda: self._check(request, attempt))
        except (LogInError, TooOftenError) as error:
            log.warn("log_in_refused", address=attempt.address, reason=error.code)
            return self._show({"email": attempt.email, "next": given.get("next", "")}, error)
        return self._door.in_with(request, token, account, next_of(given.get("next", "")))

    def _check(self, request: Request, attempt: Attempt) -> tuple[str, Account]:
        identity = self._identity
        account = entering.by_password(
            identity.rows, identity.hasher, identity.tickets, attempt, self._now_unix_s()
        )
        with identity.rows.writing() as connection:
            return self._door.come_in(connection, request, account, "password"), account

    async def _by_passkey(self, request: Request) -> Response:
        try:
            return await self._passkey(request)
        except PenstockError as error:
            log.warn("log_in_refused", address=visitor(request).address, reason=error.code)
            return refusal(error)

    async def _passkey(self, request: Request) -> Response:
        given: dict[str, Any] = await json_body(request, dict[str, Any])
        party = self._identity.party(origin_of(request.scope))
        if not given:
            return json(passkeys.ask_to_enter(self._identity.tickets, party, self._now_unix_s()))
        try:
            answer = msgspec.convert(given, Answer)
        except msgspec.ValidationError as error:
            raise LogInError("the passkey's answer cannot be understood") from error

        def enter() -> tuple[str, Account]:
            with self._identity.rows.writing() as connection:
                account = passkeys.enter(
                    connection, self._identity.tickets, party, answer, self._now_unix_s()
                )
                return self._door.come_in(connection, request, account, "passkey"), account

        token, account = await self._door.blocking(enter)
        answered = json({"next": next_of(request.query_params.get("next", ""))})
        self._door.set_cookies(request, answered, token, account)
        return answered

    async def _to_provider(self, request: Request) -> Response:
        provider = self._needed()
        to = next_of(request.query_params.get("next", ""))
        url, flow = await provider.begin(origin_of(request.scope) + BACK, to)
        answer = RedirectResponse(url, 303, {"cache-control": "no-store"})
        self._remember(request, answer, flow)
        return answer

    async def _to_connect(self, request: Request) -> Response:
        """Lead to the provider by a link: no form of ours may end at another site."""
        provider = self._needed()
        call = self._call(await self._door.who(request))
        own.fresh(call)
        url, flow = await provider.begin(origin_of(request.scope) + BACK, ACCOUNT)
        answer = show("connecting", title="Connect your OpenID identity", url=url)
        flow = msgspec.structs.replace(flow, session=call.actor.session)
        self._remember(request, answer, flow)
        return answer

    def _remember(self, request: Request, answer: Response, flow: Flow) -> None:
        until_unix_s = self._now_unix_s() + oidc.WITHIN_S
        ticket = self._identity.tickets.issue(oidc.PURPOSE, flow, until_unix_s)
        set_cookie(request, answer, FLOW_COOKIE, ticket, int(oidc.WITHIN_S))

    def _call(self, actor: Actor) -> Call:
        return Call(self._door.parts, actor, {}, None, None, self._now_unix_s())

    async def _from_provider(self, request: Request) -> Response:
        provider = self._needed()
        cookie = request.cookies.get(cookie_name(FLOW_COOKIE, origin_of(request.scope)), "")
        ticket = self._identity.tickets.read(oidc.PURPOSE, cookie, Flow, self._now_unix_s())
        if ticket is None:
            raise LogInError("this log-in was not begun in this browser, or took too long")

        def spend() -> None:
            with self._identity.rows.writing() as connection:
                ticket.spend(connection, self._now_unix_s())

        await self._door.blocking(spend)
        try:
            person = await provider.finish(ticket.content, dict(request.query_params))
            if ticket.content.session:
                return await self._connect(request, ticket.content.session, person)
            token, account = await self._door.blocking(lambda: self._external(request, person))
        except LogInError as error:
            log.warn("log_in_refused", address=visitor(request).address, reason=error.message)
            refused = self._show({"next": ticket.content.after}, error)
            set_cookie(request, refused, FLOW_COOKIE, "", 0)
            return refused
        answer = self._door.in_with(request, token, account, next_of(ticket.content.after))
        set_cookie(request, answer, FLOW_COOKIE, "", 0)
        return answer

    async def _connect(self, request: Request, session: str, person: Person) -> Response:
        """Give the identity to the account of the session that asked; no other may finish it."""
        call = self._call(await self._door.who(request))
        if call.actor.session != session:
            raise LogInError("another session asked for this: log in, and begin again")
        await self._door.blocking(lambda: own.connect(call, person))
        answer = RedirectResponse(ACCOUNT, 303)
        set_cookie(request, answer, FLOW_COOKIE, "", 0)
        return answer

    def _external(self, request: Request, person: Person) -> tuple[str, Account]:
        with self._identity.rows.writing() as connection:
            account = entering.by_external(connection, person, INVITED_ROLE, self._now_unix_s())
            return self._door.come_in(connection, request, account, "oidc"), account

    async def _log_out(self, request: Request) -> Response:
        is_everywhere = (await form(request)).get("everywhere") == "1"
        name = cookie_name(COOKIE, origin_of(request.scope))
        token = request.cookies.get(name, "")
        await self._door.blocking(lambda: self._end(request, token, is_everywhere=is_everywhere))
        answer = RedirectResponse(LOGIN, 303)
        set_cookie(request, answer, COOKIE, "", 0)
        return answer

    def _end(self, request: Request, token: str, *, is_everywhere: bool) -> None:
        with self._identity.rows.writing() as connection:
            found = sessions.find(connection, token, self._identity.terms, self._now_unix_s())
            sessions.end(connection, token)
            if found is not None:
                self._ended(connection, request, found[1].id, is_everywhere=is_everywhere)

    def _ended(
        self, connection: Connection, request: Request, account: str, *, is_everywhere: bool
    ) -> None:
        if is_everywhere:
            sessions.end_all(connection, account)
        action = "log_out_everywhere" if is_everywhere else "log_out"
        whose = accounts.by_id(connection, account)
        self._door.note(connection, whose, visitor(request).address, action)

    def _needed(self) -> Provider:
        if self._provider is None:
            raise LogInError("no OpenID provider is set: see [control] oidc_issuer")
        return self._provider
