"""Exports: one conversation as Markdown or JSON; everything of a person as JSON.

Everything can be more than memory should hold: it goes out as a stream, conversation by
conversation, so it is a route of its own and no endpoint of the table.
"""

import enum
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from penstock.apps.chat import memberships
from penstock.apps.chat.call import Call
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.queries import exporting, rows
from penstock.apps.chat.queries.exporting import Exported
from penstock.apps.chat.rates import UPLOADS
from penstock.core.errors import PenstockError
from penstock.web.endpoint import Actor, Endpoint, File, MissingError, Role
from penstock.web.http import PREFIX, Who, needed, refusal

WITHIN_S: Final = 60.0  # of one conversation: fifty thousand messages
EVERYTHING: Final = "penstock-chat.json"

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Kind(enum.Enum):
    """What a file is to be."""

    MARKDOWN = "markdown"
    JSON = "json"


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which file, and whether it has all branches."""

    kind: Kind = Kind.MARKDOWN
    is_whole: bool = False  # the tree; else the branch that is shown


def export(call: Call) -> File:
    """Return a conversation as a file."""
    query: ExportQuery = call.query
    found = _exported(call.parts, call.actor.account, call.path["id"], is_whole=query.is_whole)
    if query.kind is Kind.JSON:
        text = msgspec.json.format(msgspec.json.encode(found), indent=1).decode()
        return File(exporting.file_name(found.conversation, "json"), "application/json", text)
    text = exporting.markdown(found)
    return File(exporting.file_name(found.conversation, "md"), "text/markdown", text)


def route(parts: Parts, who: Who, blocking: Blocking) -> Route:
    """Return the route of everything; it goes before the API's."""

    async def answered(request: Request) -> Response:
        try:
            actor = await who(request)
            if actor.role < Role.VIEWER or not actor.account:
                raise needed(Role.VIEWER, actor)
            parts.rates.charge(UPLOADS, actor.account, actor.address, parts.now_unix_s())
            names = await blocking(lambda: _names(parts, actor.account))
        except PenstockError as error:
            return refusal(error)
        headers = {
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{EVERYTHING}"',
            "x-content-type-options": "nosniff",
        }
        pieces = _everything(parts, actor, names, blocking)
        return StreamingResponse(pieces, headers=headers, media_type="application/json")

    return Route(f"{PREFIX}/export", answered, methods=["GET"])


async def _everything(
    parts: Parts, actor: Actor, names: list[str], blocking: Blocking
) -> AsyncIterator[bytes]:
    head = await blocking(lambda: _head(parts, actor))
    yield head + b',"conversations":['
    comma = b""
    for name in names:
        piece = await blocking(lambda name=name: _piece(parts, actor.account, name))
        if piece:
            yield comma + piece
            comma = b",\n"
    yield b"]}\n"


def _names(parts: Parts, account: str) -> list[str]:
    with parts.store.reading() as connection:
        return exporting.names_of(connection, account)


def _head(parts: Parts, actor: Actor) -> bytes:
    with parts.store.reading() as connection:
        member = memberships.of(connection, actor.account)
    told = {
        "version": exporting.VERSION,
        "name": actor.name,
        "exported_unix_s": parts.now_unix_s(),
        "tier": member.tier,
        "settings": memberships.settings_of(member),
    }
    return msgspec.json.encode(told).removesuffix(b"}")


def _piece(parts: Parts, account: str, name: str) -> bytes:
    try:
        return msgspec.json.encode(_exported(parts, account, name, is_whole=True))
    except MissingError:  # deleted meanwhile
        return b""


def _exported(parts: Parts, account: str, name: str, *, is_whole: bool) -> Exported:
    with parts.store.reading() as connection:
        found = exporting.exported(connection, account, name, is_whole=is_whole)
    whole = list(rows.caught_up(parts, found.messages))
    return msgspec.structs.replace(found, messages=whole)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/conversations/{id}/export",
        summary="Keep a conversation as Markdown or JSON: the shown branch, or the whole tree",
        tag="conversations",
        role=Role.VIEWER,
        handler=export,
        query=ExportQuery,
        answer=File,
        kinds=("text/markdown", "application/json"),
        within_s=WITHIN_S,
        raises=(MissingError,),
    ),
)
