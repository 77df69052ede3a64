"""What browsers send to pages: forms and small JSON, bounded; and where to go afterwards.

A form that is refused comes back with what was typed, but for passwords. Where to go (``next``) is
a path of ours, nothing else.
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request

from penstock.web.endpoint import InvalidError
from penstock.web.http import fields_of

FORM_BYTES_MAX: Final = 64 * 1024
FIELDS_MAX: Final = 20
HOME: Final = "/"
NEXT_MAX: Final = 2000  # characters


async def form(request: Request) -> dict[str, str]:
    """Return what a browser sends; raises InvalidError if it is too much."""
    try:
        return fields_of((await _body(request)).decode(), FIELDS_MAX)
    except ValueError as error:
        raise InvalidError("the form cannot be understood", "form") from error


async def json_body(request: Request, kind: Any) -> Any:
    """Return what a script of ours sends; raises InvalidError."""
    try:
        return msgspec.json.decode(await _body(request), type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidError("the body cannot be understood", "body") from error


def next_of(given: str) -> str:
    """Return where to go afterwards: a path of ours, or home."""
    is_path = given.startswith("/") and not given.startswith(("//", "/\\"))
    is_plain = given.isprintable() and "\\" not in given and len(given) <= NEXT_MAX
    return given if is_path and is_plain else HOME


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > FORM_BYTES_MAX:
            raise InvalidError(f"the form is larger than {FORM_BYTES_MAX} bytes", "form")
    return bytes(raw)
