"""The chat's door: what its entrance does otherwise than others.

accounts of a provider   whoever it vouches for gets one, unless the configuration says no; an
                         address that has an account here is its owner's only after a log-in here,
                         as nobody has proven it yet
administrators           are made by the command line alone
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from penstock.apps.chat import memberships
from penstock.apps.chat.identity import DAY_S, GUEST, Identity, Role
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.who import Who
from penstock.config.chatting import Chat, SignUp
from penstock.core.errors import StoreError
from penstock.identity import accounts, entering
from penstock.identity.accounts import Account, NewAccount
from penstock.identity.entering import Attempt, Begun
from penstock.identity.entrance.door import Blocking, Door, device_cookie
from penstock.identity.errors import LogInError
from penstock.identity.hashing import Caller, Hashing
from penstock.identity.oidc import Person
from penstock.identity.own import Me
from penstock.identity.sessions import Terms
from penstock.telemetry import log
from penstock.web.address import network_of
from penstock.web.cookies import cookie_of
from penstock.wire import clock

LATELY_S: Final = 60.0
BUSY_S: Final = 10.0  # after somebody was told to come again

_Made = TypeVar("_Made")


class ChatDoor(Door):
    """What each page of the entrance works with. Owned by one event loop."""

    templates = "apps/chat"

    def __init__(self, parts: Parts, identity: Identity, blocking: Blocking, who: Who) -> None:
        super().__init__(identity, blocking, who, parts.now_unix_s)
        self.parts = parts
        self.hashes = Hashing(clock.now_s)
        self._address_of = who.address_of
        self._failed: dict[str, tuple[float, str]] = {}
        self.troubles: Callable[[], list[str]] = list  # sentences for the page of the log-in

    async def watched(self, way: str, work: Callable[[], _Made]) -> _Made:
        """Return what work returns; that the database failed this way in is kept for a while."""
        try:
            made: _Made = await self.blocking(work)
        except StoreError as error:
            self._failed[way] = (self.now_unix_s(), error.message)
            raise
        self._failed.pop(way, None)
        return made

    def failed(self, way: str) -> str:
        """Return why a way in failed lately; empty if it did not."""
        at_unix_s, words = self._failed.get(way, (0.0, ""))
        return words if self.now_unix_s() - at_unix_s < LATELY_S else ""

    def is_busy(self) -> bool:
        """Tell whether somebody was told lately to come again, as too many log in by password."""
        return clock.now_s() - self.hashes.refused_s < BUSY_S

    def on(self, to: str) -> Response:
        """Return the answer that sends a browser on."""
        return RedirectResponse(to, 303)

    def is_guest(self, account: Account) -> bool:
        """Tell whether an account is a guest's."""
        return account.role == Role.GUEST.value

    async def check(self, request: Request, attempt: Attempt) -> Account:
        """Return whose password it is; raises LogInError, TooOftenError, BusyError."""
        ground, now_unix_s = self.ground, self.now_unix_s()
        async with self.hashes.place(self._caller(request)):
            begun: Begun = await self.watched(
                "password", lambda: entering.begin(ground.rows, ground.tickets, attempt, now_unix_s)
            )
            fresh = await self.hashes.run(
                lambda: entering.look(ground.hasher, begun, attempt.password)
            )
            found: Account = await self.blocking(
                lambda: entering.finish(ground.rows, begun, fresh, now_unix_s)
            )
            return found

    async def hashing(self, work: Callable[[], _Made], request: Request) -> _Made:
        """Return what work with a password's hash returns; raises BusyError."""
        async with self.hashes.place(self._caller(request)):
            return await self.hashes.run(work)

    def _caller(self, request: Request) -> Caller:
        ticket = cookie_of(request, device_cookie(self.ground))
        account = entering.known_account(self.ground.tickets, ticket, self.now_unix_s())
        return Caller(network_of(self.address_of(request)), account)

    @property
    def chat(self) -> Chat:
        """The configuration of now."""
        return self.parts.config.chat

    def address_of(self, request: Request) -> str:
        """Return the address that a request comes from, also behind trusted proxies."""
        return self._address_of(request)

    def terms_of(self, account: Account) -> Terms:
        """Return how long a session lasts: a guest's a day."""
        return GUEST if account.role == Role.GUEST.value else self.ground.terms

    def account_values(self, me: Me) -> dict[str, object]:
        """Return what the page of an account says beside what all say. Runs in a thread."""
        with self.ground.rows.reading() as connection:
            account = accounts.by_id(connection, me.account)
            member = memberships.of(connection, me.account)
            is_connected = accounts.is_external(connection, me.account)
        is_guest = self.is_guest(account)
        until_unix_s = account.created_unix_s + DAY_S if is_guest else 0.0
        return {
            "is_guest": is_guest,
            "is_connected": is_connected,
            "until_unix_s": until_unix_s,
            "tier": member.tier,
            "oidc_name": self.chat.oidc.name,
            "may_sign_up": self.chat.sign_up is SignUp.OPEN,
        }

    def note(
        self, connection: Connection, account: Account, address: str, action: str, after: Any = None
    ) -> None:
        """Say in the log what was done, without names: accounts have ids."""
        del connection
        log.info("account", account=account.id, address=address, action=action, after=after)

    def more(self, request: Request) -> dict[str, object]:
        """Return what the page of the log-in says beside what all say."""
        chat = self.chat
        return {
            "is_deleted": "deleted" in request.query_params,
            "troubles": self.troubles(),
            "oidc_name": chat.oidc.name,
            "may_sign_up": chat.sign_up is SignUp.OPEN,
            "has_guests": chat.guests,
        }

    def show(self, name: str, status: int = 200, /, **values: object) -> Any:
        """Return a page of the entrance, with the name of the chat."""
        return super().show(name, status, **{"name": self.chat.name, **values})

    def come_in(self, connection: Connection, request: Request, account: Account, how: str) -> str:
        """Begin a session; an account that a link has just made gets its membership first."""
        self._membered(connection, account)
        return super().come_in(connection, request, account, how)

    def create(self, connection: Connection, make: Callable[[Connection], Account]) -> Account:
        """Return a new account with its membership."""
        account = make(connection)
        memberships.begin(connection, account.id, self.now_unix_s())
        return account

    def external(self, connection: Connection, person: Person) -> Account:
        """Return the account of whom a provider vouches for; raises LogInError."""
        now_unix_s = self.now_unix_s()
        found = entering.known_external(connection, person, Role.PERSON.value, now_unix_s)
        if found is not None:
            return found
        if person.email and accounts.by_email(connection, person.email) is not None:
            error = LogInError("this address has an account here already")
            error.remedy = "Log in as before, and connect the identity on the page of your account."
            raise error
        if not self.chat.oidc.makes_accounts:
            raise LogInError("nobody has invited this address")
        made = self.create(connection, lambda one: _made(one, person, now_unix_s))
        accounts.connect(connection, made.id, person.issuer, person.subject, now_unix_s)
        return made

    def _membered(self, connection: Connection, account: Account) -> None:
        """Give a membership to an account that an invitation has just made."""
        if not memberships.of(connection, account.id).person:
            memberships.begin(connection, account.id, self.now_unix_s())


def _made(connection: Connection, person: Person, now_unix_s: float) -> Account:
    role = Role.PERSON.value
    if not person.email:
        return accounts.create_nameless(connection, person.name or "Member", role, now_unix_s)
    new = NewAccount(person.email, person.name, role)
    return accounts.create(connection, new, now_unix_s)
