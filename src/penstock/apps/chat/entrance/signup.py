"""Making an account: by whoever comes, or by whoever has a link, as the configuration says.

GET  /signup   the form; where nobody may, a page that says so
POST /signup   address, name, password: the account is there, and its person is in;
               whoever was a guest keeps what was said
"""

from typing import Final

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.chat import memberships
from penstock.apps.chat.entrance.door import ChatDoor
from penstock.apps.chat.identity import Role
from penstock.config.chatting import SignUp
from penstock.core.errors import PenstockError
from penstock.identity import accounts, passwords, throttle
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.errors import AccountError, BusyError, PasswordError, TooOftenError
from penstock.identity.throttle import Subject
from penstock.web.address import network_of
from penstock.web.endpoint import ForbiddenError
from penstock.web.forms import form, next_of

HERE: Final = "/signup"
FREE: Final = 40  # accounts an hour from one network, before waits begin: a classroom
WAIT_S_MAX: Final = 900.0
REFUSALS: Final = (PasswordError, AccountError, TooOftenError, BusyError)
CLOSED: Final = {
    SignUp.INVITED: "Accounts are made by invitation: ask whoever runs this for a link.",
    SignUp.CLOSED: "Accounts come from your organisation: log in with it.",
}


class SignUpPage:
    """The pages. Owned by one event loop."""

    def __init__(self, door: ChatDoor) -> None:
        self._door = door

    def routes(self) -> list[Route]:
        """Return the pages."""
        route = self._door.route
        return [route(HERE, self._form), route(HERE, self._make, "POST")]

    async def _form(self, request: Request) -> Response:
        self._allowed()
        return self._show({"next": next_of(request.query_params.get("next", ""))})

    def _allowed(self) -> None:
        how = self._door.chat.sign_up
        if how is not SignUp.OPEN:
            error = ForbiddenError("nobody can sign up here by themselves")
            error.remedy = CLOSED[how]
            raise error

    def _show(self, given: dict[str, str], error: PenstockError | None = None) -> Response:
        return self._door.show(
            "signup",
            error.status if error else 200,
            title="Make an account",
            given={name: value for name, value in given.items() if name != "password"},
            error=error,
            length_min=passwords.LENGTH_MIN,
        )

    async def _make(self, request: Request) -> Response:
        self._allowed()
        given = await form(request)
        to = next_of(given.get("next", ""))
        try:
            account, token = await self._made(request, given)
        except REFUSALS as error:
            return self._show({**given, "next": to}, error)
        return self._door.in_with(request, token, account, to)

    async def _made(self, request: Request, given: dict[str, str]) -> tuple[Account, str]:
        door = self._door
        email = accounts.as_email(given.get("email", ""))
        name = accounts.as_name(given.get("name", ""), email)
        password = given.get("password", "")
        passwords.check(password, email, name)
        await door.blocking(lambda: self._charge(request, email))
        hashed = await door.hashing(lambda: door.ground.hasher.hash(password), request)
        new = NewAccount(email, name, Role.PERSON.value, hashed)
        guest = (await door.who(request)).account

        def make() -> tuple[Account, str]:
            with door.ground.rows.writing(is_durable=True) as connection:
                account = self._settled(connection, guest, new) or door.create(
                    connection, lambda one: self._create(one, new)
                )
                return account, door.come_in(connection, request, account, "sign_up")

        made: tuple[Account, str] = await door.blocking(make)
        return made

    def _settled(self, connection: Connection, guest: str, new: NewAccount) -> Account | None:
        """Return a guest's account that has become a person's; None where nobody is a guest."""
        if not guest or not self._door.is_guest(accounts.by_id(connection, guest)):
            return None
        memberships.settle(connection, guest)
        return accounts.settle(connection, guest, new)

    def _create(self, connection: Connection, new: NewAccount) -> Account:
        return accounts.create(connection, new, self._door.now_unix_s())

    def _charge(self, request: Request, email: str) -> None:
        """Count it for the network; an address that is taken is said before a hash is made."""
        network = network_of(self._door.address_of(request))
        with self._door.ground.rows.writing() as connection:
            subject = Subject(f"sign-up:{network}", FREE, WAIT_S_MAX)
            throttle.charge(connection, (subject,), self._door.now_unix_s())
            if accounts.by_email(connection, email) is not None:
                raise AccountError("this address has an account already")
