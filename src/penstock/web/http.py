"""An operator API on the wire: from a request to an endpoint's call, and back to JSON.

who        a bearer token, or a session's cookie (``who``); Host and Origin are looked at first
shapes     path, query and body are checked against the endpoint's structs; what is wrong is
           named with its place
threads    handlers may block: a bounded pool runs them, and none is waited for beyond WITHIN_S,
           or what its endpoint says: a month's report reads millions of sums
errors     {"error": {"code", "message", "remedy", "param"}} with the error's status
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.core.errors import (
    CallerError,
    ConfigError,
    PenstockError,
    StoreError,
)
from penstock.web import serving
from penstock.web.endpoint import (
    WITHIN_S,
    Actor,
    BookError,
    Call,
    Endpoint,
    File,
    ForbiddenError,
    InvalidError,
    MissingError,
    NobodyError,
    Role,
)
from penstock.web.openapi import document

PREFIX: Final = "/api/v1"
THREADS: Final = 8
OTHER_THREADS: Final = 2  # for what answers with the database gone
WAITING_MAX: Final = 100  # calls; each waits for at most WITHIN_S
BODY_BYTES_MAX: Final = 4 * 1024 * 1024  # a list of ten thousand keys fits

METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

Who = Callable[[Request], Awaitable[Actor]]


class Parts(Protocol):
    """What the handlers of a surface work with."""

    @property
    def now_unix_s(self) -> Callable[[], float]:
        """The clock."""
        ...


class Caller:
    """Runs endpoints for requests. Owned by one event loop."""

    def __init__(self, parts: Parts, who: Who, call: type[Call[Any]]) -> None:
        self._parts = parts
        self._call = call
        self._who = who
        self._threads = ThreadPoolExecutor(THREADS, "store")
        self._others = ThreadPoolExecutor(OTHER_THREADS, "other")
        self._waiting = 0

    def routes(self, endpoints: Sequence[Endpoint]) -> list[Route]:
        """Return the endpoints as routes: a path knows all of its methods, and refuses others."""
        described = document(endpoints, PREFIX)

        async def openapi(_: Request) -> Response:
            return json(described)

        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        paths = sorted(by_path, key=lambda path: path.count("{"))  # a fixed name goes first
        return [
            Route(f"{PREFIX}/openapi.json", openapi, methods=["GET"]),
            *(self._route(path, by_path[path]) for path in paths),
            Route(PREFIX + "/{path:path}", _missing, methods=METHODS),
        ]

    async def blocking(self, work: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
        """Run what may wait for the database; raises StoreError if that takes too long."""
        return await self._within(self._threads, work, within_s)

    async def _within(
        self, threads: ThreadPoolExecutor, work: Callable[[], Any], within_s: float
    ) -> Any:
        if self._waiting >= WAITING_MAX:
            raise StoreError(f"{WAITING_MAX} calls wait for the database already")
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except TimeoutError as error:
            raise StoreError(f"the database has not answered within {within_s:g} s") from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more work; what hangs is not waited for."""
        for threads in (self._threads, self._others):
            threads.shutdown(wait=False, cancel_futures=True)

    def _route(self, path: str, by_method: dict[str, Endpoint]) -> Route:
        async def answer(request: Request) -> Response:
            endpoint = by_method.get(request.method)
            if endpoint is None:
                return _other_method(request, by_method)
            try:
                return await self._answer(endpoint, request)
            except PenstockError as error:
                return refusal(error)

        return Route(PREFIX + path, answer, methods=METHODS)

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        actor = await self._who(request)
        if actor.role < endpoint.role:
            raise needed(endpoint.role, actor)
        call = self._call(
            parts=self._parts,
            actor=actor,
            path=_path(request),
            query=_query(endpoint, request),
            body=await _body(endpoint, request),
            now_unix_s=self._parts.now_unix_s(),
        )
        threads = self._threads if endpoint.needs_store else self._others
        found = await self._within(threads, lambda: endpoint.handler(call), endpoint.within_s)
        if endpoint.answer is None:
            return Response(status_code=204)
        if isinstance(found, File):
            return file(found)
        return json(found, endpoint.status)


async def _missing(request: Request) -> Response:
    error = MissingError(f"there is no {request.url.path[:200]!r} here")
    error.remedy = f"{PREFIX}/openapi.json says what there is."
    return refusal(error)


def _other_method(request: Request, by_method: dict[str, Endpoint]) -> Response:
    allowed = ", ".join(by_method)
    error = CallerError(
        f"{request.method} is not served here", status=405, code="method_not_allowed"
    )
    error.remedy = f"Use {allowed}."
    answer = refusal(error)
    answer.headers["allow"] = allowed
    return answer


def json(value: Any, status: int = 200) -> Response:
    """Return a value as JSON that nobody may keep."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def file(found: File) -> Response:
    """Return a page as a page, anything else as a file to be kept."""
    if found.kind == "text/html":
        return serving.report(found.text)
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{found.name}"',
        "x-content-type-options": "nosniff",
    }
    return Response(found.text, 200, headers, found.kind)


def refusal(error: PenstockError) -> Response:
    """Return an error in the API's one shape."""
    told: dict[str, Any] = {"code": error.code, "message": error.message, "remedy": error.remedy}
    if error.param:
        told["param"] = error.param
    if isinstance(error, (BookError, ConfigError)):
        told["problems"] = msgspec.to_builtins(error.problems)
    return json({"error": told}, error.status)


def needed(role: Role, actor: Actor) -> PenstockError:
    """Return why an actor may not: it has no name, or not the role."""
    if actor.role is Role.NOBODY:
        return NobodyError("this needs a log-in or an API token")
    return ForbiddenError(f"this needs the role {role.name.lower()}; {actor.name} has less")


def _path(request: Request) -> dict[str, str]:
    """Return what stands in the path; PostgreSQL has no text with a zero byte in it."""
    if any("\x00" in value for value in request.path_params.values()):
        raise MissingError("there is nothing by a name with a zero byte")
    return request.path_params


def _query(endpoint: Endpoint, request: Request) -> Any:
    try:
        return msgspec.convert(dict(request.query_params), endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error, "query") from error


async def _body(endpoint: Endpoint, request: Request) -> Any:
    if endpoint.body is None:
        return None
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_BYTES_MAX:
            raise InvalidError(f"the body is larger than {BODY_BYTES_MAX} bytes", "body")
    try:
        return msgspec.json.decode(bytes(raw), type=endpoint.body)
    except msgspec.MsgspecError as error:
        raise _invalid(error, "body") from error
    except RecursionError as error:
        raise InvalidError("the body is nested too deeply", "body") from error


def fields_of(text: str, fields_max: int) -> dict[str, str]:
    """Return the fields of a form; raises ValueError, also for a zero byte: no database has it."""
    found = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=fields_max))
    if any("\0" in one for pair in found.items() for one in pair):
        raise ValueError("a zero byte")
    return found


def _invalid(error: msgspec.MsgspecError, place: str) -> InvalidError:
    """Return msgspec's words with the place apart."""
    words, _, at = str(error).partition(" - at `$")
    field = at.rstrip("`").lstrip(".")
    return InvalidError(words.replace("`", "'"), f"{place}.{field}" if field else place)
