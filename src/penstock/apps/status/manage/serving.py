"""The operators' pages on the wire: from a request to a page's view, and back to HTML.

who        by token or cookie; who is nobody is sent to where one comes in
forms      at most FORM_BYTES_MAX, as browsers send them by default
errors     a page that says what happened and what to do
headers    those of ``web.serving``: no script and no style but our files
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.status.manage.entering import ENTER
from penstock.apps.status.manage.view import TOLD, Page, Shell, View, told_of
from penstock.apps.status.parts import Parts
from penstock.apps.status.who import Who
from penstock.core.errors import PenstockError, StoreError
from penstock.web import page, serving
from penstock.web.endpoint import InvalidError, Role
from penstock.web.http import Caller, fields_of, needed

FORM_BYTES_MAX: Final = 512 * 1024  # a post-mortem
FIELDS_MAX: Final = 1000
HTTP_OK: Final = 200


class Managing:
    """Runs pages for requests. Owned by one event loop."""

    def __init__(self, parts: Parts, caller: Caller, who: Who) -> None:
        self._parts = parts
        self._caller = caller
        self._who = who

    def routes(self, pages: Sequence[Page]) -> list[Route]:
        """Return the pages as routes."""
        return [self._route(one) for one in pages]

    def _route(self, one: Page) -> Route:
        async def answer(request: Request) -> Response:
            shell = Shell(one.marks or one.path)
            try:
                actor = await self._who(request)
                if actor.role is Role.NOBODY:
                    return RedirectResponse(ENTER, 303)
                told = told_of(request.cookies)
                role = actor.role.name.lower()
                shell = Shell(shell.current, actor.name, role, toasts=told)
                if actor.role < one.role:
                    raise needed(one.role, actor)
                view = View(
                    self._parts,
                    actor,
                    request.path_params,
                    dict(request.query_params),
                    await _form(request),
                    self._parts.now_unix_s(),
                    shell,
                )
                found = await self._caller.blocking(lambda: one.handler(view), one.within_s)
            except PenstockError as error:
                return _refusal(shell, error)
            answered = found if isinstance(found, Response) else serving.page(found)
            if told and answered.status_code == HTTP_OK:
                answered.delete_cookie(TOLD)
            return answered

        return Route(one.path, answer, methods=[one.method])


def _refusal(shell: Shell, error: PenstockError) -> Response:
    """Return an error as a page."""
    titles = {403: "This is not for your role", 404: "There is no such thing"}
    title = titles.get(error.status, "This cannot be done")
    if isinstance(error, StoreError):
        title = "The database does not answer"
    shell = msgspec.structs.replace(shell, toasts=())
    html = page.render("apps/status/manage_refusal.html", title=title, shell=shell, error=error)
    return serving.page(html, error.status)


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
