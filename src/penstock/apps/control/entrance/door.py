"""What the pages of the entrance share: forms, cookies, who comes, and how errors look.

cookies   HttpOnly, SameSite=Lax, for the whole site; over TLS Secure, with a name that no other
          host can set. A session's lasts as long as the session can
next      where to go afterwards: a path of ours, nothing else
forms     bounded; a form that is refused comes back with what was typed, but for passwords
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.control.endpoint import Actor, Call, Change, InvalidError
from penstock.apps.control.http import Caller, Who, fields_of
from penstock.apps.control.identity import COOKIE, DEVICE_COOKIE, Identity, cookie_name
from penstock.apps.control.parts import Parts
from penstock.apps.control.site import origin_of
from penstock.apps.control.who import role_of
from penstock.core.errors import PenstockError
from penstock.identity import accounts, entering, sessions
from penstock.identity.accounts import Account
from penstock.identity.errors import TooOftenError
from penstock.identity.sessions import Visitor
from penstock.web import page, serving

FORM_BYTES_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 20
HOME: Final = "/"
NEXT_MAX: Final = 2000  # characters
Answer = Callable[[Request], Awaitable[Response]]


class Door:
    """What each page works with. Owned by one event loop."""

    def __init__(self, parts: Parts, caller: Caller, who: Who) -> None:
        self.parts = parts
        self.identity: Identity = parts.identity
        self.blocking = caller.blocking
        self.who = who

    def route(self, path: str, answer: Answer, method: str = "GET") -> Route:
        """Return a route whose errors are pages."""

        async def safe(request: Request) -> Response:
            try:
                return await answer(request)
            except PenstockError as error:
                return show("refused", error.status, title="This cannot be done", error=error)

        return Route(path, safe, methods=[method])

    def come_in(self, connection: Connection, request: Request, account: Account, how: str) -> str:
        """Begin a session in place of the one that the browser had; return its token."""
        now_unix_s = self.parts.now_unix_s()
        origin = origin_of(request.scope)
        if old := request.cookies.get(cookie_name(COOKIE, origin), ""):
            sessions.end(connection, old)
        who = visitor(request)
        token = sessions.begin(connection, account.id, who, self.identity.terms, now_unix_s)
        accounts.seen(connection, account.id, now_unix_s)
        self.note(connection, account, who.address, "log_in", {"by": how})
        return token

    def note(
        self, connection: Connection, account: Account, address: str, action: str, after: Any = None
    ) -> None:
        """Write a line of the audit log for an account that acts for itself."""
        actor = Actor(account.email, role_of(account.role), address)
        call = Call(self.parts, actor, {}, None, None, self.parts.now_unix_s())
        call.audit(connection, action, "operator", account.email, Change(None, after))

    def in_with(self, request: Request, token: str, account: Account, to: str) -> Response:
        """Return the answer that lets a browser in."""
        answer = RedirectResponse(to, 303, {"cache-control": serving.NEVER})
        self.set_cookies(request, answer, token, account)
        return answer

    def set_cookies(self, request: Request, answer: Response, token: str, account: Account) -> None:
        """Give a browser its session, and what it is known by later."""
        whole_s = int(self.identity.terms.whole_s)
        set_cookie(request, answer, COOKIE, token, whole_s)
        known = entering.device_ticket(self.identity.tickets, account.id, self.parts.now_unix_s())
        set_cookie(request, answer, DEVICE_COOKIE, known, int(entering.KNOWN_S))


def set_cookie(request: Request, answer: Response, name: str, value: str, lasts_s: int) -> None:
    """Set a cookie of ours; without a value it is removed."""
    origin = origin_of(request.scope)
    answer.set_cookie(
        cookie_name(name, origin),
        value,
        max_age=lasts_s,
        path="/",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def show(name: str, status: int = 200, /, **values: object) -> Response:
    """Return a page of the entrance."""
    answer = serving.page(page.render(f"apps/control/{name}.html", **values), status)
    if isinstance(error := values.get("error"), TooOftenError):
        answer.headers["retry-after"] = str(int(error.retry_after_s) + 1)
    return answer


def visitor(request: Request) -> Visitor:
    """Return where a request comes from."""
    address = request.client.host if request.client else ""
    return Visitor(address, sessions.device_words(request.headers.get("user-agent", "")))


async def form(request: Request) -> dict[str, str]:
    """Return what a browser sends; raises InvalidError if it is too much."""
    try:
        text = (await _body(request)).decode()
        return fields_of(text, FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("the form cannot be understood", "form") from error


async def json_body(request: Request, kind: Any) -> Any:
    """Return what a script of ours sends; raises InvalidError."""
    try:
        return msgspec.json.decode(await _body(request), type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidError("the body cannot be understood", "body") from error


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            raise InvalidError(f"the form is larger than {FORM_BYTES_MAX} bytes", "form")
    return bytes(raw)


def next_of(given: str) -> str:
    """Return where to go afterwards: a path of ours, or home."""
    is_path = given.startswith("/") and not given.startswith(("//", "/\\"))
    is_plain = given.isprintable() and "\\" not in given and len(given) <= NEXT_MAX
    return given if is_path and is_plain else HOME
