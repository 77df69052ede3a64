"""The pages behind links that work once: the first owner, an invitation, a new password.

To look at a link changes nothing; mail scanners do. The button uses it up.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.control.entrance.door import Answer, Door, form, show, visitor
from penstock.apps.control.identity import OWNER
from penstock.core.errors import PenstockError
from penstock.identity import accounts, entering, links, passwords
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.errors import AccountError, PasswordError
from penstock.identity.links import Link

ACCOUNT: Final = "/account"


class Kind(msgspec.Struct, frozen=True):
    """One kind of link, in the words of its page."""

    purpose: str
    title: str
    lead: str
    verb: str


KINDS: Final = {
    "first": Kind(
        links.FIRST,
        "Become the first owner",
        "This link works once. Whoever uses it owns this console.",
        "Become the owner",
    ),
    "join": Kind(links.INVITATION, "Join the console", "You were invited.", "Join"),
    "reset": Kind(
        links.RESET, "Set a new password", "Other browsers will be logged out.", "Set the password"
    ),
}


class Arriving:
    """The pages. Owned by one event loop."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._identity = door.identity
        self._now_unix_s = door.parts.now_unix_s

    def routes(self) -> list[Route]:
        """Return the pages."""
        return [
            self._door.route(f"/{name}/{{token}}", self._answer(name, method), method)
            for name in KINDS
            for method in ("GET", "POST")
        ]

    def _answer(self, name: str, method: str) -> Answer:
        kind = KINDS[name]

        async def answer(request: Request) -> Response:
            link = await self._door.blocking(lambda: self._look(request, kind))
            if method == "GET":
                return _show(kind, link, {})
            return await self._use(request, kind, link)

        return answer

    def _look(self, request: Request, kind: Kind) -> Link:
        token = request.path_params["token"]
        with self._identity.rows.reading() as connection:
            return links.look(connection, token, kind.purpose, self._now_unix_s())

    async def _use(self, request: Request, kind: Kind, link: Link) -> Response:
        given = await form(request)
        try:
            token, account = await self._door.blocking(
                lambda: self._done(request, kind, link, given)
            )
        except (PasswordError, AccountError) as error:
            return _show(kind, link, given, error)
        return self._door.in_with(request, token, account, ACCOUNT)

    def _done(
        self, request: Request, kind: Kind, link: Link, given: dict[str, str]
    ) -> tuple[str, Account]:
        email = accounts.as_email(link.email or given.get("email", ""))
        name = accounts.as_name(given.get("name", ""), email)
        password = given.get("password", "")
        passwords.check(password, email, name)
        hashed = self._identity.hasher.hash(password)
        new = NewAccount(email, name, OWNER, hashed)
        with self._identity.rows.writing() as connection:
            account = self._arrive(connection, request, kind, new)
            if kind.purpose == links.RESET:
                accounts.set_password(connection, account.id, hashed)
            token = self._door.come_in(connection, request, account, kind.purpose)
        if kind.purpose == links.FIRST:
            self._identity.first_link.unlink(missing_ok=True)
        return token, account

    def _arrive(
        self, connection: Connection, request: Request, kind: Kind, new: NewAccount
    ) -> Account:
        token = request.path_params["token"]
        now_unix_s = self._now_unix_s()
        if kind.purpose == links.FIRST:
            account = entering.first(connection, token, new, now_unix_s)
        elif kind.purpose == links.INVITATION:
            link = links.use(connection, token, kind.purpose, now_unix_s)
            account = entering.accept(connection, link, new, now_unix_s)
        else:
            account = entering.reset(connection, token, now_unix_s)
        address = visitor(request).address
        self._door.note(connection, account, address, f"use_{kind.purpose}_link")
        return account


def _show(
    kind: Kind, link: Link, given: dict[str, str], error: PenstockError | None = None
) -> Response:
    return show(
        "arriving",
        error.status if error else 200,
        title=kind.title,
        kind=kind,
        link=link,
        given={name: value for name, value in given.items() if name != "password"},
        error=error,
        length_min=passwords.LENGTH_MIN,
    )
