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

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.core.errors import PenstockError
from penstock.identity import accounts, oidc, own, passkeys, sessions
from penstock.identity.accounts import Account
from penstock.identity.entrance.door import ACCOUNT, BACK, CONNECT, LOGIN, Door, flow_cookie
from penstock.identity.errors import BusyError, LogInError, TooOftenError
from penstock.identity.oidc import Flow, Person, Provider
from penstock.identity.passkeys import Answer
from penstock.telemetry import log
from penstock.web.cookies import cookie_of, set_cookie
from penstock.web.endpoint import Role
from penstock.web.forms import form, json_body, next_of
from penstock.web.http import json, refusal
from penstock.web.site import origin_of

AGAIN: Final = "again"  # in the query: whoever is in logs in anew
REFUSALS: Final = (LogInError, TooOftenError, BusyError)


class LogIn:
    """The pages of log-in and log-out. Owned by one event loop."""

    def __init__(self, door: Door, provider: Provider | None) -> None:
        self._door = door
        self._ground = door.ground
        self._now_unix_s = door.now_unix_s
        self._provider = provider

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
        if AGAIN not in request.query_params:
            actor = await self._door.who(request)
            if actor.role is not Role.NOBODY:
                return RedirectResponse(to, 303)
        return self._show(request, {"next": to})

    def _show(
        self, request: Request, given: dict[str, str], error: PenstockError | None = None
    ) -> Response:
        return self._door.show(
            "login",
            error.status if error else 200,
            title="Log in",
            given=given,
            error=error,
            has_oidc=self._provider is not None,
            **self._door.more(request),
        )

    async def _by_password(self, request: Request) -> Response:
        given = await form(request)
        attempt = self._door.attempt(request, given)
        try:
            account = await self._door.check(request, attempt)
            token = await self._door.blocking(lambda: self._come_in(request, account, "password"))
        except REFUSALS as error:
            self._refused(request, error)
            again = {"email": attempt.email, "next": next_of(given.get("next", ""))}
            return self._show(request, again, error)
        return self._door.in_with(request, token, account, next_of(given.get("next", "")))

    def _come_in(self, request: Request, account: Account, how: str) -> str:
        with self._ground.rows.writing() as connection:
            return self._door.come_in(connection, request, account, how)

    def _refused(self, request: Request, error: PenstockError) -> None:
        if isinstance(error, BusyError):
            return  # of a flood: a line for each would be another
        address = self._door.address_of(request)
        log.warn("log_in_refused", address=address, reason=error.code, words=error.message)

    async def _by_passkey(self, request: Request) -> Response:
        try:
            return await self._passkey(request)
        except PenstockError as error:
            self._refused(request, error)
            return refusal(error)

    async def _passkey(self, request: Request) -> Response:
        given: dict[str, Any] = await json_body(request, dict[str, Any])
        party = self._door.party(request)
        if not given:
            return json(passkeys.ask_to_enter(self._ground.tickets, party, self._now_unix_s()))
        try:
            answer = msgspec.convert(given, Answer)
        except msgspec.ValidationError as error:
            raise LogInError("the passkey's answer cannot be understood") from error

        def enter() -> tuple[str, Account]:
            with self._ground.rows.writing() as connection:
                account = passkeys.enter(
                    connection, self._ground.tickets, party, answer, self._now_unix_s()
                )
                return self._door.come_in(connection, request, account, "passkey"), account

        token, account = await self._door.blocking(enter)
        answered = json({"next": next_of(request.query_params.get("next", ""))})
        self._door.set_cookies(request, answered, token, account)
        return answered

    async def _to_provider(self, request: Request) -> Response:
        provider = self._needed()
        to = next_of(request.query_params.get("next", ""))
        try:
            url, flow = await provider.begin(origin_of(request.scope) + BACK, to)
        except LogInError as error:
            self._refused(request, error)
            return self._show(request, {"next": to}, error)
        answer = RedirectResponse(url, 303, {"cache-control": "no-store"})
        self._remember(request, answer, flow)
        return answer

    async def _to_connect(self, request: Request) -> Response:
        """Lead to the provider by a link: no form of ours may end at another site."""
        provider = self._needed()
        me = await self._me(request)
        own.fresh(me)
        url, flow = await provider.begin(origin_of(request.scope) + BACK, ACCOUNT)
        answer = self._door.show("connecting", title="Connect your OpenID identity", url=url)
        self._remember(request, answer, msgspec.structs.replace(flow, session=me.actor.session))
        return answer

    def _remember(self, request: Request, answer: Response, flow: Flow) -> None:
        until_unix_s = self._now_unix_s() + oidc.WITHIN_S
        ticket = self._ground.tickets.issue(oidc.PURPOSE, flow, until_unix_s)
        set_cookie(request, answer, flow_cookie(self._ground), ticket, int(oidc.WITHIN_S))

    async def _me(self, request: Request) -> own.Me:
        return self._door.me(request, await self._door.who(request))

    async def _from_provider(self, request: Request) -> Response:
        provider = self._needed()
        cookie = cookie_of(request, flow_cookie(self._ground))
        ticket = self._ground.tickets.read(oidc.PURPOSE, cookie, Flow, self._now_unix_s())
        if ticket is None:
            raise LogInError("this log-in was not begun in this browser, or took too long")

        def spend() -> None:
            with self._ground.rows.writing() as connection:
                ticket.spend(connection, self._now_unix_s())

        await self._door.blocking(spend)
        try:
            person = await provider.finish(ticket.content, dict(request.query_params))
            if ticket.content.session:
                return await self._connect(request, ticket.content.session, person)
            token, account = await self._door.blocking(lambda: self._external(request, person))
        except LogInError as error:
            self._refused(request, error)
            refused = self._show(request, {"next": ticket.content.after}, error)
            set_cookie(request, refused, flow_cookie(self._ground), "", 0)
            return refused
        answer = self._door.in_with(request, token, account, next_of(ticket.content.after))
        set_cookie(request, answer, flow_cookie(self._ground), "", 0)
        return answer

    async def _connect(self, request: Request, session: str, person: Person) -> Response:
        """Give the identity to the account of the session that asked; no other may finish it."""
        me = await self._me(request)
        if me.actor.session != session:
            raise LogInError("another session asked for this: log in, and begin again")
        await self._door.blocking(lambda: own.connect(me, person))
        answer = RedirectResponse(ACCOUNT, 303)
        set_cookie(request, answer, flow_cookie(self._ground), "", 0)
        return answer

    def _external(self, request: Request, person: Person) -> tuple[str, Account]:
        with self._ground.rows.writing() as connection:
            account = self._door.external(connection, person)
            return self._door.come_in(connection, request, account, "oidc"), account

    async def _log_out(self, request: Request) -> Response:
        is_everywhere = (await form(request)).get("everywhere") == "1"
        token = cookie_of(request, self._ground.cookie)
        await self._door.blocking(lambda: self._end(request, token, is_everywhere=is_everywhere))
        answer = RedirectResponse(LOGIN, 303)
        set_cookie(request, answer, self._ground.cookie, "", 0)
        return answer

    def _end(self, request: Request, token: str, *, is_everywhere: bool) -> None:
        with self._ground.rows.writing() as connection:
            found = sessions.find(connection, token, self._ground.terms, self._now_unix_s())
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
        self._door.note(connection, whose, self._door.address_of(request), action)

    def _needed(self) -> Provider:
        if self._provider is None:
            raise LogInError("no OpenID provider is set in the configuration")
        return self._provider
