"""Operators: who may log in, with which role; invited by a link that is shown once.

    /operators                              list, open invitations, a form to invite by
    /operators                              POST invites, and shows the link, this once
    /operators/ADDRESS                      one: role, whether it may log in, a new password
    /operators/ADDRESS/role                 POST gives another role
    /operators/ADDRESS/disable, .../enable  POST; it can be undone, so nothing is asked
    /operators/ADDRESS/reset-link           POST makes a link and shows it, this once
    /operators/ADDRESS/withdraw             POST takes an open invitation back

For owners. A link never stands in an address of ours: its page is the answer to the form.
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from penstock.apps.control.api import operators as api
from penstock.apps.control.api.operators import (
    NewInvitation,
    OneTimeLink,
    Operator,
    OperatorChange,
)
from penstock.apps.control.console import fields
from penstock.apps.control.console.view import Handler, Page, View, see_other
from penstock.core.errors import PenstockError
from penstock.web import serving
from penstock.web.endpoint import MissingError, Role
from penstock.web.moments import utc

MARKS: Final = "/operators"
ROLE_WORDS: Final = (
    ("viewer", "viewer: sees everything but secrets"),
    ("operator", "operator: changes tenants, keys and prices"),
    ("owner", "owner: changes operators and API tokens too"),
)
PLACES: Final = {"body.email": "email", "body.role": "role"}
SAID_STATUS: Final = (409, 422)  # said beneath the fields, rather than as a page of its own


def operators(view: View) -> str:
    """Return the list."""
    return _list(view, {"role": "viewer"}, {})


def invite(view: View) -> Response:
    """Invite somebody, and show the link."""
    given = dict(view.form)
    body = NewInvitation(
        given.get("email", "").strip(), given.get("role", ""), given.get("name", "").strip()
    )
    try:
        made = api.invite(view.call(body))
    except PenstockError as error:
        if error.status not in SAID_STATUS:
            raise
        return serving.page(_list(view, given, fields.errors_of(error, PLACES)), 422)
    lead = f"Give it to {made.email}. It works once, until {utc(made.expires_unix_s)}."
    return _shown_once(view, made, f"Invitation for {made.email}", lead)


def operator(view: View) -> str:
    """Return one operator."""
    return _one(view, "")


def give_role(view: View) -> Response:
    """Give another role."""
    wanted = OperatorChange(role=view.form.get("role", ""))
    return _changed(view, wanted, f"is {_with_article(wanted.role or '')} from now on.")


def disable(view: View) -> Response:
    """Let an operator in no more."""
    return _changed(view, OperatorChange(is_disabled=True), "is logged out and cannot log in.")


def enable(view: View) -> Response:
    """Let an operator in again."""
    return _changed(view, OperatorChange(is_disabled=False), "may log in again.")


def reset_link(view: View) -> Response:
    """Make a link for a new password, and show it."""
    made = api.make_reset_link(view.call())
    lead = (
        f"Give it to {made.email}. It works once, until {utc(made.expires_unix_s)}; "
        "whoever has it can set the password."
    )
    return _shown_once(view, made, f"New password for {made.email}", lead)


def withdraw(view: View) -> Response:
    """Take an invitation back."""
    api.withdraw(view.call())
    return see_other(MARKS, f"The invitation of {view.path['email']} is taken back.")


def _changed(view: View, wanted: OperatorChange, words: str) -> Response:
    try:
        after = api.change_operator(view.call(wanted))
    except PenstockError as error:
        if error.status not in SAID_STATUS:
            raise
        return serving.page(_one(view, f"{error.message}. {error.remedy}"), error.status)
    return see_other(_href(after.email), f"{after.email} {words}")


def _found(view: View) -> Operator:
    email = view.path["email"].lower()
    found = next((one for one in api.list_operators(view.call()) if one.email == email), None)
    if found is None:
        raise MissingError(f"there is no operator {email[:100]!r}")
    return found


def _one(view: View, error: str) -> str:
    found = _found(view)
    return view.page(
        "operator.html",
        title=found.name or found.email,
        one=found,
        error=error,
        roles=ROLE_WORDS,
        action=_href(found.email),
        is_self=found.email == view.actor.name,
    )


def _list(view: View, values: dict[str, str], errors: dict[str, str]) -> str:
    return view.page(
        "operators.html",
        title="Operators",
        found=api.list_operators(view.call()),
        invitations=api.list_invitations(view.call()),
        roles=ROLE_WORDS,
        values=values,
        errors=errors,
        href=_href,
    )


def _shown_once(view: View, made: OneTimeLink, title: str, lead: str) -> Response:
    html = view.page(
        "shown_once.html",
        title=title,
        crumb="Operators",
        what="link",
        label="The link",
        lead=lead,
        secret=made.url,
        line="",
        back=MARKS,
    )
    return serving.page(html, 201)


def _href(email: str) -> str:
    return f"{MARKS}/{quote(email, safe='@')}"


def _with_article(role: str) -> str:
    return f"a {role}" if role == "viewer" else f"an {role}"


def _page(path: str, handler: Handler, method: str = "GET") -> Page:
    return Page(path=path, handler=handler, method=method, role=Role.OWNER, marks=MARKS)


PAGES: Final = (
    _page("/operators", operators),
    _page("/operators", invite, "POST"),
    _page("/operators/{email}", operator),
    _page("/operators/{email}/role", give_role, "POST"),
    _page("/operators/{email}/disable", disable, "POST"),
    _page("/operators/{email}/enable", enable, "POST"),
    _page("/operators/{email}/reset-link", reset_link, "POST"),
    _page("/operators/{email}/withdraw", withdraw, "POST"),
)
