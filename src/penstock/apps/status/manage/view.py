"""What the operators' pages are made of: a table of pages, each with its role and its handler.

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

from penstock.apps.status.call import Call
from penstock.apps.status.parts import Parts
from penstock.core.errors import PenstockError
from penstock.web import page, serving
from penstock.web.endpoint import WITHIN_S, Actor, Role
from penstock.web.quantities import sentence

TEMPLATES: Final = "apps/status"
HOME: Final = "/manage"
TOLD: Final = "penstock_status_told"  # the cookie's name
TOLD_S: Final = 30
TOLD_MAX: Final = 300
AGAIN: Final = frozenset({409, 422})  # what a person can put right in the form
PLACES: Final = {  # what the API calls it -> the form's field, and its words
    "from_unix_s": ("from", "the begin"),
    "until_unix_s": ("until", "the end"),
    "name": ("name", "the title"),
    "body": ("body", "the text"),
    "text": ("text", "the text"),
}


class Item(msgspec.Struct, frozen=True):
    """One page that one can go to."""

    href: str
    name: str


class Group(msgspec.Struct, frozen=True):
    """Pages that belong together; a name may be empty."""

    name: str
    items: tuple[Item, ...]


NAVIGATION: Final = (
    Group(
        "Status page",
        (
            Item(HOME, "Now"),
            Item("/manage/incidents", "Incidents"),
            Item("/manage/components", "Components"),
            Item("/manage/maintenance", "Maintenance"),
        ),
    ),
    Group(
        "People", (Item("/manage/reports", "Reports"), Item("/manage/subscribers", "Subscribers"))
    ),
    Group("Rules", (Item("/manage/probes", "Probes"), Item("/manage/audit", "Audit"))),
)


class Shell(msgspec.Struct, frozen=True):
    """What stands around every page."""

    current: str  # the path of the item that is marked
    who: str = ""
    role: str = ""
    groups: tuple[Group, ...] = NAVIGATION
    account: tuple[Item, ...] = (Item("/", "Public page"), Item("/manage/leave", "Log out"))
    toasts: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True):
    """One call of a page."""

    parts: Parts
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    now_unix_s: float
    shell: Shell
    error: PenstockError | None = None  # of the form that led here

    @property
    def may_change(self) -> bool:
        """Whether forms are shown."""
        return self.actor.role >= Role.OPERATOR

    def page(self, template: str, **values: object) -> str:
        """Return a page of ``apps/status/templates``."""
        return page.render(
            f"{TEMPLATES}/{template}",
            shell=self.shell,
            now_unix_s=self.now_unix_s,
            refused=refused(self.error),
            form=self.form,
            may_change=self.may_change,
            **values,
        )

    def call(self, body: object = None, query: object = None, **path: str) -> Call:
        """Return this as a call of the API, so that a page does what an endpoint does."""
        return Call(self.parts, self.actor, path or self.path, query, body, self.now_unix_s)


class Refused(msgspec.Struct, frozen=True):
    """Why a form was not taken: in words, and at which field."""

    words: str = ""
    remedy: str = ""
    fields: Mapping[str, str] = {}


Handler = Callable[[View], str | Response]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    path: str
    handler: Handler
    method: str = "GET"
    role: Role = Role.VIEWER
    within_s: float = WITHIN_S
    marks: str = ""  # the item of the navigation; empty: the one with its path


def done(view: View, work: Callable[[], object], to: str, told: str, again: Handler) -> Response:
    """Do what a form asks and go on; what is wrong with it is told on the page it came from."""
    try:
        work()
    except PenstockError as error:
        if error.status not in AGAIN:
            raise
        shown = again(msgspec.structs.replace(view, error=error))
        return shown if isinstance(shown, Response) else serving.page(shown, error.status)
    return see_other(to, told)


def refused(error: PenstockError | None) -> Refused:
    """Return an error in the words of the form."""
    if error is None:
        return Refused()
    param = error.param.removeprefix("body.") if error.param else ""
    field, called = PLACES.get(param, (param, ""))
    words = error.message.removeprefix(f"{param}:").strip()
    if called and words.startswith(param):
        words = called + words.removeprefix(param)
    return Refused(words, error.remedy, {field: sentence(words)} if field else {})


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
