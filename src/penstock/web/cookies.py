"""Cookies of ours: HttpOnly, SameSite=Lax, for the whole site; over TLS Secure.

Over TLS a cookie's name begins with ``__Host-``, so that no other host or port can set it.
"""

from starlette.requests import Request
from starlette.responses import Response

from penstock.web.site import origin_of


def cookie_name(name: str, origin: str) -> str:
    """Return a cookie's name: over TLS one that no other host or port can set."""
    return f"__Host-{name}" if origin.startswith("https:") else name


def cookie_of(request: Request, name: str) -> str:
    """Return what a browser has in a cookie of ours; empty if it has none."""
    return request.cookies.get(cookie_name(name, origin_of(request.scope)), "")


def set_cookie(request: Request, answer: Response, name: str, value: str, lasts_s: int) -> None:
    """Set a cookie of ours; without a value it is removed."""
    origin = origin_of(request.scope)
    answer.set_cookie(
        cookie_name(name, origin),
        value,
        max_age=lasts_s,
        path="/",
        secure=origin.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
