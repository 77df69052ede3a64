"""The page: / is a new conversation, /c/ID one that there is. Scripts draw it; its data is in it.

who        nobody is sent to the log-in, and back afterwards
data       Me, the first page of the list and the thread, as the API would answer; what the API
           refuses or does not know is left out, and the page asks for it itself
seq        the last event before the data was read: the page listens from there on
/manifest  what an installed chat is, by the name that this one has
/shell     the page without anybody's data, for who keeps it to open without a network
policy     as all pages, and fonts, manifest, worker of our own, images that were just chosen
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.apps.chat.call import Call
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.site.files import KINDS, Files
from penstock.apps.chat.site.modules import eager
from penstock.core.errors import PenstockError
from penstock.web import page, serving
from penstock.web.endpoint import Actor, Endpoint, Role
from penstock.web.http import Caller, Who

SCRIPT: Final = "app.js"
STYLES: Final = ("chat.css", "reading/reading.css", "extras/extras.css")
MANIFEST: Final = "extras/manifest.webmanifest"
MORE_POLICY: Final = "; font-src 'self'; manifest-src 'self'; worker-src 'self'"
IMAGES: Final = ("img-src 'self' data:", "img-src 'self' data: blob:")
THREAD: Final = "/conversations/{id}"
LOGIN: Final = "/login"


class Shell:
    """Makes the page. Owned by one event loop."""

    def __init__(
        self,
        parts: Parts,
        caller: Caller,
        who: Who,
        endpoints: Sequence[Endpoint],
        files: Files,
    ) -> None:
        self._parts = parts
        self._caller = caller
        self._who = who
        self._gets = {one.path: one for one in endpoints if one.method == "GET"}
        self._files = files
        self._modules = eager(SCRIPT, lambda path: files.by_path[path].body.decode())
        self._named_here = manifest(files.by_path[MANIFEST].body, parts.config.chat.name)
        self._styles = [path for path in STYLES if path in files.by_path]

    def routes(self) -> list[Route]:
        """Return the page and its files as routes."""
        return [
            Route("/", self._page),
            Route("/c/{id}", self._page),
            Route("/shell", self._bare),
            Route("/manifest.webmanifest", self._manifest),
            *self._files.routes(),
        ]

    async def _page(self, request: Request) -> Response:
        try:
            actor = await self._who(request)
            if actor.role is Role.NOBODY or not actor.account:
                return RedirectResponse(f"{LOGIN}?next={request.url.path}", 303)
            found = await self._caller.blocking(lambda: self._data(actor, request.path_params))
        except PenstockError as error:
            name = self._parts.config.chat.name
            values = {"title": "The chat cannot be shown now", "name": name, "error": error}
            return serving.page(page.render("apps/chat/refused.html", **values), error.status)
        return self._sent(found, self._theme(found))

    async def _bare(self, request: Request) -> Response:
        del request
        answer = self._sent({}, "")
        answer.headers["cache-control"] = serving.AFRESH
        return answer

    async def _manifest(self, request: Request) -> Response:
        del request
        headers = {**serving.HEADERS, "cache-control": serving.AFRESH}
        return Response(self._named_here, 200, headers, KINDS[".webmanifest"])

    def _data(self, actor: Actor, path: dict[str, str]) -> dict[str, Any]:
        """Return what the page begins with."""
        found: dict[str, Any] = {"seq": self._parts.log.seq}
        wanted = {"me": "/me", "page": "/conversations"}
        if path:
            wanted["thread"] = THREAD
        for name, at in wanted.items():
            given = self._ask(at, actor, path)
            if given is not None:
                found[name] = given
        return found

    def _ask(self, at: str, actor: Actor, path: dict[str, str]) -> Any:
        endpoint = self._gets.get(at)
        if endpoint is None:
            return None
        now_unix_s = self._parts.now_unix_s()
        call = Call(self._parts, actor, path, endpoint.query(), None, now_unix_s)
        try:
            return endpoint.handler(call)
        except PenstockError:
            return None  # the page asks for it, and says what is wrong

    def _theme(self, found: dict[str, Any]) -> str:
        me = found.get("me")
        return str(me.settings.get("theme", "")) if me is not None else ""

    def _sent(self, found: dict[str, Any], theme: str) -> Response:
        config = self._parts.config
        me = found.get("me")
        html = page.render(
            "apps/chat/chat.html",
            name=config.chat.name,
            at=self._files.address,
            styles=self._styles,
            modules=self._modules,
            data=msgspec.to_builtins({**found, "name": config.chat.name}),
            version=self._files.version,
            theme=theme,
            status_url=me.status_url if me is not None else "",
        )
        answer = serving.page(html)
        answer.headers["content-security-policy"] = policy()
        return answer


def manifest(body: bytes, name: str) -> bytes:
    """Return what an installed chat is, called as it is called here."""
    told = {**msgspec.json.decode(body), "name": name, "short_name": name}
    return msgspec.json.encode(told)


def policy() -> str:
    """Return the policy of the page."""
    return serving.headers()["content-security-policy"].replace(*IMAGES) + MORE_POLICY
