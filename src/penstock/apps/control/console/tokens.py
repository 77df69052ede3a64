"""API tokens: for machines, with a role and an end; shown once, revoked at once.

/tokens               list, and a form to make one by
/tokens               POST makes one and shows it, this once
/tokens/NAME/revoke   asks; POST revokes
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from penstock.apps.control.api import tokens as api
from penstock.apps.control.api.tokens import NewToken
from penstock.apps.control.console import fields
from penstock.apps.control.console.fields import Fields
from penstock.apps.control.console.operators import ROLE_WORDS, SAID_STATUS
from penstock.apps.control.console.view import Handler, Page, View, see_other
from penstock.core.errors import PenstockError
from penstock.identity.tokens import Token
from penstock.web import serving
from penstock.web.endpoint import MissingError, Role
from penstock.web.moments import utc

MARKS: Final = "/tokens"
DAYS: Final = "90"
PLACES: Final = {"body.name": "name", "body.role": "role", "body.expires_days": "expires_days"}


def tokens(view: View) -> str:
    """Return the list."""
    return _list(view, {"role": "viewer", "expires_days": DAYS}, {})


def make(view: View) -> Response:
    """Make a token, and show it."""
    form = Fields(view.form)
    days = form.count("expires_days") or 0
    body = NewToken(form.text("name"), form.text("role"), days)
    try:
        made = api.make_token(view.call(body))
    except PenstockError as error:
        if error.status not in SAID_STATUS:
            raise
        return serving.page(_list(view, dict(view.form), fields.errors_of(error, PLACES)), 422)
    origin = view.parts.identity.site.origin
    html = view.page(
        "shown_once.html",
        title=f"Token {made.entry.name}",
        crumb="API tokens",
        what="token",
        label="The token",
        lead=f"Only its hash is kept. It works until {utc(made.entry.expires_unix_s)}.",
        secret=made.token,
        line=f"curl {origin}/api/v1/status -H 'Authorization: Bearer {made.token}'",
        back=MARKS,
    )
    return serving.page(html, 201)


def ask_to_revoke(view: View) -> str:
    """Return the question before a token is revoked."""
    found = _found(view)
    return view.page(
        "confirm.html",
        title=f"Revoke {found.name}?",
        crumbs=[(MARKS, "API tokens")],
        words=f"Whatever uses token {found.name} ({found.hint}...) is refused at once. "
        "There is no way back: make a new token instead.",
        action=f"{MARKS}/{quote(found.name, safe='')}/revoke",
        verb=f"Revoke {found.name}",
        back=MARKS,
    )


def revoke(view: View) -> Response:
    """Let a token in no more."""
    api.revoke_token(view.call())
    return see_other(MARKS, f"Token {view.path['name']} revoked: it is refused from now on.")


def _found(view: View) -> Token:
    name = view.path["name"]
    found = next((one for one in api.list_tokens(view.call()) if one.name == name), None)
    if found is None:
        raise MissingError(f"there is no token named {name[:64]!r}")
    return found


def _list(view: View, values: dict[str, str], errors: dict[str, str]) -> str:
    return view.page(
        "tokens.html",
        title="API tokens",
        found=api.list_tokens(view.call()),
        roles=ROLE_WORDS,
        values=values,
        errors=errors,
        days_max=api.DAYS_MAX,
    )


def _page(path: str, handler: Handler, method: str = "GET") -> Page:
    return Page(path=path, handler=handler, method=method, role=Role.OWNER, marks=MARKS)


PAGES: Final = (
    _page("/tokens", tokens),
    _page("/tokens", make, "POST"),
    _page("/tokens/{name}/revoke", ask_to_revoke),
    _page("/tokens/{name}/revoke", revoke, "POST"),
)
