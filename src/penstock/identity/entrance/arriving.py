"""The pages behind links that work once: the first owner, an invitation, a new password.

To look at a link changes nothing; mail scanners do. The button uses it up.
"""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.core.errors import PenstockError
from penstock.identity import accounts, entering, links, passwords
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.entrance.door import ACCOUNT, Answer, Door
from penstock.identity.errors import AccountError, BusyError, PasswordError
from penstock.identity.links import Link
from penstock.web.forms import form


class Kind(msgspec.Struct, frozen=True):
    """One kind of link, in the words of its page."""

    purpose: str
    title: str
    lead: str
    verb: str
    role: str = ""  # of whom it makes, where the link names none
    to: str = ACCOUNT  # where its person is afterwards


class Arriving:
    """The pages, by the first part of their paths. Owned by one event loop."""

    def __init__(self, door: Door, kinds: Mapping[str, Kind]) -> None:
        self._door = door
        self._kinds = kinds
        self._rows = door.ground.rows

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            self._door.route(f"/{name}/{{token}}", self._answer(kind, method), method)
            for name, kind in self._kinds.items()
            for method in ("GET", "POST")
        ]

    def _answer(self, kind: Kind, method: str) -> Answer:
        async def answer(request: Request) -> Response:
            link = await self._door.blocking(lambda: self._look(request, kind))
            if method == "GET":
                return self._show(kind, link, {})
            return await self._use(request, kind, link)

        return answer

    def _look(self, request: Request, kind: Kind) -> Link:
        token = request.path_params["token"]
        with self._rows.reading() as connection:
            return links.look(connection, token, kind.purpose, self._door.now_unix_s())

    async def _use(self, request: Request, kind: Kind, link: Link) -> Response:
        given = await form(request)
        try:
            new = await self._new(request, kind, link, given)
            token, account = await self._door.blocking(lambda: self._done(request, kind, new))
        except (PasswordError, AccountError, BusyError) as error:
            return self._show(kind, link, given, error)
        return self._door.in_with(request, token, account, kind.to)

    async def _new(
        self, request: Request, kind: Kind, link: Link, given: dict[str, str]
    ) -> NewAccount:
        """Return who comes; only a link that lets in by itself needs no password."""
        email = accounts.as_email(link.email or given.get("email", ""))
        name = accounts.as_name(given.get("name", ""), email)
        if kind.purpose == links.ENTRY:
            return NewAccount(email, name, kind.role)
        password = given.get("password", "")
        passwords.check(password, email, name)
        hasher = self._door.ground.hasher
        hashed = await self._door.hashing(lambda: hasher.hash(password), request)
        return NewAccount(email, name, kind.role, hashed)

    def _done(self, request: Request, kind: Kind, new: NewAccount) -> tuple[str, Account]:
        with self._rows.writing() as connection:
            account = self._arrive(connection, request, kind, new)
            if kind.purpose == links.RESET:
                accounts.set_password(connection, account.id, new.password_hash)
            token = self._door.come_in(connection, request, account, kind.purpose)
        self._door.arrived(kind.purpose)
        return token, account

    def _arrive(
        self, connection: Connection, request: Request, kind: Kind, new: NewAccount
    ) -> Account:
        token = request.path_params["token"]
        now_unix_s = self._door.now_unix_s()
        if kind.purpose == links.FIRST:
            account = entering.first(connection, token, new, now_unix_s)
        elif kind.purpose == links.INVITATION:
            link = links.use(connection, token, kind.purpose, now_unix_s)
            account = entering.accept(connection, link, new, now_unix_s)
        elif kind.purpose == links.RESET:
            account = entering.reset(connection, token, now_unix_s)
        else:
            account = entering.enter(connection, token, now_unix_s)
        address = self._door.address_of(request)
        self._door.note(connection, account, address, f"use_{kind.purpose}_link")
        return account

    def _show(
        self, kind: Kind, link: Link, given: dict[str, str], error: PenstockError | None = None
    ) -> Response:
        return self._door.show(
            "arriving",
            error.status if error else 200,
            title=kind.title,
            kind=kind,
            link=link,
            given={name: value for name, value in given.items() if name != "password"},
            error=error,
            length_min=passwords.LENGTH_MIN,
        )
