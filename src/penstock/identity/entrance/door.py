"""What the pages of an entrance share: who comes, what lets a browser in, how errors look.

A surface has a ``Door`` of its own, which says how it differs: where its templates lie, what it
notes of a log-in, whom an identity provider may bring, where passwords are checked.

cookies   of the surface's name: the session's lasts as long as the session can; the device's, by
          which it is known later, a year; the flow's, while somebody is at the provider
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.core.errors import PenstockError
from penstock.identity import accounts, entering, own, sessions
from penstock.identity.accounts import Account
from penstock.identity.entering import Attempt
from penstock.identity.oidc import Client, Person
from penstock.identity.passkeys import Party
from penstock.identity.sessions import Terms, Visitor
from penstock.web import page, serving
from penstock.web.cookies import cookie_of, set_cookie
from penstock.web.endpoint import Actor
from penstock.web.http import Who
from penstock.web.site import origin_of

LOGIN: Final = "/login"
ACCOUNT: Final = "/account"
BACK: Final = "/login/oidc/back"
CONNECT: Final = "/account/oidc"

Answer = Callable[[Request], Awaitable[Response]]
_Made = TypeVar("_Made")


class Blocking(Protocol):
    """Runs what may wait, in a thread."""

    def __call__(self, work: Callable[[], Any], within_s: float = ...) -> Awaitable[Any]:
        """Return what it returns; raises StoreError if that takes too long."""
        ...


class Ground(own.Ground, Protocol):
    """What log-ins of a surface work with. May be shared by threads."""

    client: Client | None  # at the identity provider; none: there is none
    cookie: str  # of a session; those beside it begin so

    def party(self, origin: str) -> Party:
        """Return who asks for passkeys at an origin."""
        ...


class Door(ABC):
    """What each page works with. Owned by one event loop."""

    templates: str  # where the pages of the surface lie: apps/control

    def __init__(
        self, ground: Ground, blocking: Blocking, who: Who, now_unix_s: Callable[[], float]
    ) -> None:
        self.ground = ground
        self.blocking = blocking
        self.who = who
        self.now_unix_s = now_unix_s

    @abstractmethod
    def note(
        self, connection: Connection, account: Account, address: str, action: str, after: Any = None
    ) -> None:
        """Write down what an account does for itself, in the transaction that does it."""

    @abstractmethod
    def external(self, connection: Connection, person: Person) -> Account:
        """Return the account of whom a provider vouches for; raises LogInError."""

    def more(self, request: Request) -> dict[str, object]:
        """Return what the page of the log-in says beside what all say."""
        del request
        return {}

    def account_values(self, me: own.Me) -> dict[str, object]:
        """Return what the page of an account says beside what all say. Runs in a thread."""
        del me
        return {}

    def arrived(self, purpose: str) -> None:
        """Do what is to be done once a link has been used."""
        del purpose

    def address_of(self, request: Request) -> str:
        """Return the address that a request comes from."""
        return request.client.host if request.client else ""

    async def check(self, request: Request, attempt: Attempt) -> Account:
        """Return whose password it is; raises LogInError, TooOftenError."""
        del request
        ground = self.ground
        found: Account = await self.blocking(
            lambda: entering.by_password(
                ground.rows, ground.hasher, ground.tickets, attempt, self.now_unix_s()
            )
        )
        return found

    async def hashing(self, work: Callable[[], _Made], request: Request) -> _Made:
        """Return what work with a password's hash returns; where others are not in its way."""
        del request
        made: _Made = await self.blocking(work)
        return made

    def visitor(self, request: Request) -> Visitor:
        """Return where a request comes from."""
        device = sessions.device_words(request.headers.get("user-agent", ""))
        return Visitor(self.address_of(request), device)

    def attempt(self, request: Request, given: dict[str, str]) -> Attempt:
        """Return what somebody shows at the log-in."""
        return Attempt(
            given.get("email", "")[:320],
            given.get("password", ""),
            self.address_of(request),
            cookie_of(request, device_cookie(self.ground)),
        )

    def me(self, request: Request, actor: Actor) -> own.Me:
        """Return who acts for oneself; notes go where the surface's go."""

        def note(connection: Connection, action: str, after: Any) -> None:
            whose = accounts.by_id(connection, actor.account)
            self.note(connection, whose, self.address_of(request), action, after)

        return own.Me(self.ground, actor, self.now_unix_s(), note)

    def route(self, path: str, answer: Answer, method: str = "GET") -> Route:
        """Return a route whose errors are pages."""

        async def safe(request: Request) -> Response:
            try:
                return await answer(request)
            except PenstockError as error:
                return self.show("refused", error.status, title="This cannot be done", error=error)

        return Route(path, safe, methods=[method])

    def show(self, name: str, status: int = 200, /, **values: object) -> Response:
        """Return a page of the entrance."""
        answer = serving.page(page.render(f"{self.templates}/{name}.html", **values), status)
        error = values.get("error")
        if isinstance(error, PenstockError) and error.retry_after_s > 0.0:
            answer.headers["retry-after"] = str(int(error.retry_after_s) + 1)
        return answer

    def come_in(self, connection: Connection, request: Request, account: Account, how: str) -> str:
        """Begin a session in place of the one that the browser had; return its token."""
        now_unix_s = self.now_unix_s()
        if old := cookie_of(request, self.ground.cookie):
            sessions.end(connection, old)
        who = self.visitor(request)
        token = sessions.begin(connection, account.id, who, self.terms_of(account), now_unix_s)
        accounts.seen(connection, account.id, now_unix_s)
        self.note(connection, account, who.address, "log_in", {"by": how})
        return token

    def terms_of(self, account: Account) -> Terms:
        """Return how long a session of an account lasts."""
        del account
        return self.ground.terms

    def in_with(self, request: Request, token: str, account: Account, to: str) -> Response:
        """Return the answer that lets a browser in."""
        answer = RedirectResponse(to, 303, {"cache-control": serving.NEVER})
        self.set_cookies(request, answer, token, account)
        return answer

    def set_cookies(self, request: Request, answer: Response, token: str, account: Account) -> None:
        """Give a browser its session, and what it is known by later."""
        whole_s = int(self.terms_of(account).whole_s)
        set_cookie(request, answer, self.ground.cookie, token, whole_s)
        known = entering.device_ticket(self.ground.tickets, account.id, self.now_unix_s())
        set_cookie(request, answer, device_cookie(self.ground), known, int(entering.KNOWN_S))

    def party(self, request: Request) -> Party:
        """Return who asks for passkeys where a request came to."""
        return self.ground.party(origin_of(request.scope))

    def to_login(self, after: str = ACCOUNT) -> Response:
        """Return the answer to whoever has to log in first."""
        return RedirectResponse(f"{LOGIN}?next={after}", 303)


def device_cookie(ground: Ground) -> str:
    """Return the name of the cookie by which a browser is known."""
    return f"{ground.cookie}_device"


def flow_cookie(ground: Ground) -> str:
    """Return the name of the cookie that a browser takes to the provider and back."""
    return f"{ground.cookie}_oidc"
