"""What every page is sent with: files that may be kept for ever, and headers that keep pages safe.

/static/HASH/NAME   immutable for a year; another hash than ours: as fresh, not to be kept
policy              scripts, styles, images and forms of our own only, none in the page; SVG is
                    drawn with classes and attributes, dialogs are opened by the script file
a report            carries its style in itself: the policy names that style's hash
"""

import base64
import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from penstock.web import assets

SELF: Final = (
    "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; "
    "connect-src 'self'; form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"
AFRESH: Final = "no-cache"
NEVER: Final = "no-store"


def headers(inlined: str = "", forms_to: str = "") -> dict[str, str]:
    """Return the headers of a page.

    ``inlined`` is the text of its own style, if it carries one; ``forms_to`` another origin that a
    form of it goes to, which is then told where it comes from.
    """
    style = "'self'"
    if inlined:
        told = base64.b64encode(hashlib.sha256(inlined.encode()).digest()).decode()
        style = f"'sha256-{told}'"
    forms = f"'self' {forms_to}" if forms_to else "'self'"
    told = {**HEADERS, "content-security-policy": SELF.format(style=style, forms=forms)}
    if forms_to:
        told["referrer-policy"] = "strict-origin"  # else the Origin that is sent is "null"
    return told


def page(html: str, status: int = 200) -> HTMLResponse:
    """Return a page that nobody may keep."""
    return HTMLResponse(html, status, {**headers(), "cache-control": NEVER})


def report(html: str) -> HTMLResponse:
    """Return a report, which carries its style in itself, made by ``report.html``."""
    return HTMLResponse(html, 200, {**headers(style_of(html)), "cache-control": NEVER})


def style_of(html: str) -> str:
    """Return the style that a page carries in itself; empty if it carries none."""
    return html.partition("<style>")[2].partition("</style>")[0]


def static_routes() -> list[Route]:
    """Return the routes of all files."""
    return [Route(assets.PREFIX + "/{version}/{name}", _file)]


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in assets.names():
        return Response("there is no such file\n", 404, HEADERS, "text/plain")
    is_ours = request.path_params["version"] == assets.version()
    kind = assets.KINDS["." + name.rpartition(".")[2]]
    kept = {"cache-control": FOR_EVER if is_ours else AFRESH}
    return Response(assets.text(name), 200, {**HEADERS, **kept}, kind)
