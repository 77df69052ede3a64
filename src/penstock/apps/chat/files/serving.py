"""/api/v1/files: bytes come in as a stream, and go out to their owner alone.

POST    the body is the file; it goes to the disk in pieces, so a large one takes no memory.
        ``name`` is what it is called. At most ``UPLOADS_MAX`` come at once, each in ``UPLOAD_S``
GET     images are shown, PDFs are offered to be kept; nothing in them may run (``SAFE``)
DELETE  the file goes, also from a message that has it

These are no endpoints of the table: a Caller's body is JSON, and small.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from penstock.apps.chat.files import keeping
from penstock.apps.chat.files.keeping import Coming, TooLargeError
from penstock.apps.chat.parts import FILES, Parts
from penstock.apps.chat.queries import rows
from penstock.apps.chat.rates import UPLOADS
from penstock.apps.chat.shapes import File
from penstock.core.errors import CallerError, PenstockError, ShedError
from penstock.web.endpoint import Actor, MissingError, Role
from penstock.web.http import PREFIX, Who, json, needed, refusal
from penstock.web.keeping_up import Loop, pause

PIECE_BYTES: Final = 256 * 1024  # written at once
UPLOADS_MAX: Final = 64  # at once; each has a piece in memory
FULL_S: Final = 5.0
UPLOAD_S: Final = 600.0  # 20 MB over a bad line
SWEEP_S: Final = 3600.0
SAFE: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # whoever asks again must still be who it was
}

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class FileDoor:
    """Takes, serves and removes files. Owned by one event loop."""

    def __init__(self, parts: Parts, who: Who, blocking: Blocking) -> None:
        self._parts = parts
        self._who = who
        self._blocking = blocking
        self._coming = 0

    def routes(self) -> list[Route]:
        """Return the routes; they go before the API's."""
        return [
            Route(f"{PREFIX}/files", self._answering(self._take), methods=["POST"]),
            Route(f"{PREFIX}/files/{{id}}", self._answering(self._give), methods=["GET"]),
            Route(f"{PREFIX}/files/{{id}}", self._answering(self._remove), methods=["DELETE"]),
        ]

    def loops(self) -> dict[str, Loop]:
        """Return what goes on for ever, by name."""
        return {"files": self._sweep}

    def _answering(
        self, answer: Callable[[Request, Actor], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                actor = await self._who(request)
                if actor.role < Role.VIEWER or not actor.account:
                    raise needed(Role.VIEWER, actor)
                return await answer(request, actor)
            except PenstockError as error:
                return refusal(error)

        return answered

    async def _take(self, request: Request, actor: Actor) -> Response:
        parts, now_unix_s = self._parts, self._parts.now_unix_s()
        parts.rates.charge(UPLOADS, actor.account, actor.address, now_unix_s)
        if self._coming >= UPLOADS_MAX:
            raise ShedError("too many files are coming at once", retry_after_s=FULL_S)
        chat = parts.config.chat
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > chat.file_bytes_max:
            raise _too_large(chat.file_bytes_max)
        name = keeping.name_of(request.query_params.get("name", ""))
        owner = (actor.account, name, chat.files_account_bytes_max)
        self._coming += 1
        try:
            coming: Coming = await self._blocking(lambda: keeping.begin(parts.state_dir))
            try:
                await self._stream(request, coming, chat.file_bytes_max)
                kept: File = await self._blocking(
                    lambda: keeping.keep(parts.store, coming, owner, now_unix_s)
                )
            finally:
                coming.close()
        finally:
            self._coming -= 1
        return json(kept)

    async def _stream(self, request: Request, coming: Coming, bytes_max: int) -> None:
        try:
            async with asyncio.timeout(UPLOAD_S):
                await self._pieces(request, coming, bytes_max)
        except TimeoutError as error:
            raise CallerError("the file came too slowly", status=408, code="too_slow") from error
        except ClientDisconnect as error:
            raise CallerError("the file did not come whole") from error

    async def _pieces(self, request: Request, coming: Coming, bytes_max: int) -> None:
        piece = bytearray()
        async for chunk in request.stream():
            piece += chunk
            if coming.bytes + len(piece) > bytes_max:
                raise _too_large(bytes_max)
            if len(piece) >= PIECE_BYTES:
                await self._write(coming, bytes(piece))
                piece.clear()
        if piece:
            await self._write(coming, bytes(piece))

    async def _write(self, coming: Coming, piece: bytes) -> None:
        await self._blocking(lambda: coming.write(piece))

    async def _give(self, request: Request, actor: Actor) -> Response:
        name = request.path_params["id"]
        row = await self._blocking(lambda: keeping.own(self._parts.store, actor.account, name))
        tag = f'"{row.sha256}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**SAFE, "etag": tag})
        path = self._parts.state_dir / FILES / row.id
        if not await self._blocking(path.is_file):
            raise MissingError("the bytes of this file are gone")
        shown = "inline" if row.kind.startswith("image/") else "attachment"
        headers = {**SAFE, "etag": tag}
        return FileResponse(
            path,
            headers=headers,
            media_type=row.kind,
            filename=row.name,
            content_disposition_type=shown,
        )

    async def _remove(self, request: Request, actor: Actor) -> Response:
        name = request.path_params["id"]
        await self._blocking(lambda: self._removed(actor.account, name))
        return Response(status_code=204)

    def _removed(self, account: str, name: str) -> None:
        parts = self._parts
        message = keeping.remove(parts.store, parts.state_dir, account, name)
        if not message:
            return
        with parts.store.reading() as connection:
            changed = rows.message(connection, rows.own_message(connection, account, message))
        parts.log.tell(account, "message", changed, message)

    async def _sweep(self) -> None:
        parts = self._parts

        def sweep() -> None:
            keeping.sweep(parts.store, parts.state_dir, parts.now_unix_s())

        while True:
            await self._blocking(sweep)
            await pause(SWEEP_S)


def _too_large(bytes_max: int) -> TooLargeError:
    return TooLargeError(f"a file may have {bytes_max / 1e6:.0f} MB at most")
