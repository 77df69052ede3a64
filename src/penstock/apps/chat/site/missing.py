"""What is told where no page is: a page for people, a line for programs."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from penstock.web import page, serving
from penstock.web.endpoint import MissingError


class NoPageError(MissingError):
    """Nothing is at this address."""

    remedy = "The address may be misspelt, or what was there is gone."


def missing(name: Callable[[], str]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers for the chat of this name."""

    async def answered(request: Request, error: Exception) -> Response:
        del error
        if "text/html" not in request.headers.get("accept", ""):
            return Response("there is nothing here\n", 404, serving.HEADERS, "text/plain")
        told = NoPageError("there is no such page")
        values = {"title": "There is no such page", "name": name(), "error": told}
        return serving.page(page.render("apps/chat/refused.html", **values), told.status)

    return answered
