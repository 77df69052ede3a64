"""The console on the wire: from a request to a page's view, and back to HTML.

who         as for the API; who has not logged in is sent to the log-in, and back afterwards
forms       at most FORM_BYTES_MAX, as browsers send them by default
errors      a page that says what happened and what to do; the database away: since when
headers     those of ``web.serving``: no script and no style but our files
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.control.console import navigation
from penstock.apps.control.console.gateway_now import Gateway
from penstock.apps.control.console.view import TOLD, Page, Shell, View, told_of
from penstock.apps.control.parts import Parts
from penstock.core.errors import PenstockError, StoreError
from penstock.snapshot import live_drill
from penstock.web import page, serving
from penstock.web.endpoint import Actor, InvalidError, MissingError, Role
from penstock.web.http import Caller, Who, fields_of, needed
from penstock.wire import clock

FORM_BYTES_MAX: Final = 256 * 1024
FIELDS_MAX: Final = 1000
LOGIN: Final = "/login"
HTTP_OK: Final = 200


class Console:
    """Runs pages for requests. Owned by one event loop."""

    def __init__(self, parts: Parts, caller: Caller, who: Who) -> None:
        self._parts = parts
        self._caller = caller
        self._who = who
        self._away_since_unix_s = 0.0  # the database
        self._gateway = Gateway(parts.state_dir, clock.now_s, parts.now_unix_s)

    def routes(self, pages: Sequence[Page]) -> list[Route]:
        """Return the pages and their files as routes."""
        return [*(self._route(one) for one in pages), *serving.static_routes()]

    async def missing(self, request: Request, _: Exception) -> Response:
        """Return the page of an address that is none; who has not logged in learns no more."""
        try:
            actor = await self._who(request)
        except PenstockError:
            actor = Actor()
        error = MissingError(f"there is no page {request.url.path[:100]}")
        if request.method not in {"GET", "HEAD"}:
            error = MissingError("this can only be done by a form of the console")
        if actor.role is Role.NOBODY:
            html = page.render("apps/control/refused.html", title=_title(error), error=error)
            return serving.page(html, error.status)
        groups = navigation.shown_to(actor.role)
        shell = Shell(request.url.path, actor.name, actor.role.name.lower(), groups)
        return self._refusal(shell, error)

    def _route(self, one: Page) -> Route:
        async def answer(request: Request) -> Response:
            shell = Shell(one.marks or one.path)
            try:
                actor = await self._who(request)
                shell = Shell(
                    shell.current,
                    actor.name,
                    actor.role.name.lower(),
                    navigation.shown_to(actor.role),
                    drill=self._drill(),
                )
                if actor.role is Role.NOBODY and one.role is not Role.NOBODY:
                    return _to_login(request)
                if actor.role < one.role:
                    raise needed(one.role, actor)
                told = told_of(request.cookies)
                view = View(
                    self._parts,
                    actor,
                    request.path_params,
                    dict(request.query_params),
                    await _form(request),
                    self._parts.now_unix_s(),
                    msgspec.structs.replace(shell, toasts=told),
                    self._gateway,
                    _path(request),
                )
                found = await self._caller.blocking(lambda: one.handler(view), one.within_s)
            except PenstockError as error:
                return self._refusal(shell, error)
            self._away_since_unix_s = 0.0
            answered = found if isinstance(found, Response) else serving.page(found)
            if told and answered.status_code == HTTP_OK:
                answered.delete_cookie(TOLD)
            return answered

        return Route(one.path, answer, methods=[one.method])

    def _drill(self) -> str:
        """Return who has begun the live drill that is on; empty if none is."""
        try:
            found = live_drill.read(self._parts.state_dir)
        except StoreError:
            return ""  # the gateway refuses it
        is_on = found is not None and self._parts.now_unix_s() < found.ends_unix_s
        return found.by if found is not None and is_on else ""

    def _refusal(self, shell: Shell, error: PenstockError) -> Response:
        """Return an error as a page."""
        now_unix_s = self._parts.now_unix_s()
        is_away = isinstance(error, StoreError)
        if is_away:
            self._away_since_unix_s = self._away_since_unix_s or now_unix_s
        html = page.render(
            "apps/control/refusal.html",
            title="The database does not answer" if is_away else _title(error),
            shell=shell,
            error=error,
            remedy=_remedy(error),
            is_away=is_away,
            since_unix_s=self._away_since_unix_s,
            now_unix_s=now_unix_s,
        )
        return serving.page(html, error.status)


def _title(error: PenstockError) -> str:
    titles = {403: "This is not for your role", 404: "There is no such thing"}
    return titles.get(error.status, "This cannot be done")


def _remedy(error: PenstockError) -> str:
    """Return what to do, as a person at a page can."""
    told = {404: "It may have another name, or be gone. The pages at the left list what there is."}
    return told.get(error.status, error.remedy)


def _to_login(request: Request) -> Response:
    to = _path(request) if request.method == "GET" else "/"
    return RedirectResponse(f"{LOGIN}?next={quote(to)}", 303)


def _path(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


async def _form(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return {}
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            raise InvalidError(f"the form is larger than {FORM_BYTES_MAX} bytes", "form")
    try:
        return fields_of(raw.decode(), FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("the form cannot be read", "form") from error
