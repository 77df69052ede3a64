"""Over to the status page: a signed token, handed over by a form, so that it outlives control.

/status-page   the token is signed for 12 hours; the button sends it to the status process, which
               checks that it comes from here
"""

from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.responses import HTMLResponse, Response

from penstock.apps.control.alerting import configured
from penstock.apps.control.api import sessions
from penstock.apps.control.console.view import Page, View
from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.web import serving
from penstock.web.site import Site

PATH: Final = "/status-page"
NAME: Final = "status.localhost"  # the status process's own name, on one machine
READY: Final = "status.ready.json"
ENTER: Final = "/manage/enter"


class Ready(msgspec.Struct, frozen=True):
    """What the status process says of itself."""

    url: str


def hand_over(view: View) -> Response:
    """Return the page with the form."""
    origin = _origin(view)
    token = sessions.make_signed_token(view.call()).token if origin and view.actor.account else ""
    html = view.page(
        "status_page.html",
        title="Status page",
        origin=origin,
        action=f"{origin}{ENTER}",
        token=token,
    )
    headers = {**serving.headers(forms_to=origin), "cache-control": serving.NEVER}
    return HTMLResponse(html, 200, headers)


def _origin(view: View) -> str:
    """Return where people reach the status process; empty if it does not run here."""
    status = configured(view.parts.publisher).status
    port = 0
    try:
        raw = private_file.read(view.parts.state_dir / "run" / READY)
        port = urlsplit(msgspec.json.decode(raw, type=Ready).url).port or 0
    except (StoreError, msgspec.MsgspecError, ValueError):
        if not status.hosts:
            return ""
    return Site(NAME, status.hosts, port).origin


PAGES: Final = (Page(path=PATH, handler=hand_over),)
