"""How a browser comes in, also with control dead.

    GET  /manage/enter    asks for a token
    POST /manage/enter    takes one: pasted here, or handed over by a form of control's console
    GET  /manage/leave    asks; POST forgets the cookie

origins    a form may come from here, and from control's console as run/control.ready.json and
           [control] hosts say where that is; a token from any other page is not looked at
cookie     HttpOnly, SameSite=Strict, ``__Host-`` over TLS; it ends with its token
often      TRIES a minute from a network, and TRIES_ALL in all
"""

from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.status.manage.view import HOME, TEMPLATES
from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions.rates import Rates
from penstock.apps.status.who import Who, cookie_name
from penstock.config import private_file
from penstock.core.errors import PenstockError, StoreError
from penstock.web import address, page, serving, site
from penstock.web.endpoint import ForbiddenError, InvalidError
from penstock.web.http import fields_of
from penstock.web.site import Site

ENTER: Final = "/manage/enter"
LEAVE: Final = "/manage/leave"
PATHS: Final = (ENTER,)
CONTROL: Final = "console.localhost"  # control's own name, on one machine
FORM_BYTES_MAX: Final = 8192  # a token has some hundreds
FIELDS_MAX: Final = 4
TRIES: Final = 10
TRIES_ALL: Final = 200
SPAN_S: Final = 60.0


class TooOftenError(PenstockError):
    """Somebody tries tokens."""

    status = 429
    code = "too_often"
    remedy = "Wait a minute. The tokens are in the console, and in control.token."


class Ready(msgspec.Struct, frozen=True):
    """What control says of itself."""

    url: str


class Entering:
    """Lets browsers in and out. Owned by one event loop."""

    def __init__(self, parts: Parts, who: Who) -> None:
        self._parts = parts
        self._who = who
        self._tries = Rates(TRIES, SPAN_S)
        self._all = Rates(TRIES_ALL, SPAN_S)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(ENTER, self._asked, methods=["GET"]),
            Route(ENTER, self._entered, methods=["POST"]),
            Route(LEAVE, self._asked_to_leave, methods=["GET"]),
            Route(LEAVE, self._left, methods=["POST"]),
        ]

    async def _asked(self, _: Request) -> Response:
        return serving.page(_page("manage_enter.html", "Take over the status page"))

    async def _entered(self, request: Request) -> Response:
        origin = request.headers.get("origin", "").lower()
        own = site.origin_of(request.scope)
        try:
            self._check_origin(origin, own)
            token = await _token(request)
            client = request.client.host if request.client else ""
            self._check_often(request, client)
            found = self._who.enter(token, client)
        except PenstockError as error:
            html = _page("manage_enter.html", "Take over the status page", error)
            return serving.page(html, error.status)
        if origin == own:
            answer: Response = RedirectResponse(HOME, 303)
        else:
            # The browser sends a strict cookie only if it comes from a page of ours.
            name, role = found.actor.name, found.actor.role.name.lower()
            html = page.render(
                f"{TEMPLATES}/manage_entered.html", title="You are in", name=name, role=role
            )
            answer = serving.page(html)
            answer.headers["refresh"] = f"0;url={HOME}"
        answer.set_cookie(
            cookie_name(own),
            found.value,
            max_age=max(1, int(found.expires_unix_s - self._parts.now_unix_s())),
            path="/",
            httponly=True,
            samesite="strict",
            secure=own.startswith("https:"),
        )
        return answer

    async def _asked_to_leave(self, _: Request) -> Response:
        return serving.page(_page("manage_leave.html", "Log out?"))

    async def _left(self, request: Request) -> Response:
        own = site.origin_of(request.scope)
        answer = RedirectResponse(ENTER, 303)
        answer.delete_cookie(
            cookie_name(own),
            path="/",
            httponly=True,
            samesite="strict",
            secure=own.startswith("https:"),
        )
        return answer

    def _check_origin(self, origin: str, own: str) -> None:
        if origin == own or self._is_controls(origin):
            return
        error = ForbiddenError("this was sent by a page of another site")
        error.remedy = f"Open {own}{ENTER}, and paste the token there."
        raise error

    def _is_controls(self, origin: str) -> bool:
        """Tell whether an origin is the console's."""
        place = urlsplit(origin).netloc
        hosts = self._parts.config.control.hosts
        if place and Site(CONTROL, hosts).origin_of(place, None) == origin and hosts:
            return True
        try:
            raw = private_file.read(self._parts.state_dir / "run" / "control.ready.json")
            ready = urlsplit(msgspec.json.decode(raw, type=Ready).url)
            server = (ready.hostname or "", ready.port)
        except (StoreError, msgspec.MsgspecError, ValueError):
            return False
        return bool(place) and Site(CONTROL, hosts).origin_of(place, server) == origin

    def _check_often(self, request: Request, client: str) -> None:
        trusted = address.networks(self._parts.config.status.trusted_proxies)
        where = address.client_of(client, request.headers.getlist(address.FORWARDED), trusted)
        now_unix_s = self._parts.now_unix_s()
        is_known = self._tries.allows(address.network_of(where), now_unix_s)
        if not is_known or not self._all.allows("", now_unix_s):
            raise TooOftenError("tokens were tried too often")


async def _token(request: Request) -> str:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            raise InvalidError("the form is too large", "token")
    try:
        return fields_of(raw.decode(), FIELDS_MAX).get("token", "").strip()
    except ValueError as error:
        raise InvalidError("the form cannot be read", "token") from error


def _page(template: str, title: str, error: PenstockError | None = None) -> str:
    return page.render(f"{TEMPLATES}/{template}", title=title, error=error)
