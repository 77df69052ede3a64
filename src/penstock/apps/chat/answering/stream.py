"""GET /api/v1/events: what an account is told, as one stream to each of its browsers.

hello        first, with the number of the last event that there was
after        Last-Event-ID, or ?after=: what was told since is read from the log, then what is told
             now follows; a number that the log does not know, or not any more: ``reset``
now          banners, and the places of answers that wait, as they are
keep-alive   a comment every KEEP_ALIVE_S, so that nothing between takes it for dead
an end       the process ends, the browser does not read (``hub``), or its person has gone out

Who the stream is for is asked again every WHO_S: a log-in may have ended meanwhile.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from penstock import __version__
from penstock.apps.chat.answering.hub import KEEP_ALIVE, Hub, Listener
from penstock.apps.chat.answering.log import READ_MAX, EventLog, frame
from penstock.apps.chat.shapes import Hello, Notices
from penstock.core.errors import CallerError, PenstockError, ShedError
from penstock.web.endpoint import Actor, Role
from penstock.web.http import needed, refusal
from penstock.web.keeping_up import pause
from penstock.wire import clock

PATH: Final = "/api/v1/events"
KEEP_ALIVE_S: Final = 15.0  # common proxies close after 60
WHO_S: Final = 60.0
LOOK_S: Final = 0.1
DIGITS_MAX: Final = 16  # of a number; JavaScript holds no more
HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

Who = Callable[[Request], Awaitable[Actor]]
Greeting = Callable[[str], Iterable[bytes]]  # an account: frames that say how things are now


class Events:
    """The endpoint: an ASGI application."""

    def __init__(self, log: EventLog, who: Who, greeting: Greeting, version: str = "") -> None:
        self._log = log
        self._who = who
        self._greeting = greeting
        self._boot = secrets.token_urlsafe(9)
        self._version = version or __version__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream."""
        request = Request(scope, receive)
        try:
            if request.method != "GET":
                raise CallerError("only GET is served here", status=405, code="method_not_allowed")
            actor = await self._who(request)
            if actor.role < Role.VIEWER:
                raise needed(Role.VIEWER, actor)
            after = _after(request)
            if self._log.hub.is_full:
                raise ShedError("too many browsers listen already", retry_after_s=5.0)
        except PenstockError as error:
            await refusal(error)(scope, receive, send)
            return
        listener = self._log.hub.add(actor.account)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(_until_left(receive, listener))
                await self._serve(listener, request, after, send)
                watching.cancel()
        finally:
            self._log.hub.remove(listener)

    async def _serve(
        self, listener: Listener, request: Request, after: int | None, send: Send
    ) -> None:
        began = self._log.seq  # what comes later lies before the listener already
        hello = Hello(seq=began, boot=self._boot, version=self._version)
        await _send(send, frame("hello", msgspec.json.encode(hello)))
        if after is not None:
            await self._catch_up(listener.account, after, began, send)
        await _send(send, b"".join(self._greeting(listener.account)))
        ask_s = clock.now_s() + WHO_S
        while not listener.is_over:
            await listener.wait()
            await _send(send, listener.take())
            if clock.now_s() >= ask_s:
                ask_s = clock.now_s() + WHO_S
                if not await self._is_still(request, listener):
                    break
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_still(self, request: Request, listener: Listener) -> bool:
        try:
            actor = await self._who(request)
        except PenstockError:
            return True  # our trouble logs nobody out
        return actor.role >= Role.VIEWER and actor.account == listener.account

    async def _catch_up(self, account: str, after: int, up_to: int, send: Send) -> None:
        """Tell what was told behind a number; what has just been told may not be written yet."""
        if not self._log.floor <= after <= up_to:
            await _send(send, frame("reset", b"{}"))
            return
        await self._log.flushed()
        while after < up_to:
            found = await self._log.read(account, after, up_to)
            await _send(send, b"".join(one.frame for one in found))
            if len(found) < READ_MAX:
                return
            after = found[-1].seq


async def keep_alive(hub: Hub) -> None:
    """Give every stream a sign of life, for ever."""
    while True:
        await pause(KEEP_ALIVE_S)
        hub.offer_all(KEEP_ALIVE)


class Ending(Protocol):
    """A server that is told to stop, and says so."""

    should_exit: bool


async def until_ending(server: Ending, hub: Hub) -> None:
    """End all streams once the server is to stop: it would wait for them."""
    while not server.should_exit:
        await pause(LOOK_S)
    hub.close()


def notices_frame(notices: Notices) -> bytes:
    """Return the banners, as they go out."""
    return frame("notices", msgspec.json.encode(notices))


async def _until_left(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()


async def _send(send: Send, told: bytes) -> None:
    if told:
        await send({"type": "http.response.body", "body": told, "more_body": True})


def _after(request: Request) -> int | None:
    """Return behind which number to begin; None: now. Raises CallerError."""
    query = parse_qs(request.scope["query_string"].decode("latin-1"), max_num_fields=10)
    said = request.headers.get("last-event-id") or query.get("after", [""])[-1]
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX):
        raise CallerError("'after' must be the number of an event", param="after")
    return int(said)
