"""What the console is made of: a table of pages, each with its role and its handler.

handler    a plain function of a View, run in a thread: it may block on the database; it returns
           HTML (``view.page``), or a Response, or raises a PenstockError, which becomes a page
form       of a POST: its fields, the last of each name; bounded
told       what a page has done is told once, on the page that it leads to (``see_other``)
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import RedirectResponse, Response

from penstock.apps.control.call import Call
from penstock.apps.control.console.gateway_now import Gateway
from penstock.apps.control.console.navigation import Group, Item, shown_to
from penstock.apps.control.parts import Parts
from penstock.web import page
from penstock.web.endpoint import WITHIN_S, Actor, Role

TEMPLATES: Final = "apps/control"
TOLD: Final = "penstock_told"  # the cookie's name
TOLD_S: Final = 30
TOLD_MAX: Final = 300


class Shell(msgspec.Struct, frozen=True):
    """What stands around every page."""

    current: str  # the path of the item that is marked
    who: str = ""
    role: str = ""
    groups: tuple[Group, ...] = shown_to(Role.VIEWER)
    account: tuple[Item, ...] = (Item("/account", "Your account"),)
    toasts: tuple[str, ...] = ()
    drill: str = ""  # who has begun the live drill that is on; every page says so


class View(msgspec.Struct, frozen=True):
    """One call of a page."""

    parts: Parts
    actor: Actor
    path: Mapping[str, str]  # what stands in the path's braces
    query: Mapping[str, str]
    form: Mapping[str, str]
    now_unix_s: float
    shell: Shell
    gateway: Gateway
    url: str = "/"  # path and query, as they were asked for

    def page(self, template: str, **values: object) -> str:
        """Return a page of ``apps/control/templates``, which has ``shell`` and ``now_unix_s``."""
        return page.render(
            f"{TEMPLATES}/{template}", shell=self.shell, now_unix_s=self.now_unix_s, **values
        )

    def call(self, body: object = None, query: object = None) -> Call:
        """Return this as a call of the API, so that a page does what an endpoint does."""
        return Call(self.parts, self.actor, self.path, query, body, self.now_unix_s)


Handler = Callable[[View], str | Response]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the console."""

    path: str
    handler: Handler
    method: str = "GET"
    role: Role = Role.VIEWER
    within_s: float = WITHIN_S
    marks: str = ""  # the item of the navigation; empty: the one with its path


def see_other(to: str, told: str = "") -> Response:
    """Return the way to another page after something was done, which is told there once."""
    answer = RedirectResponse(to, 303)
    if told:
        words = quote(told[:TOLD_MAX])
        answer.set_cookie(TOLD, words, max_age=TOLD_S, httponly=True, samesite="strict")
    return answer


def told_of(cookies: Mapping[str, str]) -> tuple[str, ...]:
    """Return what was done just now, if anything was."""
    words = unquote(cookies.get(TOLD, ""))[:TOLD_MAX]
    return (words,) if words else ()
